import { move } from '../../core/cpu-pool.ts'
import type { Moved } from '../../core/cpu-pool.ts'
import { Scorer } from './kernel.ts'
import { lengthOf, scoreOf, sumOf } from './metric.ts'
import type { Metric } from './metric.ts'
import { randomOf } from './random.ts'
import { lengthsOf, numbersOf, startsOf } from './shard.ts'
import type { Shard } from './shard.ts'

/** What rows can be clustered by. */
export type ClusterMetric = Exclude<Metric, 'dot'>

/** Rows of one shard, each with its nearest centroid. */
export interface Assignment {
  readonly nearest: Uint32Array<ArrayBuffer>
  /** For each centroid the sum of its rows; for `cosine` of their directions. */
  readonly sums: Float64Array<ArrayBuffer>
  /** For each centroid the number of its rows. */
  readonly counts: Uint32Array<ArrayBuffer>
  /** Sum of the distances of all rows to their centroids: squared for `l2`, 1 − cosine for `cosine`. */
  readonly inertia: number
}

interface AssignOrder {
  readonly shards: readonly Shard[]
  readonly centroids: readonly Float64Array[]
  readonly metric: ClusterMetric
}

/** Finds the nearest centroid of each row, of equally near ones the first. */
export function assignRows({ shards, centroids, metric }: AssignOrder): Moved<readonly Assignment[]> {
  const assignments = shards.map(shard => assignShard(shard, centroids, metric))
  return move(assignments, assignments.flatMap(({ nearest, sums, counts }) => [nearest.buffer, sums.buffer, counts.buffer]))
}

function assignShard(shard: Shard, centroids: readonly Float64Array[], metric: ClusterMetric): Assignment {
  const { rows, stride } = shard
  const [nearest, best] = [new Uint32Array(rows), new Float64Array(rows).fill(-Infinity)]
  eachScore(shard, centroids, metric, (row, centroid, score) => {
    if (score <= (best[row] as number)) return
    best[row] = score
    nearest[row] = centroid
  })
  const [sums, numbers, lengths] = [new Float64Array(centroids.length * stride), numbersOf(shard), lengthsOf(shard)]
  const counts = new Uint32Array(centroids.length)
  let inertia = 0
  for (let row = 0; row < rows; row++) {
    const scale = metric === 'cosine' ? 1 / (lengths[row] as number) : 1
    const [into, from] = [(nearest[row] as number) * stride, row * stride]
    for (let at = 0; at < stride; at++) sums[into + at] = (sums[into + at] as number) + (numbers[from + at] as number) * scale
    counts[nearest[row] as number] = (counts[nearest[row] as number] as number) + 1
    inertia += distanceOf(metric, best[row] as number)
  }
  return { nearest, sums, counts, inertia }
}

/** What is nearer to a cosine of 1 differs from it by rounding alone. */
const COSINE_ROUNDING = 1e-12

function distanceOf(metric: ClusterMetric, score: number): number {
  if (metric === 'l2') return 0 - score
  return score > 1 - COSINE_ROUNDING ? 0 : 1 - score
}

function eachScore(shard: Shard, queries: readonly Float64Array[], metric: Metric, take: (row: number, query: number, score: number) => void): void {
  const lengths = lengthsOf(shard)
  const queryLengths = queries.map(lengthOf)
  for (const { query, start, sums } of new Scorer(sumOf[metric], shard.memory, shard.stride).blocks(queries, 0, shard.rows)) {
    for (let at = 0, row = start; at < sums.length; at++, row++) take(row, query, scoreOf(metric, sums[at] as number, lengths[row] as number, queryLengths[query] as number))
  }
}

interface SeedOrder {
  readonly shards: readonly Shard[]
  readonly clusters: number
  readonly metric: ClusterMetric
  readonly seed: number
}

/**
 * Chooses rows as first centroids by k-means++ (Arthur and Vassilvitskii 2007): each with a chance that grows with its distance to those
 * chosen before. Gives fewer than asked for where there are fewer different rows.
 */
export function seedCentroids({ shards, clusters, metric, seed }: SeedOrder): readonly Float64Array[] {
  const starts = startsOf(shards)
  const rows = starts.at(-1) ?? 0
  const random = randomOf(seed)
  const distances = new Float64Array(rows).fill(1)
  const centroids: Float64Array[] = []
  let total = rows
  while (centroids.length < clusters && total > 0) {
    const row = pick(distances, total * random())
    const shard = starts.findLastIndex(start => start <= row)
    const { stride } = shards[shard] as Shard
    const at = (row - (starts[shard] as number)) * stride
    const centroid = Float64Array.from(numbersOf(shards[shard] as Shard).subarray(at, at + stride))
    // The first distances are no distances: each row has the same chance.
    if (centroids.length === 0) distances.fill(Infinity)
    centroids.push(centroid)
    for (const [index, each] of shards.entries()) {
      const start = starts[index] as number
      eachScore(each, [centroid], metric, (own, _, score) => (distances[start + own] = Math.min(distances[start + own] as number, distanceOf(metric, score))))
    }
    total = distances.reduce((sum, distance) => sum + distance, 0)
  }
  return centroids
}

/** The row at this place of the way through all distances. */
function pick(distances: Float64Array, place: number): number {
  let passed = 0
  for (const [row, distance] of distances.entries()) {
    passed += distance
    if (passed > place && distance > 0) return row
  }
  return distances.findLastIndex(distance => distance > 0)
}
