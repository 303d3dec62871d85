import { availableParallelism } from 'node:os'
import { MetricKind, exactSearch } from 'usearch'
import { createVectorIndex, searchIndex } from 'troupe/vector'
import type { Hit, VectorIndex } from 'troupe/vector'
import { createCpuPool } from 'troupe/workers'
import type { CpuPool } from 'troupe/workers'
import { best, percentile, rounds, watchLateness } from './harness.ts'
import type { Bench, Figure } from './harness.ts'

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
/** So many queries are repeated by brute force. */
const CHECKED = 2
const IDLE_MS = 100

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
  let nearest: { readonly row: number; readonly sum: number }[] = []
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let at = 0; at < dimensions; at++) sum += (vectors[row * dimensions + at] as number) * (query[at] as number)
    if (nearest.length === K && sum <= (nearest.at(-1)?.sum ?? 0)) continue
    nearest = [...nearest, { row, sum }].toSorted((a, b) => b.sum - a.sum).slice(0, K)
  }
  return nearest.map(({ row }) => row)
}

async function indexOf(size: Size): Promise<{ readonly index: VectorIndex<number>; readonly queries: readonly Float32Array[]; readonly expected: readonly (readonly number[])[] }> {
  const vectors = vectorsOf(size)
  const queries = queriesOf(vectors, size)
  const expected = queries.slice(0, CHECKED).map(query => bruteForce(vectors, query, size))
  return { index: await createVectorIndex({ dimensions: size.dimensions, vectors }), queries, expected }
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
    if (JSON.stringify(found) !== JSON.stringify(ids)) throw new Error(`query ${query} found ${JSON.stringify(found)}, a brute force ${JSON.stringify(ids)}`)
  }
  // They take turns, so that a busy moment of the machine hits all of them.
  const [busy, idle]: [number[], number[]] = [[], []]
  const pairs = await rounds(searches, async () => {
    const alone = await run(one, queries)
    const whileBusy = watchLateness()
    const together = await run(all, queries)
    busy.push(...whileBusy())
    const whileIdle = watchLateness()
    await new Promise(resolve => setTimeout(resolve, IDLE_MS))
    idle.push(...whileIdle())
    return { one: alone.perSecond, all: together.perSecond }
  })
  const single = await rounds(searches, () => run(all, queries.slice(0, 1)))
  return {
    one: best(pairs.map(pair => pair.one)),
    all: best(pairs.map(pair => pair.all)),
    single: best(single.map(({ perSecond }) => perSecond)),
    busyP50: percentile(busy, 0.5),
    busyP99: percentile(busy, 0.99),
    idleP99: percentile(idle, 0.99),
    rssMb: process.resourceUsage().maxRSS / 1024,
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

const namesOf = ({ rows, dimensions }: Size): string => `Of${rows >= 1e6 ? `${rows / 1e6}M` : `${rows / 1e3}k`}x${dimensions}`

/** Share of the ids that both have found: usearch sums in single precision, so nearly equal scores may change places. */
function sharedBy(ours: readonly (readonly number[])[], theirs: readonly (readonly number[])[]): number {
  const shared = ours.flatMap((ids, query) => ids.filter(id => theirs[query]?.includes(id)))
  return shared.length / ours.flat().length
}

export const bench: Bench = {
  name: 'vector',
  question: 'How much faster do all CPUs search vectors than one, and does the event loop keep its turns meanwhile?',
  sides: { search, usearch },
  async run(lab) {
    const sizes: readonly Searching[] = lab.quick ? [{ rows: 20_000, dimensions: 384, searches: 5 }] : [{ rows: 100_000, dimensions: 384, searches: 40 }, { rows: 1_000_000, dimensions: 128, searches: 15 }]
    const figures: Figure[] = []
    for (const size of sizes) {
      lab.say(`${size.rows} vectors of ${size.dimensions} numbers, ${QUERIES} queries at once`)
      const ours = await lab.measure(search, size)
      const theirs = await lab.measure(usearch, size)
      const of = namesOf(size)
      figures.push(
        { figure: `speedup${of}`, value: ours.all / ours.one, unit: 'x', atLeast: 0.8 * availableParallelism() },
        { figure: `loopDelayP50Ms${of}`, value: ours.busyP50, unit: 'ms' },
        { figure: `loopDelayP99Ms${of}`, value: ours.busyP99, unit: 'ms', atMost: 5 },
        { figure: `loopDelayIdleP99Ms${of}`, value: ours.idleP99, unit: 'ms' },
        { figure: `queriesPerSecond${of}`, value: ours.all, unit: 'queries/s' },
        { figure: `queriesPerSecondOneThread${of}`, value: ours.one, unit: 'queries/s' },
        { figure: `queriesPerSecondOneByOne${of}`, value: ours.single, unit: 'queries/s' },
        { figure: `usearchPerSecond${of}`, value: theirs.all, unit: 'queries/s' },
        { figure: `usearchPerSecondOneThread${of}`, value: theirs.one, unit: 'queries/s' },
        { figure: `usearchPerSecondOneByOne${of}`, value: theirs.single, unit: 'queries/s' },
        { figure: `sharedWithUsearch${of}`, value: sharedBy(ours.ids, theirs.ids), unit: 'share' },
        { figure: `rssMB${of}`, value: ours.rssMb, unit: 'MB' },
      )
    }
    return figures
  },
}
