import { describe, expect, test } from 'vitest'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { Owner, creation, idIn, message, refuses, steps } from '../../src/testing/store-conformance/case.ts'
import { waitUntil } from '../support/processes.ts'
import { startPair } from '../support/redis/redis-pair.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import type { RedisCluster } from '../support/redis/redis-cluster.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'

/** A Redis that forgets what it has acknowledged. */
interface Forgetful extends AsyncDisposable {
  readonly url: string
  /** What is written from now on is lost … */
  begin(): Promise<void>
  /** … now. */
  strike(): Promise<void>
}

const kinds: Readonly<Record<string, () => Promise<Forgetful>>> = {
  async 'a failover to a replica whose link was cut'() {
    const pair = await startPair()
    return { url: pair.url, begin: () => pair.cutLink(), strike: () => pair.failOver(), [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() }
  },
  async 'a restart from an older file'() {
    const redis = await startRedis()
    return { url: redis.url, begin: async () => void await redis.command('SAVE'), strike: () => redis.restart(), [Symbol.asyncDispose]: () => redis.stop() }
  },
}

describe.each(Object.keys(kinds))('%s', kind => {
  async function open() {
    await using parts = new AsyncDisposableStack()
    const redis = parts.use(await (kinds[kind] as (typeof kinds)[string])())
    const stores = await Promise.all(Array.from({ length: 2 }, () => openRedisStore(`${redis.url}?partitions=1`)))
    for (const store of stores) parts.defer(() => store.close())
    const held = parts.move()
    return {
      stores: stores as [(typeof stores)[number], (typeof stores)[number]],
      begin: () => redis.begin(),
      async strike() {
        await redis.strike()
        for (const store of stores) await waitUntil('the store is there again', () => store.leases().then(() => true, () => false))
      },
      [Symbol.asyncDispose]: () => held.disposeAsync(),
    }
  }

  test('the last claim is lost: its owner and the one before it are both refused, and a new claim is granted at once', async () => {
    await using world = await open()
    const [one, two] = world.stores
    const id = idIn(one, 'x')
    const first = await Owner.of(one, { node: 'first' })
    await first.commit({ actors: [creation(id)] })
    await world.begin()
    await one.release([first.lease])
    const second = await Owner.of(two, { node: 'second' })
    await second.commit({ actors: [steps(id, 2, { seq: 2 })] })
    await world.strike()
    expect(await one.leases()).toMatchObject([{ node: 'first', epoch: first.lease.epoch }])
    await refuses(first.commit({ actors: [steps(id, 2, { seq: 2 })] }), 'lease/stale')
    await refuses(second.commit({ actors: [steps(id, 3, { seq: 3 })] }), 'lease/stale')
    expect(await one.renew([first.lease], 0, 10_000)).toEqual([first.lease])
    expect(await two.renew([second.lease], 0, 10_000)).toEqual([second.lease])
    const third = await Owner.of(two, { node: 'second' })
    expect(third.lease.epoch).toBeGreaterThan(second.lease.epoch)
    await third.commit({ actors: [steps(id, 2, { seq: 2 })] })
    await refuses(first.commit({ actors: [steps(id, 2, { seq: 2 })] }), 'lease/stale')
    expect((await one.load(id))?.rows.map(({ toSeq }) => toSeq)).toEqual([2])
  })

  test('messages are lost and others stand at their positions: an owner that has read the lost ones cannot consume these', async () => {
    await using world = await open()
    const [one, two] = world.stores
    const id = idIn(one, 'x')
    const send = (...ids: readonly string[]) => Promise.all(ids.map(each => two.append([message(id, each)], 100)))
    const owner = await Owner.of(one)
    await owner.commit({ actors: [creation(id)] })
    await send('kept')
    await world.begin()
    await send('lost 1', 'lost 2')
    expect((await one.take(0, 0, 10)).map(({ position }) => position)).toEqual([1, 2, 3])
    await world.strike()
    await send('new 1', 'new 2')
    await refuses(owner.commit({ inboxFloor: 3, actors: [steps(id, 2, { seq: 4 })] }), 'lease/stale')
    const again = await Owner.of(one)
    expect((await one.take(0, again.inboxFloor, 10)).map(({ id: each }) => each)).toEqual(['kept', 'new 1', 'new 2'])
  })

  test('a commit whose answer was lost with the old primary still counts when the new one has it', async () => {
    await using world = await open()
    const [one] = world.stores
    const owner = await Owner.of(one)
    const commit = await owner.commit({ actors: [creation(idIn(one, 'x'))] })
    await world.begin()
    await world.strike()
    await one.commit(owner.lease, commit)
    expect(await one.countLive(0)).toBe(1)
  })
})

test('one primary of a cluster loses its last writes: what its partition sends afterwards arrives, and what it had sent is not taken for it', async () => {
  await using cluster = await startCluster({ masters: 3, replicas: 0 })
  const prefix = await prefixOverTwoNodes(cluster)
  const store = await openRedisStore(`redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?prefix=${prefix}&partitions=2`)
  const node = await nodeOf(cluster, prefix, 0)
  const to = idIn(store, 'receiver', { partition: 1 })
  const arrive = async (...ids: readonly string[]) => {
    await waitUntil(`${ids.at(-1)} has arrived`, async () => (await store.take(1, 0, 10)).at(-1)?.id === ids.at(-1))
    expect((await store.take(1, 0, 10)).map(({ id }) => id)).toEqual(ids)
  }
  const owner = await Owner.of(store)
  await owner.commit({ outbox: [message(to, 'kept', 1)] })
  await arrive('kept')
  await waitUntil('it is relayed', async () => await node.command('XLEN', `{${prefix}:0}:out`) === 0)
  await node.command('SAVE')
  await owner.commit({ outbox: [message(to, 'lost 1', 1), message(to, 'lost 2', 1)] })
  await arrive('kept', 'lost 1', 'lost 2')
  await node.restart()
  await waitUntil('the cluster is well', () => store.leases().then(() => true, () => false))
  const again = await Owner.of(store)
  expect(again.seq).toBe(1)
  await again.commit({ outbox: [message(to, 'new', 1)] })
  await arrive('kept', 'lost 1', 'lost 2', 'new')
  expect(await node.command('XLEN', `{${prefix}:0}:out`)).toBe(0)
  await store.close()
}, 60_000)

const nodeOf = async (cluster: RedisCluster, prefix: string, partition: number): Promise<RedisServer> =>
  cluster.ownerOf(await cluster.slotOf(`{${prefix}:${partition}}`))

/** Its two partitions lie on different nodes. */
async function prefixOverTwoNodes(cluster: RedisCluster): Promise<string> {
  for (let n = 0; ; n++) {
    const [first, second] = [await nodeOf(cluster, `test-${n}`, 0), await nodeOf(cluster, `test-${n}`, 1)]
    if (first !== second) return `test-${n}`
  }
}
