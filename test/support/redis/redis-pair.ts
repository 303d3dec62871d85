import { waitUntil } from '../processes.ts'
import { startRedis } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'
import { startProxy } from './tcp-proxy.ts'

export interface RedisPair extends AsyncDisposable {
  /** Where clients find the primary, before and after a failover. */
  readonly url: string
  /** Resolves when the replica has all that was written; what is written from then on it never gets. */
  cutLink(): Promise<void>
  /** Kills the primary; its replica takes over, at the same address. */
  failOver(): Promise<void>
}

/** A primary and a replica that follows it through a link of its own. */
export async function startPair(): Promise<RedisPair> {
  await using parts = new AsyncDisposableStack()
  const primary = parts.use(await startRedis())
  const link = parts.use(await startProxy({ port: primary.port, protocol: 'any' }))
  const replica = parts.use(await startRedis({ config: { replicaof: `127.0.0.1 ${link.port}` } }))
  // With its first replica a primary takes another replication id.
  const isCaughtUp = async (): Promise<boolean> => (await offsetOf(replica, 'slave_repl_offset')) === (await offsetOf(primary, 'master_repl_offset'))
  await waitUntil('the replica follows', isCaughtUp)
  const held = parts.move()
  return {
    url: primary.url,
    async cutLink() {
      await waitUntil('the replica has caught up', isCaughtUp)
      link.blackhole(true)
    },
    async failOver() {
      await primary.kill()
      await replica.command('REPLICAOF', 'NO', 'ONE')
      await replica.command('CONFIG', 'SET', 'port', primary.port)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Undefined while a replica has no link. */
async function offsetOf(server: RedisServer, field: string): Promise<number | undefined> {
  const info = String(await server.command('INFO', 'replication'))
  const offset = new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1]
  return offset === undefined || info.includes('master_link_status:down') ? undefined : Number(offset)
}
