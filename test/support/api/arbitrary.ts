import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'

/** A schema of the API document, as far as the document goes. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly format?: string
}

/** Values worth more than random ones, by the name of the field they stand in. */
export type Pool = Readonly<Record<string, readonly unknown[]>>

const TEXT_MAX = 30
const LIST_MAX = 3
const ANYTHING = fc.jsonValue({ maxDepth: 2 })

/** Values that a schema allows. Of a field with values of its own, those three times out of four. */
export function valuesOf(schema: Schema, pool: Pool, field = ''): Arbitrary<unknown> {
  const values = plainValuesOf(schema, pool)
  const known = pool[field]
  return known ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: values }) : values
}

function plainValuesOf(schema: Schema, pool: Pool): Arbitrary<unknown> {
  if (schema.$ref !== undefined) return ANYTHING
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const either = schema.anyOf ?? schema.oneOf
  if (either) return fc.oneof(...either.map(one => valuesOf(one, pool)))
  const { minimum = -1_000, maximum = 1_000 } = schema
  switch (schema.type) {
    case 'string':
      return schema.format === 'uri' ? fc.constantFrom('https://127.0.0.1/hook', 'http://localhost:1/', 'https://[::1]/') : fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? TEXT_MAX, TEXT_MAX) + (schema.minLength ?? 0), unit: 'grapheme' })
    case 'integer':
      return fc.integer({ min: Math.max(minimum, -1_000), max: Math.min(maximum, Math.max(minimum, 0) + 1_000) })
    case 'number':
      return fc.double({ min: minimum, max: maximum, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}, pool), { maxLength: Math.min(schema.maxItems ?? LIST_MAX, LIST_MAX) })
    case 'object':
      return objectsOf(schema, pool)
    default:
      return ANYTHING
  }
}

export function objectsOf({ properties = {}, required = [] }: Schema, pool: Pool): Arbitrary<Record<string, unknown>> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, pool, name)]))
  return fc.record(fields, { requiredKeys: [...required] }) as Arbitrary<Record<string, unknown>>
}

/** An object with one fault or another: a field of another kind, one too few, one too many. */
export const spoiled = (objects: Arbitrary<Record<string, unknown>>): Arbitrary<unknown> =>
  fc.tuple(objects, fc.constantFrom('kind', 'missing', 'extra', 'other'), ANYTHING, fc.nat()).map(([object, fault, value, pick]) => {
    const names = Object.keys(object)
    const name = names[pick % Math.max(1, names.length)]
    if (fault === 'other') return value
    if (fault === 'extra' || name === undefined) return { ...object, nobodyAskedFor: value }
    if (fault === 'kind') return { ...object, [name]: value }
    return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name))
  })
