import { expect, test } from 'vitest'
import { runUnderFaults } from '../support/faults/fault-world.ts'
import { randomPlan, shrinkPlan } from '../support/faults/random-plan.ts'
import { Sweep } from '../support/faults/sweep.ts'

/** As owner or guest, with much room or little, over one partition or four. Set CRASH_SEED to repeat a run, CRASH_RUNS for more of them. */
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 2 ** 31)
const runs = Number(process.env['CRASH_RUNS'] ?? 300)

test(`${runs} runs with up to five deaths, refusals and cuts each, over a store that takes its time`, async () => {
  const sweep = new Sweep()
  const calm = await runUnderFaults({ faults: [] })
  for (let run = 0; run < runs; run++) {
    const plan = randomPlan(seed + run, calm)
    if (!(await sweep.run(plan))) console.log(`the smallest plan that fails so: ${JSON.stringify(await shrinkPlan(plan, async candidate => !(await new Sweep().run(candidate))))}`)
  }
  console.log(`crash points at random: seed ${seed} (CRASH_SEED repeats it) ${JSON.stringify(sweep.totals)}`)
  expect(sweep.failures, `seed ${seed}`).toEqual([])
  const { struck, duplicates, takeovers, fenced, deadLetters, evictions } = sweep.totals
  expect(struck).toBeGreaterThan(runs)
  if (runs >= 300) expect(Math.min(duplicates, takeovers, fenced, deadLetters, evictions)).toBeGreaterThan(0)
})
