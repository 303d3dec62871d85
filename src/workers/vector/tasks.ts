import type { PromiseActorLogic } from 'xstate'
import type { CpuFunction, CpuInput, CpuOutput } from '../../core/cpu-pool.ts'
import { cpuTask } from '../cpu-task.ts'
import type { CpuTaskOptions } from '../cpu-task.ts'
import type { clusterVectors, mergeHits, searchVectors } from './task-functions.ts'

export type VectorTaskOptions<TFunction extends CpuFunction> = Omit<CpuTaskOptions<TFunction>, 'module' | 'export'>

const taskOf = <TFunction extends CpuFunction>(name: string, options: VectorTaskOptions<TFunction>): PromiseActorLogic<CpuOutput<TFunction>, CpuInput<TFunction>> =>
  cpuTask<TFunction>({ ...options, module: new URL('./task-functions.ts', import.meta.url), export: name } as CpuTaskOptions<TFunction>)

/**
 * A durable task that searches vectors of its input. They are part of the checkpoint: for what is larger, let a `task` of your own call
 * `searchIndex` with `pool: workers` of its scope.
 *
 * @example
 * setup({ actors: { search: searchTask({ timeout: 10_000 }) } }) // input: { dimensions, vectors, ids, queries, k }
 */
export const searchTask = (options: VectorTaskOptions<typeof searchVectors> = {}) => taskOf<typeof searchVectors>('searchVectors', options)

/** A durable task that clusters vectors of its input, as `kMeans` does. */
export const clusterTask = (options: VectorTaskOptions<typeof clusterVectors> = {}) => taskOf<typeof clusterVectors>('clusterVectors', options)

/** A durable task that merges result lists of its input, as `mergeTopK` does. */
export const mergeTask = (options: VectorTaskOptions<typeof mergeHits> = {}) => taskOf<typeof mergeHits>('mergeHits', options)
