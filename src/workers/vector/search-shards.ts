import { Scorer } from './kernel.ts'
import { lengthOf, scoreOf, sumOf } from './metric.ts'
import type { Metric } from './metric.ts'
import { lengthsOf, ranksOf } from './shard.ts'
import type { Shard } from './shard.ts'
import { TopK } from './top-k.ts'

/** Rows from one to another, and which queries look for their nearest among them. */
interface Span {
  readonly from: number
  readonly to: number
  /** Numbers of the queries; all of them if it does not say. */
  readonly queries?: readonly number[]
}

/** What is to be searched of a shard. */
export interface Portion {
  readonly shard: Shard
  readonly spans: readonly Span[]
}

interface SearchOrder {
  readonly portions: readonly Portion[]
  /** How many portions have been taken. Threads with the same order share it and take one after the other, so that none waits for a slower one. */
  readonly taken: Int32Array<SharedArrayBuffer>
  /** Each of the shards' `stride` numbers. */
  readonly queries: readonly Float64Array[]
  readonly k: number
  readonly metric: Metric
}

/** The best of one query, in order. */
export interface Ranking {
  readonly scores: Float64Array
  readonly ranks: Uint32Array
}

/** The k best of each query in the portions that this thread has taken. */
export function searchShards({ portions, taken, queries, k, metric }: SearchOrder): readonly Ranking[] {
  const tops = queries.map(() => new TopK(k))
  const lengths = queries.map(lengthOf)
  const scorer = new Scorer(sumOf[metric])
  const every = queries.map((_, query) => query)
  for (let portion = portions[Atomics.add(taken, 0, 1)]; portion; portion = portions[Atomics.add(taken, 0, 1)]) {
    const { shard, spans } = portion
    const [rowLengths, ranks] = [lengthsOf(shard), ranksOf(shard)]
    for (const { from, to, queries: chosen = every } of spans) {
      for (const { query: turn, start, sums } of scorer.blocks(shard, chosen.map(query => queries[query] as Float64Array), from, to)) {
        const query = chosen[turn] as number
        const [top, queryLength] = [tops[query] as TopK, lengths[query] as number]
        for (let at = 0, row = start; at < sums.length; at++, row++) {
          const score = scoreOf(metric, sums[at] as number, rowLengths[row] as number, queryLength)
          if (score >= top.floor) top.offer(score, ranks[row] as number)
        }
      }
    }
  }
  return tops.map(({ scores, ranks, size }) => ({ scores: scores.slice(0, size), ranks: ranks.slice(0, size) }))
}
