import type { CpuPool } from '../../core/cpu-pool.ts'
import { compute } from './compute.ts'
import type { ComputeOptions } from './compute.ts'
import type { VectorId } from './ids.ts'
import type { Hit, MergeTopKOptions } from './merge-hits.ts'
import { mergeHits } from './thread-functions.ts'

/** Merges on threads, which pays for tens of thousands of hits. */
export interface PoolMergeOptions extends MergeTopKOptions, ComputeOptions {
  readonly pool: CpuPool
}

/**
 * The k best of several result lists. The score of an id is the sum over the lists of weight × normalised score; a list without it adds
 * nothing, and within one list its best score counts. Equal scores are ordered by id. Throws `vector/invalid`.
 *
 * @example
 * const hits = mergeTopK([near, keywords], { k: 10, weights: [0.7, 0.3] })
 */
export function mergeTopK<TId extends VectorId>(lists: readonly (readonly Hit<TId>[])[], options: PoolMergeOptions): Promise<Hit<TId>[]>
export function mergeTopK<TId extends VectorId>(lists: readonly (readonly Hit<TId>[])[], options: MergeTopKOptions): Hit<TId>[]
export function mergeTopK<TId extends VectorId>(lists: readonly (readonly Hit<TId>[])[], options: MergeTopKOptions & ComputeOptions): Hit<TId>[] | Promise<Hit<TId>[]> {
  const { k, weights, normalise, pool } = options
  const input = { lists, k, weights, normalise }
  return pool ? (compute(mergeHits, input, options) as Promise<Hit<TId>[]>) : (mergeHits(input) as Hit<TId>[])
}
