import type { ActorId } from '../../../src/core/address.ts'
import { plainCodec } from '../../../src/core/codec.ts'
import type { ActorDocument } from '../../../src/core/document.ts'
import { unpackRow } from '../../../src/core/journal.ts'
import type { JournalEntry } from '../../../src/core/journal.ts'
import { unpackMessage } from '../../../src/core/message.ts'
import type { Body, Message } from '../../../src/core/message.ts'
import type { ActorRecord, DeadLetter, DeadLetterResolution, Store } from '../../../src/core/store.ts'
import { readDocument } from '../../../src/host/slots.ts'
import type { Effect } from './machines.ts'

/** What a client has tried to send. */
export interface SentEvent {
  readonly op: string
  /** `machine/key` */
  readonly to: string
  readonly type: string
  readonly cents?: number
  /** Whether each try had the same idempotency key. */
  readonly keyed: boolean
  tries: number
  acked: boolean
}

/** A commit that took effect, with the lease its sender believed in. */
export interface CommitFacts {
  readonly id: string
  readonly partition: number
  readonly epoch: number
  readonly token: string
  readonly seq: number
  readonly letters: readonly DeadLetter[]
  readonly resolved: readonly DeadLetterResolution[]
}

export interface ActorHistory {
  readonly id: ActorId
  readonly record: ActorRecord
  /** As it was after its first step, and as it is now. */
  readonly born: ActorDocument
  readonly document: ActorDocument
  readonly entries: readonly JournalEntry[]
}

export interface Letter extends DeadLetter {
  readonly message: Message<Body>
}

/** All there is to say about a run: what was asked for, what the store has of it, what happened outside. */
export interface History {
  readonly endedAt: number
  /** Whether time went on while a step ran. */
  readonly isRealTime?: boolean
  readonly sent: ReadonlyMap<string, SentEvent>
  readonly actors: ReadonlyMap<ActorId, ActorHistory>
  readonly letters: readonly Letter[]
  readonly effects: readonly Effect[]
  /** Missing when nobody could write them down: the process was another one. */
  readonly commits?: readonly CommitFacts[]
}

const ALL = 1e9
const READ_AT_ONCE = 100

/** Reads everything a store has, past the runtime. */
export async function readHistory(store: Store, facts: Pick<History, 'endedAt' | 'isRealTime' | 'sent' | 'effects' | 'commits'>): Promise<History> {
  const actors = new Map<ActorId, ActorHistory>()
  const { records } = await store.list({ tenant: 'default', limit: ALL })
  for (let from = 0; from < records.length; from += READ_AT_ONCE) {
    const found = await Promise.all(records.slice(from, from + READ_AT_ONCE).map(({ id }) => readActor(store, id)))
    for (const actor of found) if (actor) actors.set(actor.id, actor)
  }
  const letters = (await store.deadLetters({ limit: ALL })).map(letter => ({ ...letter, message: unpackMessage({ ...letter, to: letter.actor }) }))
  return { ...facts, actors, letters }
}

async function readActor(store: Store, id: ActorId): Promise<ActorHistory | undefined> {
  const [first, last, rows] = await Promise.all([store.load(id, 1), store.load(id), store.history(id, 0, ALL)])
  if (!first || !last) return undefined
  return { id, record: last.record, born: readDocument(first, plainCodec, 1).document, document: readDocument(last, plainCodec).document, entries: rows.flatMap(({ data }) => unpackRow(data)) }
}

/** The event of a message, if it is one. */
export function eventOf({ body }: Message<Body>): { readonly type: string; readonly [key: string]: unknown } | undefined {
  return body.kind === 'event' ? (JSON.parse(body.event) as { type: string }) : undefined
}
