import type { CpuScope } from '../core/cpu-pool.ts'
import type { ErrorInfo } from '../core/errors.ts'
import type { Pin } from './affinity.ts'

/** What each thread of a plane is started with. */
export interface ThreadSetup {
  /** A place for each thread that may live, shared by all: the id of the thread that has it, or 0. */
  readonly places: Int32Array<SharedArrayBuffer>
  readonly cpus: readonly number[]
  /** Why there are no CPUs to pin to. */
  readonly reason: string | null
}

/** A call as a thread gets it. */
export interface Order extends Pick<CpuScope, 'attempt' | 'idempotencyKey' | 'checkpoint'> {
  readonly id: number
  readonly module: string
  readonly export: string
  readonly input: unknown
}

/** How a call ended, when its thread lives to tell. Errors travel as data: a clone of one loses its code. */
export interface Ending {
  readonly outcome: { readonly ok: true; readonly output: unknown } | { readonly ok: false; readonly error: ErrorInfo }
  /** When the function began, on the clock that all threads share. */
  readonly beganAt: number
  readonly ranMs: number
}

/** What a thread says of itself once it has begun. */
export interface ThreadReport extends Pin {
  readonly kind: 'begun'
  readonly thread: number
  readonly tid: number | null
}

/** What a thread says unasked. */
export type ThreadMessage =
  | ThreadReport
  | { readonly kind: 'heartbeat'; readonly id: number; readonly details: unknown }
  | { readonly kind: 'progress'; readonly id: number; readonly data: unknown }

/** Milliseconds of the one monotonic clock of the system: `performance.now()` begins anew in each thread. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6
