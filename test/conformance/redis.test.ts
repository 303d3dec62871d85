import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import { startRedis } from '../support/redis/redis-server.ts'

/** Redis judges leases by its own clock, so the cases really wait. */
const LEASE_MS = 400

const servers: Readonly<Record<string, () => Promise<{ readonly hosts: string; stop(): Promise<void> }>>> = {
  'one Redis': async () => {
    const redis = await startRedis()
    return { hosts: `127.0.0.1:${redis.port}`, stop: () => redis.stop() }
  },
  'a Redis Cluster of six nodes': async () => {
    const cluster = await startCluster()
    return { hosts: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(','), stop: () => cluster.stop() }
  },
}

for (const [server, start] of Object.entries(servers)) {
  describe(server, () => {
    let running: Awaited<ReturnType<typeof start>>
    beforeAll(async () => {
      running = await start()
    })
    afterAll(() => running.stop())

    for (const partitions of [1, 4]) {
      storeConformance(`Redis store, partitions ${partitions}`, async () => {
        const prefix = `test-${randomUUID()}`
        const stores: Store[] = []
        const open = async () => {
          const store = await openRedisStore(`redis://${running.hosts}?prefix=${prefix}&partitions=${partitions}`)
          stores.push(store)
          return store
        }
        // From the first opening on: that of a cluster takes its time.
        let started: number | undefined
        const openFirst = async () => {
          const store = await open()
          started ??= performance.now()
          return store
        }
        return {
          partitions,
          open: openFirst,
          reopen: open,
          leaseMs: LEASE_MS,
          passTo: ms => sleep(Math.max(0, (started ?? 0) + ms + LEASE_MS / 4 - performance.now())),
          async teardown() {
            for (const store of stores) await store.close()
          },
        }
      }, { describe, test })
    }
  })
}
