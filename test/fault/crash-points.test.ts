import { crashPoints } from 'troupe/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runUnderFaults } from '../support/faults/fault-world.ts'
import type { Run } from '../support/faults/fault-world.ts'
import { Sweep, callFaults, pointFaults, problemsOf } from '../support/faults/sweep.ts'

/** One process over four partitions, with clients that send again what was not acknowledged. It dies once, at every place there is. */
const sweep = new Sweep()
let calm: Run

beforeAll(async () => {
  calm = await runUnderFaults({ faults: [] })
})

test('the workload comes by every crash point, and leaves nothing wrong when nothing fails', () => {
  expect(problemsOf(calm)).toEqual([])
  expect(new Set(calm.visits.keys())).toEqual(new Set(crashPoints))
  const { steps, staleTasks, deadLetters, taskRetries, timersFired } = calm.counters
  expect(Math.min(steps, staleTasks, deadLetters, taskRetries, timersFired)).toBeGreaterThan(0)
  expect(calm.history.letters.map(({ state }) => state).toSorted()).toEqual(expect.arrayContaining(['discarded', 'present', 'replayed']))
})

describe('a process may die', () => {
  test('at any visit of any crash point', async () => {
    const faults = pointFaults(calm)
    const { struck } = sweep.totals
    for (const fault of faults) await sweep.run({ faults: [fault] })
    expect(sweep.failures).toEqual([])
    expect(sweep.totals.struck - struck).toBe(faults.length)
  })

  test('before and after any call of its store', async () => {
    const faults = callFaults(calm, 'die')
    const { struck } = sweep.totals
    for (const fault of faults) await sweep.run({ faults: [fault] })
    expect(sweep.failures).toEqual([])
    expect(sweep.totals.struck - struck).toBe(faults.length)
  })
})

afterAll(() => {
  const { totals } = sweep
  console.log(`crash points: ${JSON.stringify(totals)}`)
  expect(Math.min(totals.duplicates, totals.takeovers, totals.deadLetters, totals.staleTasks, totals.timersFired, totals.taskRetries)).toBeGreaterThan(0)
})
