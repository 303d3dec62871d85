import { describe, expectTypeOf, test } from 'vitest'
import { clusterTask, createVectorIndex, kMeans, mergeIndexes, mergeTask, mergeTopK, searchIndex, searchTask } from 'troupe/vector'
import type { Clusters, Hit, Metric, SearchInput, VectorId, VectorIndex } from 'troupe/vector'
import type { CpuPool } from 'troupe/workers'
import { setup } from 'xstate'

const never = (_typed: () => unknown): void => undefined
declare const index: VectorIndex<string>
declare const vectors: Float32Array
declare const pool: CpuPool

/** Nothing here runs: a mistake is an error of the compiler. */
describe('an index', () => {
  test('knows the kind of its ids', () => {
    never(() => expectTypeOf(createVectorIndex({ dimensions: 2, vectors })).resolves.toEqualTypeOf<VectorIndex<number>>())
    never(() => expectTypeOf(createVectorIndex<string>({ dimensions: 2, vectors, ids: ['a'] })).resolves.toEqualTypeOf<VectorIndex<string>>())
    never(() => expectTypeOf(mergeIndexes([index])).resolves.toEqualTypeOf<VectorIndex<string>>())
    never(() => expectTypeOf(mergeIndexes([index], { rename: id => id.length })).resolves.toEqualTypeOf<VectorIndex<number>>())
    never(() => expectTypeOf(kMeans(index, { clusters: 2 })).resolves.toEqualTypeOf<Clusters<string>>())
    // @ts-expect-error -- no dimensions
    never(() => createVectorIndex({ vectors }))
    // @ts-expect-error -- no flat array
    never(() => createVectorIndex({ dimensions: 2, vectors: [[1, 2]] }))
    // @ts-expect-error -- clusters have no dot product
    never(() => kMeans(index, { clusters: 2, metric: 'dot' }))
  })

  test('gives hits to one query, and lists of hits to several', () => {
    never(() => expectTypeOf(searchIndex(index, [1, 2], 3)).resolves.toEqualTypeOf<Hit<string>[]>())
    never(() => expectTypeOf(searchIndex(index, vectors, 3, { metric: 'l2' })).resolves.toEqualTypeOf<Hit<string>[]>())
    never(() => expectTypeOf(searchIndex(index, [[1, 2], vectors], 3)).resolves.toEqualTypeOf<Hit<string>[][]>())
    expectTypeOf<Metric>().toEqualTypeOf<'cosine' | 'dot' | 'l2'>()
    // @ts-expect-error -- no such metric
    never(() => searchIndex(index, [1, 2], 3, { metric: 'hamming' }))
  })
})

test('merged hits keep the kind of their ids', () => {
  never(() => expectTypeOf(mergeTopK([[] as Hit<string>[]], { k: 1 })).toEqualTypeOf<Hit<string>[]>())
  never(() => expectTypeOf(mergeTopK([[] as Hit<string>[]], { k: 1, pool })).resolves.toEqualTypeOf<Hit<string>[]>())
  // @ts-expect-error -- no such way
  never(() => mergeTopK([], { k: 1, normalise: 'softmax' }))
})

test('tasks have typed input and output in a machine', () => {
  expectTypeOf(searchTask).returns.toHaveProperty('config')
  never(() => setup({ actors: { search: searchTask({ timeout: 1 }), cluster: clusterTask(), merge: mergeTask() } }).createMachine({
    invoke: {
      src: 'search',
      input: (): SearchInput => ({ dimensions: 1, vectors, queries: [[1]], k: 1 }),
      onDone: { actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<Hit<VectorId>[][]>() },
    },
  }))
  // @ts-expect-error -- which function it runs is not for the caller to say
  never(() => searchTask({ export: 'other' }))
})
