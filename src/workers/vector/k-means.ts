import { setImmediate as nextTurn } from 'node:timers/promises'
import { TroupeError } from '../../core/errors.ts'
import { arrangeRows } from './arrange-rows.ts'
import { compute, partsOf } from './compute.ts'
import type { ComputeOptions } from './compute.ts'
import type { VectorId } from './ids.ts'
import type { Assignment, ClusterMetric } from './nearest-centroids.ts'
import { randomOf } from './random.ts'
import type { Shard } from './shard.ts'
import { assignRows, seedCentroids } from './thread-functions.ts'
import { checkWhole, rowIds } from './vector-index.ts'
import type { VectorIndex } from './vector-index.ts'

export interface KMeansOptions extends ComputeOptions {
  /** Clusters wanted; there are fewer where there are fewer different vectors. */
  readonly clusters: number
  /** Default `cosine`. */
  readonly metric?: ClusterMetric | undefined
  /** The same seed gives the same clusters, whatever the number of threads. Default 1. */
  readonly seed?: number | undefined
  /** Rounds at most; it ends when no centroid moves. Default 10. */
  readonly rounds?: number | undefined
}

export interface Clusters<TId extends VectorId> {
  readonly centroids: readonly Float32Array[]
  /** Ids of each cluster. */
  readonly members: readonly (readonly TId[])[]
  /** Sum of the distances of all vectors to their centroids: squared for `l2`, 1 − cosine for `cosine`. */
  readonly inertia: number
  /** Rounds that were needed. */
  readonly rounds: number
}

export const CLUSTERS_MAX = 4_096
/** More vectors than this for each cluster are not needed to find the centroids: a sample of them is. */
const SAMPLE_PER_CLUSTER = 256
/** Parts in which rows are assigned, on however many threads: sums depend on the order in which they are taken. */
const ASSIGN_PARTS = 32

/**
 * Clusters the vectors of an index by k-means from centroids chosen by k-means++. Of more than 256 vectors per cluster a sample finds
 * the centroids. Throws `vector/invalid`.
 *
 * @example
 * const { members } = await kMeans(index, { clusters: 20, metric: 'cosine', pool: runtime.workers })
 */
export async function kMeans<TId extends VectorId>(index: VectorIndex<TId>, options: KMeansOptions): Promise<Clusters<TId>> {
  const { centroids, nearest, inertia, rounds } = await clusterRows(index, options)
  const members = centroids.map((): TId[] => [])
  for (const [row, id] of rowIds(index).entries()) members[nearest[row] as number]?.push(id)
  return { centroids, members, inertia, rounds }
}

/** Clusters the rows as they lie in the shards: `nearest` has the number of the cluster of each. */
export async function clusterRows(index: VectorIndex, options: KMeansOptions) {
  const { centroids, rounds } = await findCentroids(index, options)
  const { nearest, inertia } = await assign(index.shards, centroids, options)
  return { centroids: centroids.map(centroid => Float32Array.from(centroid.subarray(0, index.dimensions))), nearest, inertia, rounds }
}

async function findCentroids(index: VectorIndex, options: KMeansOptions) {
  const { clusters, metric = 'cosine', seed = 1, rounds: most = 10 } = options
  checkWhole('clusters', clusters, CLUSTERS_MAX)
  checkWhole('rounds', most, 1_000)
  if (metric === 'cosine' && index.zeroRank !== null) throw new TroupeError('vector/invalid', `the vector ${JSON.stringify(index.ids[index.zeroRank])} is all zeros and has no cosine: leave it out, or cluster by l2`)
  const shards = await sampleOf(index, clusters * SAMPLE_PER_CLUSTER, options)
  let centroids = await compute(seedCentroids, { shards, clusters, metric, seed }, options)
  for (let round = 1; ; round++) {
    const moved = moveCentroids(centroids, await assign(shards, centroids, options), metric)
    const isStill = moved.every((centroid, cluster) => centroid.every((value, at) => value === centroids[cluster]?.[at]))
    centroids = moved
    if (isStill || round === most) return { centroids, rounds: round }
  }
}

async function assign(shards: readonly Shard[], given: readonly Float64Array[], options: KMeansOptions) {
  const { metric = 'cosine' } = options
  const centroids = share(given)
  const parts = await Promise.all(partsOf(shards, ASSIGN_PARTS).map(part => compute(assignRows, { shards: part, centroids, metric }, options)))
  const sums = new Float64Array(parts[0]?.sums.length ?? 0)
  const counts = new Uint32Array(given.length)
  for (const part of parts) {
    addTo(sums, part.sums)
    addTo(counts, part.counts)
    await nextTurn()
  }
  return { sums, counts, nearest: parts.flatMap(({ nearest }) => Array.from(nearest)), inertia: parts.reduce((sum, { inertia }) => sum + inertia, 0) }
}

function addTo(total: Float64Array | Uint32Array, part: Float64Array | Uint32Array): void {
  for (let at = 0; at < part.length; at++) total[at] = (total[at] as number) + (part[at] as number)
}

/** The same in shared memory: it goes to each part without being copied. */
function share(vectors: readonly Float64Array[]): readonly Float64Array[] {
  const bytes = vectors[0]?.byteLength ?? 0
  const buffer = new SharedArrayBuffer(vectors.length * bytes)
  return vectors.map((vector, index) => {
    const shared = new Float64Array(buffer, index * bytes, vector.length)
    shared.set(vector)
    return shared
  })
}

/** One row of each of so many equal stretches, so that none comes twice; all rows where there are no more. */
async function sampleOf(index: VectorIndex, most: number, options: KMeansOptions): Promise<readonly Shard[]> {
  const { dimensions, shards: from, ids } = index
  if (ids.length <= most) return from
  const random = randomOf(options.seed ?? 1)
  const rows = Uint32Array.from({ length: most }, (_, stretch) => Math.floor(((stretch + random()) * ids.length) / most))
  return (await arrangeRows({ dimensions, from, rows, ranks: rows }, options)).shards
}

/** The mean of the rows of each centroid; one that has none, or whose directions cancel out, stays. */
function moveCentroids(centroids: readonly Float64Array[], { sums, counts }: Pick<Assignment, 'sums' | 'counts'>, metric: ClusterMetric): readonly Float64Array[] {
  return centroids.map((centroid, cluster) => {
    const { length } = centroid
    const count = counts[cluster] as number
    if (count === 0) return centroid
    // In single precision, as the rows of an index are: lists are found by what rows were assigned by.
    const mean = sums.slice(cluster * length, (cluster + 1) * length).map(sum => Math.fround(sum / count))
    return metric === 'cosine' && mean.every(value => value === 0) ? centroid : mean
  })
}
