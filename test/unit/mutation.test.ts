import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changedPath } from '../../src/host/mutation.ts'

describe('the path of a change', () => {
  test.each<[string, unknown, unknown, string | undefined]>([
    ['a value', { a: 1 }, { a: 2 }, 'context.a'],
    ['one inside', { a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 2 }] } }, 'context.a.b[0].c'],
    ['one that is new', { a: 1 }, { a: 1, b: 2 }, 'context.b'],
    ['one that is gone', { a: 1, b: 2 }, { a: 1 }, 'context.b'],
    ['an item that was pushed', { list: [1] }, { list: [1, 2] }, 'context.list[1]'],
    ['an item that was taken off', { list: [1, 2] }, { list: [1] }, 'context.list[1]'],
    ['one of another kind', { a: [] }, { a: 'x' }, 'context.a'],
    ['a list that became an object', { a: [] }, { a: {} }, 'context.a'],
    ['the whole', 1, 2, 'context'],
    ['nothing', { a: [1, { b: null }] }, { a: [1, { b: null }] }, undefined],
    ['nothing but what JSON leaves out', { a: 1 }, { a: 1, b: undefined }, undefined],
    ['NaN that stays', { a: Number.NaN }, { a: Number.NaN }, undefined],
  ])('of %s', (_name, before, after, path) => {
    expect(changedPath(before, after, 'context')).toBe(path)
  })

  test('is there exactly when two values differ', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const [before, after] = [JSON.parse(JSON.stringify(a)) as unknown, JSON.parse(JSON.stringify(b)) as unknown]
      expect(changedPath(before, structuredClone(before), 'c')).toBeUndefined()
      const same = ((): boolean => { try { expect(before).toEqual(after); return true } catch { return false } })()
      if (!same) expect(changedPath(before, after, 'c')).toMatch(/^c/)
    }))
  })
})
