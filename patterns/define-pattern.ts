import { createMachine } from 'xstate'
import type { AnyStateMachine } from 'xstate'
import { z } from 'zod'
import { isName } from '../src/core/address.ts'
import { catalogued } from '../src/core/catalogue.ts'
import type { PatternInfo } from '../src/core/catalogue.ts'
import type { PersistedSnapshot } from '../src/core/document.ts'
import { TroupeError } from '../src/core/errors.ts'

type Migrate = (snapshot: PersistedSnapshot, from: { readonly version: string; readonly hash: string }) => PersistedSnapshot

export interface PatternSpec<TParams extends z.ZodType, TMachine extends AnyStateMachine> {
  readonly name: string
  /** Written into every checkpoint; another one needs a `migrate`. Default '1'. */
  readonly version?: string
  readonly description?: string
  readonly capabilities?: readonly string[]
  /** What it is built with: JSON, members by name. */
  readonly params: TParams
  /** Named params to begin with. */
  readonly templates?: Readonly<Record<string, z.input<TParams>>>
  build(params: z.output<TParams>): TMachine
  /** Turns a persisted snapshot of another version into one of this. */
  readonly migrate?: Migrate
}

/** What `createRuntime({ machines })` takes. */
export interface BuiltPattern<TMachine extends AnyStateMachine> {
  readonly machine: TMachine
  readonly version: string
  readonly migrate?: Migrate
}

export interface PatternDefinition<TParams, TMachine extends AnyStateMachine> extends PatternInfo {
  /** A machine of this pattern, to be registered. Throws `config/invalid` with the path into the params. */
  create(params: TParams): BuiltPattern<TMachine>
  /** The same from a template, with some of its params changed. */
  createFrom(template: string, changes?: Partial<TParams>): BuiltPattern<TMachine>
}

/**
 * A pattern as a kind of machine that is built from params: checked, versioned, with templates, and listed by
 * `runtime.patterns`. Throws `config/invalid`.
 *
 * @example
 * const relay = definePattern({
 *   name: 'relay', description: 'one after the other', capabilities: ['relay'],
 *   params: z.object({ runners: z.array(z.string()).min(1) }),
 *   templates: { pair: { runners: ['first', 'second'] } },
 *   build: ({ runners }) => pipeline({ name: 'relay', stages: runners.map(member => ({ name: member, member })) }),
 * })
 * await createRuntime({ machines: { crew: relay.create({ runners: ['ann', 'ben'] }), ann, ben }, patterns: [relay], store })
 */
export function definePattern<TParams extends z.ZodType, TMachine extends AnyStateMachine>(spec: PatternSpec<TParams, TMachine>): PatternDefinition<z.input<TParams>, TMachine> {
  const { name, version = '1', description = '', capabilities = [], params: schema, templates = {}, migrate } = spec
  if (!isName(name)) throw new TroupeError('config/invalid', `${JSON.stringify(name)} cannot name a pattern`)
  for (const [template, params] of Object.entries(templates)) check(`template '${template}' of pattern '${name}'`, schema, params)

  const create = (given: z.input<TParams>): BuiltPattern<TMachine> => {
    const built = spec.build(check(`pattern '${name}'`, schema, given))
    const meta = { ...(built.config as { meta?: object }).meta, ...catalogued({ kind: 'pattern', name, description, capabilities, version, params: given }) }
    const machine = createMachine({ ...built.config, meta }, built.implementations as never) as unknown as TMachine
    return { machine, version, ...(migrate && { migrate }) }
  }
  return {
    name,
    version,
    description,
    capabilities,
    paramsSchema: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
    templates,
    create,
    createFrom(template, changes = {}) {
      if (!Object.hasOwn(templates, template)) throw new TroupeError('config/invalid', `pattern '${name}' has no template '${template}'; it has ${Object.keys(templates).join(', ') || 'none'}`)
      return create({ ...(templates[template] as object), ...changes } as z.input<TParams>)
    },
  }
}

function check<TParams extends z.ZodType>(what: string, schema: TParams, params: unknown): z.output<TParams> {
  const parsed = schema.safeParse(params)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => `${pathOf(path)}: ${message}`)
  throw new TroupeError('config/invalid', `${what}: ${issues.join('; ')}`, { details: { issues } })
}

const pathOf = (path: readonly PropertyKey[]): string => ['params', ...path.map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))].join('')
