import { test } from 'vitest'
import { TRIAL_MS_MAX, times, underFire } from '../support/fleet/trial.ts'
import { startRedis } from '../support/redis/redis-server.ts'

/** With those of `kills.test.ts`, which kills processes on SQLite, 400. */
const KILLS = times(290)

test(`${KILLS} kills of workers lose nothing, double nothing, and everything comes to its end`, { timeout: TRIAL_MS_MAX }, async () => {
  await using redis = await startRedis()
  await underFire({ name: 'kills of workers', url: redis.url, serverOf: async () => redis, happened: ['takeovers', 'handovers', 'duplicates', 'taskRetries', 'timersFired'] }, async (fleet) => {
    while (fleet.struck('kill').length < KILLS) {
      await fleet.kill(1 + fleet.below(3))
      await fleet.goesOn(300)
    }
  })
})
