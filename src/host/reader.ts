import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import { applyDelta } from '../core/delta.ts'
import type { ActorDocument } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import type { ErrorInfo } from '../core/errors.ts'
import { unpackRow } from '../core/journal.ts'
import type { JournalEntry } from '../core/journal.ts'
import type { ActorRecord } from '../core/store.ts'
import type { Definition } from './definition.ts'
import type { HostEnv } from './env.ts'
import { ActorSnapshot } from './snapshot.ts'
import { readDocument } from './slots.ts'
import { unknownActor, unknownMachine } from './status.ts'

const PAGE = 500

/** Reads committed states and histories from the store, for anybody: owner or not. */
export class Reader {
  readonly #env: HostEnv

  constructor(env: HostEnv) {
    this.#env = env
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

  async record(id: ActorId): Promise<ActorRecord | undefined> {
    return (await this.#env.store.load(id))?.record
  }

  async document(id: ActorId, at?: number): Promise<{ readonly record: ActorRecord; readonly document: ActorDocument }> {
    const isStep = at === undefined || (Number.isInteger(at) && at >= 1)
    const stored = await this.#env.store.load(id, isStep ? at : undefined)
    if (!stored) throw await this.#missing(id, at)
    const { record } = stored
    if (!isStep || (at !== undefined && at > record.seq)) throw new TroupeError('config/invalid', `${addressOf(id)} has steps 1 to ${record.seq}, not ${at}`, { address: addressOf(id) })
    return { record, document: readDocument(stored, this.#env.codec, at).document }
  }

  async #missing(id: ActorId, at: number | undefined): Promise<TroupeError> {
    if (at === undefined || !(await this.#env.store.load(id))) return unknownActor(id)
    return new TroupeError('history/trimmed', `step ${at} of ${addressOf(id)} lies before its retained history`, { address: addressOf(id) })
  }

  /** Entries above a sequence, at most `limit`. */
  async entries(id: ActorId, after: number, limit = PAGE): Promise<readonly JournalEntry[]> {
    const rows = await this.#env.store.history(id, after, limit)
    const address = parseActorId(id)
    return rows.flatMap(({ data, toSeq }) => unpackRow(this.#env.codec.decode(data, { ...address, seq: toSeq })).filter(({ seq }) => seq > after)).slice(0, limit)
  }

  /** Entries above a sequence, each with the state after it; ends at the last committed one. */
  async *states(id: ActorId, after: number): AsyncGenerator<{ readonly entry: JournalEntry; readonly snapshot: ActorSnapshot }> {
    let document: ActorDocument | undefined
    for (let seq = after; ; ) {
      const entries = await this.entries(id, seq)
      if (entries.length === 0) return
      const first = entries[0] as JournalEntry
      if (first.seq !== seq + 1) throw new TroupeError('history/trimmed', `steps ${seq + 1} to ${first.seq - 1} of ${addressOf(id)} are not retained any more`, { address: addressOf(id) })
      document ??= seq === 0 ? undefined : (await this.document(id, seq)).document
      for (const entry of entries) {
        document = document === undefined ? (await this.document(id, entry.seq)).document : applyDelta(document, entry.delta ?? [], new WeakSet())
        seq = entry.seq
        yield { entry, snapshot: this.#present(undefined, document, seq, undefined, id) }
      }
    }
  }

  #present(record: ActorRecord | undefined, document: ActorDocument, seq: number, reply: unknown, id: ActorId = record?.id as ActorId): ActorSnapshot {
    const isLast = record?.seq === seq
    const failure = isLast && record?.error ? (JSON.parse(record.error) as ErrorInfo) : (document.failure ?? undefined)
    return new ActorSnapshot(this.definition(id), { id, seq, status: isLast && record ? record.status : document.status, snapshot: document.snapshot, failure }, reply)
  }
}
