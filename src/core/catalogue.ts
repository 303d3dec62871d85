import type { AnyActorLogic } from 'xstate'

/** What a machine says of itself, for those who look for one that can do something. Stands in the `meta` of its root state. */
export interface CatalogueEntry {
  readonly kind: 'agent' | 'pattern' | 'machine'
  readonly name: string
  readonly description?: string
  /** What it can do, in words of the application: `review`, `translate/de`. */
  readonly capabilities: readonly string[]
  /** Of what is built from a pattern: its version, and what it was built with. */
  readonly version?: string
  readonly params?: unknown
}

const META = 'troupe'

/** The `meta` of a machine that is listed. */
export const catalogued = (entry: CatalogueEntry): Readonly<Record<typeof META, CatalogueEntry>> => ({ [META]: entry })

/** What a machine says of itself; undefined for those that say nothing. */
export function catalogueEntryOf(logic: AnyActorLogic): CatalogueEntry | undefined {
  const { root } = logic as { root?: { meta?: Readonly<Record<string, unknown>> } }
  return root?.meta?.[META] as CatalogueEntry | undefined
}
