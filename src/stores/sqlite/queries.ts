import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import { TALLY_GROUPS_MAX } from '../../core/store.ts'
import type { ActorConditions, ActorPage, ActorStatus, ActorTally, DeadLetter, DeadLetterFilter, DueActor, Store } from '../../core/store.ts'
import { RECORD_COLUMNS, toRecord } from './actor-record.ts'
import type { ActorRow } from './actor-record.ts'
import type { Connection } from './connection.ts'
import { frameName, unpackNames } from './names.ts'
import { createSelection } from './selection.ts'
import type { Condition } from './selection.ts'

/** Reads over many actors and over what lies beside them. */
export type Queries = Pick<Store, 'list' | 'tally' | 'countLive' | 'due' | 'nextDue' | 'unsettled' | 'marks' | 'deadLetters'>

export const createQueries = (connection: Connection): Queries => ({ ...createActorList(connection), ...createSchedule(connection), ...createDeadLetterList(connection) })

function createActorList(connection: Connection): Pick<Queries, 'list' | 'tally' | 'countLive'> {
  const selectActors = (tail: string) => createSelection(connection, `SELECT aid, ${RECORD_COLUMNS} FROM actor`, tail)
  const select = { oldest: selectActors('ORDER BY aid'), newest: selectActors('ORDER BY aid DESC') }
  const group = createSelection(connection, 'SELECT machine, status, states, count(*) AS n, sum(count(*)) OVER () AS total FROM actor', 'GROUP BY machine, status, states ORDER BY n DESC')
  // The list of statuses is the index's own condition, word for word.
  const count = connection.prepare("SELECT count(*) AS n FROM actor WHERE partition = ? AND status IN ('active', 'paused', 'held')")

  return {
    list: ({ order = 'oldest', cursor, limit, ...conditions }) =>
      connection.read((): ActorPage => {
        const ahead: Condition = [order === 'oldest' ? 'aid > ?' : 'aid < ?', cursor === undefined ? undefined : parseCursor(cursor)]
        // One more than asked for tells whether another page follows.
        const rows = select[order]([...actorConditions(conditions), ahead], limit + 1) as unknown as (ActorRow & { readonly aid: number })[]
        const page = rows.slice(0, limit)
        return { records: page.map(toRecord), cursor: rows.length > limit ? page.at(-1)?.aid.toString(36) : undefined }
      }),
    tally: (conditions) =>
      connection.read((): ActorTally => {
        const rows = group(actorConditions(conditions), TALLY_GROUPS_MAX)
        const groups = rows.map(({ machine, status, states, n }) => ({ machine: String(machine), status: status as ActorStatus, states: unpackNames(String(states)), count: Number(n) }))
        return { total: Number(rows[0]?.['total'] ?? 0), groups }
      }),
    countLive: (partition) => connection.read(() => Number(count.get(partition)?.['n'])),
  }
}

function actorConditions({ tenant, machine, machinesExcept, status, state, tag, run, text, updatedBefore, updatedAfter }: ActorConditions): readonly Condition[] {
  return [
    ['tenant = ?', tenant],
    ['machine = ?', machine],
    // Names of machines have no letter that means anything to GLOB.
    ['machine NOT GLOB ?', machinesExcept === undefined ? undefined : `${machinesExcept}*`],
    ['status = ?', status],
    ['instr(states, ?) > 0', state === undefined ? undefined : frameName(state)],
    ['instr(tags, ?) > 0', tag === undefined ? undefined : frameName(tag)],
    ['run = ?', run],
    ['instr(substr(id, length(tenant) + length(machine) + 3), ?) > 0', text],
    ['updated_at < ?', updatedBefore],
    ['updated_at > ?', updatedAfter],
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
  const select = createSelection(connection, 'SELECT id, actor, partition, at, data, cause, state, resolved_at AS resolvedAt, reason FROM dead_letter', 'ORDER BY id')
  const conditions = ({ tenant, id, actor, state, after }: DeadLetterFilter): readonly Condition[] =>
    [['tenant = ?', tenant], ['id = ?', id], ['actor = ?', actor], ['state = ?', state], ['id > ?', after]]
  return { deadLetters: (filter) => connection.read(() => select(conditions(filter), filter.limit).map((row) => ({ ...row }) as unknown as DeadLetter)) }
}
