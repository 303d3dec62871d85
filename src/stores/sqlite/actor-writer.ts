import type { ActorId } from '../../core/address.ts'
import { parseActorId } from '../../core/address.ts'
import { assertInvariant } from '../../core/errors.ts'
import { liveStatuses } from '../../core/store.ts'
import type { ActorRecord, ActorStatus, ActorWrite } from '../../core/store.ts'
import type { Connection } from './connection.ts'
import { packNames } from './names.ts'

/** What is remembered of an actor's row, so that a step need not read it and writes only what changed. */
export interface KnownActor {
  readonly aid: number
  /** Rowid of its newest journal row; 0 for none. */
  readonly last: number
  readonly status: string
  readonly version: string
  readonly tags: string
  readonly dueAt: number | null
  readonly openTasks: number
  readonly parked: number
  readonly completedAt: number | null
  readonly expiresAt: number | null
  readonly error: string | null
}

export interface ActorWriter {
  /**
   * Writes one actor inside a commit. `known` is the memory of the partition's earlier commits; `rowid` is free for the journal row.
   * Throws when an actor that must exist does not, or the other way round.
   */
  write(write: ActorWrite, known: Map<ActorId, KnownActor>, rowid: number, at: number): void
}

/**
 * Three updates instead of one: what a plain step changes is in no index, schedules are in partial ones, and setting
 * the status rewrites full ones. Measured per actor write: 2.5 us for a step, +1 us with the schedule, +5 us with the status.
 */
export function createActorWriter(connection: Connection): ActorWriter {
  const select = connection.prepare(`SELECT aid, last, status, version, tags, due_at AS dueAt, open_tasks AS openTasks, parked,
    completed_at AS completedAt, expires_at AS expiresAt, error FROM actor WHERE id = ?`)
  const insert = connection.prepare(`INSERT INTO actor (last, id, tenant, machine, run, partition, parent, status, seq, version, states, tags,
    due_at, open_tasks, parked, created_at, updated_at, completed_at, expires_at, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
  const updateStep = connection.prepare('UPDATE actor SET last = ?, seq = ?, states = ?, updated_at = ? WHERE aid = ?')
  const updateSchedule = connection.prepare(`UPDATE actor SET last = ?, seq = ?, states = ?, updated_at = ?,
    version = ?, tags = ?, due_at = ?, open_tasks = ?, parked = ?, completed_at = ?, error = ? WHERE aid = ?`)
  const updateStatus = connection.prepare('UPDATE actor SET status = ?, expires_at = ? WHERE aid = ?')
  const insertRow = connection.prepare('INSERT INTO journal (position, aid, prev, from_seq, to_seq, at, data) VALUES (?, ?, ?, ?, ?, ?, ?)')
  const insertBase = connection.prepare('INSERT INTO base (aid, seq, last, data) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last, data = excluded.data')
  const doom = connection.prepare('INSERT INTO doomed (aid, last) VALUES (?, ?)')
  const remove = connection.prepare('DELETE FROM actor WHERE aid = ?')

  const find = (id: ActorId) => select.get(id) as unknown as KnownActor | undefined

  function create(record: ActorRecord, last: number): KnownActor {
    const { id, run, partition, parent, status, seq, version, states, dueAt, openTasks, parked, createdAt, updatedAt, completedAt, expiresAt, error } = record
    const { tenant, machine } = parseActorId(id)
    const tags = packNames(record.tags)
    const add = () => insert.run(last, id, tenant, machine, run, partition, parent, status, seq, version, packNames(states), tags,
      dueAt, openTasks, parked, createdAt, updatedAt, completedAt, expiresAt, error)
    let added = add()
    if (Number(added.changes) === 0) {
      makeRoom(id)
      added = add()
    }
    return { aid: Number(added.lastInsertRowid), last, status, version, tags, dueAt, openTasks, parked, completedAt, expiresAt, error }
  }

  /** An ended actor gives its id to a new one. */
  function makeRoom(id: ActorId): void {
    const former = find(id)
    assertInvariant(former !== undefined && !isLive(former.status), `actor ${id} is created, but exists and is ${former?.status}`)
    doom.run(former.aid, former.last)
    remove.run(former.aid)
  }

  function update(before: KnownActor, record: ActorRecord, last: number): KnownActor | undefined {
    const { aid } = before
    const { seq, updatedAt, status, version, dueAt, openTasks, parked, completedAt, expiresAt, error } = record
    const states = packNames(record.states)
    const tags = packNames(record.tags)
    const sameSchedule = before.version === version && before.tags === tags && before.dueAt === dueAt && before.openTasks === openTasks
      && before.parked === parked && before.completedAt === completedAt && before.error === error
    const sameStatus = before.status === status && before.expiresAt === expiresAt
    const { changes } = sameSchedule
      ? updateStep.run(last, seq, states, updatedAt, aid)
      : updateSchedule.run(last, seq, states, updatedAt, version, tags, dueAt, openTasks, parked, completedAt, error, aid)
    if (Number(changes) === 0) return undefined
    if (!sameStatus) updateStatus.run(status, expiresAt, aid)
    return { aid, last, status, version, tags, dueAt, openTasks, parked, completedAt, expiresAt, error }
  }

  return {
    write({ record, created, base, row }, known, rowid, at) {
      const { id } = record
      const before = created ? undefined : (known.get(id) ?? find(id))
      assertInvariant(created || before !== undefined, `actor ${id} is written, but does not exist`)
      assertInvariant(!created || base !== null, `actor ${id} is created without a base`)
      const prev = before?.last ?? 0
      const last = row ? rowid : prev
      const after = before ? update(before, record, last) : create(record, last)
      assertInvariant(after !== undefined, `actor ${id} is written, but was deleted`)
      if (row) insertRow.run(rowid, after.aid, prev, row.fromSeq, row.toSeq, at, row.data)
      if (base) insertBase.run(after.aid, base.seq, last, base.data)
      // One that has ended is seldom written again.
      if (isLive(record.status)) known.set(id, after)
      else known.delete(id)
    },
  }
}

const isLive = (status: string): boolean => liveStatuses.includes(status as ActorStatus)
