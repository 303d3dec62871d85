import { createBank } from './bank.ts'
import { createCrews } from './crews.ts'
import { createErrands } from './errands.ts'
import { createLetters } from './letters.ts'
import { createRegister } from './register.ts'
import { createSagas } from './sagas.ts'
import { createTimers } from './timers.ts'
import { createTrees } from './trees.ts'
import type { Workload, WorkloadParts } from './workload.ts'

const workloads = { bank: createBank, register: createRegister, timers: createTimers, tasks: createErrands, sagas: createSagas, trees: createTrees, crews: createCrews, letters: createLetters }

export type WorkloadName = keyof typeof workloads

export const workloadNames = Object.keys(workloads) as readonly WorkloadName[]

export const isWorkloadName = (text: string): text is WorkloadName => Object.hasOwn(workloads, text)

export const createWorkload = (name: WorkloadName, parts: WorkloadParts): Workload => workloads[name](parts)
