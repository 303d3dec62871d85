import { z } from 'zod'

/** A JSON Schema. */
export type Schema = Record<string, unknown>

/** Schemas that operations share, by name. */
export class Components {
  readonly schemas: Record<string, Schema> = {}

  /** JSON Schema of a zod schema; what has a name of its own goes to the components. */
  add(schema: z.ZodType, io: 'input' | 'output'): Schema {
    const { $schema: _, $defs = {}, ...own } = z.toJSONSchema(schema, { io }) as Schema & { readonly $defs?: Record<string, Schema> }
    for (const [name, made] of Object.entries($defs)) this.#enter(nameOf(name), moveRefs(made))
    return moveRefs(own)
  }

  #enter(name: string, schema: Schema): void {
    const known = this.schemas[name]
    if (known && JSON.stringify(known) !== JSON.stringify(schema)) throw new Error(`two schemas are called ${name}`)
    this.schemas[name] = schema
  }
}

/** The one schema without a name that refers to itself is that of any JSON. */
const nameOf = (name: string): string => (name === '__schema0' ? 'Json' : name)

function moveRefs<T extends Schema>(schema: T): T {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') return `#/components/schemas/${nameOf(value.slice('#/$defs/'.length))}`
    return key === '$id' ? undefined : value
  }) as T
}
