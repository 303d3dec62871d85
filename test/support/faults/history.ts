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
  readonly sent: ReadonlyMap<string, SentEvent>
  readonly actors: ReadonlyMap<ActorId, ActorHistory>
  readonly letters: readonly Letter[]
  readonly effects: readonly Effect[]
  /** Missing when nobody could write them down: the process was another one. */
  readonly commits?: readonly CommitFacts[]
}

const ALL = 1e9

/** Reads everything a store has, past the runtime. */
export async function readHistory(store: Store, facts: Pick<History, 'endedAt' | 'sent' | 'effects' | 'commits'>): Promise<History> {
  const entries = new Map<ActorId, JournalEntry[]>()
  for (let partition = 0; partition < store.partitions; partition++) {
    for (const { id, data } of await store.journal(partition, 0, ALL)) {
      const known = entries.get(id) ?? []
      entries.set(id, known)
      known.push(...unpackRow(data))
    }
  }
  const actors = new Map<ActorId, ActorHistory>()
  for (const { id } of (await store.list({ tenant: 'default', limit: ALL })).records) {
    const [first, last] = [await store.load(id, 1), await store.load(id)]
    if (!first || !last) continue
    actors.set(id, { id, record: last.record, born: readDocument(first, plainCodec, 1).document, document: readDocument(last, plainCodec).document, entries: entries.get(id) ?? [] })
  }
  const letters = (await store.deadLetters({ limit: ALL })).map(letter => ({ ...letter, message: unpackMessage({ ...letter, to: letter.actor }) }))
  return { ...facts, actors, letters }
}

/** The event of a message, if it is one. */
export function eventOf({ body }: Message<Body>): { readonly type: string; readonly [key: string]: unknown } | undefined {
  return body.kind === 'event' ? (JSON.parse(body.event) as { type: string }) : undefined
}
