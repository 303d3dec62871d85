import { createHash } from 'node:crypto'
import type { AnyActorLogic, AnyStateMachine } from 'xstate'
import type { ZodType } from 'zod'
import { isName } from '../core/address.ts'
import type { PersistedSnapshot } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import { resolveLimits } from '../core/limits.ts'
import type { Limits } from '../core/limits.ts'
import { resolveRetry } from '../core/retry.ts'
import type { RetryPolicy } from '../core/retry.ts'
import { isLogic, isMachine } from './xstate/logic.ts'

const strategies = ['resume', 'restart', 'stop', 'escalate'] as const
const childrenStrategies = ['one-for-one', 'one-for-all', 'rest-for-one'] as const
const journals = ['full', 'states'] as const

/** What becomes of an actor that threw, and of its siblings. */
export interface Supervision {
  /**
   * `resume` skips the event (it stays in the dead letters), `restart` begins anew with the same input, `stop` ends the
   * actor (a parent that handles errors hears `actor/ended`, another one goes on), `escalate` fails it and its parent, unless that
   * handles the error. Default: `resume` for a root actor whose event came from outside,
   * `escalate` for everything else, so that no parent waits for ever.
   */
  readonly strategy?: (typeof strategies)[number]
  /** Restarts allowed in `windowMs`; one more escalates. Default 3. Those that a sibling causes do not count. */
  readonly restartsMax?: number
  /** Default 60,000. */
  readonly windowMs?: number
  /**
   * How long an actor that threw waits for its restart, longer with each one in the window, which has to outlast the waits. What comes
   * meanwhile stays in its mailbox. Default: not at all; what `{}` leaves out is as for tasks (1 s, factor 2, at most 60 s, jitter 0.1).
   */
  readonly backoff?: Backoff
  /**
   * Which of its durable children restart when one of them does: that one, all, or that one and those spawned after it. Said of the
   * parent, wherever in its tree they were spawned and in whatever partition they live. Default `one-for-one`.
   */
  readonly children?: (typeof childrenStrategies)[number]
}

type Backoff = Partial<Omit<RetryPolicy, 'attempts'>>

/** How long what is over is kept. Default: for ever. What is gone is forgotten: the same start is a new one. */
export interface Retention {
  /** Milliseconds that a completed actor and its history are kept, from its completion. */
  readonly completedMs?: number
  /** How many completed runs whose root is of this machine are kept, over all partitions; the latest completions stay. A run goes whole. */
  readonly completedMax?: number
}

export interface MigrationSource {
  readonly version: string
  readonly hash: string
}

/** A machine with what the runtime should know about it. */
export interface Registration<TLogic extends AnyActorLogic = AnyActorLogic> {
  readonly machine: TLogic
  /** Written into every checkpoint. Default '1'. */
  readonly version?: string
  /** Turns a persisted snapshot of another version into one that fits this machine. */
  migrate?(snapshot: PersistedSnapshot, from: MigrationSource): PersistedSnapshot
  readonly retention?: Retention
  readonly supervision?: Supervision
  readonly limits?: Partial<Pick<Limits, 'mailboxDepthMax' | 'payloadBytesMax' | 'checkpointBytesMax' | 'microstepsMax' | 'jsonDepthMax'>>
  /** The machine changes its context in place: compare by content, at a cost that grows with the context. */
  readonly mutableContext?: boolean
  /** `full` (default) keeps every event beside the change it made; `states` the changes only: fewer bytes, the same states to travel to. */
  readonly journal?: (typeof journals)[number]
  /** Schemas of the events by type: checked on send, shown by `nextEvents`. */
  readonly events?: Readonly<Record<string, ZodType>>
}

export type Machines = Readonly<Record<string, AnyActorLogic | Registration>>

export interface Definition {
  readonly name: string
  readonly logic: AnyActorLogic
  readonly version: string
  readonly hash: string
  readonly migrate: Registration['migrate']
  readonly completedMs: number | undefined
  readonly completedMax: number | undefined
  readonly strategy: (typeof strategies)[number] | undefined
  readonly restartsMax: number
  readonly windowMs: number
  readonly backoff: RetryPolicy | undefined
  readonly children: (typeof childrenStrategies)[number]
  readonly limits: Limits
  readonly mutableContext: boolean
  readonly keepsEvents: boolean
  readonly events: Readonly<Record<string, ZodType>>
}

