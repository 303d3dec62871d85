import type { AnyActorLogic } from 'xstate'

/** What a machine says of itself, for those who look for one that can do something. Stands in the `meta` of its root state. */
export interface CatalogueEntry {
  readonly kind: 'agent' | 'pattern' | 'machine'
  readonly name: string
  readonly description?: string
  /** What it can do, in words of the application: `review`, `translate/de`. */
  readonly capabilities: readonly string[]
  /** Of an agent: which model it uses, and the names of its tools. */
  readonly model?: string
  readonly tools?: readonly string[]
  /** Of what is built from a pattern definition: its version, and what it was built with. */
  readonly version?: string
  readonly params?: unknown
}

/** A pattern that can be built, as those see it who look for one. */
export interface PatternInfo {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly capabilities: readonly string[]
  /** JSON Schema (draft 2020-12) of what it is built with. */
  readonly paramsSchema: Readonly<Record<string, unknown>>
  /** Named params to begin with. */
  readonly templates: Readonly<Record<string, unknown>>
}

const META = 'troupe'

/** The `meta` of a machine that is listed. */
export const catalogued = (entry: CatalogueEntry): Readonly<Record<typeof META, CatalogueEntry>> => ({ [META]: entry })

/** What a machine says of itself; undefined for those that say nothing. */
export function catalogueEntryOf(logic: AnyActorLogic): CatalogueEntry | undefined {
  const { root } = logic as { root?: { meta?: Readonly<Record<string, unknown>> } }
  return root?.meta?.[META] as CatalogueEntry | undefined
}

/** The logic that a machine has named as its children's, by that name. */
export const childLogicOf = (logic: AnyActorLogic): Readonly<Record<string, AnyActorLogic>> => (logic as { readonly implementations?: { readonly actors?: Readonly<Record<string, AnyActorLogic>> } }).implementations?.actors ?? {}
