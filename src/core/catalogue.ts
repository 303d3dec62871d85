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

/** A decision that an actor waits for, as its machine tells it from its context. */
export interface OpenApproval {
  /** Among those of the same place; '' where there can be only one. */
  readonly id: string
  readonly title: string
  /** What is to be approved, whole: it is what people see. */
  readonly subject: unknown
  /** Of the subject: a decision on another one does not count. */
  readonly revision: string
  /** Whose decision counts; none: anybody's. */
  readonly approvers: readonly string[]
  readonly level?: number
  readonly votes?: readonly { readonly by: string; readonly approve: boolean; readonly reason: string | null }[]
  /**
   * What the event `approval.decide` must carry, beside `approve`, `by` and `reason`, so that the machine knows what it is about. The
   * machine answers it with `reply({ accepted: true })` or `reply({ accepted: false, refused: why })` in the same step.
   */
  readonly decision: Readonly<Record<string, unknown>>
}

/** The tag of states that wait for a person's decision: only in them a machine is asked for which. */
export const WAITS_FOR_PEOPLE = 'approval'

const META = 'troupe'
const APPROVALS = 'approvals'

type ApprovalsOf = (context: unknown) => readonly OpenApproval[]

/** The `meta` of a machine that is listed, and of one that waits for decisions: `approvals` says for which, from its context. */
export const catalogued = (entry: CatalogueEntry, approvals?: ApprovalsOf): Readonly<Record<string, unknown>> => ({ [META]: entry, ...(approvals && { [APPROVALS]: approvals }) })

const metaOf = (logic: AnyActorLogic): Readonly<Record<string, unknown>> => (logic as { root?: { meta?: Readonly<Record<string, unknown>> } }).root?.meta ?? {}

/** What a machine says of itself; undefined for those that say nothing. */
export const catalogueEntryOf = (logic: AnyActorLogic): CatalogueEntry | undefined => metaOf(logic)[META] as CatalogueEntry | undefined

/** The decisions that an actor of the machine waits for. */
export function approvalsOf(logic: AnyActorLogic, context: unknown): readonly OpenApproval[] {
  const approvals = metaOf(logic)[APPROVALS]
  return typeof approvals === 'function' ? (approvals as ApprovalsOf)(context) : []
}

/** The logic that a machine has named as its children's, by that name. */
export const childLogicOf = (logic: AnyActorLogic): Readonly<Record<string, AnyActorLogic>> => (logic as { readonly implementations?: { readonly actors?: Readonly<Record<string, AnyActorLogic>> } }).implementations?.actors ?? {}
