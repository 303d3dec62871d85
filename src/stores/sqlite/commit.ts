import type { ActorId } from '../../core/address.ts'
import { parseActorId } from '../../core/address.ts'
import { TroupeError, assertInvariant } from '../../core/errors.ts'
import type { Commit, Lease } from '../../core/store.ts'
import { createActorWriter } from './actor-writer.ts'
import type { KnownActor } from './actor-writer.ts'
import type { Connection } from './connection.ts'
import type { Fence, PartitionRow } from './leases.ts'
import type { Mailbox } from './mailbox.ts'
import { rowidOf } from './schema.ts'

/** Actors whose rows are remembered, over all partitions: about 5 MB. */
const KNOWN_ACTORS_MAX = 20_000

/**
 * What this handle knows of the actors of one partition. It holds only while `commitId` is the partition's last
 * commit: after a commit of another handle, or a failed one of ours, it is thrown away.
 */
interface Memory {
  commitId: string
  readonly actors: Map<ActorId, KnownActor>
}

/** The one atomic write (S1): fence, then every row of the batch, in one transaction. */
export function createCommit(connection: Connection, fence: Fence, mailbox: Mailbox, partitions: number): (lease: Lease, commit: Commit) => Promise<void> {
  const actors = createActorWriter(connection)
  const letters = createAftermath(connection)
  const memories = new Map<number, Memory>()
  const knownMax = Math.ceil(KNOWN_ACTORS_MAX / partitions)
  const advance = connection.prepare('UPDATE partition SET seq = ?, commit_id = ?, inbox_floor = ?, parked_head = ?, journal_head = ? WHERE id = ?')

  const recall = (partition: number, lastCommit: string): Memory => {
    const memory = memories.get(partition)
    if (memory?.commitId === lastCommit) return memory
    const fresh = { commitId: lastCommit, actors: new Map<ActorId, KnownActor>() }
    memories.set(partition, fresh)
    return fresh
  }

  const writeActors = (row: PartitionRow, { actors: writes, at }: Commit, memory: Memory): number => {
    let head = row.journal_head
    for (const write of writes) {
      assertInvariant(write.record.partition === row.id, `actor ${write.record.id} of partition ${write.record.partition} is committed in partition ${row.id}`)
      actors.write(write, memory.actors, rowidOf(row.id, head + 1), at)
      if (write.row) head++
    }
    for (const id of memory.actors.keys()) {
      if (memory.actors.size <= knownMax) break
      memory.actors.delete(id)
    }
    return head
  }

  return (lease, commit) =>
    connection.write(() => {
      const row = fence(lease)
      if (row.commit_id === commit.id) return
      if (commit.seq !== row.seq + 1) {
        throw new TroupeError('lease/stale', `commit ${commit.seq} of partition ${row.id} does not follow ${row.seq}: another commit came before it`, {
          details: { partition: row.id, seq: commit.seq, storeSeq: row.seq },
        })
      }
      const memory = recall(row.id, row.commit_id)
      memory.commitId = ''
      const journalHead = writeActors(row, commit, memory)
      const floor = mailbox.consume(row, commit.inboxFloor)
      mailbox.unpark(row.id, commit.unpark)
      const parkedHead = mailbox.park(row, commit.park)
      letters.write(commit)
      advance.run(commit.seq, commit.id, floor, parkedHead, journalHead, row.id)
      mailbox.deliver(commit.outbox)
      memory.commitId = commit.id
    })
}

/** The rows of a commit that belong to no actor row. */
function createAftermath(connection: Connection): { write(commit: Commit): void } {
  const mark = connection.prepare(`INSERT INTO mark (actor, key, fingerprint, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, expires_at = excluded.expires_at`)
  const reply = connection.prepare('INSERT INTO reply (node, request, at, data) VALUES (?, ?, ?, ?)')
  const letter = connection.prepare(`INSERT INTO dead_letter (id, actor, tenant, partition, at, data, cause, state, resolved_at, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, data = excluded.data, cause = excluded.cause, state = excluded.state, resolved_at = excluded.resolved_at, reason = excluded.reason`)
  const resolve = connection.prepare("UPDATE dead_letter SET state = ?, resolved_at = ?, reason = ? WHERE id = ? AND state = 'present'")
  return {
    write({ at, marks, replies, deadLetters, resolved }) {
      for (const { actor, key, fingerprint, expiresAt } of marks) mark.run(actor, key, fingerprint, expiresAt)
      for (const { node, request, data } of replies) reply.run(node, request, at, data)
      for (const { id, actor, partition, at: since, data, cause, state, resolvedAt, reason } of deadLetters) {
        letter.run(id, actor, parseActorId(actor).tenant, partition, since, data, cause, state, resolvedAt, reason)
      }
      for (const { id, state, at: resolvedAt, reason } of resolved) resolve.run(state, resolvedAt, reason, id)
    },
  }
}
