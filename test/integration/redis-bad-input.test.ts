import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import type { ErrorCode } from 'troupe'
import { assign, setup } from 'xstate'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { pickPort } from '../support/redis/pick-port.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { waitUntil } from '../support/processes.ts'

const counter = setup({ types: { context: {} as { readonly n: number; readonly ballast: string }, events: {} as { readonly type: 'ADD'; readonly ballast?: string } } }).createMachine({
  context: { n: 0, ballast: '' },
  on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1, ballast: ({ context, event }) => event.ballast ?? context.ballast }) } },
})
const machines = { counter }

const refuses = (url: string, code: ErrorCode, ...parts: readonly string[]) =>
  Promise.all(parts.map(part => expect(openRedisStore(url)).rejects.toMatchObject({ code, message: expect.stringContaining(part) as unknown })))

test('nobody listens, or not to Redis', async () => {
  const server = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await refuses(`redis://127.0.0.1:${port}`, 'store/failed', `127.0.0.1:${port}`)
  server.close()
  await refuses(`redis://127.0.0.1:${pickPort()}`, 'store/failed', 'ECONNREFUSED')
}, 30_000)

test('a wrong password, or none', async () => {
  await using redis = await startRedis({ config: { requirepass: 'secret' } })
  await refuses(`redis://127.0.0.1:${redis.port}`, 'config/invalid', 'the user or password in the URL is not right')
  await refuses(`redis://:wrong@127.0.0.1:${redis.port}`, 'config/invalid', 'the user or password in the URL is not right')
  await (await openRedisStore(`redis://:secret@127.0.0.1:${redis.port}`)).close()
}, 30_000)

test('a user whose ACL lacks a command: the command is named', async () => {
  await using redis = await startRedis()
  await redis.command('ACL', 'SETUSER', 'limited', 'on', '>pw', '~*', '&*', '+@all', '-evalsha', '-eval')
  await refuses(`redis://limited:pw@127.0.0.1:${redis.port}`, 'config/invalid', "'evalsha'", 'deploy/redis/users.acl')
})

test('a Redis that evicts keys', async () => {
  await using redis = await startRedis({ config: { 'maxmemory-policy': 'allkeys-lru' } })
  await refuses(redis.url, 'config/invalid', 'maxmemory-policy is allkeys-lru', 'set it to noeviction')
  expect(await redis.command('DBSIZE')).toBe(0)
})

test('a persistence that is weaker than the durability asked for', async () => {
  await using none = await startRedis({ config: { appendonly: 'no' } })
  await refuses(`${none.url}?durability=power-loss`, 'config/invalid', 'set appendonly yes')
  await using everysec = await startRedis({ config: { appendonly: 'yes', appendfsync: 'everysec' } })
  await refuses(`${everysec.url}?durability=power-loss`, 'config/invalid', 'appendfsync is everysec', 'set appendfsync always')
  await refuses(`${everysec.url}?durability=failover`, 'config/invalid', 'no replica is connected')
})

describe('a Redis that is loading its data', () => {
  /** Each key takes a millisecond to load. */
  const startLoading = async (keys: number) => {
    const redis = await startRedis({ config: { 'key-load-delay': '1000', 'loading-process-events-interval-bytes': '1024' } })
    await redis.command('DEBUG', 'POPULATE', keys, 'key', 100)
    await redis.command('SAVE')
    await redis.kill()
    const loaded = redis.restart()
    await waitUntil('it answers that it is loading', () => redis.command('GET', 'key').then(() => false, (error: Error) => error.message.startsWith('LOADING')))
    return { redis, loaded }
  }

  test('for a moment: opening waits for it', async () => {
    const { redis, loaded } = await startLoading(2_000)
    await using _ = redis
    const store = await openRedisStore(redis.url)
    expect(await redis.command('DBSIZE')).toBeGreaterThan(2_000)
    await store.close()
    await loaded
  }, 30_000)

  test('for long: opening says so', async () => {
    const { redis, loaded } = await startLoading(60_000)
    await using _ = redis
    const ended = expect(loaded).rejects.toThrow()
    await expect(openRedisStore(redis.url)).rejects.toMatchObject({ code: 'store/failed', message: expect.stringMatching(/is still loading its data, for about \d+ s more/) as unknown })
    await redis.kill()
    await ended
  }, 30_000)
})

