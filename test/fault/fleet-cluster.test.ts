import { test } from 'vitest'
import { PARTITIONS } from '../support/fleet/rest.ts'
import { TRIAL_MS_MAX, times, underFire } from '../support/fleet/trial.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import type { RedisCluster } from '../support/redis/redis-cluster.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'

const ROUNDS = times(20)
const MASTERS = 3
/** One of each range that a master began with; no partition's slot is likely to be it. */
const SOME_SLOTS = [0, 8_192, 16_383]

/** Moves the slot of a partition to another master. */
async function moveSlot(cluster: RedisCluster, key: string, pick: (count: number) => number): Promise<void> {
  const slot = await cluster.slotOf(key)
  const from = await cluster.ownerOf(slot)
  const masters = await Promise.all(SOME_SLOTS.map(some => cluster.ownerOf(some)))
  const others = masters.filter(master => master !== from)
  await cluster.moveSlot(slot, from, others[pick(others.length)] as RedisServer)
}

test(`${ROUNDS} failovers and ${ROUNDS} slots that move under traffic lose nothing that was accepted, and double nothing`, { timeout: TRIAL_MS_MAX }, async () => {
  await using cluster = await startCluster({ masters: MASTERS, replicas: MASTERS, config: { appendonly: 'yes' } })
  const url = `redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  const serverOf = async (key: string) => cluster.ownerOf(await cluster.slotOf(key))
  await underFire({ name: 'cluster', url, durability: 'failover', serverOf, happened: ['takeovers', 'duplicates'] }, async (fleet, prefix) => {
    for (let round = 0; round < ROUNDS; round++) {
      // Each pair of nodes in turn; who is its replica changes with each failover.
      const replica = (round + MASTERS) % (2 * MASTERS)
      await fleet.strike('failover', `to node ${replica}`, () => cluster.failover(cluster.nodes[replica] as RedisServer))
      await fleet.goesOn(200)
      const partition = fleet.below(PARTITIONS)
      await fleet.strike('moveSlot', `of partition ${partition}`, () => moveSlot(cluster, `{${prefix}:${partition}}`, count => fleet.below(count)))
      await fleet.goesOn(200)
      if (round % 4 === 3) await fleet.kill(1)
    }
  })
})
