import { Scorer } from './kernel.ts'
import { lengthOf, scoreOf, sumOf } from './metric.ts'
import type { Metric } from './metric.ts'
import { lengthsOf, ranksOf } from './shard.ts'
import type { Shard } from './shard.ts'
import { TopK } from './top-k.ts'

/** Rows of one shard, and which queries look for their nearest among them. */
export interface Span {
  readonly shard: Shard
  readonly from: number
  readonly to: number
  /** Numbers of queries; all of them if it does not say. */
  readonly queries?: readonly number[]
}

interface SearchOrder {
  /** Those of one shard follow each other. */
  readonly spans: readonly Span[]
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

/** The k best of each query. */
export function searchShards({ spans, queries, k, metric }: SearchOrder): readonly Ranking[] {
  const tops = queries.map(() => new TopK(k))
  const lengths = queries.map(lengthOf)
  const every = queries.map((_, query) => query)
  let last: { readonly shard: Shard; readonly scorer: Scorer } | undefined
  for (const { shard, from, to, queries: chosen = every } of spans) {
    if (last?.shard !== shard) last = { shard, scorer: new Scorer(sumOf[metric], shard.memory, shard.stride) }
    const [rowLengths, ranks] = [lengthsOf(shard), ranksOf(shard)]
    for (const { query: turn, start, sums } of last.scorer.blocks(chosen.map(query => queries[query] as Float64Array), from, to)) {
      const query = chosen[turn] as number
      const [top, queryLength] = [tops[query] as TopK, lengths[query] as number]
      for (let at = 0, row = start; at < sums.length; at++, row++) {
        const score = scoreOf(metric, sums[at] as number, rowLengths[row] as number, queryLength)
        if (score >= top.floor) top.offer(score, ranks[row] as number)
      }
    }
  }
  return tops.map(({ scores, ranks, size }) => ({ scores: scores.slice(0, size), ranks: ranks.slice(0, size) }))
}
