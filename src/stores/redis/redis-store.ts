import { Cluster, Redis } from 'ioredis'
import { TroupeError } from '../../core/errors.ts'
import type { Store } from '../../core/store.ts'
import { checkServer, clusterFault } from './boot-check.ts'
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
import { toStoreError } from './redis-errors.ts'
import { parseRedisUrl } from './redis-url.ts'
import type { RedisAddress } from './redis-url.ts'
import { Relay } from './relay.ts'
import { createSweep } from './sweep.ts'

/** Version of the keys and of what stands in them. */
const FORMAT = 1
const PARTITIONS = 16
/** Messages above this many characters go into blobs. */
const BLOB_CHARS = 64 * 1024
/** How long opening may wait for a first connection, in milliseconds. */
const CONNECT_MS = 5_000
/** How long a call may go without an answer, in milliseconds; then its outcome is unknown. */
const ANSWER_MS = 5_000
const RECONNECT_MS_MAX = 1_000
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
  const name = `${address.isTls ? 'rediss' : 'redis'}://${address.nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`
  const connection = new Connection(await connect(address, name), { name, replicas: address.durability === 'failover' ? REPLICAS : 0 })
  try {
    await checkServer(connection, address.durability)
    return wire(connection, address, await openDeployment(connection, address))
  } catch (error) {
    await connection.close()
    throw error
  }
}

async function connect(address: RedisAddress, name: string): Promise<Redis | Cluster> {
  const client = clientFor(address)
  let failure: unknown
  // Without a listener every failed attempt would be an uncaught exception.
  client.on('error', error => (failure = error))
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(failure ?? new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS)
  try {
    await Promise.race([client.connect(), deadline.promise])
    return client
  } catch (error) {
    client.disconnect()
    throw (address.isCluster && (await faultOf(address, name))) || toStoreError(failure ?? error, name)
  } finally {
    clearTimeout(timer)
  }
}

/** A client of a cluster says only that it cannot connect: one of the nodes may know more. */
async function faultOf(address: RedisAddress, name: string): Promise<TroupeError | undefined> {
  const client = clientFor({ ...address, isCluster: false })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await clusterFault(client as Redis, name)
  } catch {
    return undefined
  } finally {
    client.disconnect()
  }
}

/** A call that was under way when the connection broke is never sent again by the client: only this store knows what may be repeated. */
function clientFor({ nodes, isCluster, isTls, username, password, db }: RedisAddress): Redis | Cluster {
  const options = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(isTls && { tls: {} }),
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    commandTimeout: ANSWER_MS,
    socketTimeout: 2 * ANSWER_MS,
    connectTimeout: CONNECT_MS,
    // What is under way when the connection breaks fails at once, instead of hanging until its time is over.
    maxRetriesPerRequest: 0,
      }
  const reconnectMs = (times: number): number => Math.min(RECONNECT_MS_MAX, 20 * times)
  if (isCluster) return new Cluster([...nodes], { redisOptions: options, lazyConnect: true, clusterRetryStrategy: reconnectMs })
  const [{ host, port } = { host: 'localhost', port: 6379 }] = nodes
  return new Redis({ ...options, host, port, db, retryStrategy: reconnectMs, lazyConnect: true })
}

/** How many partitions the prefix has. */
async function openDeployment(connection: Connection, { prefix, partitions }: RedisAddress): Promise<number> {
  const [status, detail] = (await connection.write('open', [configKey(prefix)], [FORMAT, partitions ?? '', PARTITIONS])) as readonly [string, string]
  if (status === 'format') throw new TroupeError('store/newer-format', `${connection.name}: prefix '${prefix}' has format ${detail}; this runtime reads up to ${FORMAT}`)
  if (status === 'partitions') throw new TroupeError('store/partitions', `${connection.name}: prefix '${prefix}' has ${detail} partitions, not ${partitions}`)
  return Number(detail)
}

function wire(connection: Connection, address: RedisAddress, partitions: number): Store {
  const { prefix } = address
  const deployment = createDeployment(connection, { prefix, partitions, blobBytes: BLOB_CHARS })
  const relay = new Relay(deployment)
  const changes = new Changes(prefix, () => {
    const client = clientFor({ ...address, db: 0 })
    client.on('error', () => undefined)
    return client
  })
  return {
    partitions,
    members: createMembers(deployment),
    queues: createQueues(deployment),
    ...createLeases(deployment, relay),
    commit: createCommit(deployment, relay),
    ...createMailbox(deployment),
    ...createHistory(deployment),
    ...createQueries(deployment),
    sweep: createSweep(deployment),
    subscribe: (listener, scope) => changes.subscribe(listener, scope),
    async close() {
      await changes.close()
      await relay.close()
      await connection.close()
    },
  }
}
