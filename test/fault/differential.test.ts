import '../support/differential/quiet-console.ts'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { compare } from '../support/differential/compare.ts'
import { plans } from '../support/differential/plan.ts'
import { RuntimeHost } from '../support/differential/runtime-host.ts'
import { subjects } from '../support/differential/subjects.ts'

/** Set DIFFERENTIAL_SEED to repeat a run, DIFFERENTIAL_RUNS for more sequences per machine. */
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? Date.now() % 2 ** 31)
const runs = Number(process.env['DIFFERENTIAL_RUNS'] ?? 60)
let sequences = 0
let deaths = 0

describe('an actor of a runtime that crashes and restarts ends as plain XState does', () => {
  test.each(subjects.map(subject => [subject.name, subject] as const))('%s', async (_name, subject) => {
    await fc.assert(
      fc.asyncProperty(plans(subject), async plan => {
        sequences++
        let host: RuntimeHost | undefined
        await compare(subject, plan, (one, crashHere) => (host = new RuntimeHost(one, crashHere)))
        deaths += host?.deaths ?? 0
      }),
      { seed, numRuns: runs },
    )
  })

  afterAll(() => console.info(`differential, runtime: ${sequences} sequences over ${subjects.length} machines with ${deaths} crashes, seed ${seed}`))
})

test('enough sequences ran', () => {
  expect(sequences).toBeGreaterThanOrEqual(Math.min(2_000, runs * subjects.length))
  expect(deaths).toBeGreaterThan(sequences)
})
