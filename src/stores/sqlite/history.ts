import type { ActorId } from '../../core/address.ts'
import { addressOf } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { JournalRow, Store, StoredActor } from '../../core/store.ts'
import { RECORD_COLUMNS, toRecord } from './actor-record.ts'
import type { ActorRow } from './actor-record.ts'
import type { Connection } from './connection.ts'
import { POSITIONS_PER_PARTITION, positionOf, rowidOf } from './schema.ts'

/** Reads of checkpoints and journal. */
export type History = Pick<Store, 'load' | 'history' | 'journal' | 'journalHead'>

interface ChainRow {
  readonly position: number
  readonly prev: number
  readonly from_seq: number
  readonly to_seq: number
  readonly at: number
  readonly data: string
}

interface BaseRow {
  readonly seq: number
  readonly last: number
  readonly data: string
}

const toJournalRow = (id: ActorId, { position, from_seq, to_seq, at, data }: Omit<ChainRow, 'prev'>): JournalRow => ({ position: positionOf(position), id, fromSeq: from_seq, toSeq: to_seq, at, data })

export function createHistory(connection: Connection): History {
  const actor = connection.prepare(`SELECT aid, last, ${RECORD_COLUMNS} FROM actor WHERE id = ?`)
  const baseUpTo = connection.prepare('SELECT seq, last, data FROM base WHERE aid = ? AND seq <= ? ORDER BY seq DESC LIMIT 1')
  const baseFrom = connection.prepare('SELECT seq, last FROM base WHERE aid = ? AND seq >= ? ORDER BY seq LIMIT 1')
  const step = connection.prepare('SELECT position, prev, from_seq, to_seq, at, data FROM journal WHERE position = ?')
  const partitionRows = connection.prepare(`SELECT j.position, a.id, j.from_seq, j.to_seq, j.at, j.data FROM journal AS j JOIN actor AS a USING (aid)
    WHERE j.position > ? AND j.position < ? ORDER BY j.position LIMIT ?`)
  const head = connection.prepare('SELECT journal_head AS head FROM partition WHERE id = ?')

  const find = (id: ActorId) => actor.get(id) as unknown as (ActorRow & { readonly aid: number; readonly last: number }) | undefined
  /** Where to enter the chain so that every row up to `seq` follows. */
  const entryFor = (aid: number, seq: number, newest: number): number => (baseFrom.get(aid, seq) as unknown as BaseRow | undefined)?.last ?? newest

  /**
   * Rows that hold sequences above `above` and up to `upTo`, oldest first. They are a chain from new to old (see schema.ts)
   * that ends early where older rows were trimmed. A loop over one statement takes half the time of a recursive query.
   */
  function walk(entry: number, above: number, upTo: number): readonly ChainRow[] {
    const rows: ChainRow[] = []
    for (let position = entry; position !== 0;) {
      const row = step.get(position) as unknown as ChainRow | undefined
      if (!row || row.to_seq <= above) break
      if (row.from_seq <= upTo) rows.push(row)
      position = row.prev
    }
    return rows.reverse()
  }

  function loadNow(id: ActorId, at: number): StoredActor | undefined {
    const row = find(id)
    if (!row) return undefined
    const base = baseUpTo.get(row.aid, at) as unknown as BaseRow | undefined
    if (!base) throw lostBase(connection.path, id, at, row.seq)
    const entry = at >= row.seq ? row.last : entryFor(row.aid, at, row.last)
    const rows = at > base.seq ? walk(entry, base.seq, at) : []
    refuseGaps(connection.path, id, [base.seq, Math.min(at, row.seq)], rows)
    return { record: toRecord(row), base: { seq: base.seq, data: base.data }, rows: rows.map((found) => toJournalRow(id, found)) }
  }

  function historyNow(id: ActorId, after: number, limit: number): readonly JournalRow[] {
    const row = find(id)
    if (!row) return []
    const found: ChainRow[] = []
    // From base to base, oldest first: a page costs what lies between two bases, not the whole history.
    for (let above = after; found.length < limit && above < row.seq;) {
      const base = baseFrom.get(row.aid, above + 1) as unknown as BaseRow | undefined
      found.push(...walk(base?.last ?? row.last, above, Number.MAX_SAFE_INTEGER).slice(0, limit - found.length))
      if (!base) break
      above = Math.max(base.seq, found.at(-1)?.to_seq ?? 0)
    }
    return found.map((each) => toJournalRow(id, each))
  }

  return {
    load: (id, at = Number.MAX_SAFE_INTEGER) => connection.read(() => loadNow(id, at)),
    history: (id, after, limit) => connection.read(() => historyNow(id, after, limit)),
    journal: (partition, after, limit) =>
      connection.read(() =>
        (partitionRows.all(rowidOf(partition, after), (partition + 1) * POSITIONS_PER_PARTITION, limit) as unknown as (Omit<ChainRow, 'prev'> & { readonly id: ActorId })[])
          .map((row) => toJournalRow(row.id, row))),
    journalHead: (partition) => connection.read(() => Number(head.get(partition)?.['head'])),
  }
}

/** A checkpoint that is missing is never replaced by a blank one: either it was trimmed, or the file is damaged. */
function lostBase(path: string, id: ActorId, at: number, seq: number): TroupeError {
  const address = addressOf(id)
  if (at < seq) return new TroupeError('history/trimmed', `${address} at sequence ${at} lies before its retained history`, { address, details: { at, seq } })
  return new TroupeError('store/corrupt', `${path} has lost the checkpoint of ${address}; nothing was changed: restore it from a backup`, { address, details: { path } })
}

function refuseGaps(path: string, id: ActorId, [baseSeq, upTo]: readonly [number, number], rows: readonly ChainRow[]): void {
  let seq = baseSeq
  for (const { from_seq, to_seq } of rows) {
    if (from_seq > seq + 1) throw lostSteps(path, id, seq + 1, from_seq - 1)
    seq = to_seq
  }
  if (seq < upTo) throw lostSteps(path, id, seq + 1, upTo)
}

const lostSteps = (path: string, id: ActorId, from: number, to: number): TroupeError =>
  new TroupeError('store/corrupt', `${path} has lost the steps ${from} to ${to} of ${addressOf(id)}; nothing was changed: restore it from a backup`, { address: addressOf(id), details: { path, from, to } })
