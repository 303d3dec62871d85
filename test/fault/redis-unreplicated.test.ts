import { expect, test } from 'vitest'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { Owner, idIn, message, refuses } from '../../src/testing/store-conformance/case.ts'
import { waitUntil } from '../support/processes.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import type { RedisCluster } from '../support/redis/redis-cluster.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'

const MASTERS = 3

const masterOf = async (cluster: RedisCluster, prefix: string, partition: number): Promise<RedisServer> =>
  cluster.ownerOf(await cluster.slotOf(`{${prefix}:${partition}}`))

/** Its two partitions lie on different masters. */
async function prefixOverTwoMasters(cluster: RedisCluster): Promise<string> {
  for (let n = 0; ; n++) if (await masterOf(cluster, `test-${n}`, 0) !== await masterOf(cluster, `test-${n}`, 1)) return `test-${n}`
}

test('durability=failover: a message of a commit that no replica has yet is not carried on, for a failover may take it back', async () => {
  await using cluster = await startCluster({ masters: MASTERS, replicas: MASTERS, config: { appendonly: 'yes' } })
  const prefix = await prefixOverTwoMasters(cluster)
  const store = await openRedisStore(`redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?prefix=${prefix}&partitions=2&durability=failover`)
  const replicaOf = async (partition: number) => cluster.nodes[MASTERS + cluster.nodes.indexOf(await masterOf(cluster, prefix, partition))] as RedisServer
  const [ofSource, ofTarget] = [await replicaOf(0), await replicaOf(1)]
  const to = idIn(store, 'receiver', { partition: 1 })
  const arrived = async () => (await store.take(1, 0, 10)).map(({ id }) => id)
  const owner = await Owner.of(store)

  // Carried, but nobody says so: it is carried again and again, with whatever else is in the outbox.
  await ofTarget.kill('SIGSTOP')
  await owner.commit({ outbox: [message(to, 'durable', 1)] })
  await waitUntil('it has arrived', async () => (await arrived()).length > 0)
  await ofSource.kill('SIGSTOP')
  await refuses(owner.commit({ outbox: [message(to, 'not yet', 1)] }), 'store/failed')
  expect(await arrived()).toEqual(['durable'])

  for (const replica of [ofSource, ofTarget]) await replica.kill('SIGCONT')
  await waitUntil('both have arrived', async () => (await arrived()).length > 1)
  expect(await arrived()).toEqual(['durable', 'not yet'])
  await store.close()
}, 60_000)

test('durability=failover: what a slot on its way takes at its new node does not count by the replicas of the old one', async () => {
  await using cluster = await startCluster({ masters: MASTERS, replicas: MASTERS, config: { appendonly: 'yes' } })
  const store = await openRedisStore(`redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?prefix=test&partitions=1&durability=failover`)
  const slot = await cluster.slotOf('{test:0}')
  const from = await cluster.ownerOf(slot)
  const to = cluster.nodes.slice(0, MASTERS).find(node => node !== from) as RedisServer
  const [fromId, toId] = await Promise.all([from, to].map(async node => String(await node.command('CLUSTER', 'MYID'))))
  const claim = () => store.claim({ partition: 0, node: 'n', token: 't', now: 0, ttlMs: 60_000 })

  await (cluster.nodes[MASTERS + cluster.nodes.indexOf(to)] as RedisServer).kill('SIGSTOP')
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId ?? '')
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId ?? '')
  await refuses(claim(), 'store/failed')

  await (cluster.nodes[MASTERS + cluster.nodes.indexOf(to)] as RedisServer).kill('SIGCONT')
  for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId ?? '')
  await waitUntil('the claim is granted', async () => (await claim()).ok)
  await store.close()
}, 60_000)
