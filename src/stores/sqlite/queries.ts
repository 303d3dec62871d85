import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { ActorFilter, ActorPage, DeadLetter, DeadLetterFilter, DueActor, Store } from '../../core/store.ts'
import { RECORD_COLUMNS, toRecord } from './actor-record.ts'
import type { ActorRow } from './actor-record.ts'
import type { Connection } from './connection.ts'
import { frameName } from './names.ts'
import { createSelection } from './selection.ts'
import type { Condition } from './selection.ts'

/** Reads over many actors and over what lies beside them. */
export type Queries = Pick<Store, 'list' | 'countLive' | 'due' | 'nextDue' | 'unsettled' | 'marks' | 'deadLetters'>

export const createQueries = (connection: Connection): Queries => ({ ...createActorList(connection), ...createSchedule(connection), ...createDeadLetterList(connection) })

function createActorList(connection: Connection): Pick<Queries, 'list' | 'countLive'> {
  const select = createSelection(connection, `SELECT aid, ${RECORD_COLUMNS} FROM actor`, 'aid')
  // The list of statuses is the index's own condition, word for word.
  const count = connection.prepare("SELECT count(*) AS n FROM actor WHERE partition = ? AND status IN ('active', 'paused', 'held')")

  return {
    list: (filter) =>
      connection.read((): ActorPage => {
        // One more than asked for tells whether another page follows.
        const rows = select(actorConditions(filter), filter.limit + 1) as unknown as (ActorRow & { readonly aid: number })[]
        const page = rows.slice(0, filter.limit)
        return { records: page.map(toRecord), cursor: rows.length > filter.limit ? page.at(-1)?.aid.toString(36) : undefined }
      }),
    countLive: (partition) => connection.read(() => Number(count.get(partition)?.['n'])),
  }
}

function actorConditions({ tenant, machine, status, state, tag, run, cursor }: ActorFilter): readonly Condition[] {
  return [
    ['tenant = ?', tenant],
    ['machine = ?', machine],
    ['status = ?', status],
    ['instr(states, ?) > 0', state === undefined ? undefined : frameName(state)],
    ['instr(tags, ?) > 0', tag === undefined ? undefined : frameName(tag)],
    ['run = ?', run],
    ['aid > ?', cursor === undefined ? undefined : parseCursor(cursor)],
  ]
}

function parseCursor(cursor: string): number {
  if (/^[0-9a-z]{1,10}$/.test(cursor)) return Number.parseInt(cursor, 36)
  throw new TroupeError('config/invalid', `cursor ${JSON.stringify(cursor.slice(0, 80))} is none that list gave: pass the cursor of the page before unchanged`)
}

function createSchedule(connection: Connection): Pick<Queries, 'due' | 'nextDue' | 'unsettled' | 'marks'> {
  const due = connection.prepare('SELECT id, due_at AS dueAt FROM actor WHERE partition = ? AND due_at <= ? ORDER BY due_at, aid LIMIT ?')
  const next = connection.prepare('SELECT min(due_at) AS at FROM actor WHERE partition = ? AND due_at IS NOT NULL')
  const unsettled = connection.prepare("SELECT id FROM actor WHERE partition = ? AND (open_tasks > 0 OR parked > 0 OR status = 'held') AND id > ? ORDER BY id LIMIT ?")
  const mark = connection.prepare('SELECT fingerprint FROM mark WHERE actor = ? AND key = ?')

  return {
    due: (partition, now, limit) => connection.read(() => due.all(partition, now, limit).map((row): DueActor => ({ id: row['id'] as ActorId, dueAt: Number(row['dueAt']) }))),
    nextDue: (partition) =>
      connection.read(() => {
        const at = next.get(partition)?.['at']
        return typeof at === 'number' ? at : undefined
      }),
    unsettled: (partition, after, limit) => connection.read(() => unsettled.all(partition, after, limit).map((row) => row['id'] as ActorId)),
    marks: (id, keys) =>
      connection.read(() => {
        const found = new Map<string, string>()
        for (const key of keys) {
          const fingerprint = mark.get(id, key)?.['fingerprint']
          if (typeof fingerprint === 'string') found.set(key, fingerprint)
        }
        return found
      }),
  }
}

function createDeadLetterList(connection: Connection): Pick<Queries, 'deadLetters'> {
  const select = createSelection(connection, 'SELECT id, actor, partition, at, data, cause, state, resolved_at AS resolvedAt, reason FROM dead_letter', 'id')
  const conditions = ({ tenant, id, actor, state, after }: DeadLetterFilter): readonly Condition[] =>
    [['tenant = ?', tenant], ['id = ?', id], ['actor = ?', actor], ['state = ?', state], ['id > ?', after]]
  return { deadLetters: (filter) => connection.read(() => select(conditions(filter), filter.limit).map((row) => ({ ...row }) as unknown as DeadLetter)) }
}
