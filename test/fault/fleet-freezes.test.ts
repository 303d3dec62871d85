import { test } from 'vitest'
import { TRIAL_MS_MAX, times, underFire } from '../support/fleet/trial.ts'
import { startRedis } from '../support/redis/redis-server.ts'

const FREEZES = times(100)

test(`${FREEZES} freezes beyond the lease: who wakes up commits nothing any more`, { timeout: TRIAL_MS_MAX }, async () => {
  await using redis = await startRedis()
  await underFire({ name: 'freezes', url: redis.url, serverOf: async () => redis, happened: ['fenced', 'takeovers', 'duplicates', 'staleTasks'] }, async (fleet) => {
    while (fleet.struck('freeze').length < FREEZES) {
      await fleet.freeze(2 + fleet.below(2), fleet.leaseTtlMs * (1.5 + fleet.below(3)))
      await fleet.goesOn(300)
    }
  })
})
