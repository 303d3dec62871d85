import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { initialOf, kindOf, nameOf, resolve } from '../../../src/inspector/ui/pages/actor/send/schema.ts'
import type { Schema } from '../../../src/inspector/ui/pages/actor/send/schema.ts'
import { problemsOf } from '../../../src/inspector/ui/pages/actor/send/validate.ts'
import type { Json } from '../../../src/inspector/protocol.ts'

const schemaOf = (type: z.ZodType): Schema => z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Schema
const check = (type: z.ZodType, value: Json | undefined) => problemsOf(schemaOf(type), value)

const order = z.object({
  type: z.literal('ORDER'),
  name: z.string().min(1).max(10),
  mail: z.email().optional(),
  count: z.int().min(1).max(5),
  price: z.number().gt(0),
  gift: z.boolean(),
  size: z.enum(['S', 'M']),
  note: z.string().nullable(),
  items: z.array(z.object({ id: z.string() })).min(1),
  by: z.union([z.object({ kind: z.literal('card'), last: z.string().length(4) }), z.object({ kind: z.literal('cash') })]),
})
const good = { type: 'ORDER', name: 'Ann', count: 2, price: 1.5, gift: false, size: 'S', note: null, items: [{ id: 'a' }], by: { kind: 'cash' } }

describe('problems of a value', () => {
  test('what zod takes has none', () => {
    expect(check(order, good)).toEqual({})
    expect(order.safeParse(good).success).toBe(true)
  })

  test.each([
    [{ ...good, name: '' }, { name: 'must not be empty' }],
    [{ ...good, name: 'x'.repeat(11) }, { name: 'takes at most 10 characters' }],
    [{ ...good, mail: 'nobody' }, { mail: 'must be a valid email' }],
    [{ ...good, count: 1.5 }, { count: 'must be a whole number' }],
    [{ ...good, count: 9 }, { count: 'must be at most 5' }],
    [{ ...good, price: 0 }, { price: 'must be more than 0' }],
    [{ ...good, gift: 'yes' }, { gift: 'must be yes or no' }],
    [{ ...good, size: 'L' }, { size: 'must be one of the list' }],
    [{ ...good, items: [] }, { items: 'needs at least 1 item' }],
    [{ ...good, items: [{ id: 'a' }, {}] }, { 'items.1.id': 'is needed' }],
    [{ ...good, by: { kind: 'card', last: '12' } }, { 'by.last': 'needs at least 4 characters' }],
    [{ ...good, type: 'OTHER' }, { type: 'must be "ORDER"' }],
  ] satisfies [Json, Record<string, string>][])('%j: %j, and zod refuses it too', (value, problems) => {
    expect(check(order, value)).toEqual(problems)
    expect(order.safeParse(value).success).toBe(false)
  })

  test('each field that is needed is named', () => {
    expect(Object.keys(check(order, { type: 'ORDER' })).toSorted()).toEqual(['by', 'count', 'gift', 'items', 'name', 'note', 'price', 'size'])
  })

  test('a pattern that browsers cannot read is left to the server', () => {
    expect(problemsOf({ type: 'string', pattern: '(?<' }, 'x')).toEqual({})
  })
})

describe('a form of a schema', () => {
  test('begins with what the schema gives and nothing that nobody has said', () => {
    expect(initialOf(schemaOf(order), schemaOf(order))).toEqual({ type: 'ORDER', gift: false, items: [], by: { kind: 'card' } })
    expect(initialOf(schemaOf(z.object({ n: z.number().default(3) })), {})).toEqual({})
    expect(initialOf({ type: 'number', default: 3 }, {})).toBe(3)
  })

  test('a schema that names itself ends', () => {
    interface Tree {
      readonly name: string
      readonly inner: Tree | null
    }
    const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), inner: tree.nullable() }))
    const schema = schemaOf(tree)
    expect(kindOf(resolve(schema, schema))).toBe('object')
    expect(JSON.stringify(initialOf(schema, schema)).length).toBeLessThan(1_000)
    expect(problemsOf(schema, { name: 'a', inner: { name: 'b', inner: null } })).toEqual({})
  })

  test('alternatives are called by what tells them apart', () => {
    const { by } = schemaOf(order).properties ?? {}
    expect(by?.anyOf?.map(one => nameOf(one, {}))).toEqual(['card', 'cash'])
    expect(nameOf({ type: 'null' }, {})).toBe('nothing')
    expect(kindOf({ type: ['string', 'null'] })).toBe('union')
  })
})
