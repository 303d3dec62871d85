import { addressOf } from '../core/address.ts'
import type { AskDocument } from '../core/document.ts'
import { TroupeError, fromErrorInfo, toErrorInfo } from '../core/errors.ts'
import type { ErrorInfo } from '../core/errors.ts'
import { decodeJson, encodeJson } from '../core/json.ts'
import { packMessage, unpackMessage } from '../core/message.ts'
import type { Body, Message } from '../core/message.ts'
import type { Commit, DeadLetter, DeadLetterResolution, InboxMessage, Mark, Parked, Reply } from '../core/store.ts'
import type { Codec } from '../core/codec.ts'
import type { ActorId } from '../core/address.ts'
import { decodeFor, encodeFor } from './coding.ts'
import type { Slot } from './slot.ts'
import type { HostEnv } from './env.ts'
import type { Settled, Waiter, Work } from './work.ts'

/** What one batch has changed and wants to let out. Nothing of it happens before its commit. */
export class Batch {
  readonly slots = new Set<Slot>()
  /** Messages between actors of this partition, handled in this same batch while it lasts. */
  readonly chained: Work[] = []
  readonly outbox: Message<Body>[] = []
  readonly park: Message<Body>[] = []
  readonly unpark: Parked[] = []
  /** Actors whose parked messages were taken: the store shows them until the commit, so once per batch is enough. */
  readonly unparked = new Set<Slot>()
  readonly marks: Mark[] = []
  /** By actor and idempotency key, the event that the store or this batch knows under it; undefined for a key that is new. */
  readonly fingerprints = new Map<string, string | undefined>()
  readonly replies: Reply[] = []
  readonly letters: DeadLetter[] = []
  readonly resolved: DeadLetterResolution[] = []
  /** What runs after the commit: task starts, callbacks, live code. */
  readonly after: (() => void)[] = []
  /** Senders to be told that their event is durable. */
  readonly served: Waiter[] = []
  readonly settlements: { readonly waiter: Waiter; readonly outcome: Settled }[] = []
  /** Works taken whose effects are in this batch: done again or handed elsewhere when there is no commit. What they sent each other is not among them. */
  readonly works: Work[] = []
  /** Task attempts counted in this batch, which start after its commit. */
  readonly starting = new Set<string>()
  /** Whether a message may be handled in this batch: it stays in the partition, and nothing older waits in the inbox. */
  readonly chains: (to: ActorId) => boolean
  inboxFloor: number
  /** The store has failed while it committed: nobody knows whether it did. */
  isUncertain = false
  /** Actors made in this batch: the limit of active actors counts them before they are committed. */
  births = 0
  steps = 0
  /** Set once messages between actors had to go through the inbox: what follows them must not overtake them. */
  overflowed = false
  bytes = 0
  readonly #env: Pick<HostEnv, 'node' | 'settle' | 'codec'>

  constructor(env: Pick<HostEnv, 'node' | 'settle' | 'codec'>, inboxFloor: number, chains: (to: ActorId) => boolean) {
    this.#env = env
    this.inboxFloor = inboxFloor
    this.chains = chains
  }

  /** Whether there is nothing to commit. An answer is committed too: what it was read from may be a write that the store can still lose. */
  get isEmpty(): boolean {
    return this.served.length + this.settlements.length + this.slots.size + this.outbox.length + this.park.length + this.unpark.length + this.marks.length + this.replies.length + this.letters.length + this.resolved.length === 0
  }

  /** Tells whoever asked, after the commit. */
  answer(work: Work, outcome: Settled): void {
    if (work.waiter) this.settlements.push({ waiter: work.waiter, outcome })
    else if (work.message.reply) this.reply(work.message.reply, work.message.to, outcome)
  }

  /** In this process directly, to another one through the store: no store tells a node of its own commits. */
  reply(ask: AskDocument, from: ActorId, outcome: Settled): void {
    if (ask.node === this.#env.node) this.after.push(() => this.#env.settle(ask.request, outcome))
    else this.replies.push(replyOf(ask, from, outcome, this.#env.codec))
  }

  toCommit(id: string, seq: number, at: number, partition: number, partitions: number, codec: Codec): Commit {
    const pack = (message: Message<Body>): InboxMessage => encodeMessage(packMessage(message, partitions), codec)
    return {
      id,
      seq,
      at,
      inboxFloor: this.inboxFloor,
      actors: [...this.slots].map(slot => {
        const write = slot.write(codec)
        return { ...write, record: { ...write.record, partition } }
      }),
      outbox: this.outbox.map(pack),
      park: this.park.map(pack),
      unpark: this.unpark,
      marks: this.marks,
      replies: this.replies,
      deadLetters: this.letters,
      resolved: this.resolved,
    }
  }
}

/** The answer of an actor to a request, as it travels between nodes. */
function replyOf({ node, request }: AskDocument, from: ActorId, { seq, error, value }: Settled, codec: Codec): Reply {
  const text = encodeJson({ seq, value, ...(error !== undefined && { error: toErrorInfo(error) }) }, true)
  return { node, request, data: JSON.stringify({ from, data: encodeFor(codec, from, text) }) }
}

/** The way back. */
export function outcomeOf({ data }: Reply, codec: Codec): Settled {
  const { from, data: sealed } = JSON.parse(data) as { readonly from: ActorId; readonly data: string }
  const { seq, value, error } = decodeJson<{ readonly seq: number; readonly value?: unknown; readonly error?: ErrorInfo }>(decodeFor(codec, from, sealed))
  return { seq, value, ...(error && { error: fromErrorInfo(error) }) }
}

export function encodeMessage(message: InboxMessage, codec: Codec): InboxMessage {
  return { ...message, data: encodeFor(codec, message.to, message.data) }
}

const damaged = (to: ActorId, what: string, cause?: unknown): TroupeError => new TroupeError('store/corrupt', `a message for ${addressOf(to)} is damaged: ${what}`, { address: addressOf(to), cause })

/** Throws `store/corrupt` for what cannot be read. */
export function readMessage(stored: Pick<InboxMessage, 'id' | 'to' | 'at' | 'data'>, codec: Codec): Message<Body> {
  const { to, data } = stored
  const text = decodeFor(codec, to, data)
  try {
    const message = unpackMessage({ ...stored, data: text })
    if (typeof message.body.kind === 'string') return message
  } catch (cause) {
    throw damaged(to, 'it is not JSON', cause)
  }
  throw damaged(to, 'it says nothing')
}

/** A message as the partition handles it; one that cannot be read is work too, or it would hold up all others for ever. */
export function received(stored: InboxMessage, codec: Codec): Message {
  try {
    return readMessage(stored, codec)
  } catch (error) {
    const { id, to, at, data } = stored
    return { id, to, at, from: null, body: { kind: 'damaged', data, error }, correlation: id, causation: null }
  }
}
