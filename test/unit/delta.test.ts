import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyDelta, diff } from '../../src/core/delta.ts'
import type { Op } from '../../src/core/delta.ts'
import { TroupeError } from '../../src/core/errors.ts'
import { createBorder, decodeJson, encodeJson, seal } from '../../src/core/json.ts'
import type { Border } from '../../src/core/json.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const border = (freeze = true, depthMax = 32): Border => createBorder('context/unserializable', depthMax, freeze)

/** JSON has no -0: it is the one number that does not come back as it was. */
const leaf: fc.Arbitrary<Json> = fc.oneof(fc.constant(null), fc.boolean(), fc.integer({ min: -5, max: 5 }), fc.constantFrom('', 'a', 'b', 'ü', '\u0000"'))
const key = fc.constantFrom('a', 'b', 'c', 'toString', 'length', '0', '')
const { tree } = fc.letrec<{ tree: Json }>(tie => ({
  tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('tree'), { maxLength: 5 }), fc.dictionary(key, tie('tree'), { maxKeys: 4 })),
}))

/** One immutable edit somewhere in a tree; what it does not touch stays the same reference. */
type Edit = (value: Json, pick: (max: number) => number, fresh: Json) => Json

const edit: Edit = (value, pick, fresh) => {
  if (typeof value !== 'object' || value === null || pick(6) === 0) return fresh
  if (Array.isArray(value)) return editArray(value as readonly Json[], pick, fresh)
  const record = value as Readonly<Record<string, Json>>
  const keys = Object.keys(record)
  const name = keys[pick(keys.length)]
  switch (pick(4)) {
    case 0:
      return { ...record, [['a', 'b', 'd'][pick(3)] as string]: fresh }
    case 1:
      return Object.fromEntries(Object.entries(record).filter(([other]) => other !== name))
    default:
      return name === undefined ? record : { ...record, [name]: edit(record[name] as Json, pick, fresh) }
  }
}

const editArray = (list: readonly Json[], pick: (max: number) => number, fresh: Json): Json => {
  const at = pick(list.length)
  switch (pick(6)) {
    case 0:
      return [...list, fresh]
    case 1:
      return list.toSpliced(at, 1)
    case 2:
      return list.toSpliced(at, 0, fresh)
    case 3:
      return list.toReversed()
    default:
      return list.length === 0 ? list : list.with(at, edit(list[at] as Json, pick, fresh))
  }
}

const edits = fc.array(fc.record({ picks: fc.array(fc.nat(1000), { minLength: 24, maxLength: 24 }), fresh: tree }), { minLength: 1, maxLength: 8 })

const picker = (picks: readonly number[]) => {
  let at = 0
  return (max: number): number => (max <= 0 ? 0 : (picks[at++ % picks.length] as number) % max)
}

const viaText = <T>(value: T, tagged = true): T => decodeJson<T>(encodeJson(value, tagged))

describe('diff and applyDelta', () => {
  test.each([true, false])('rebuild every state from a base and the deltas of random edits (freeze: %s)', freeze => {
    fc.assert(
      fc.property(tree, edits, (start, changes) => {
        const kept = border(freeze)
        seal(start, 'root', kept)
        let current = start
        let stored = viaText({ root: start })
        for (const { picks, fresh } of changes) {
          // Without freezing, what was stored is a private copy, as the host keeps it.
          const before = freeze ? current : viaText(current)
          current = edit(current, picker(picks), fresh)
          const ops: Op[] = []
          diff(before, current, ['root'], ops, kept)
          stored = applyDelta(stored, viaText(ops), new WeakSet())
          expect(stored).toEqual({ root: JSON.parse(JSON.stringify(current)) as Json })
        }
      }),
      { numRuns: 400 },
    )
  })

  test('leave the document they are applied to as it was, unless it is owned', () => {
    fc.assert(
      fc.property(tree, edits, (start, changes) => {
        const document = { root: start }
        const text = JSON.stringify(document)
        let current = start
        const ops: Op[] = []
        for (const { picks, fresh } of changes) {
          const next = edit(current, picker(picks), fresh)
          diff(current, next, ['root'], ops, border())
          current = next
        }
        const copied = applyDelta(document, viaText(ops), new WeakSet())
        expect(JSON.stringify(document)).toBe(text)
        expect(applyDelta(viaText(document), viaText(ops))).toEqual(copied)
      }),
    )
  })

  test('find changes made in place, where nothing is frozen', () => {
    const context = { list: [{ n: 1 }, { n: 2 }], deep: { map: { a: 1 } } }
    const before = viaText(context)
    context.list[1] = { n: 3 }
    context.list.push({ n: 4 })
    Object.assign(context.deep.map, { b: 2 })
    const ops: Op[] = []
    diff(before, context, [], ops, border(false))
    expect(ops).toEqual([
      [['list'], 1, [{ n: 3 }, { n: 4 }]],
      [['deep', 'map', 'b'], 2],
    ])
  })

  test('say nothing about what is the same', () => {
    const shared = { big: [1, 2, 3] }
    const ops: Op[] = []
    diff({ shared, n: 1, gone: undefined }, { shared, n: 1, other: undefined }, [], ops, border())
    diff({ a: { error: new Error('x'), view: new Float32Array([1]) } }, viaText({ a: { error: new Error('x'), view: new Float32Array([1]) } }), [], [], border())
    expect(ops).toEqual([])
  })

  test('say nothing about errors and typed arrays of the same content, where nothing is frozen', () => {
    const error = new Error('x')
    const view = new Float32Array([1, 2])
    const live = { error, view, list: [error, view] }
    const ops: Op[] = []
    diff(viaText(live), live, [], ops, border(false))
    expect(ops).toEqual([])
    view[0] = 9
    diff(viaText({ ...live, view: new Float32Array([1, 2]), list: [new Error('y'), view] }), live, [], ops, border(false))
    expect(ops.map(op => op[0])).toEqual([['view'], ['list', 0]])
  })

  test('write an appended item as an append', () => {
    const list = Array.from({ length: 1000 }, (_, n) => ({ n }))
    const ops: Op[] = []
    diff({ list }, { list: [...list, { n: 1000 }] }, [], ops, border())
    expect(ops).toEqual([[['list'], 1000, [{ n: 1000 }]]])
  })

  test('delete what became undefined and set what became defined', () => {
    const ops: Op[] = []
    diff({ a: 1, b: undefined, c: 3 }, { a: undefined, b: 2 }, [], ops, border())
    expect(ops).toEqual([[['a']], [['b'], 2], [['c']]])
    expect(applyDelta({ a: 1, c: 3 }, ops)).toEqual({ b: 2 })
  })

  test('replace a part whose shape has changed', () => {
    const ops: Op[] = []
    diff({ a: [1], b: { x: 1 }, c: 1, d: [1] }, { a: { 0: 1 }, b: [1], c: [1], d: null }, [], ops, border())
    expect(ops).toEqual([
      [['a'], { 0: 1 }],
      [['b'], [1]],
      [['c'], [1]],
      [['d'], null],
    ])
  })

  test('replace the whole document', () => {
    const ops: Op[] = []
    diff(1, { a: 1 }, [], ops, border())
    expect(applyDelta<unknown>('before', ops)).toEqual({ a: 1 })
  })

  test('freeze what is new and nothing that is not asked for', () => {
    const after = { list: [{ n: 1 }, { n: 2 }], same: { n: 3 } }
    diff({ list: [], same: after.same }, after, [], [], border())
    expect([after, after.list, after.list[0], after.list[1]].every(Object.isFrozen)).toBe(true)
    const loose = { list: [{ n: 1 }] }
    diff({ list: [] }, loose, [], [], border(false))
    expect([loose, loose.list, loose.list[0]].some(part => Object.isFrozen(part))).toBe(false)
  })
})

