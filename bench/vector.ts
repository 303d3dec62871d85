import { availableParallelism } from 'node:os'
import { MetricKind, exactSearch } from 'usearch'
import { createVectorIndex, searchIndex } from 'troupe/vector'
import type { Hit, VectorIndex } from 'troupe/vector'
import { createCpuPool } from 'troupe/workers'
import type { CpuPool } from 'troupe/workers'
import { best, median, percentile, rounds } from './harness.ts'
import type { Bench } from './harness.ts'

interface Size {
  readonly rows: number
  readonly dimensions: number
}

interface Searching extends Size {
  /** How often each search is measured. */
  readonly searches: number
}

const K = 10
/** Queries of one search: they come together, as those of many agents do. */
const QUERIES = 16
/** Searches of the first queries are repeated by brute force. */
const CHECKED = 2

/** Numbers from −1 to 1, the same in each process. */
function vectorsOf({ rows, dimensions }: Size): Float32Array {
  const vectors = new Float32Array(rows * dimensions)
  let state = 1
  for (let at = 0; at < vectors.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    vectors[at] = state / 2 ** 31
  }
  return vectors
}

const queriesOf = (vectors: Float32Array, { dimensions }: Size): readonly Float32Array[] => Array.from({ length: QUERIES }, (_, query) => vectors.slice(query * 7 * dimensions, (query * 7 + 1) * dimensions))

/** Ids of the k best by dot product, by a loop over all vectors. */
function bruteForce(vectors: Float32Array, query: Float32Array, { rows, dimensions }: Size): readonly number[] {
  const scores = Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let at = 0; at < dimensions; at++) sum += (vectors[row * dimensions + at] as number) * (query[at] as number)
    return { row, sum }
  })
  return scores.toSorted((a, b) => b.sum - a.sum || a.row - b.row).slice(0, K).map(({ row }) => row)
}

async function indexOf(size: Size): Promise<{ readonly index: VectorIndex<number>; readonly queries: readonly Float32Array[]; readonly expected: readonly (readonly number[])[] }> {
  const vectors = vectorsOf(size)
  const queries = queriesOf(vectors, size)
  const expected = queries.slice(0, CHECKED).map(query => bruteForce(vectors, query, size))
  return { index: await createVectorIndex({ dimensions: size.dimensions, vectors }), queries, expected }
}

/** Lateness of timers of 1 ms, one after the other, in milliseconds: how long whatever else is due in the event loop waits. */
function watchLoop(): { stop(): readonly number[] } {
  const delays: number[] = []
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const due = performance.now() + 1
    timer = setTimeout(() => {
      delays.push(Math.max(0, performance.now() - due))
      wait()
    }, 1)
  }
  wait()
  return { stop: () => (clearTimeout(timer), delays) }
}

/** Queries per second on one thread and on all, and how late the event loop is meanwhile. */
async function search({ searches, ...size }: Searching) {
  const { index, queries, expected } = await indexOf(size)
  await using one = createCpuPool({ threads: 1 })
  await using all = createCpuPool()
  const run = async (pool: CpuPool, given: readonly Float32Array[]): Promise<{ readonly perSecond: number; readonly hits: readonly (readonly Hit<number>[])[] }> => {
    const started = performance.now()
    const hits = await searchIndex(index, given, K, { metric: 'dot', pool })
    return { perSecond: (given.length * 1000) / (performance.now() - started), hits }
  }
  const { hits } = await run(all, queries)
  await run(one, queries)
  for (const [query, ids] of expected.entries()) {
    const found = hits[query]?.map(({ id }) => id)
    if (JSON.stringify(found) !== JSON.stringify(ids)) throw new Error(`query ${query} found ${found}, a brute force ${ids}`)
  }
  // They take turns, so that a busy moment of the machine hits both.
  const loop: number[] = []
  const pairs = await rounds(searches, async () => {
    const alone = await run(one, queries)
    const watch = watchLoop()
    const together = await run(all, queries)
    loop.push(...watch.stop())
    return { one: alone.perSecond, all: together.perSecond }
  })
  const single = await rounds(searches, () => run(all, queries.slice(0, 1)))
  return {
    one: best(pairs.map(pair => pair.one)),
    all: best(pairs.map(pair => pair.all)),
    speedup: median(pairs.map(pair => pair.all / pair.one)),
    single: best(single.map(({ perSecond }) => perSecond)),
    loopP50: percentile(loop, 0.5),
    loopP99: percentile(loop, 0.99),
    ids: hits.map(query => query.map(({ id }) => id)),
  }
}

/** The same with the exact search of usearch, on one thread and on all. */
async function usearch({ searches, ...size }: Searching) {
  const vectors = vectorsOf(size)
  const queries = Float32Array.from(queriesOf(vectors, size).flatMap(query => Array.from(query)))
  const run = (threads: number, count: number) => {
    const started = performance.now()
    const { keys } = exactSearch(vectors, queries.slice(0, count * size.dimensions), size.dimensions, K, MetricKind.IP, threads)
    return { perSecond: (count * 1000) / (performance.now() - started), keys }
  }
  const perSecond = async (threads: number, count: number): Promise<number> => best((await rounds(searches, async () => run(threads, count))).map(each => each.perSecond))
  const ids = Array.from(run(0, QUERIES).keys, Number)
  return { one: await perSecond(1, QUERIES), all: await perSecond(availableParallelism(), QUERIES), single: await perSecond(availableParallelism(), 1), ids: Array.from({ length: QUERIES }, (_, query) => ids.slice(query * K, (query + 1) * K)) }
}

export const bench: Bench = {
  name: 'vector',
  question: 'How much faster do all CPUs search vectors than one, and does the event loop keep its turns?',
  sides: { search, usearch },
  async run() {
    return []
  },
}
