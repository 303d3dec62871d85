import fc from 'fast-check'
import { createActor, createMachine } from 'xstate'
import { describe, expect, test } from 'vitest'
import { TroupeError } from '../../src/core/errors.ts'
import { createBorder, decodeJson, encodeJson, exceeds, isActorRef, isContainer, isTagged, seal } from '../../src/core/json.ts'

const border = (freeze = true, depthMax = 16) => createBorder('event/invalid', depthMax, freeze)

function refusal(value: unknown, depthMax = 16): TroupeError | undefined {
  try {
    seal(value, 'event', border(true, depthMax))
    return undefined
  } catch (error) {
    return error as TroupeError
  }
}

class Money {
  readonly cents = 1
}

describe('seal', () => {
  test('takes everything that JSON holds, as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
        const held = JSON.parse(JSON.stringify(value)) as unknown
        const copy = structuredClone(held)
        if (refusal(held)?.message.includes('not allowed')) return
        expect(decodeJson(encodeJson(held, false))).toEqual(copy)
        expect(decodeJson(encodeJson(held, true))).toEqual(copy)
      }),
    )
  })

  test('takes undefined values of keys and objects without a prototype', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 })
    expect(refusal({ a: undefined, bare })).toBeUndefined()
    expect(encodeJson({ a: undefined, bare }, false)).toBe('{"bare":{"a":1}}')
    expect(encodeJson(undefined, false)).toBe('null')
  })

  test.each([
    ['a Date', { at: new Date(0) }, 'event.at is a Date'],
    ['a Map', { m: new Map() }, 'event.m is a Map'],
    ['a Set', [new Set()], 'event[0] is a Set'],
    ['a RegExp', { r: /x/ }, 'event.r is a RegExp'],
    ['a promise', { p: Promise.resolve() }, 'event.p is a Promise'],
    ['an instance of a class', { price: new Money() }, 'event.price is a Money'],
    ['an instance of a nameless thing', { x: Object.create(Object.create(null) as object) as object }, 'event.x is a class instance'],
    ['a function', { f: () => 1 }, 'event.f is a function'],
    ['a symbol', { s: Symbol('s') }, 'event.s is a symbol'],
    ['a bigint', { a: [{ n: 10n }] }, 'event.a[0].n is a bigint'],
    ['NaN', { n: Number.NaN }, 'event.n is NaN'],
    ['Infinity', [1, Number.POSITIVE_INFINITY], 'event[1] is Infinity'],
    ['undefined in an array', { a: [undefined] }, 'event.a[0] is undefined inside an array'],
    ['a DataView', { v: new DataView(new ArrayBuffer(1)) }, 'event.v is a DataView'],
    ['an ArrayBuffer', { b: new ArrayBuffer(1) }, 'event.b is a ArrayBuffer'],
    ['a typed array of a kind of its own', { v: new (class Vector extends Float32Array {})(1) }, 'event.v is a Vector'],
    ['the key __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'event.a.__proto__ is a key that is not allowed'],
    ['the key constructor', { constructor: 1 }, 'event.constructor is a key that is not allowed'],
    ['the key prototype', { prototype: 1 }, 'event.prototype is a key that is not allowed'],
    ['the key of the tagged form', { $troupe: 'Error' }, 'event.$troupe is a key that is not allowed'],
  ])('refuses %s, with its path', (_what, value, message) => {
    const error = refusal(value)
    expect(error).toBeInstanceOf(TroupeError)
    expect(error?.code).toBe('event/invalid')
    expect(error?.message).toContain(message)
    expect(error?.message).toContain('JSON cannot hold')
    expect(error?.details['path']).toBe(message.split(' is ')[0])
  })

  test('refuses a cycle, and nesting beyond the limit, instead of overflowing', () => {
    const ring: unknown[] = []
    ring.push({ ring })
    expect(refusal(ring)?.message).toContain('nested deeper than 16 levels (or a cycle)')
    const nest = (levels: number): unknown => (levels === 0 ? 1 : [nest(levels - 1)])
    expect(refusal(nest(4), 4)).toBeUndefined()
    expect(refusal(nest(5), 4)?.message).toContain('event[0][0][0][0] is nested deeper than 4 levels')
  })

  test('freezes deeply where the border says so, and only there', () => {
    const value = { list: [{ n: 1 }], deep: { map: { a: [1] } } }
    seal(value, 'v', border(false))
    expect(Object.isFrozen(value.deep.map.a)).toBe(false)
    seal(value, 'v', border(true))
    expect([value, value.list, value.list[0], value.deep, value.deep.map, value.deep.map.a].every(Object.isFrozen)).toBe(true)
    expect(() => value.list.push({ n: 2 })).toThrow(TypeError)
  })

  test('looks into what somebody else has frozen', () => {
    expect(refusal(Object.freeze({ at: new Date(0) }))?.message).toContain('event.at is a Date')
    const inner = { n: 1 }
    expect(refusal(Object.freeze([inner]))).toBeUndefined()
    expect(Object.isFrozen(inner)).toBe(true)
  })

  test('does not look into references to actors, nor freeze them', () => {
    const ref = createActor(createMachine({}), { id: 'one' })
    const value = { ref }
    expect(refusal(value)).toBeUndefined()
    expect(Object.isFrozen(ref)).toBe(false)
    expect(encodeJson(value, false)).toBe('{"ref":{"xstate$$type":1,"id":"one"}}')
    expect(isActorRef(ref)).toBe(true)
    expect(isContainer(ref)).toBe(false)
  })
})

