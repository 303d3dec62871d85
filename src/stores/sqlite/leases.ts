import type { ClaimRequest, ClaimResult, Lease, LeaseInfo } from '../../core/store.ts'
import { TroupeError, assertInvariant } from '../../core/errors.ts'
import type { Connection } from './connection.ts'
import { NodeLocks } from './liveness.ts'
import { toStoreError } from './sqlite-errors.ts'

/** A row of the table `partition`. */
export interface PartitionRow {
  readonly id: number
  readonly node: string | null
  readonly token: string | null
  readonly alive: string | null
  readonly epoch: number
  readonly expires_at: number
  readonly seq: number
  readonly commit_id: string
  readonly inbox_floor: number
  readonly inbox_head: number
  readonly parked_head: number
  readonly journal_head: number
}

/** Throws `lease/stale` unless the lease is the one in the store (S2). Call inside a transaction. */
export type Fence = (lease: Lease) => PartitionRow

export function createFence(connection: Connection): Fence {
  const select = connection.prepare('SELECT * FROM partition WHERE id = ?')
  return ({ partition, token, epoch, node }) => {
    const row = select.get(partition) as unknown as PartitionRow | undefined
    assertInvariant(row !== undefined, `${connection.path} has no partition ${partition}`)
    if (row.token === token && row.epoch === epoch) return row
    throw new TroupeError('lease/stale', `partition ${partition} is no longer owned by node ${node} (epoch ${epoch}); the store is at epoch ${row.epoch}`, {
      details: { partition, node, epoch, storeEpoch: row.epoch },
    })
  }
}

export interface Leases {
  claim(request: ClaimRequest): Promise<ClaimResult>
  renew(leases: readonly Lease[], now: number, ttlMs: number): Promise<readonly Lease[]>
  release(leases: readonly Lease[]): Promise<void>
  leases(): Promise<readonly LeaseInfo[]>
  close(): void
}

export function createLeases(connection: Connection): Leases {
  const locks = new NodeLocks(connection.path)
  const select = connection.prepare('SELECT * FROM partition WHERE id = ?')
  const grant = connection.prepare('UPDATE partition SET node = ?, token = ?, alive = ?, epoch = ?, expires_at = ? WHERE id = ?')
  const prolong = connection.prepare('UPDATE partition SET expires_at = ? WHERE id = ? AND token = ? AND epoch = ?')
  const drop = connection.prepare('UPDATE partition SET node = NULL, token = NULL, alive = NULL, expires_at = 0 WHERE id = ? AND token = ? AND epoch = ?')
  const selectAll = connection.prepare('SELECT id, node, epoch, expires_at FROM partition ORDER BY id')

  const touchLocks = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw toStoreError(error, connection.path)
    }
  }
  const find = (partition: number): PartitionRow => {
    const row = select.get(partition) as unknown as PartitionRow | undefined
    assertInvariant(row !== undefined, `${connection.path} has no partition ${partition}`)
    return row
  }

  return {
    async claim(request) {
      const { partition, node, token, now, ttlMs } = request
      const before = await connection.read(() => find(partition))
      // Lock files are touched outside the transaction: file work must not hold the write lock.
      const dead = touchLocks(() => (isFree(before, request) || before.alive === null || !locks.isDead(before.alive) ? null : before.alive))
      if (!isFree(before, request) && dead === null) return refusal(before)
      const alive = touchLocks(() => locks.hold(node, token))
      const result = await connection.write((): ClaimResult => {
        const row = find(partition)
        if (!isFree(row, request) && (dead === null || row.alive !== dead)) return refusal(row)
        const epoch = row.epoch + 1
        grant.run(node, token, alive, epoch, now + ttlMs, partition)
        return { ok: true, lease: { partition, node, token, epoch }, seq: row.seq, inboxFloor: row.inbox_floor }
      })
      // An owner that died and whose lease ran out before anybody looked: its file goes now.
      const { alive: former } = before
      if (result.ok && former !== null && former !== alive && former !== dead) touchLocks(() => locks.isDead(former))
      return result
    },
    renew: (leases, now, ttlMs) =>
      connection.write(() => leases.filter(({ partition, token, epoch }) => Number(prolong.run(now + ttlMs, partition, token, epoch).changes) === 0)),
    release: (leases) =>
      connection.write(() => {
        for (const { partition, token, epoch } of leases) drop.run(partition, token, epoch)
      }),
    leases: () => connection.read(() => (selectAll.all() as unknown as PartitionRow[]).map(({ id, node, epoch, expires_at }) => ({ partition: id, node, epoch, expiresAt: expires_at }))),
    close: () => locks.release(),
  }
}

/** Free without a look at the owner's process: unowned, released, run out, or claimed again by its owner. */
const isFree = (row: PartitionRow, { node, token, now }: ClaimRequest): boolean =>
  row.node === null || row.expires_at <= now || (row.node === node && row.token === token)

const refusal = (row: PartitionRow): ClaimResult => ({ ok: false, owner: row.node ?? '', expiresAt: row.expires_at })
