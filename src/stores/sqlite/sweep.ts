import type { Lease, Store, SweepRequest, Swept } from '../../core/store.ts'
import { createCompaction } from './compaction.ts'
import type { Leaving } from './compaction.ts'
import type { Connection } from './connection.ts'
import type { Fence } from './leases.ts'
import { positionOf, rowidOf } from './schema.ts'

const REPLY_KEPT_MS = 60 * 60 * 1000
const RESOLVED_KEPT_MS = 7 * 24 * 60 * 60 * 1000
/** Journal rows that may go with each actor of `limit`; what is left goes with the next sweep. */
const ROWS_PER_ACTOR = 20

/** Rowids of a chain, from new to old. `?1` is where to enter, `?2` how many rows at most. */
const CHAIN_ROWIDS = `
  WITH RECURSIVE chain (position, prev) AS (
    SELECT position, prev FROM journal WHERE position = ?1
    UNION ALL
    SELECT j.position, j.prev FROM chain JOIN journal AS j ON j.position = chain.prev
  )
  SELECT position, prev FROM chain LIMIT ?2`

interface JournalHead {
  readonly position: number
  readonly aid: number
  readonly to_seq: number
  readonly at: number
}

/** Deletes what outlived its retention, in bounded portions. */
export function createSweep(connection: Connection, fence: Fence): (lease: Lease, request: SweepRequest) => Promise<Swept> {
  const expired = connection.prepare('SELECT aid, last, id FROM actor WHERE partition = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?')
  const compaction = createCompaction(connection)
  const remove = createRemoval(connection)
  const redeem = createRedemption(connection)
  const trim = createTrim(connection)
  const leftovers = [
    { sql: 'DELETE FROM mark WHERE (actor, key) IN (SELECT actor, key FROM mark WHERE expires_at <= ? LIMIT ?)', keptMs: 0 },
    { sql: 'DELETE FROM reply WHERE position IN (SELECT position FROM reply WHERE at <= ? LIMIT ?)', keptMs: REPLY_KEPT_MS },
    { sql: 'DELETE FROM dead_letter WHERE position IN (SELECT position FROM dead_letter WHERE resolved_at <= ? LIMIT ?)', keptMs: RESOLVED_KEPT_MS },
  ].map(({ sql, keptMs }) => ({ statement: connection.prepare(sql), keptMs }))

  return (lease, { now, journalBefore, completedMax, reclaim, limit }) =>
    connection.write(() => {
      const row = fence(lease)
      const swept: Swept = {
        expired: remove(expired.all(row.id, now, limit) as unknown as readonly Leaving[]),
        surplus: remove(compaction.surplus(row.id, completedMax, limit)),
        reclaimed: remove(compaction.oldest(row.id, Math.min(reclaim, limit))),
      }
      redeem(limit)
      for (const { statement, keptMs } of leftovers) statement.run(now - keptMs, limit)
      if (journalBefore !== undefined) trim(row.id, row.journal_head, journalBefore, limit)
      return swept
    })
}

/** How much of the file is in use. Not the log beside it, which every deletion makes longer; SQLite itself keeps that short. */
export function createSize(connection: Connection): NonNullable<Store['size']> {
  const pages = connection.prepare('SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count) AS used, page_size FROM pragma_page_size')
  return () =>
    connection.read(() => {
      const { used, page_size: pageBytes } = pages.get() as { readonly used: number; readonly page_size: number }
      return { bytes: used * pageBytes, bytesMax: undefined }
    })
}

/** An actor is gone at once with its record; its rows follow in portions by way of `doomed`. */
function createRemoval(connection: Connection): (actors: readonly Leaving[]) => number {
  const removeActor = connection.prepare('DELETE FROM actor WHERE aid = ?')
  const removeParked = connection.prepare('DELETE FROM parked WHERE receiver = ?')
  const removeMarks = connection.prepare('DELETE FROM mark WHERE actor = ?')
  const doom = connection.prepare('INSERT INTO doomed (aid, last) VALUES (?, ?)')

  return actors => {
    for (const { aid, last, id } of actors) {
      doom.run(aid, last)
      removeActor.run(aid)
      removeParked.run(id)
      removeMarks.run(id)
    }
    return actors.length
  }
}

/** Deletes rows and bases of the doomed, some with each call. */
function createRedemption(connection: Connection): (limit: number) => void {
  const doomed = connection.prepare('SELECT aid, last FROM doomed LIMIT ?')
  const shorten = connection.prepare('UPDATE doomed SET last = ? WHERE aid = ?')
  const redeem = connection.prepare('DELETE FROM doomed WHERE aid = ?')
  const chain = connection.prepare(CHAIN_ROWIDS)
  const removeRow = connection.prepare('DELETE FROM journal WHERE position = ?')
  const removeBases = connection.prepare('DELETE FROM base WHERE aid = ?')

  return limit => {
    let rowsLeft = limit * ROWS_PER_ACTOR
    for (const { aid, last } of doomed.all(limit) as unknown as { aid: number; last: number }[]) {
      const rows = chain.all(last, rowsLeft) as unknown as { position: number; prev: number }[]
      for (const { position } of rows) removeRow.run(position)
      removeBases.run(aid)
      rowsLeft -= rows.length
      if (rowsLeft > 0) redeem.run(aid)
      else {
        shorten.run(rows.at(-1)?.prev ?? last, aid)
        break
      }
    }
  }
}

/**
 * Trims a window of a partition's journal: rows that are old and lie at or below the newest base of their actor.
 * The window moves on with each call and begins again at the end, so rows that must stay never block the others.
 *
 * Where the highest row that goes ends at T, every base below T goes too: none is left from which `load` would find
 * a gap (S9). Rows below T that an earlier window had to leave are then out of reach, and go when it comes by again.
 */
function createTrim(connection: Connection): (partition: number, head: number, before: number, limit: number) => void {
  const window = connection.prepare('SELECT position, aid, to_seq, at FROM journal WHERE position > ? AND position <= ? ORDER BY position LIMIT ?')
  const selectKept = connection.prepare('SELECT (SELECT max(seq) FROM base WHERE aid = actor.aid) AS seq FROM actor WHERE aid = ?')
  const removeRow = connection.prepare('DELETE FROM journal WHERE position = ?')
  const removeBases = connection.prepare('DELETE FROM base WHERE aid = ? AND seq < ?')
  /** Where the window of a partition begins; a restart begins at the front again. */
  const cursors = new Map<number, number>()

  return (partition, head, before, limit) => {
    const from = cursors.get(partition) ?? 0
    const rows = window.all(rowidOf(partition, from), rowidOf(partition, head), limit) as unknown as JournalHead[]
    const old = rows.filter(({ at }) => at < before)
    const newestBases = new Map<number, number>()
    const tops = new Map<number, number>()
    for (const { position, aid, to_seq } of old) {
      let newest = newestBases.get(aid)
      if (newest === undefined) {
        const kept = selectKept.get(aid)
        // Rows of an actor that is gone may all go.
        newest = kept ? Number(kept['seq']) : Number.POSITIVE_INFINITY
        newestBases.set(aid, newest)
      }
      if (to_seq > newest) continue
      removeRow.run(position)
      tops.set(aid, to_seq)
    }
    for (const [aid, top] of tops) removeBases.run(aid, top)
    const isEnd = rows.length < limit || old.length < rows.length
    cursors.set(partition, isEnd ? 0 : positionOf(rows.at(-1)?.position ?? 0))
  }
}
