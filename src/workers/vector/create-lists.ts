import { arrangeRows } from './arrange-rows.ts'
import type { VectorId } from './ids.ts'
import { CLUSTERS_MAX, clusterRows } from './k-means.ts'
import type { KMeansOptions } from './k-means.ts'
import { createVectorIndex, rowRanks } from './vector-index.ts'
import type { VectorIndex } from './vector-index.ts'

export interface ListsOptions extends Omit<KMeansOptions, 'clusters'> {
  /** Lists wanted. Default: the square root of the number of vectors, at most 4,096. */
  readonly lists?: number | undefined
}

/**
 * The same index with its vectors in lists of near ones (IVF), found by k-means: a search with `probes` looks into so many lists alone,
 * which is faster and may miss some. Throws `vector/invalid`.
 *
 * @example
 * const listed = await createLists(index, { pool })
 * const hits = await searchIndex(listed, query, 10, { probes: 16, pool })
 */
export async function createLists<TId extends VectorId>(index: VectorIndex<TId>, options: ListsOptions = {}): Promise<VectorIndex<TId>> {
  const { dimensions, ids, shards: from } = index
  if (ids.length === 0) return index
  const { lists = Math.min(CLUSTERS_MAX, Math.ceil(Math.sqrt(ids.length))), metric = 'cosine', pool, plane, signal } = options
  const { centroids, nearest } = await clusterRows(index, { ...options, clusters: lists })
  const rowsOf = centroids.map((): number[] => [])
  for (const [row, list] of nearest.entries()) rowsOf[list]?.push(row)
  const rows = Uint32Array.from(rowsOf.flat())
  const ranks = rowRanks(index)
  const arranged = await arrangeRows({ dimensions, from, rows, ranks: rows.map(row => ranks[row] as number) }, options)
  const starts = [0]
  for (const own of rowsOf) starts.push((starts.at(-1) ?? 0) + own.length)
  const vectors = Float32Array.from(centroids.flatMap(centroid => Array.from(centroid)))
  return { dimensions, ids, ...arranged, lists: { starts, metric, centroids: await createVectorIndex({ dimensions, vectors, pool, plane, signal }) } }
}