test('a Redis that is too old: the version that is needed is named', async () => {
  const info = 'redis_version:5.0.14\r\nrole:master\r\nloading:0\r\n'
  // There are no packages of one so old: this one answers all that a client asks before it is ready.
  const server = createServer(socket => socket.on('data', data => {
    for (const [, command] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) socket.write(command?.toLowerCase() === 'info' ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n')
  })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await refuses(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`, 'config/invalid', 'its version is 5.0.14', 'Redis 6.2 or newer')
  server.close()
})

test('a replica', async () => {
  await using primary = await startRedis()
  await using replica = await startRedis({ config: { replicaof: `127.0.0.1 ${primary.port}` } })
  await waitUntil('it follows', async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'))
  await refuses(replica.url, 'store/readonly', 'is a replica of 127.0.0.1', 'give the address of the primary')
})

test('a key prefix of a newer format, and one with another number of partitions', async () => {
  await using redis = await startRedis()
  await (await openRedisStore(`${redis.url}?prefix=old&partitions=4`)).close()
  await refuses(`${redis.url}?prefix=old&partitions=8`, 'store/partitions', "prefix 'old' has 4 partitions, not 8")
  await redis.command('HSET', '{old:config}', 'format', '999')
  await refuses(`${redis.url}?prefix=old`, 'store/newer-format', 'has format 999')
  expect(await redis.command('KEYS', '*')).toEqual(['{old:config}'])
})

test('a cluster that misses slots', async () => {
  await using redis = await startRedis({ cluster: true })
  await redis.command('CLUSTER', 'ADDSLOTS', 0, 1, 2)
  await refuses(`redis://127.0.0.1:${redis.port}?cluster=true`, 'store/failed', 'serves 3 of 16384 slots')
}, 30_000)

test('memory that runs out: the event is refused, nothing is lost, and work goes on when there is room again', async () => {
  await using redis = await startRedis()
  await using runtime = await createRuntime({ machines, store: `${redis.url}?prefix=test-${randomUUID()}&partitions=2`, onError: () => undefined })
  const handle = runtime.actor('counter', '1')
  await handle.start()
  await handle.send({ type: 'ADD' })
  await redis.command('CONFIG', 'SET', 'maxmemory', '1mb')
  await expect(handle.send({ type: 'ADD', ballast: 'x'.repeat(100_000) })).rejects.toMatchObject({ code: 'store/full', message: expect.stringContaining('maxmemory') as unknown })
  await redis.command('CONFIG', 'SET', 'maxmemory', '0')
  await waitUntil('it takes events again', () => handle.send({ type: 'ADD' }).then(() => true, () => false))
  expect((await handle.snapshot()).context.n).toBe(2)
})

test('a node whose clock is an hour off works, and takes no partition away', async () => {
  await using redis = await startRedis()
  const store = `${redis.url}?prefix=test-${randomUUID()}&partitions=4`
  const real = await createRuntime({ machines, store, limits: { leaseTtlMs: 60_000 } })
  const skewed = await createRuntime({ machines, store, limits: { leaseTtlMs: 60_000 }, clock: clockOff(3_600_000) })
  await waitUntil('all are owned', async () => real.health().partitions.owned.length + skewed.health().partitions.owned.length === 4)
  for (let n = 0; n < 8; n++) {
    const handle = (n % 2 === 0 ? real : skewed).actor('counter', `${n}`)
    await handle.start()
    expect((await (n % 2 === 0 ? skewed : real).actor('counter', `${n}`).ask({ type: 'ADD' })).context.n).toBe(1)
  }
  const { partitions } = await real.cluster()
  expect(partitions.every(({ epoch }) => epoch <= 2)).toBe(true)
  expect(real.health().counters.fenced + skewed.health().counters.fenced).toBe(0)
  await Promise.all([real.close(), skewed.close()])
})

/** The real clock, off by so much. */
const clockOff = (ms: number) => ({
  now: () => Date.now() + ms,
  setTimer: (fn: () => void, after: number) => ({ timer: setTimeout(fn, after) }),
  clearTimer: (handle: object) => clearTimeout((handle as { timer: NodeJS.Timeout }).timer),
  soon: (fn: () => void) => void setImmediate(fn),
})
