import { addressOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { JournalRow, Store, StoredActor } from '../../core/store.ts'
import type { Deployment } from './deployment.ts'
import { unpackBase, unpackRecord, unpackRow } from './record-text.ts'

/** Most entries of a journal read in one go: each is a commit and holds a row per actor. */
const ENTRIES_MAX = 100
/** Most actors loaded by one call of the script. */
const LOADS_MAX = 128

/** Reads of checkpoints and journal. */
export function createHistory(deployment: Deployment): Pick<Store, 'load' | 'history' | 'journal' | 'journalHead'> {
  const { connection, keysOf, partitionOf } = deployment
  const loads = new LoadQueue(deployment)

  async function past(id: ActorId, at: number): Promise<StoredActor | undefined> {
    const keys = keysOf(partitionOf(id))
    const found = (await connection.run('past', [...keys.all('actors', 'bases'), keys.rows(id), keys.olderBases(id)], [id, at])) as readonly string[]
    return toActor(deployment, id, found, at)
  }

  async function history(id: ActorId, after: number, limit: number): Promise<readonly JournalRow[]> {
    const rows = (await connection.run('history', [keysOf(partitionOf(id)).rows(id)], [after, limit])) as readonly string[]
    return rows.map(row => unpackRow(id, row))
  }

  /** The row at a position, unless its actor is gone, was replaced, or has lost it to retention. */
  async function rowAt(position: number, id: ActorId, toSeq: number): Promise<JournalRow | undefined> {
    const [row] = await history(id, toSeq - 1, 1)
    return row?.position === position ? row : undefined
  }

  return {
    load: (id, at) => (at === undefined ? loads.load(id) : past(id, at)),
    history,
    async journal(partition, after, limit) {
      const rows: JournalRow[] = []
      for (let from = after; rows.length < limit; ) {
        const flat = (await connection.run('journal', [keysOf(partition).one('journal')], [from, ENTRIES_MAX])) as readonly string[]
        const entries = linesOf(flat).filter(({ position }) => position > from)
        const found = await Promise.all(entries.map(({ position, id, toSeq }) => rowAt(position, id, toSeq)))
        for (const row of found) if (row && rows.length < limit) rows.push(row)
        const last = entries.at(-1)
        if (!last) break
        from = last.position
      }
      return rows
    },
    journalHead: async partition => Number((await connection.call(client => client.hget(keysOf(partition).one('meta'), 'journal'))) ?? 0),
  }
}

/** Positions, ends and actors of the rows of journal entries. */
function linesOf(flat: readonly string[]): { readonly position: number; readonly toSeq: number; readonly id: ActorId }[] {
  const found: { readonly position: number; readonly toSeq: number; readonly id: ActorId }[] = []
  for (let at = 0; at < flat.length; at += 2) {
    for (const [index, line] of (flat[at + 1] ?? '').split('\n').entries()) {
      const [, toSeq = '', id = ''] = /^\d+ (\d+) (.*)$/.exec(line) ?? []
      found.push({ position: Number(flat[at]) + index, toSeq: Number(toSeq), id: id as ActorId })
    }
  }
  return found
}

function toActor({ connection, partitionOf }: Deployment, id: ActorId, [record, baseText, ...rows]: readonly string[], at?: number): StoredActor | undefined {
  if (record === undefined) return undefined
  const found = unpackRecord(id, partitionOf(id), record)
  if (baseText) return { record: found, base: unpackBase(baseText), rows: rows.map(row => unpackRow(id, row)) }
  const address = addressOf(id)
  if (at !== undefined && at < found.seq) throw new TroupeError('history/trimmed', `${address} at sequence ${at} lies before its retained history`, { address, details: { at, seq: found.seq } })
  throw new TroupeError('store/corrupt', `${connection.name} has lost the checkpoint of ${address}; nothing was changed: restore it from a backup`, { address })
}

interface Waiting {
  readonly id: ActorId
  resolve(actor: StoredActor | undefined): void
  reject(error: unknown): void
}

/** Loads asked for in one turn go to Redis together: a batch of cold actors costs a round trip, not one each. */
class LoadQueue {
  readonly #deployment: Deployment
  readonly #waiting = new Map<number, Waiting[]>()

  constructor(deployment: Deployment) {
    this.#deployment = deployment
  }

  load(id: ActorId): Promise<StoredActor | undefined> {
    return new Promise((resolve, reject) => {
      const partition = this.#deployment.partitionOf(id)
      const waiting = this.#waiting.get(partition)
      if (waiting) return void waiting.push({ id, resolve, reject })
      this.#waiting.set(partition, [{ id, resolve, reject }])
      queueMicrotask(() => this.#flush(partition))
    })
  }

  #flush(partition: number): void {
    const waiting = this.#waiting.get(partition) ?? []
    this.#waiting.delete(partition)
    for (let from = 0; from < waiting.length; from += LOADS_MAX) void this.#read(partition, waiting.slice(from, from + LOADS_MAX))
  }

  async #read(partition: number, waiting: readonly Waiting[]): Promise<void> {
    const keys = this.#deployment.keysOf(partition)
    const ids = waiting.map(({ id }) => id)
    try {
      const found = (await this.#deployment.connection.run('load', [...keys.all('actors', 'bases'), ...ids.map(id => keys.rows(id))], ids)) as readonly (readonly string[])[]
      for (const [index, { id, resolve, reject }] of waiting.entries()) {
        try {
          resolve(toActor(this.#deployment, id, found[index] ?? []))
        } catch (error) {
          reject(error)
        }
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
