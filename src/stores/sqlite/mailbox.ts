import type { ActorId } from '../../core/address.ts'
import { addressOf } from '../../core/address.ts'
import { TroupeError, assertInvariant } from '../../core/errors.ts'
import type { InboxMessage, Parked, Reply, StoredMessage } from '../../core/store.ts'
import type { Connection } from './connection.ts'
import type { PartitionRow } from './leases.ts'
import { POSITIONS_PER_PARTITION, partitionOfRowid, positionOf, rowidOf } from './schema.ts'

/** Messages on their way and kept aside. The verbs without a promise run inside a transaction of the caller. */
export interface Mailbox {
  append(messages: readonly InboxMessage[], depthMax: number): Promise<void>
  take(partition: number, after: number, limit: number): Promise<readonly StoredMessage[]>
  parked(id: ActorId, limit: number): Promise<readonly StoredMessage[]>
  takeReplies(node: string): Promise<readonly Reply[]>
  /** Puts messages into the inbox of their partition, the one place they wait in (S5). */
  deliver(messages: readonly InboxMessage[]): void
  /** Deletes what is at or below a floor; returns the floor, which never falls. */
  consume(row: PartitionRow, floor: number): number
  /** Keeps messages aside; returns the new head. */
  park(row: PartitionRow, messages: readonly InboxMessage[]): number
  unpark(partition: number, parked: readonly Parked[]): void
}

interface MessageRow {
  readonly position: number
  readonly id: string
  readonly receiver: ActorId
  readonly at: number
  readonly data: string
}

const toMessage = ({ position, id, receiver, at, data }: MessageRow): StoredMessage =>
  ({ position: positionOf(position), id, to: receiver, partition: partitionOfRowid(position), at, data })

export function createMailbox(connection: Connection): Mailbox {
  const heads = connection.prepare('SELECT inbox_head, inbox_floor FROM partition WHERE id = ?')
  const setHead = connection.prepare('UPDATE partition SET inbox_head = ? WHERE id = ?')
  const insert = connection.prepare('INSERT INTO inbox (position, id, receiver, at, data) VALUES (?, ?, ?, ?, ?)')
  const removeBelow = connection.prepare('DELETE FROM inbox WHERE position > ? AND position <= ?')
  const take = connection.prepare('SELECT position, id, receiver, at, data FROM inbox WHERE position > ? AND position < ? ORDER BY position LIMIT ?')
  const insertParked = connection.prepare('INSERT INTO parked (position, id, receiver, at, data) VALUES (?, ?, ?, ?, ?)')
  const removeParked = connection.prepare('DELETE FROM parked WHERE position = ?')
  const selectParked = connection.prepare('SELECT position, id, receiver, at, data FROM parked WHERE receiver = ? ORDER BY position LIMIT ?')
  const hasReplies = connection.prepare('SELECT 1 FROM reply WHERE node = ? LIMIT 1')
  const takeReplies = connection.prepare('DELETE FROM reply WHERE node = ? RETURNING position, node, request, data')
  const refuseFull = createDepthCheck(connection)

  const headsOf = (partition: number) => {
    const row = heads.get(partition) as unknown as Pick<PartitionRow, 'inbox_head' | 'inbox_floor'> | undefined
    assertInvariant(row !== undefined, `${connection.path} has no partition ${partition}`)
    return row
  }

  const deliver = (messages: readonly InboxMessage[]): void => {
    const next = new Map<number, number>()
    for (const { id, to, partition, at, data } of messages) {
      const position = (next.get(partition) ?? headsOf(partition).inbox_head) + 1
      insert.run(rowidOf(partition, position), id, to, at, data)
      next.set(partition, position)
    }
    for (const [partition, head] of next) setHead.run(head, partition)
  }

  return {
    deliver,
    append: (messages, depthMax) =>
      connection.write(() => {
        refuseFull(messages, depthMax, (partition) => {
          const { inbox_head, inbox_floor } = headsOf(partition)
          return inbox_head - inbox_floor
        })
        deliver(messages)
      }),
    take: (partition, after, limit) =>
      connection.read(() => (take.all(rowidOf(partition, after), (partition + 1) * POSITIONS_PER_PARTITION, limit) as unknown as MessageRow[]).map(toMessage)),
    parked: (id, limit) => connection.read(() => (selectParked.all(id, limit) as unknown as MessageRow[]).map(toMessage)),
    async takeReplies(node) {
      // Asked far more often than answered: look first, without the write lock.
      if (!(await connection.read(() => hasReplies.get(node)))) return []
      const rows = await connection.write(() => takeReplies.all(node) as unknown as (Reply & { readonly position: number })[])
      return rows.toSorted((a, b) => a.position - b.position).map(({ request, data }) => ({ node, request, data }))
    },
    consume(row, floor) {
      if (floor <= row.inbox_floor) return row.inbox_floor
      assertInvariant(floor <= row.inbox_head, `inbox floor ${floor} of partition ${row.id} is above its last message ${row.inbox_head}`)
      removeBelow.run(rowidOf(row.id, 0), rowidOf(row.id, floor))
      return floor
    },
    park(row, messages) {
      let head = row.parked_head
      for (const { id, to, at, data } of messages) insertParked.run(rowidOf(row.id, ++head), id, to, at, data)
      return head
    },
    unpark(partition, parked) {
      for (const { position } of parked) removeParked.run(rowidOf(partition, position))
    },
  }
}

type DepthCheck = (messages: readonly InboxMessage[], depthMax: number, inboxLength: (partition: number) => number) => void

/** Counts what waits for each receiver, cheaply while the whole inbox of its partition is shorter than the limit. */
function createDepthCheck(connection: Connection): DepthCheck {
  const countInbox = connection.prepare('SELECT count(*) AS n FROM inbox WHERE receiver = ?')
  const countParked = connection.prepare('SELECT count(*) AS n FROM parked WHERE receiver = ?')
  return (messages, depthMax, inboxLength) => {
    const incoming = new Map<ActorId, { readonly partition: number; count: number }>()
    for (const { to, partition } of messages) {
      const entry = incoming.get(to)
      if (entry) entry.count++
      else incoming.set(to, { partition, count: 1 })
    }
    for (const [to, { partition, count }] of incoming) {
      const parked = Number(countParked.get(to)?.['n'])
      if (inboxLength(partition) + parked + count <= depthMax) continue
      const depth = Number(countInbox.get(to)?.['n']) + parked
      if (depth + count <= depthMax) continue
      throw new TroupeError('mailbox/full', `${addressOf(to)} has ${depth} events waiting and takes no ${count} more; the limit is ${depthMax}`, {
        address: addressOf(to),
        details: { depth, limit: depthMax },
      })
    }
  }
}
