/** Search by itself, computed in this thread; on the pool see test/integration/vector.test.ts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVectorIndex, searchIndex } from 'troupe/vector'
import type { Metric, VectorIndexOptions } from 'troupe/vector'
import { bruteForce } from '../support/brute-force.ts'

const seed = Number(process.env['TROUPE_SEED'] ?? Date.now() % 2 ** 31)
const METRICS: readonly Metric[] = ['cosine', 'dot', 'l2']

const flat = (vectors: readonly (readonly number[])[]): Float32Array => Float32Array.from(vectors.flat())
const index = (options: Partial<VectorIndexOptions<string | number>> & { readonly vectors: Float32Array }) => createVectorIndex<string | number>({ dimensions: 2, ...options })

/** Single-precision numbers of all sizes, and small whole ones, which make ties. */
const number = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.float({ noNaN: true, noDefaultInfinity: true }))
/** Never all zeros, so that it has a cosine. */
const vector = (dimensions: number): fc.Arbitrary<number[]> => fc.array(number, { minLength: dimensions, maxLength: dimensions }).map(numbers => (numbers.every(value => value === 0) ? [1, ...numbers.slice(1)] : numbers))

const searches = fc.integer({ min: 1, max: 19 }).chain(dimensions =>
  fc.record({
    rows: fc.uniqueArray(fc.record({ id: fc.string({ maxLength: 4 }), vector: vector(dimensions) }), { selector: ({ id }) => id, minLength: 1, maxLength: 40 }),
    queries: fc.array(vector(dimensions), { minLength: 1, maxLength: 11 }),
    k: fc.integer({ min: 1, max: 50 }),
    metric: fc.constantFrom(...METRICS),
  }))

