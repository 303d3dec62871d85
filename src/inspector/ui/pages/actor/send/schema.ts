import type { Json } from '../../../../protocol.ts'

/** The part of JSON Schema (draft 2020-12) that zod's schemas become, and forms can be made of. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly title?: string
  readonly description?: string
  readonly default?: Json
  readonly const?: Json
  readonly enum?: readonly Json[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
}

type FieldKind = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object' | 'const' | 'enum' | 'union' | 'any'

/** Schemas that name themselves end somewhere: at a value, not at a schema. */
const REFS_MAX = 20

/** What a `$ref` stands for. */
export function resolve(schema: Schema, root: Schema): Schema {
  let current = schema
  for (let steps = 0; current.$ref !== undefined && steps < REFS_MAX; steps++) {
    const name = decodeURIComponent(current.$ref.replace(/^#\/\$defs\//, ''))
    current = current.$ref === '#' ? root : (root.$defs?.[name] ?? {})
  }
  return current
}

export function kindOf(schema: Schema): FieldKind {
  if (schema.const !== undefined) return 'const'
  if (schema.enum) return 'enum'
  if (schema.anyOf || schema.oneOf || Array.isArray(schema.type)) return 'union'
  const { type } = schema
  if (type === 'string' || type === 'number' || type === 'integer' || type === 'boolean' || type === 'null' || type === 'array' || type === 'object') return type
  return schema.properties ? 'object' : 'any'
}

/** The alternatives of a union; `type: ['string', 'null']` is one too. */
export function alternativesOf(schema: Schema): readonly Schema[] {
  if (Array.isArray(schema.type)) return (schema.type as readonly string[]).map(type => ({ ...schema, type }))
  return schema.anyOf ?? schema.oneOf ?? []
}

/** What an alternative is called in a choice. */
export function nameOf(schema: Schema, root: Schema): string {
  const resolved = resolve(schema, root)
  if (resolved.title !== undefined) return resolved.title
  const kind = kindOf(resolved)
  if (kind === 'const') return wordOf(resolved.const)
  if (kind === 'null') return 'nothing'
  const mark = Object.values(resolved.properties ?? {}).find(property => property.const !== undefined)
  return mark ? wordOf(mark.const) : kind === 'enum' ? 'one of a list' : kind
}

const wordOf = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** A value to begin a form with: what the schema gives, and the least that its shape asks for. */
export function initialOf(schema: Schema, root: Schema, depth = 0): Json | undefined {
  const resolved = resolve(schema, root)
  if (resolved.default !== undefined) return resolved.default
  if (depth > REFS_MAX) return undefined
  switch (kindOf(resolved)) {
    case 'const':
      return resolved.const
    case 'null':
      return null
    case 'boolean':
      return false
    case 'array':
      return []
    case 'union': {
      const [first] = alternativesOf(resolved)
      return first && initialOf(first, root, depth + 1)
    }
    case 'object': {
      const entries = (resolved.required ?? []).map(name => [name, initialOf(resolved.properties?.[name] ?? {}, root, depth + 1)] as const)
      return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined))
    }
    case 'string':
    case 'number':
    case 'integer':
    case 'enum':
    case 'any':
      return undefined
  }
}
