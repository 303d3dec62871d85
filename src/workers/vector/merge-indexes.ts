import { TroupeError } from '../../core/errors.ts'
import { arrangeRows } from './arrange-rows.ts'
import type { ComputeOptions } from './compute.ts'
import { rankIds } from './ids.ts'
import type { Duplicates, VectorId } from './ids.ts'
import { rowIds } from './vector-index.ts'
import type { VectorIndex } from './vector-index.ts'

export interface MergeIndexesOptions<TId extends VectorId, TNew extends VectorId> extends ComputeOptions {
  /** The id in the merged index. Default: the same. */
  rename?(id: TId, index: number): TNew
  /** Which one stays of several vectors with one id: by the order of the indexes. Default `refuse`. */
  readonly duplicates?: Duplicates
}

/**
 * One index with the vectors of several. Throws `vector/invalid` for indexes of different dimensions and for ids that are there twice.
 *
 * @example
 * const all = await mergeIndexes([january, february], { duplicates: 'last', pool: runtime.workers })
 */
export async function mergeIndexes<TId extends VectorId, TNew extends VectorId = TId>(indexes: readonly VectorIndex<TId>[], options: MergeIndexesOptions<TId, TNew> = {}): Promise<VectorIndex<TNew>> {
  const [first] = indexes
  if (!first) throw new TroupeError('vector/invalid', 'there must be an index at least to merge')
  const other = indexes.findIndex(({ dimensions }) => dimensions !== first.dimensions)
  if (other >= 0) throw new TroupeError('vector/invalid', `index ${other} has ${indexes[other]?.dimensions} dimensions, index 0 has ${first.dimensions}: only indexes of the same can be merged`)
  const { rename = (id: TId) => id as VectorId as TNew, duplicates = 'refuse' } = options
  const from = indexes.flatMap(index => index.shards)
  const { ids, rows } = rankIds(indexes.flatMap((index, at) => rowIds(index).map(id => rename(id, at))), duplicates)
  const { shards, zeroRank } = await arrangeRows({ dimensions: first.dimensions, from, rows, ranks: Uint32Array.from(rows, (_, rank) => rank) }, options)
  return { dimensions: first.dimensions, ids, shards, zeroRank, lists: null }
}