describe('a search', () => {
  test(`gives what a brute force gives, to the last bit (seed ${seed})`, async () => {
    await fc.assert(fc.asyncProperty(searches, async ({ rows, queries, k, metric }) => {
      const built = await createVectorIndex({ dimensions: queries[0]?.length ?? 0, vectors: flat(rows.map(row => row.vector)), ids: rows.map(({ id }) => id) })
      expect(await searchIndex(built, queries, k, { metric })).toEqual(queries.map(query => bruteForce(rows, query, k, metric)))
      expect(await searchIndex(built, queries[0] ?? [], k, { metric })).toEqual(bruteForce(rows, queries[0] ?? [], k, metric))
    }), { seed, numRuns: 200 })
  })

  test.each(METRICS)('over several shards and blocks gives what a brute force gives, by %s', async metric => {
    // 2,048 numbers are 8 kB: 512 rows of a shard, 32 of a block.
    const [dimensions, count] = [2_048, 1_100]
    const rows = Array.from({ length: count }, (_, row) => ({ id: (row * 7) % count, vector: Array.from({ length: dimensions }, (_, column) => ((row % 550) * 31 + column * 17) % 23 - 11) }))
    const built = await createVectorIndex({ dimensions, vectors: flat(rows.map(row => row.vector)), ids: rows.map(({ id }) => id) })
    expect(built.shards.length).toBe(3)
    const queries = [3, 600, 1_099, 5, 6].map(row => rows[row]?.vector ?? [])
    expect(await searchIndex(built, queries, 20, { metric })).toEqual(queries.map(query => bruteForce(rows, query, 20, metric)))
  })

  test('orders equal scores by id, whatever the order in which vectors came', async () => {
    const same = flat([[1, 0], [1, 0], [1, 0], [1, 0]])
    expect((await searchIndex(await index({ vectors: same, ids: ['d', 'b', 'a', 'c'] }), [1, 0], 3)).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect((await searchIndex(await index({ vectors: same, ids: [10, 9, 100, 1] }), [1, 0], 3)).map(({ id }) => id)).toEqual([1, 9, 10])
  })

  test('gives all there are when more are wanted', async () => {
    expect(await searchIndex(await index({ vectors: flat([[1, 0], [0, 1]]) }), [1, 0], 10, { metric: 'dot' })).toEqual([{ id: 0, score: 1 }, { id: 1, score: 0 }])
  })

  test('of an empty index or without queries finds nothing', async () => {
    const empty = await index({ vectors: new Float32Array() })
    expect(await searchIndex(empty, [1, 0], 5)).toEqual([])
    expect(await searchIndex(empty, [[1, 0], [0, 1]], 5)).toEqual([[], []])
    expect(await searchIndex(await index({ vectors: flat([[1, 0]]) }), [], 5)).toEqual([])
  })

  test('takes queries in single precision, as the vectors of the index are', async () => {
    const [hit] = await searchIndex(await index({ vectors: flat([[0.1, 0.2]]) }), [0.1, 0.2], 1, { metric: 'l2' })
    expect(hit).toEqual({ id: 0, score: 0 })
  })

  test('is refused for a query that does not fit', async () => {
    const built = await index({ vectors: flat([[1, 0]]) })
    await expect(searchIndex(built, [1, 0, 0], 1)).rejects.toMatchObject({ code: 'vector/invalid', message: 'query 0 has 3 numbers, the index has 2 dimensions' })
    await expect(searchIndex(built, [[1, 0], [1, Number.NaN]], 1)).rejects.toThrow('the number in column 1 of query 1 is NaN')
    await expect(searchIndex(built, [1, 1e39], 1)).rejects.toThrow('column 1 of query 0 is 1e+39, which is no finite number of single precision')
    await expect(searchIndex(built, [0, 0], 1)).rejects.toThrow('query 0 is all zeros and has no cosine: search by dot or l2')
    expect(await searchIndex(built, [0, 0], 1, { metric: 'dot' })).toEqual([{ id: 0, score: 0 }])
  })

  test.each([0, -1, 1.5, Number.NaN, 100_001])('is refused for k = %s', async k => {
    await expect(searchIndex(await index({ vectors: flat([[1, 0]]) }), [1, 0], k)).rejects.toThrow(`k must be a whole number from 1 to 100,000, not ${k}`)
  })

  test('is refused when it would give more hits than one search may', async () => {
    const built = await createVectorIndex({ dimensions: 1, vectors: new Float32Array(200).fill(1) })
    await expect(searchIndex(built, Array.from({ length: 1_000 }, () => [1]), 200)).rejects.toThrow('1000 queries for 200 hits each are more than 100000 hits')
    await expect(searchIndex(built, Array.from({ length: 1_025 }, () => [1]), 1)).rejects.toThrow('at most 1024 can be searched at once')
  })

  test('by cosine is refused when a vector of the index has none, and names it', async () => {
    const built = await index({ vectors: flat([[1, 0], [0, 0]]), ids: ['b', 'a'] })
    await expect(searchIndex(built, [1, 0], 1)).rejects.toMatchObject({ code: 'vector/invalid', message: 'the vector "a" is all zeros and has no cosine: leave it out, or search by dot or l2' })
    expect(await searchIndex(built, [1, 0], 1, { metric: 'l2' })).toEqual([{ id: 'b', score: 0 }])
  })

  test('does not begin when it is aborted already', async () => {
    const built = await index({ vectors: flat([[1, 0]]) })
    await expect(searchIndex(built, [1, 0], 1, { signal: AbortSignal.abort(new Error('no more')) })).rejects.toThrow('no more')
  })
})

describe('an index', () => {
  test.each([Number.NaN, Infinity, -Infinity])('is refused with the row and column of %s', async value => {
    await expect(index({ vectors: flat([[1, 0], [0, 1], [2, value]]) })).rejects.toMatchObject({ code: 'vector/invalid', message: `the number in row 2, column 1 of vectors is ${value}, which is not finite`, details: { row: 2, column: 1 } })
    // Rows are numbered as they came, not as they are kept.
    await expect(index({ vectors: flat([[1, 0], [value, 1], [2, 1]]), ids: ['c', 'b', 'a'] })).rejects.toThrow('row 1, column 0')
  })

  test('is refused for sizes and ids that make no sense', async () => {
    const vectors = flat([[1, 0], [0, 1]])
    await expect(index({ vectors, dimensions: 0 })).rejects.toThrow('dimensions must be a whole number from 1 to 65,536, not 0')
    await expect(index({ vectors, dimensions: 3 })).rejects.toThrow('vectors has 4 numbers, which is no multiple of the 3 dimensions')
    await expect(index({ vectors: [1, 0] as unknown as Float32Array })).rejects.toThrow('vectors must be one Float32Array')
    await expect(index({ vectors, ids: ['a'] })).rejects.toThrow('there are 1 ids for 2 vectors')
    await expect(index({ vectors, ids: ['a', 1] })).rejects.toThrow('the id of row 1 is a number, that of row 0 a string')
    await expect(index({ vectors, ids: [1, 1.5] })).rejects.toThrow('the id of row 1 must be text or a whole number, not 1.5')
  })

  test('is refused for ids that are there twice, unless one of them is to stay', async () => {
    const twice = { vectors: flat([[1, 0], [0, 1], [2, 0]]), ids: ['a', 'b', 'a'] }
    await expect(index(twice)).rejects.toThrow('the rows 0 and 2 both have the id "a"')
    const ofA = async (duplicates: 'first' | 'last') => (await searchIndex(await index({ ...twice, duplicates }), [1, 0], 5, { metric: 'dot' }))
    expect(await ofA('first')).toEqual([{ id: 'a', score: 1 }, { id: 'b', score: 0 }])
    expect(await ofA('last')).toEqual([{ id: 'a', score: 2 }, { id: 'b', score: 0 }])
  })

  test('is a copy: what becomes of the vectors given does not matter', async () => {
    const vectors = flat([[1, 0]])
    const built = await index({ vectors })
    vectors.fill(9)
    expect(await searchIndex(built, [1, 0], 1, { metric: 'l2' })).toEqual([{ id: 0, score: 0 }])
  })
})
