import type { ClaimResult, Lease, LeaseInfo, Store } from '../../core/store.ts'
import type { Deployment } from './deployment.ts'
import { channels } from './keys.ts'
import type { Relay } from './relay.ts'

/**
 * Leases by the clock of Redis alone: `now` of the callers means nothing here, so their clocks may be wrong. A lease holds for one
 * replication id: after a failover or restart, which may have taken the last claims and messages back, it is lost.
 */
export function createLeases({ connection, prefix, partitions, keysOf }: Deployment, relay: Relay): Pick<Store, 'claim' | 'renew' | 'release' | 'leases'> {
  const meta = (partition: number): string[] => [keysOf(partition).one('meta')]

  async function renewed({ partition, token, epoch }: Lease, ttlMs: number): Promise<boolean> {
    return (await connection.write('renew', meta(partition), [token, epoch, ttlMs])) === 1
  }

  async function infoOf(partition: number): Promise<LeaseInfo> {
    const [node, epoch, expiresAt] = await connection.call(client => client.hmget(meta(partition)[0] ?? '', 'node', 'epoch', 'expires'))
    return { partition, node: node || null, epoch: Number(epoch ?? 0), expiresAt: Number(expiresAt ?? 0) }
  }

  return {
    async claim({ partition, node, token, ttlMs }): Promise<ClaimResult> {
      const answer = (await connection.write('claim', keysOf(partition).all('meta', 'out'), [node, token, ttlMs])) as readonly [0, string, string] | readonly [1, number, string, string, number]
      if (answer[0] === 0) return { ok: false, owner: answer[1], expiresAt: Number(answer[2]) }
      const [, epoch, seq, inboxFloor, waits] = answer
      if (waits > 0) relay.start(partition)
      return { ok: true, lease: { partition, node, token, epoch }, seq: Number(seq), inboxFloor: Number(inboxFloor) }
    },
    async renew(leases, _now, ttlMs) {
      const kept = await Promise.all(leases.map(lease => renewed(lease, ttlMs)))
      return leases.filter((_, index) => !kept[index])
    },
    async release(leases) {
      await Promise.all(leases.map(({ partition, token, epoch }) => connection.run('release', meta(partition), [token, epoch, channels.leases(prefix)])))
    },
    leases: () => Promise.all(Array.from({ length: partitions }, (_, partition) => infoOf(partition))),
  }
}