/** Checks and completes what was registered. Throws `machine/invalid` or `config/invalid` naming the machine. */
export function defineMachines(machines: Machines, limits: Limits): ReadonlyMap<string, Definition> {
  return new Map(Object.entries(machines).map(([name, entry]) => [name, define(name, entry, limits)]))
}

function define(name: string, entry: AnyActorLogic | Registration, limits: Limits): Definition {
  if (!isName(name)) throw new TroupeError('machine/invalid', `${JSON.stringify(name)} cannot name a machine`)
  const registration: Registration = isLogic(entry) ? { machine: entry } : entry
  const logic: unknown = (registration as Partial<Registration> | undefined)?.machine
  if (!isLogic(logic)) throw new TroupeError('machine/invalid', `'${name}' is neither an XState v5 machine or actor logic nor { machine, … }`)
  const { version = '1', migrate, retention, supervision, mutableContext = false, journal = 'full', events = {} } = registration
  const positive = { 'retention.completedMs': retention?.completedMs, 'retention.completedMax': retention?.completedMax, 'supervision.windowMs': supervision?.windowMs, 'supervision.restartsMax': supervision?.restartsMax }
  for (const [option, value] of Object.entries(positive)) {
    if (value !== undefined && !(value >= 0)) throw new TroupeError('config/invalid', `machine '${name}': ${option} must be a number from 0, not ${String(value)}`)
  }
  const words = { 'supervision.strategy': [supervision?.strategy, strategies], 'supervision.children': [supervision?.children, childrenStrategies], journal: [journal, journals] } as const
  for (const [option, [value, known]] of Object.entries(words)) {
    if (value !== undefined && !(known as readonly string[]).includes(value)) throw new TroupeError('config/invalid', `machine '${name}': ${option} must be one of ${known.join(', ')}, not ${String(value)}`)
  }
  return {
    name,
    logic,
    version: String(version),
    hash: hashOf(logic),
    migrate: migrate?.bind(registration),
    completedMs: retention?.completedMs,
    completedMax: retention?.completedMax,
    strategy: supervision?.strategy,
    restartsMax: supervision?.restartsMax ?? 3,
    windowMs: supervision?.windowMs ?? 60_000,
    backoff: supervision?.backoff && backoffOf(name, supervision.backoff),
    children: supervision?.children ?? 'one-for-one',
    limits: resolveLimits(registration.limits, limits),
    mutableContext,
    keepsEvents: journal === 'full',
    // Without a prototype: an event may be called 'constructor'.
    events: Object.assign(Object.create(null) as Record<string, ZodType>, schemasOf(logic), events),
  }
}

function backoffOf(name: string, backoff: Backoff): RetryPolicy {
  try {
    return resolveRetry(backoff)
  } catch (cause) {
    throw new TroupeError('config/invalid', `machine '${name}': supervision.backoff: ${(cause as Error).message}`, { cause })
  }
}

/** Event schemas given in the machine itself: `setup({ schemas: { events } })`. */
function schemasOf(logic: AnyActorLogic): Readonly<Record<string, ZodType>> {
  const { schemas } = logic as { schemas?: { events?: Readonly<Record<string, unknown>> } }
  return Object.fromEntries(Object.entries(schemas?.events ?? {}).filter((entry): entry is [string, ZodType] => typeof (entry[1] as Partial<ZodType>).safeParse === 'function'))
}

/** Hash of what a checkpoint depends on: states, their kinds and transitions, and the sources of children. */
function hashOf(logic: AnyActorLogic): string {
  const shape = isMachine(logic) ? [logic.id, shapeOf(logic.root)] : ['logic']
  return createHash('sha256').update(JSON.stringify(shape)).digest('base64url').slice(0, 16)
}

function shapeOf(node: AnyStateMachine['root']): unknown {
  return {
    type: node.type,
    on: [...node.transitions].map(([event, transitions]) => [event, transitions.map(({ target }) => target?.map(({ id }: { id: string }) => id) ?? null)]),
    invoke: node.invoke.map(({ id, src }: { id: string; src: unknown }) => [id, typeof src === 'string' ? src : 'inline']),
    states: Object.entries(node.states).map(([key, child]) => [key, shapeOf(child)]),
  }
}
