import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVectorIndex, mergeIndexes, mergeTopK, searchIndex } from 'troupe/vector'
import type { Hit } from 'troupe/vector'

const seed = Number(process.env['TROUPE_SEED'] ?? Date.now() % 2 ** 31)
const hits = (scores: Readonly<Record<string, number>>): Hit<string>[] => Object.entries(scores).map(([id, score]) => ({ id, score }))

describe('mergeTopK', () => {
  test('weighs lists whose scores it maps to 0 … 1', () => {
    const near = hits({ a: 0.9, b: 0.7, c: 0.5 })
    const keywords = hits({ c: 12, a: 8, d: 4 })
    const merged = mergeTopK([near, keywords], { k: 10, weights: [0.7, 0.3] })
    expect(merged.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd'])
    expect(merged.map(({ score }) => Number(score.toFixed(12)))).toEqual([0.85, 0.35, 0.3, 0])
  })

  test('takes scores as they are, or places instead of scores, when it is told so', () => {
    const lists = [hits({ a: 3, b: 1 }), hits({ b: 5 })]
    expect(mergeTopK(lists, { k: 5, normalise: 'none' })).toEqual(hits({ b: 6, a: 3 }))
    expect(mergeTopK(lists, { k: 5, normalise: 'rank' })).toEqual(hits({ b: 1 / 62 + 1 / 61, a: 1 / 61 }))
  })

  test('counts an id that is twice in a list by its best score', () => {
    expect(mergeTopK([[...hits({ a: 1, b: 3 }), ...hits({ a: 2 })]], { k: 5, normalise: 'none' })).toEqual(hits({ b: 3, a: 2 }))
  })

  test('maps a list whose scores are all equal to 1, and of lists without hits makes none', () => {
    expect(mergeTopK([hits({ b: 7, a: 7 })], { k: 5 })).toEqual(hits({ a: 1, b: 1 }))
    expect(mergeTopK([[], []], { k: 5 })).toEqual([])
    expect(mergeTopK([], { k: 5 })).toEqual([])
  })

  test(`of parts of one list gives its best, whatever the parts (seed ${seed})`, () => {
    const list = fc.uniqueArray(fc.record({ id: fc.nat(50), score: fc.integer({ min: -5, max: 5 }) }), { selector: ({ id }) => id })
    fc.assert(fc.property(list, fc.array(fc.nat(3), { minLength: 51, maxLength: 51 }), fc.integer({ min: 1, max: 9 }), (all, partOf, k) => {
      const parts = [0, 1, 2, 3].map(part => all.filter(({ id }) => partOf[id] === part))
      const sorted = all.toSorted((a, b) => b.score - a.score || a.id - b.id).slice(0, k)
      expect(mergeTopK(parts, { k, normalise: 'none' })).toEqual(sorted.map(({ id, score }) => ({ id, score: 0 + score })))
    }), { seed })
  })

  test('is refused for weights and scores that make no sense', () => {
    expect(() => mergeTopK([[]], { k: 0 })).toThrow('k must be a whole number from 1, not 0')
    expect(() => mergeTopK([[]], { k: 1, weights: [1, 2] })).toThrow('there are 2 weights for 1 lists')
    expect(() => mergeTopK([[]], { k: 1, weights: [-1] })).toThrow('weight 0 must be a number from 0, not -1')
    expect(() => mergeTopK([[], hits({ a: Number.NaN })], { k: 1 })).toThrow('the score of hit 0 of list 1 is NaN')
  })
})

describe('mergeIndexes', () => {
  const indexOf = (vectors: Readonly<Record<string, readonly [number, number]>>) =>
    createVectorIndex<string>({ dimensions: 2, vectors: Float32Array.from(Object.values(vectors).flat()), ids: Object.keys(vectors) })
  const east = () => indexOf({ d: [4, 0], b: [2, 0] })
  const west = () => indexOf({ a: [1, 0], b: [9, 0] })

  test('finds in the merged index what a new one of all vectors finds', async () => {
    const merged = await mergeIndexes([await east(), await indexOf({ c: [3, 0], a: [1, 0] })])
    const built = await indexOf({ a: [1, 0], b: [2, 0], c: [3, 0], d: [4, 0] })
    expect(merged.ids).toEqual(built.ids)
    expect(await searchIndex(merged, [[1, 0], [0, 1]], 9, { metric: 'l2' })).toEqual(await searchIndex(built, [[1, 0], [0, 1]], 9, { metric: 'l2' }))
  })

  test('keeps the first or last of the vectors with one id, or refuses them', async () => {
    const of = async (duplicates: 'first' | 'last') => searchIndex(await mergeIndexes([await east(), await west()], { duplicates }), [1, 0], 9, { metric: 'dot' })
    expect(await of('first')).toEqual(hits({ d: 4, b: 2, a: 1 }))
    expect(await of('last')).toEqual(hits({ b: 9, d: 4, a: 1 }))
    await expect(mergeIndexes([await east(), await west()])).rejects.toThrow('both have the id "b"')
  })

  test('gives new ids', async () => {
    const merged = await mergeIndexes([await east(), await west()], { rename: (id, index) => `${['east', 'west'][index]}/${id}` })
    expect(merged.ids).toEqual(['east/b', 'east/d', 'west/a', 'west/b'])
    expect(await searchIndex(merged, [1, 0], 1, { metric: 'dot' })).toEqual(hits({ 'west/b': 9 }))
  })

  test('knows of vectors of zeros that it has kept, and of no others', async () => {
    const zero = await indexOf({ b: [0, 0] })
    const first = await mergeIndexes([await east(), zero], { duplicates: 'first' })
    expect((await searchIndex(first, [1, 0], 1))[0]?.score).toBe(1)
    await expect(searchIndex(await mergeIndexes([await east(), zero], { duplicates: 'last' }), [1, 0], 1)).rejects.toThrow('"b" is all zeros')
  })

  test('merges empty indexes, and refuses none or those of other dimensions', async () => {
    const empty = await indexOf({})
    expect((await mergeIndexes([empty, empty])).ids).toEqual([])
    await expect(mergeIndexes([])).rejects.toThrow('there must be an index at least')
    await expect(mergeIndexes([empty, await createVectorIndex<string>({ dimensions: 3, vectors: new Float32Array() })])).rejects.toThrow('index 1 has 3 dimensions, index 0 has 2')
  })
})