describe('the tagged form', () => {
  const views = [
    new Int8Array([-1, 2]),
    new Uint8Array([1, 255]),
    new Uint8ClampedArray([0, 255]),
    new Int16Array([-300]),
    new Uint16Array([65_535]),
    new Int32Array([-70_000]),
    new Uint32Array([4_000_000_000]),
    new Float32Array([0.5, -0]),
    new Float64Array([Math.PI, Number.NaN, Number.NEGATIVE_INFINITY]),
    new BigInt64Array([-5n]),
    new BigUint64Array([5n]),
  ]

  test.each(views.map(view => [view.constructor.name, view] as const))('brings back %s', (_name, view) => {
    const kept = border()
    seal({ view }, 'v', kept)
    expect(kept.tagged).toBe(true)
    expect([...(kept.unfreezable ?? [])]).toEqual([view])
    const back = decodeJson<{ view: unknown }>(encodeJson({ view }, true)).view
    expect(back).toStrictEqual(view)
  })

  test('brings back the part of a buffer that a view shows, and a Buffer as bytes', () => {
    const part = new Float32Array(new ArrayBuffer(16), 4, 2)
    part.set([1, 2])
    expect(decodeJson(encodeJson({ part }, true))).toEqual({ part: new Float32Array([1, 2]) })
    const bytes = decodeJson<{ b: unknown }>(encodeJson({ b: Buffer.from('héllo') }, true)).b
    expect(bytes).toStrictEqual(new Uint8Array(Buffer.from('héllo')))
  })

  test('brings back errors with name, message, code, cause and the facts of a TroupeError', () => {
    const plain = Object.assign(new RangeError('too far', { cause: new TypeError('why') }), { code: 'E_FAR' })
    const ours = new TroupeError('mailbox/full', 'full', { address: 'order/1', details: { depth: 3 }, cause: 'a string' })
    const back = decodeJson<{ plain: Error & { code: string }; ours: TroupeError }>(encodeJson({ plain, ours }, true))
    expect(back.plain).toBeInstanceOf(Error)
    expect([back.plain.name, back.plain.message, back.plain.code, (back.plain.cause as Error).name]).toEqual(['RangeError', 'too far', 'E_FAR', 'TypeError'])
    expect(back.plain.stack).toBe(plain.stack)
    expect(Object.keys(back.plain)).toEqual(['code'])
    expect(back.ours).toBeInstanceOf(TroupeError)
    expect([back.ours.code, back.ours.address, back.ours.details, (back.ours.cause as Error).message]).toEqual(['mailbox/full', 'order/1', { depth: 3 }, 'a string'])
    expect(JSON.parse(encodeJson({ plain }, false))).toEqual({ plain: { code: 'E_FAR' } })
  })

  test('is needed only for values that hold errors or typed arrays', () => {
    expect(isTagged({ a: [1, 'x', null, { b: undefined }] })).toBe(false)
    expect(isTagged('text')).toBe(false)
    expect(isTagged(null)).toBe(false)
    expect(isTagged({ a: [new Error('x')] })).toBe(true)
    expect(isTagged(new Uint8Array(1))).toBe(true)
  })

  test('revives nothing but errors and typed arrays', () => {
    for (const text of ['{"$troupe":"Date","base64":""}', '{"$troupe":"constructor","base64":""}', '{"$troupe":"Error"}', '{"$troupe":"Uint8Array"}', '{"$troupe":5}', '{"a":"\\"$troupe\\":"}']) {
      expect(decodeJson(text)).toEqual(JSON.parse(text))
    }
    expect(decodeJson('{"$troupe":"Error","info":{"name":"TroupeError","message":"m","code":"no/such"}}')).toBeInstanceOf(Error)
  })
})

test('exceeds gives the bytes of a text only when there are too many', () => {
  expect(exceeds('abc', 3)).toBeUndefined()
  expect(exceeds('abcd', 3)).toBe(4)
  expect(exceeds('ü', 6)).toBeUndefined()
  expect(exceeds('üü', 3)).toBe(4)
  expect(exceeds('', 0)).toBeUndefined()
})