describe('diff refuses, with the path', () => {
  const refused = (before: unknown, after: unknown, freeze = true): string => {
    try {
      diff(before, after, ['context'], [], border(freeze, 8))
    } catch (error) {
      expect(error).toBeInstanceOf(TroupeError)
      expect((error as TroupeError).code).toBe('context/unserializable')
      return (error as TroupeError).message
    }
    return 'nothing'
  }

  test.each([
    ['a function', { a: { f: () => 1 } }, 'context.a.f is a function'],
    ['a Date in a new part', { a: { at: [new Date(0)] } }, 'context.a.at[0] is a Date'],
    ['NaN', { n: Number.NaN }, 'context.n is NaN'],
    ['a bigint', { n: 1n }, 'context.n is a bigint'],
    ['a symbol', { n: Symbol('x') }, 'context.n is a symbol'],
    ['a key that is kept for us', { $troupe: 1 }, 'context.$troupe is a key that is not allowed'],
    ['a prototype as a key', JSON.parse('{"__proto__":{"polluted":true}}') as object, 'context.__proto__ is a key that is not allowed'],
  ])('%s', (_what, after, message) => {
    expect(refused({}, after)).toContain(message)
    expect(refused({}, after, false)).toContain(message)
  })

  test.each([
    ['longer', [1], [1, undefined], 'context[1] is undefined inside an array'],
    ['shorter', [1, 2, 3], [2, undefined], 'context[1] is undefined inside an array'],
    ['of the same length', [1, 2], [1, undefined], 'context[1] is undefined inside an array'],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is refused
    ['with a hole', [1, 2], [1, ,], 'context[1] is undefined inside an array'],
  ])('undefined in an array that is %s', (_how, before, after, message) => {
    expect(refused(before, after)).toContain(message)
    expect(refused(before, after, false)).toContain(message)
  })

  test.each([true, false])('a cycle, in an object or in a list (freeze: %s)', freeze => {
    const ring: Record<string, unknown> = { n: 1 }
    ring['self'] = ring
    expect(refused({ ring: { n: 1 } }, { ring }, freeze)).toContain('(or a cycle)')
    const list: unknown[] = [1]
    list.push(list)
    expect(refused({ list: [1, 2] }, { list }, freeze)).toContain('(or a cycle)')
    expect(refused({ list: [] }, { list: [{ n: 1n }] }, freeze)).toContain('context.list[0].n is a bigint')
  })

  test('what is deeper than the limit, wherever the change is', () => {
    const nest = (levels: number, leafValue: number): unknown => (levels === 0 ? leafValue : { a: nest(levels - 1, leafValue) })
    expect(refused(nest(6, 1), nest(6, 2))).toBe('nothing')
    expect(refused(nest(20, 1), nest(20, 2))).toContain('nested deeper than 8 levels')
    expect(refused({ a: 1 }, nest(20, 2))).toContain('nested deeper than 8 levels')
  })
})

describe('applyDelta refuses', () => {
  test('a path that the document does not have', () => {
    expect(() => applyDelta({ a: 1 }, [[['a', 'b'], 1]])).toThrow('does not fit')
    expect(() => applyDelta({ a: null }, [[['a', 'b', 'c']]])).toThrow('does not fit')
    expect(() => applyDelta({}, [[['list'], 0, [1]]])).toThrow('does not fit')
  })

  test('a path through a prototype', () => {
    expect(() => applyDelta({ a: {} }, [[['a', '__proto__', 'polluted'], true]])).toThrow('does not fit')
    expect(() => applyDelta({ a: {} }, [[['a', '__proto__'], { polluted: true }]])).toThrow('does not fit')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
