import type { ActorId } from './address.ts'
import type { ErrorInfo } from './errors.ts'
import { decodeJson, encodeJson } from './json.ts'
import type { ActorStatus } from './store.ts'

/** Version of everything below; a reader refuses newer ones. */
export const DOCUMENT_FORMAT = 1
export const XSTATE_MAJOR = 5

/**
 * The whole durable state of an actor: the text of a base checkpoint, and what deltas apply to.
 * The envelope (format to hash) says which machine it was made by.
 */
export interface ActorDocument {
  readonly format: number
  readonly xstate: number
  readonly machine: string
  readonly version: string
  /** Structural hash of the machine. */
  readonly hash: string
  /** XState's persisted snapshot of the actor and its children in process. */
  readonly snapshot: PersistedSnapshot
  readonly status: ActorStatus
  /** Why it is failed. */
  readonly failure: ErrorInfo | null
  /** When a cancelled actor is stopped, should it not end by itself. */
  readonly cancelAt: number | null
  /** When an actor that threw begins its next life; until then it has none. */
  readonly restartAt: number | null
  /** By source path and send id, see `timerKey`. */
  readonly timers: Readonly<Record<string, TimerDocument>>
  /** By task id. */
  readonly tasks: Readonly<Record<string, TaskDocument>>
  /** Counter behind timer generations, task ids and the keys of spawned actors. */
  readonly ordinal: number
  readonly input: unknown
  readonly parent: ParentLink | null
  /** Requests that wait for a `reply`. */
  readonly asks: readonly OpenAsk[]
  /** Times of the restarts that supervision counts. */
  readonly restarts: readonly number[]
}

/** What an actor at rest has; the text of a base leaves it out, a quarter of a small checkpoint. */
const atRest = () => ({ timers: {}, tasks: {}, ordinal: 0, status: 'active', failure: null, cancelAt: null, restartAt: null, parent: null, asks: [], restarts: [] }) satisfies Partial<ActorDocument>

const AT_REST: Readonly<Record<string, unknown>> = atRest()

/** Text of a base. */
export function encodeDocument(document: ActorDocument, tagged: boolean): string {
  const kept: Record<string, unknown> = {}
  for (const [part, value] of Object.entries(document)) if (!isAtRest(part, value)) kept[part] = value
  return encodeJson(kept, tagged)
}

function isAtRest(part: string, value: unknown): boolean {
  const rest = AT_REST[part]
  if (rest === undefined || typeof rest !== 'object' || rest === null) return value === rest
  for (const _ in value as object) return false
  return true
}

/** The whole document of the text of a base. */
export const decodeDocument = (text: string): ActorDocument => ({ ...atRest(), ...decodeJson<Omit<ActorDocument, keyof ReturnType<typeof atRest>>>(text) })

export interface PersistedSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly output?: unknown
  readonly error?: unknown
  readonly value?: unknown
  readonly context?: unknown
  readonly historyValue?: unknown
  readonly children?: Readonly<Record<string, PersistedChild>>
}

export interface PersistedChild {
  readonly snapshot: PersistedSnapshot
  readonly src: string
  readonly systemId?: string
  readonly syncSnapshot?: boolean
}

export interface TimerDocument {
  readonly id: string
  /** Distinguishes two schedules under one id. */
  readonly generation: number
  /** Path of the actor in the tree that scheduled it, '' for the root. */
  readonly source: string
  /** Path of a target in the tree, or a durable actor. */
  readonly target: string | { readonly address: string; readonly path?: string }
  readonly event: { readonly type: string }
  readonly dueAt: number
}

export interface TaskDocument {
  readonly id: string
  readonly path: string
  readonly input: unknown
  /** Attempt that runs now or next; counted before it runs. */
  readonly attempt: number
  /** Attempts that ended in an error, for the retry policy. */
  readonly failures: number
  /** When the next attempt is due; null while one runs. */
  readonly dueAt: number | null
  /** Crashes of the process so far while it ran. */
  readonly crashes: number
  readonly checkpoint?: unknown
  /** How it ended while the actor was paused; handed over on resume. */
  readonly outcome?: TaskOutcome
}

export interface ParentLink {
  readonly id: ActorId
  /** Path of the stand-in inside the parent. */
  readonly path: string
  /** The parent wants every snapshot. */
  readonly sync: boolean
}

export interface AskDocument {
  readonly node: string
  readonly request: string
}

/** A question without its `reply` yet; after its time nobody waits for one. */
export interface OpenAsk extends AskDocument {
  readonly expiresAt: number
}

/** How a task's attempt ended. */
export type TaskOutcome = { readonly ok: true; readonly output: unknown } | { readonly ok: false; readonly error: unknown }

