/** What the inspector's pages know of the runtime: the types of the one table of operations. */
import type { z } from 'zod'
import type { liveStep } from '../core/client/live.ts'
import type { actorInfo, chart, childView, deadLetter, eventView, json, snapshotView, step } from '../core/client/views.ts'

export type { CallOptions, Client, InputOf, OperationName, OutputOf } from '../core/client/client.ts'
export type { ChartState } from '../core/client/views.ts'
export type { CpuPlane, CpuThread } from '../core/cpu-pool.ts'
export type { ErrorInfo } from '../core/errors.ts'
export type { ActorStatus } from '../core/store.ts'

export type ActorInfo = z.output<typeof actorInfo>
export type Chart = z.output<typeof chart>
export type ChartTransition = Chart['transitions'][number]
export type ChildView = z.output<typeof childView>
export type DeadLetter = z.output<typeof deadLetter>
export type EventView = z.output<typeof eventView>
export type Json = z.output<typeof json>
export type LiveStep = z.output<typeof liveStep>
export type Snapshot = z.output<typeof snapshotView>
export type Step = z.output<typeof step>
