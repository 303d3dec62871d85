import type { AnyActorLogic } from 'xstate'
import { catalogueEntryOf, childLogicOf } from '../core/catalogue.ts'
import type { CatalogueEntry, PatternInfo } from '../core/catalogue.ts'
import { TroupeError } from '../core/errors.ts'
import { remoteMachineOf } from '../core/remote.ts'
import type { Definition } from './definition.ts'
import { namesOf } from './status.ts'

/** A registered machine that says something of itself. */
export interface CatalogueItem extends CatalogueEntry {
  /** The name under which it is registered. */
  readonly machine: string
  readonly version: string
  /** The registered machines that it spawns by name, its own children's included. */
  readonly members: readonly string[]
}

export interface CatalogueQuery {
  /** What it must be able to do: `translate` finds `translate/de` too. */
  readonly capability?: string
}

type Definitions = ReadonlyMap<string, Definition>

/** The registered machines of one kind. */
export class Catalogue {
  readonly #items: readonly CatalogueItem[]

  /** @internal */
  constructor(kind: CatalogueEntry['kind'], definitions: Definitions) {
    this.#items = [...definitions.values()].flatMap(({ name, logic, version }) => {
      const entry = catalogueEntryOf(logic)
      return entry?.kind === kind ? [{ ...entry, machine: name, version, members: membersOf(logic) }] : []
    })
  }

  /** In the order in which they are registered. */
  list(query: CatalogueQuery = {}): readonly CatalogueItem[] {
    return this.#items.filter(item => isAble(item, query))
  }
}

/** The registered patterns, and the definitions that `createRuntime({ patterns })` knows. */
export class PatternCatalogue extends Catalogue {
  readonly #known: readonly PatternInfo[]

  /** @internal */
  constructor(definitions: Definitions, known: readonly PatternInfo[]) {
    super('pattern', definitions)
    const versions = known.map(({ name, version }) => `'${name}' in version '${version}'`)
    const twice = versions.find((version, index) => versions.indexOf(version) !== index)
    if (twice !== undefined) throw new TroupeError('config/invalid', `patterns has ${twice} twice`)
    this.#known = known
  }

  /** What can be built: names, versions, params as JSON Schema, templates. */
  definitions(query: CatalogueQuery = {}): readonly PatternInfo[] {
    return this.#known.filter(pattern => isAble(pattern, query)).map(({ name, version, description, capabilities, paramsSchema, templates }) => ({ name, version, description, capabilities, paramsSchema, templates }))
  }
}

const isAble = ({ capabilities }: { readonly capabilities: readonly string[] }, { capability }: CatalogueQuery): boolean => capability === undefined || capabilities.some(able => able === capability || able.startsWith(`${capability}/`))

/** The registered machines that a logic spawns by name, its children in process included. */
export const membersOf = (logic: AnyActorLogic): readonly string[] => [...new Set(spawnedBy(logic).map(({ machine }) => machine))]

/** What a logic and its children in process spawn by name: as what, and which machine. */
function spawnedBy(logic: AnyActorLogic): { readonly member: string; readonly machine: string }[] {
  return Object.entries(childLogicOf(logic)).flatMap(([member, child]) => {
    const machine = remoteMachineOf(child)
    return machine === undefined ? spawnedBy(child) : [{ member, machine }]
  })
}

/** Throws `machine/unknown` for a registered pattern whose member is not registered. */
export function checkMembers(definitions: Definitions): void {
  for (const { name, logic } of definitions.values()) {
    if (catalogueEntryOf(logic)?.kind !== 'pattern') continue
    const missing = spawnedBy(logic).find(({ machine }) => !definitions.has(machine))
    if (missing) throw new TroupeError('machine/unknown', `pattern '${name}' has a member '${missing.member}', but no machine '${missing.machine}' is registered; registered are ${namesOf(definitions)}`)
  }
}
