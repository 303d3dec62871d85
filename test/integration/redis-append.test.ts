import { expect, test } from 'vitest'
import type { ActorId } from '../../src/core/address.ts'
import type { Store } from '../../src/core/store.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { NOW, Owner, idIn, message } from '../../src/testing/store-conformance/case.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { startProxy } from '../support/redis/tcp-proxy.ts'
import { waitUntil } from '../support/processes.ts'

const SENDERS = '{troupe:0}:senders'
const DAY_SECONDS = 24 * 60 * 60

const idsOf = async (store: Store): Promise<readonly string[]> => (await store.take(0, 0, 1_000)).map(({ id }) => id)

const append = (store: Store, to: ActorId, ids: readonly number[]) => Promise.all(ids.map(id => store.append([message(to, `${id}`)], 1_000)))

/** What Redis remembers of the only sender. */
async function sender(redis: RedisServer): Promise<readonly [name: string, memory: string]> {
  const [name = '', memory = ''] = (await redis.command('HGETALL', SENDERS)) as readonly string[]
  return [name, memory]
}

test('a refusal whose answer was lost is heard at the repetition, and forgotten when it was heard', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ port: redis.port })
  const store = await openRedisStore(`redis://127.0.0.1:${proxy.port}?partitions=1`)
  const id = idIn(store, 'x')
  await store.append([message(id, 'taken')], 1)
  proxy.cutAfterWrite('message refused')
  await expect(store.append([message(id, 'refused')], 1)).rejects.toMatchObject({ code: 'mailbox/full', details: { depth: 1, limit: 1 } })
  expect(proxy.counts.hits.cutAfterWrite).toBeGreaterThan(0)
  await proxy.heal()
  expect(await idsOf(store)).toEqual(['taken'])
  expect((await sender(redis))[1]).toContain(id)
  await store.append([message(id, 'more')], 2)
  expect((await sender(redis))[1]).toMatch(/^3 \d+$/)
  expect(await idsOf(store)).toEqual(['taken', 'more'])
  await store.close()
})

test('senders that were silent for a day are forgotten, many of them too; those heard since are not', async () => {
  await using redis = await startRedis()
  const store = await openRedisStore(`${redis.url}?partitions=1`)
  const owner = await Owner.of(store)
  await append(store, idIn(store, 'x'), [1])
  const [name] = await sender(redis)
  const nowSeconds = Math.floor(Date.now() / 1_000)
  await redis.command('HSET', SENDERS, 'late', `7 ${nowSeconds - DAY_SECONDS + 60}`)
  await redis.command('HSET', SENDERS, ...Array.from({ length: 5_000 }, (_, n) => [`old-${n}`, `7 ${nowSeconds - DAY_SECONDS - 60}\n7 1 1 refused`]).flat())
  const sweep = () => store.sweep(owner.lease, { now: NOW, journalBefore: undefined, completedMax: {}, reclaim: 0, limit: 100 })
  await sweep()
  expect(await redis.command('HLEN', SENDERS)).toBeGreaterThan(4_000)
  await waitUntil('many sweeps have forgotten them all', async () => (await sweep(), await redis.command('HLEN', SENDERS)) === 2)
  expect((await redis.command('HKEYS', SENDERS) as string[]).toSorted()).toEqual([name, 'late'].toSorted())
  await store.close()
})

test('a sender that Redis has forgotten goes on at once: nothing is lost, doubled or out of order', async () => {
  await using redis = await startRedis()
  const store = await openRedisStore(`${redis.url}?partitions=1`)
  const id = idIn(store, 'x')
  await append(store, id, [1, 2, 3])
  const [name, memory] = await sender(redis)
  await redis.command('DEL', SENDERS)
  const started = performance.now()
  await append(store, id, [4, 5, 6])
  expect(performance.now() - started).toBeLessThan(2_000)
  // As after a failover: what it had answered last is lost.
  const [second] = await sender(redis)
  expect(second).not.toBe(name)
  await redis.command('HSET', SENDERS, second, memory.replace('3 ', '1 '))
  await append(store, id, [7, 8, 9])
  expect(await idsOf(store)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  await store.close()
})
