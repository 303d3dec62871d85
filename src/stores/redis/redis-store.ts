import { TroupeError } from '../../core/errors.ts'
import type { Store } from '../../core/store.ts'
import { createActorList } from './actor-list.ts'
import { checkServer } from './boot-check.ts'
import { Changes } from './changes.ts'
import { createCommit } from './commit.ts'
import { Connection } from './connection.ts'
import { createDeployment } from './deployment.ts'
import { createHistory } from './history.ts'
import { configKey } from './keys.ts'
import { createLeases } from './leases.ts'
import { createMailbox } from './mailbox.ts'
import { createMembers } from './members.ts'
import { createQueries } from './queries.ts'
import { createQueues } from './queues.ts'
import { RedisClients } from './redis-clients.ts'
import { parseRedisUrl } from './redis-url.ts'
import type { RedisAddress } from './redis-url.ts'
import { Relay } from './relay.ts'
import { createSize } from './size.ts'
import { createSweep } from './sweep.ts'

/** Version of the keys and of what stands in them. */
const FORMAT = 1
const PARTITIONS = 16
/** Messages above this many characters go into blobs. */
const BLOB_CHARS = 64 * 1024
/** Replicas that have a write before it counts, at `durability=failover`. */
const REPLICAS = 1

/**
 * Opens a store on Redis 6.2 or newer, Valkey or Redis Cluster, through `ioredis`; any number of processes on any number of machines.
 * The URL is explained at `parseRedisUrl`; `partitions` is fixed when the first process opens a prefix (default 16).
 *
 * Throws `config/invalid` for a URL, login, ACL or setting that cannot work, `store/partitions`, `store/newer-format`, `store/readonly`
 * (a replica), `store/failed` (no answer, still loading, slots missing).
 *
 * @example
 * const store = await openRedisStore('redis://localhost:6379/0?prefix=shop&durability=power-loss')
 */
export async function openRedisStore(url: string): Promise<Store> {
  const address = parseRedisUrl(url)
  const name = `${address.tls ? 'rediss' : 'redis'}://${address.nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`
  const clients = await RedisClients.of(address, name)
  const connection = new Connection(await clients.connect(), { name, replicas: address.durability === 'failover' ? REPLICAS : 0 })
  try {
    await checkServer(connection, address.durability)
    return wire(connection, clients, address.prefix, await openDeployment(connection, address))
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** How many partitions the prefix has. */
async function openDeployment(connection: Connection, { prefix, partitions }: RedisAddress): Promise<number> {
  const [status, detail] = (await connection.write('open', [configKey(prefix)], [FORMAT, partitions ?? '', PARTITIONS])) as readonly [string, string]
  if (status === 'format') throw new TroupeError('store/newer-format', `${connection.name}: prefix '${prefix}' has format ${detail}; this runtime reads up to ${FORMAT}`)
  if (status === 'partitions') throw new TroupeError('store/partitions', `${connection.name}: prefix '${prefix}' has ${detail} partitions, not ${partitions}`)
  return Number(detail)
}

function wire(connection: Connection, clients: RedisClients, prefix: string, partitions: number): Store {
  const deployment = createDeployment(connection, { prefix, partitions, blobBytes: BLOB_CHARS })
  const relay = new Relay(deployment)
  const changes = new Changes(prefix, () => clients.createSubscriber())
  return {
    partitions,
    members: createMembers(deployment),
    queues: createQueues(deployment),
    ...createLeases(deployment, relay),
    commit: createCommit(deployment, relay),
    ...createMailbox(deployment),
    ...createHistory(deployment),
    ...createActorList(deployment),
    ...createQueries(deployment),
    sweep: createSweep(deployment),
    size: createSize(connection),
    subscribe: (listener, scope) => changes.subscribe(listener, scope),
    async close() {
      await changes.close()
      await relay.close()
      await connection.close()
    },
  }
}
