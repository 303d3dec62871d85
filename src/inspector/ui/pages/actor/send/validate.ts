import type { Json } from '../../../../protocol.ts'
import { alternativesOf, kindOf, resolve } from './schema.ts'
import type { Schema } from './schema.ts'

/** What is wrong, by the place of the field: `items.0.price`. The server judges again; this only says it sooner and beside the field. */
export type Problems = Readonly<Record<string, string>>

export function problemsOf(schema: Schema, value: Json | undefined, root: Schema = schema, path = ''): Problems {
  const resolved = resolve(schema, root)
  const problem = (text: string | undefined): Problems => (text === undefined ? {} : { [path]: text })
  if (value === undefined) return problem('is needed')
  switch (kindOf(resolved)) {
    case 'const':
      return problem(Object.is(value, resolved.const) ? undefined : `must be ${JSON.stringify(resolved.const)}`)
    case 'enum':
      return problem(resolved.enum?.includes(value) ? undefined : 'must be one of the list')
    case 'null':
      return problem(value === null ? undefined : 'must be nothing (null)')
    case 'boolean':
      return problem(typeof value === 'boolean' ? undefined : 'must be yes or no')
    case 'string':
      return problem(textProblem(resolved, value))
    case 'number':
    case 'integer':
      return problem(numberProblem(resolved, value))
    case 'array':
      return arrayProblems(resolved, value, root, path)
    case 'object':
      return objectProblems(resolved, value, root, path)
    case 'union':
      return unionProblems(resolved, value, root, path)
    case 'any':
      return {}
  }
}

export const placeWithin = (path: string, name: string | number): string => (path === '' ? String(name) : `${path}.${name}`)

function textProblem({ minLength = 0, maxLength = Infinity, pattern, format }: Schema, value: Json): string | undefined {
  if (typeof value !== 'string') return 'must be a text'
  if (value.length < minLength) return minLength === 1 ? 'must not be empty' : `needs at least ${minLength} characters`
  if (value.length > maxLength) return `takes at most ${maxLength} characters`
  if (pattern !== undefined && !matches(pattern, value)) return format === undefined ? `must match ${pattern}` : `must be a valid ${format}`
  return undefined
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    // A pattern that browsers cannot read is the server's to judge.
    return true
  }
}

function numberProblem({ type, minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity }: Schema, value: Json): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'must be a number'
  if (type === 'integer' && !Number.isInteger(value)) return 'must be a whole number'
  if (value < minimum) return `must be at least ${minimum}`
  if (value > maximum) return `must be at most ${maximum}`
  if (value <= exclusiveMinimum) return `must be more than ${exclusiveMinimum}`
  if (value >= exclusiveMaximum) return `must be less than ${exclusiveMaximum}`
  return undefined
}

function arrayProblems({ items = {}, minItems = 0, maxItems = Infinity }: Schema, value: Json, root: Schema, path: string): Problems {
  if (!Array.isArray(value)) return { [path]: 'must be a list' }
  if (value.length < minItems) return { [path]: `needs at least ${minItems} ${minItems === 1 ? 'item' : 'items'}` }
  if (value.length > maxItems) return { [path]: `takes at most ${maxItems} items` }
  return Object.assign({}, ...value.map((item, index) => problemsOf(items, item, root, placeWithin(path, index)))) as Problems
}

function objectProblems({ properties = {}, required = [], additionalProperties }: Schema, value: Json, root: Schema, path: string): Problems {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { [path]: 'must be an object' }
  const missing = required.filter(name => value[name] === undefined).map(name => ({ [placeWithin(path, name)]: 'is needed' }))
  const known = Object.entries(value).map(([name, part]) => {
    const schema = properties[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
    if (schema) return problemsOf(schema, part, root, placeWithin(path, name))
    return additionalProperties === false ? { [placeWithin(path, name)]: 'is not known here' } : {}
  })
  return Object.assign({}, ...missing, ...known) as Problems
}

/** Of several alternatives those problems that come nearest: the fewest. */
function unionProblems(schema: Schema, value: Json, root: Schema, path: string): Problems {
  const found = alternativesOf(schema).map(alternative => problemsOf(alternative, value, root, path))
  return found.toSorted((a, b) => Object.keys(a).length - Object.keys(b).length)[0] ?? {}
}
