import { TroupeError } from '../../core/errors.ts'
import { compute, partsFor } from './compute.ts'
import type { ComputeOptions } from './compute.ts'
import type { VectorId } from './ids.ts'
import type { Hit } from './merge-hits.ts'
import type { Metric } from './metric.ts'
import { startsOf, strideOf } from './shard.ts'
import type { Portion, Ranking } from './search-shards.ts'
import { searchShards } from './thread-functions.ts'
import { TopK } from './top-k.ts'
import { checkWhole } from './vector-index.ts'
import type { VectorIndex } from './vector-index.ts'

/** Numbers of one vector. */
export type Vector = Float32Array | readonly number[]

export interface SearchOptions extends ComputeOptions {
  /** Default `cosine`. */
  readonly metric?: Metric | undefined
  /** How many of the nearest lists of an index with lists are searched. Default: all of it, which is exact. */
  readonly probes?: number | undefined
}

/** Hits that one search may give, over all its queries. */
const HITS_MAX = 100_000
const QUERIES_MAX = 1_024

/**
 * The k vectors that are nearest to a query, or to each of several queries: exactly those of a brute force in double precision, best
 * first, equal scores ordered by id. Queries that come together are much cheaper than one by one. Throws `vector/invalid`.
 *
 * @example
 * const hits = await searchIndex(index, query, 10, { metric: 'cosine', pool: runtime.workers, signal })
 */
export function searchIndex<TId extends VectorId>(index: VectorIndex<TId>, query: Vector, k: number, options?: SearchOptions): Promise<Hit<TId>[]>
export function searchIndex<TId extends VectorId>(index: VectorIndex<TId>, queries: readonly Vector[], k: number, options?: SearchOptions): Promise<Hit<TId>[][]>
export async function searchIndex<TId extends VectorId>(index: VectorIndex<TId>, given: Vector | readonly Vector[], k: number, options: SearchOptions = {}): Promise<Hit<TId>[] | Hit<TId>[][]> {
  if (isOne(given)) return (await searchAll(index, [given], k, options))[0] ?? []
  return searchAll(index, given, k, options)
}

const isOne = (given: Vector | readonly Vector[]): given is Vector => given instanceof Float32Array || typeof given[0] === 'number'

async function searchAll<TId extends VectorId>(index: VectorIndex<TId>, vectors: readonly Vector[], k: number, options: SearchOptions): Promise<Hit<TId>[][]> {
  const { metric = 'cosine', probes } = options
  checkWhole('k', k, HITS_MAX)
  if (vectors.length > QUERIES_MAX) throw new TroupeError('vector/invalid', `there are ${vectors.length} queries, at most ${QUERIES_MAX} can be searched at once`)
  const wanted = Math.min(k, index.ids.length)
  if (wanted * vectors.length > HITS_MAX) throw new TroupeError('vector/invalid', `${vectors.length} queries for ${k} hits each are more than ${HITS_MAX} hits: search for fewer at once`)
  const queries = vectors.map((vector, query) => toQuery(index, vector, query, metric))
  if (metric === 'cosine' && index.zeroRank !== null) throw new TroupeError('vector/invalid', `the vector ${JSON.stringify(index.ids[index.zeroRank])} is all zeros and has no cosine: leave it out, or search by dot or l2`)
  if (wanted === 0 || queries.length === 0) return queries.map(() => [])
  const portions = probes === undefined ? wholeOf(index) : await probedOf(index, vectors, probes, options)
  const order = { portions, taken: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), queries, k: wanted, metric }
  const rankings = await Promise.all(partsFor(portions, options).map(() => compute(searchShards, order, options)))
  return queries.map((_, query) => hitsOf(index, rankings.map(part => part[query] as Ranking), wanted))
}

/** A query as the kernel takes it: in double precision, padded to the stride. */
function toQuery({ dimensions }: VectorIndex, vector: Vector, query: number, metric: Metric): Float64Array {
  if (vector.length !== dimensions) throw new TroupeError('vector/invalid', `query ${query} has ${vector.length} numbers, the index has ${dimensions} dimensions`)
  const numbers = new Float64Array(strideOf(dimensions))
  for (const [column, value] of vector.entries()) {
    // As those of the index are, whatever the caller has them in.
    numbers[column] = Math.fround(value)
    if (!Number.isFinite(numbers[column])) throw new TroupeError('vector/invalid', `the number in column ${column} of query ${query} is ${value}, which is no finite number of single precision`, { details: { query, column } })
  }
  if (metric === 'cosine' && numbers.every(value => value === 0)) throw new TroupeError('vector/invalid', `query ${query} is all zeros and has no cosine: search by dot or l2`)
  return numbers
}

const wholeOf = ({ shards }: VectorIndex): readonly Portion[] => shards.map(shard => ({ shard, spans: [{ from: 0, to: shard.rows }] }))

/** The lists that queries probe, each with those queries. */
async function probedOf({ lists, shards }: VectorIndex, vectors: readonly Vector[], probes: number, options: SearchOptions): Promise<readonly Portion[]> {
  if (!lists) throw new TroupeError('vector/invalid', 'probes are for an index with lists: make one with createLists')
  checkWhole('probes', probes, HITS_MAX)
  const probed = await searchIndex(lists.centroids, vectors, probes, { ...options, metric: lists.metric, probes: undefined })
  const queriesOf = Map.groupBy(probed.flatMap((near, query) => near.map(({ id: list }) => ({ list, query }))), ({ list }) => list)
  const starts = startsOf(shards)
  return shards.flatMap((shard, at) => {
    const place = (row: number): number => Math.min(shard.rows, Math.max(0, row - (starts[at] as number)))
    const spans = Array.from(queriesOf, ([list, pairs]) => ({ from: place(lists.starts[list] as number), to: place(lists.starts[list + 1] as number), queries: pairs.map(({ query }) => query) })).filter(({ from, to }) => from < to)
    return spans.length > 0 ? [{ shard, spans }] : []
  })
}

/** The k best of those of all parts, in which each is sorted. */
function hitsOf<TId extends VectorId>({ ids }: VectorIndex<TId>, rankings: readonly Ranking[], k: number): Hit<TId>[] {
  const top = new TopK(k)
  for (const { scores, ranks } of rankings) {
    for (let at = 0; at < scores.length && (scores[at] as number) >= top.floor; at++) top.offer(scores[at] as number, ranks[at] as number)
  }
  return Array.from({ length: top.size }, (_, at) => ({ id: ids[top.ranks[at] as number] as TId, score: top.scores[at] as number }))
}
