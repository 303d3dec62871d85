import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import { applyDelta } from '../core/delta.ts'
import type { ActorDocument } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import { unpackRow } from '../core/journal.ts'
import type { JournalEntry } from '../core/journal.ts'
import { liveStatuses } from '../core/store.ts'
import type { ActorRecord, Store, StoredActor } from '../core/store.ts'
import { decodeError, decodeFor } from './coding.ts'
import type { Definition } from './definition.ts'
import type { HostEnv } from './env.ts'
import { ActorSnapshot } from './snapshot.ts'
import { readDocument } from './slots.ts'
import { unknownActor, unknownMachine } from './status.ts'

const PAGE = 500

/** Reads committed states and histories from the store, for anybody: owner or not. */
export class Reader {
  readonly #env: HostEnv
  readonly #isClosed: () => boolean

  constructor(env: HostEnv, isClosed: () => boolean) {
    this.#env = env
    this.#isClosed = isClosed
  }

  /** Throws `runtime/closed` when it may be closed by now. */
  get store(): Store {
    if (this.#isClosed()) throw new TroupeError('runtime/closed', 'the runtime was closed')
    return this.#env.store
  }

  definition(id: ActorId): Definition {
    const { machine } = parseActorId(id)
    const definition = this.#env.definitions.get(machine)
    if (!definition) throw unknownMachine(machine, this.#env.definitions)
    return definition
  }

  /** The state at a sequence, or the last one. Throws `actor/unknown`, `history/trimmed`. */
  async snapshot(id: ActorId, at?: number, reply?: unknown): Promise<ActorSnapshot> {
    const { record, document } = await this.document(id, at)
    return this.#present(record, document, at ?? record.seq, reply)
  }

  /** The state in which an actor has ended. Undefined while it lives: its checkpoint is not decoded then. Throws `actor/unknown`. */
  async ended(id: ActorId): Promise<ActorSnapshot | undefined> {
    const stored = await this.#load(id)
    const { record } = stored
    return liveStatuses.includes(record.status) ? undefined : this.#present(record, readDocument(stored, this.#env.codec).document, record.seq, undefined)
  }

  async document(id: ActorId, at?: number): Promise<{ readonly record: ActorRecord; readonly document: ActorDocument }> {
    const isStep = at === undefined || (Number.isInteger(at) && at >= 1)
    const stored = await this.#load(id, isStep ? at : undefined)
    const { record } = stored
    if (!isStep || (at !== undefined && at > record.seq)) throw new TroupeError('config/invalid', `${addressOf(id)} has steps 1 to ${record.seq}, not ${at}`, { address: addressOf(id) })
    return { record, document: readDocument(stored, this.#env.codec, at).document }
  }

  /** Entries above a sequence, at most `limit`. */
  async entries(id: ActorId, after: number, limit = PAGE): Promise<readonly JournalEntry[]> {
    const rows = await this.store.history(id, after, limit)
    return rows.flatMap(({ data, toSeq }) => unpackRow(decodeFor(this.#env.codec, id, data, toSeq)).filter(({ seq }) => seq > after)).slice(0, limit)
  }

  /** The step before the first one whose state can still be rebuilt: where a whole history begins. Throws `actor/unknown`. */
  async beginning(id: ActorId): Promise<number> {
    const [first] = await this.entries(id, 0, 1)
    try {
      if (first) await this.document(id, first.seq)
      return (first?.seq ?? 1) - 1
    } catch (error) {
      if (!(error instanceof TroupeError && error.code === 'history/trimmed')) throw error
      return (await this.#load(id)).base.seq - 1
    }
  }

  /** Follows an actor from a sequence on. */
  follow(id: ActorId, after: number, page = PAGE): StateCursor {
    return new StateCursor(this, id, after, page)
  }

  present(id: ActorId, document: ActorDocument, seq: number): ActorSnapshot {
    return this.#present(undefined, document, seq, undefined, id)
  }

  async #load(id: ActorId, at?: number): Promise<StoredActor> {
    const stored = await this.store.load(id, at)
    if (!stored) throw unknownActor(id)
    return stored
  }

  #present(record: ActorRecord | undefined, document: ActorDocument, seq: number, reply: unknown, id: ActorId = record?.id as ActorId): ActorSnapshot {
    const isLast = record?.seq === seq
    const failure = isLast && record?.error ? decodeError(this.#env.codec, id, record.error, record.seq) : (document.failure ?? undefined)
    return new ActorSnapshot(this.definition(id), { id, seq, status: isLast && record ? record.status : document.status, snapshot: document.snapshot, failure }, reply)
  }
}

/** A step, and the state after it. */
export interface ReadStep {
  readonly entry: JournalEntry
  readonly document: ActorDocument
}

/** Steps of an actor in their order, each with the state after it. Keeps the state between reads, so each costs what is new. */
export class StateCursor {
  readonly #reader: Reader
  readonly #id: ActorId
  #document: ActorDocument | undefined
  readonly #page: number
  #seq: number

  constructor(reader: Reader, id: ActorId, after: number, page: number) {
    this.#page = page
    this.#reader = reader
    this.#id = id
    this.#seq = after
  }

  /** What has been committed since the last read. Throws `history/trimmed` when some of it is not retained any more. */
  async *read(): AsyncGenerator<ReadStep> {
    for (let entries = await this.#next(); entries.length > 0; entries = await this.#next()) {
      for (const entry of entries) {
        // At first the whole state is read, also of the first step, which has no delta.
        this.#document = this.#document === undefined ? (await this.#reader.document(this.#id, entry.seq)).document : applyDelta(this.#document, entry.delta ?? [], new WeakSet())
        this.#seq = entry.seq
        yield { entry, document: this.#document }
      }
    }
  }

  async #next(): Promise<readonly JournalEntry[]> {
    const entries = await this.#reader.entries(this.#id, this.#seq, this.#page)
    const first = entries[0]?.seq ?? this.#seq + 1
    if (first === this.#seq + 1) return entries
    throw new TroupeError('history/trimmed', `steps ${this.#seq + 1} to ${first - 1} of ${addressOf(this.#id)} are not retained any more`, { address: addressOf(this.#id) })
  }
}
