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

/** Rows of shards, each with its nearest centroid. */
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
export function assignRows({ shards, centroids, metric }: AssignOrder): Moved<Assignment> {
  const starts = startsOf(shards)
  const rows = starts.at(-1) ?? 0
  const [nearest, best] = [new Uint32Array(rows), new Float64Array(rows).fill(-Infinity)]
  eachScore(new Scorer(sumOf[metric]), shards, centroids, metric, (row, centroid, score) => {
    if (score <= (best[row] as number)) return
    best[row] = score
    nearest[row] = centroid
  })
  const sums = new Float64Array(centroids.length * (shards[0]?.stride ?? 0))
  const counts = new Uint32Array(centroids.length)
  for (const [index, shard] of shards.entries()) {
    const [{ stride }, start, numbers, lengths] = [shard, starts[index] as number, numbersOf(shard), lengthsOf(shard)]
    for (let row = 0; row < shard.rows; row++) {
      const centroid = nearest[start + row] as number
      const scale = metric === 'cosine' ? 1 / (lengths[row] as number) : 1
      const [into, from] = [centroid * stride, row * stride]
      for (let at = 0; at < stride; at++) sums[into + at] = (sums[into + at] as number) + (numbers[from + at] as number) * scale
      counts[centroid] = (counts[centroid] as number) + 1
    }
  }
  const inertia = best.reduce((sum, score) => sum + distanceOf(metric, score), 0)
  return move({ nearest, sums, counts, inertia }, [nearest.buffer, sums.buffer, counts.buffer])
}

/** What is nearer to a cosine of 1 differs from it by rounding alone. */
const COSINE_ROUNDING = 1e-12

function distanceOf(metric: ClusterMetric, score: number): number {
  if (metric === 'l2') return 0 - score
  return score > 1 - COSINE_ROUNDING ? 0 : 1 - score
}

/** Scores of all rows, numbered through all shards, and all queries; those of a row come in the order of the queries. */
function eachScore(scorer: Scorer, shards: readonly Shard[], queries: readonly Float64Array[], metric: Metric, take: (row: number, query: number, score: number) => void): void {
  const queryLengths = queries.map(lengthOf)
  const starts = startsOf(shards)
  for (const [index, shard] of shards.entries()) {
    const [start, lengths] = [starts[index] as number, lengthsOf(shard)]
    for (const { query, start: first, sums } of scorer.blocks(shard, queries, 0, shard.rows)) {
      for (let at = 0, row = first; at < sums.length; at++, row++) take(start + row, query, scoreOf(metric, sums[at] as number, lengths[row] as number, queryLengths[query] as number))
    }
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
  const scorer = new Scorer(sumOf[metric])
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
    eachScore(scorer, shards, [centroid], metric, (other, _, score) => (distances[other] = Math.min(distances[other] as number, distanceOf(metric, score))))
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
