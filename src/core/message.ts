import type { ActorId } from './address.ts'
import { partitionOf } from './address.ts'
import type { ActorDocument, AskDocument, ParentLink, TaskOutcome } from './document.ts'
import type { ChildOutcome } from './remote.ts'
import type { InboxMessage } from './store.ts'
import { decodeJson, encodeJson } from './json.ts'

/** What a message asks of an actor. */
export type Body =
  /** `key` is the idempotency key; `child` the path of the sender's stand-in, for what a durable child says to its parent; `ask` keeps the requester for a `reply`. */
  | { readonly kind: 'event'; readonly event: string; readonly path?: string; readonly child?: string; readonly key?: string; readonly ask?: AskDocument & { readonly timeoutMs: number } }
  | { readonly kind: 'start'; readonly input: string }
  | { readonly kind: 'spawn'; readonly input: string; readonly parent: ParentLink }
  | { readonly kind: 'fork'; readonly document: ActorDocument }
  | { readonly kind: 'child'; readonly path: string; readonly child: ActorId; readonly outcome: ChildOutcome }
  /** The sender, a child of the actor, has begun a new life because it threw. */
  | { readonly kind: 'restarted' }
  /** Begin a new life, because a sibling has. */
  | { readonly kind: 'restart'; readonly sibling: ActorId }
  | { readonly kind: 'stop' }
  | { readonly kind: 'cancel'; readonly graceMs: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** `event` comes in the place of the letter's own. */
  | { readonly kind: 'replay'; readonly letter: string; readonly event?: string }
  | { readonly kind: 'discard'; readonly letter: string; readonly reason: string | null }
  /** Looks whether somebody waits in a cycle; changes nothing. */
  | { readonly kind: 'probe'; readonly probe: Probe }

/** What only the owner of a partition gives itself: hints and results of its own memory, never stored as messages. */
export type LocalBody =
  /** Due timers and retries, open tasks, parked messages: look what there is to do. */
  | { readonly kind: 'wake' }
  /** A message of the store that cannot be read: put aside as it is, so that those behind it go on. */
  | { readonly kind: 'damaged'; readonly data: string; readonly error: unknown }
  /** The runtime shuts down: the task's attempt does not count. */
  | { readonly kind: 'interrupt'; readonly task: string; readonly attempt: number }
  | { readonly kind: 'task'; readonly task: string; readonly attempt: number; readonly outcome: TaskOutcome; readonly retryable: boolean; readonly checkpoint: unknown }
  | { readonly kind: 'heartbeat'; readonly task: string; readonly attempt: number; readonly details: unknown }

/** Follows, from actor to actor, what each of them waits for; see `Wait`. */
export interface Probe {
  /** The wait it began with. */
  readonly wait: string
  /** Since when that waits, by the clock of its node. */
  readonly since: number
  /** How often that has looked, this time included. */
  readonly round: number
  /** The actors it has come through. */
  readonly path: readonly ActorId[]
  /** What the actor it comes to was asked last; null when somebody waits for a state or the end of it. */
  readonly question: Question | null
  /** Something outside of the waits that may still move an actor of the path. */
  readonly hope: string | null
}

/** A request for a `reply`, and the type of the event that asked for it. */
export interface Question {
  readonly request: string
  readonly event: string
}

/** An event or request on its way to an actor, with its envelope. */
export interface Message<TBody extends Body | LocalBody = Body | LocalBody> {
  /** Unique over all senders. */
  readonly id: string
  readonly to: ActorId
  readonly from: ActorId | null
  /** When it was sent, by the sender's clock. */
  readonly at: number
  readonly body: TBody
  /** Who waits for the outcome. */
  readonly reply?: AskDocument
  /** Id of the first message of the chain of causes. */
  readonly correlation: string
  /** Id of the message whose step sent this one. */
  readonly causation: string | null
  /** W3C trace context, handed on unchanged. */
  readonly traceparent?: string
}

export function packMessage(message: Message<Body>, partitions: number): InboxMessage {
  const { id, to, at, ...rest } = message
  return { id, to, at, partition: partitionOf(to, partitions), data: encodeJson(rest, true) }
}

export function unpackMessage({ id, to, at, data }: Pick<InboxMessage, 'id' | 'to' | 'at' | 'data'>): Message<Body> {
  return { id, to, at, ...decodeJson<Omit<Message<Body>, 'id' | 'to' | 'at'>>(data) }
}

/** What a request was told. Without `error` it was carried out; `seq` is the actor's after that. */
export interface Outcome {
  readonly seq: number
  readonly error?: unknown
  readonly value?: unknown
}
