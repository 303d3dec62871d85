/** Vectors on real threads, and as tasks of durable actors. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { createRuntime, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createSeededRandom } from 'troupe/testing'
import { clusterTask, createLists, createVectorIndex, kMeans, mergeIndexes, mergeTask, mergeTopK, searchIndex, searchTask } from 'troupe/vector'
import type { Hit, VectorIndex } from 'troupe/vector'
import { createCpuPool } from 'troupe/workers'
import type { OwnedCpuPool } from 'troupe/workers'

const [dimensions, count] = [256, 12_000]
const random = createSeededRandom(7)
const vectors = Float32Array.from({ length: dimensions * count }, () => Math.round(random.next() * 8) - 4)
const queries = [5, 500, 11_999, 1, 2, 3].map(row => vectors.slice(row * dimensions, (row + 1) * dimensions))

let pool: OwnedCpuPool
let index: VectorIndex<number>
beforeAll(async () => {
  pool = createCpuPool({ threads: 3 })
  index = await createVectorIndex({ dimensions, vectors, pool })
})
afterAll(() => pool.close())

test('threads find exactly what one finds, whatever their number', async () => {
  expect(index.shards.length).toBe(3)
  await using two = createCpuPool({ threads: 2 })
  for (const metric of ['cosine', 'dot', 'l2'] as const) {
    const here = await searchIndex(index, queries, 50, { metric })
    expect(await searchIndex(index, queries, 50, { metric, pool })).toEqual(here)
    expect(await searchIndex(index, queries, 50, { metric, pool: two })).toEqual(here)
  }
  expect(pool.info().planes[0]?.completed).toBeGreaterThanOrEqual(9)
})

test('threads cluster, list and merge as one does', async () => {
  const options = { clusters: 12, seed: 3, rounds: 4 }
  expect(await kMeans(index, { ...options, pool })).toEqual(await kMeans(index, options))
  const listed = await createLists(index, { lists: 12, seed: 3, pool })
  const here = await createLists(index, { lists: 12, seed: 3 })
  expect(await searchIndex(listed, queries, 10, { probes: 3, pool })).toEqual(await searchIndex(here, queries, 10, { probes: 3 }))
  const merged = await mergeIndexes([index, listed], { rename: (id, at) => id * 2 + at, pool })
  expect((await searchIndex(merged, queries[0] ?? [], 2, { pool })).map(({ id }) => id)).toEqual([10, 11])
})

test('lists are merged on a thread as they are here, and refused alike', async () => {
  const lists = await searchIndex(index, queries, 20, { pool })
  const options = { k: 30, weights: [3, 2, 1, 1, 1, 1] }
  expect(await mergeTopK(lists, { ...options, pool })).toEqual(mergeTopK(lists, options))
  await expect(mergeTopK(lists, { k: 0, pool })).rejects.toMatchObject({ code: 'vector/invalid' })
})

test('a number that is not finite is found on the threads too', async () => {
  const bad = vectors.slice()
  bad[11_000 * dimensions + 9] = Infinity
  bad[7_000 * dimensions + 3] = Number.NaN
  await expect(createVectorIndex({ dimensions, vectors: bad, pool })).rejects.toThrow('the number in row 7000, column 3 of vectors is NaN')
})

test('an aborted search ends at once, and the pool goes on', async () => {
  const stop = new AbortController()
  const many = Array.from({ length: 1_000 }, (_, row) => vectors.slice(row * dimensions, (row + 1) * dimensions))
  const search = searchIndex(index, many, 50, { pool, signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(search).rejects.toThrow('enough')
  expect((await searchIndex(index, queries[0] ?? [], 1, { pool }))[0]?.id).toBe(5)
})

const small = { dimensions: 2, vectors: Float32Array.from([1, 0, 0, 1, 1, 1, 5, 5]), ids: ['east', 'north', 'between', 'far'] }
const finder = setup({
  types: { context: {} as { readonly hits: readonly Hit[]; readonly groups: number; readonly big: readonly Hit[] } },
  actors: {
    search: searchTask({ timeout: 30_000 }),
    cluster: clusterTask(),
    merge: mergeTask(),
    searchBig: task({ run: ({ input, workers, signal }: TaskScope<{ readonly query: readonly number[] }>) => searchIndex(index, input.query, 1, { ...(workers && { pool: workers }), signal }) }),
  },
}).createMachine({
  context: { hits: [], groups: 0, big: [] },
  initial: 'searching',
  states: {
    searching: { invoke: { src: 'search', input: { ...small, queries: [[1, 0.1], [0.1, 1]], k: 2 }, onDone: { target: 'merging', actions: assign({ hits: ({ event }) => event.output.flat() }) } } },
    merging: { invoke: { src: 'merge', input: ({ context }) => ({ lists: [context.hits.slice(0, 2), context.hits.slice(2)], weights: [0.7, 0.3], k: 1 }), onDone: { target: 'clustering', actions: assign({ hits: ({ event }) => event.output }) } } },
    clustering: { invoke: { src: 'cluster', input: { ...small, clusters: 2, metric: 'l2' }, onDone: { target: 'searchingBig', actions: assign({ groups: ({ event }) => event.output.members.length }) } } },
    searchingBig: { invoke: { src: 'searchBig', input: { query: Array.from(queries[1] ?? []) }, onDone: { target: 'done', actions: assign({ big: ({ event }) => event.output }) } } },
    done: { type: 'final' },
  },
  output: ({ context }) => context,
})

test('a durable actor searches, merges and clusters on the threads of its runtime', async () => {
  const runtime = await createRuntime({ machines: { finder }, store: 'memory:', workers: { threads: 2 } })
  const actor = runtime.actor(finder, '1')
  await actor.start()
  expect(await actor.result()).toMatchObject({ hits: [{ id: 'east', score: 0.7 }], groups: 2, big: [{ id: 500 }] })
  expect(runtime.workers.info().planes[0]?.completed).toBe(5)
  await runtime.close()
})
