import { TroupeError } from '../../core/errors.ts'
import { checkServer, configOf, parseInfo } from './boot-check.ts'
import { Connection } from './connection.ts'
import { RedisClients } from './redis-clients.ts'
import { parseRedisUrl } from './redis-url.ts'
import type { Durability } from './redis-url.ts'

/** What a server says of itself, to be judged by whoever asks. */
export interface RedisFacts {
  readonly version: string
  readonly durability: Durability
  readonly appendonly: boolean
  /** Null where the server does not tell. */
  readonly appendfsync: string | null
  readonly memoryBytesMax: number
  /** Milliseconds by which its clock is ahead of this one. */
  readonly skewMs: number
  /** Why no store would open on it. */
  readonly fault: TroupeError | null
}

/** Asks a Redis (of a cluster, one of its nodes) about what a store needs; writes nothing. Throws what connecting throws. */
export async function inspectRedis(url: string): Promise<RedisFacts> {
  const address = parseRedisUrl(url)
  const name = address.nodes.map(({ host, port }) => `${host}:${port}`).join(',')
  const connection = new Connection(await (await RedisClients.of(address, name)).connect(), { name, replicas: 0 })
  try {
    return await connection.call(async client => {
      const node = 'nodes' in client ? client.nodes('master')[0] : client
      if (!node) throw new TroupeError('store/failed', `${name} has no primary`)
      const info = parseInfo(await node.info())
      const [seconds = 0, micros = 0] = await node.time()
      const skewMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - Date.now()
      const fault = await checkServer(connection, address.durability).then(() => null, (error: unknown) => { if (error instanceof TroupeError) return error; throw error })
      return { version: info['redis_version'] ?? '?', durability: address.durability, appendonly: info['aof_enabled'] === '1', appendfsync: (await configOf(node, 'appendfsync')) ?? null, memoryBytesMax: Number(info['maxmemory'] ?? 0), skewMs, fault }
    })
  } finally {
    await connection.close()
  }
}
