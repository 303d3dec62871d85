import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { openTestRedis } from '../support/redis/open-test-redis.ts'
import type { TestRedis } from '../support/redis/open-test-redis.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'

/** Redis judges leases by its own clock, so the cases really wait. */
const LEASE_MS = 400

type Place = Pick<TestRedis, 'url' | 'prefix' | 'close'>

interface Servers {
  /** Where one case keeps its data. */
  place(): Promise<Place>
  stop(): Promise<void>
}

const kinds: Readonly<Record<string, () => Promise<Servers>>> = {
  // A server of its own for each case is there in 15 ms; `REDIS_URL` names one for all.
  'one Redis': async () => ({ place: () => openTestRedis(), stop: async () => undefined }),
  'a Redis Cluster of six nodes': async () => {
    const cluster = await startCluster()
    const url = `redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
    return { place: async () => ({ url, prefix: `test-${randomUUID()}`, close: async () => undefined }), stop: () => cluster.stop() }
  },
}

for (const [kind, start] of Object.entries(kinds)) {
  describe(kind, () => {
    let servers: Servers
    beforeAll(async () => {
      servers = await start()
    })
    afterAll(() => servers.stop())

    for (const partitions of [1, 4]) {
      storeConformance(`Redis store, partitions ${partitions}`, async () => {
        const { url, prefix, close } = await servers.place()
        const stores: Store[] = []
        const open = async () => {
          const store = await openRedisStore(`${url}?prefix=${prefix}&partitions=${partitions}`)
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
            await close()
          },
        }
      }, { describe, test })
    }
  })
}
