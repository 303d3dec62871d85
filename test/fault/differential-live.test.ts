import '../support/differential/quiet-console.ts'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { compare } from '../support/differential/compare.ts'
import { features } from '../support/differential/features.ts'
import { LiveHost } from '../support/differential/live-host.ts'
import { plans } from '../support/differential/plan.ts'
import { subjects } from '../support/differential/subjects.ts'

/** Set DIFFERENTIAL_SEED to repeat a run, DIFFERENTIAL_RUNS for more sequences per machine. */
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? Date.now() % 2 ** 31)
const runs = Number(process.env['DIFFERENTIAL_RUNS'] ?? 60)
let sequences = 0

describe('a live actor that is restored between any two steps ends as plain XState does', () => {
  const cases = subjects.flatMap(subject => [
    [subject.name, subject, false] as const,
    [`${subject.name}, compared by content`, subject, true] as const,
  ])
  test.each(cases)('%s', async (_name, subject, mutableContext) => {
    await fc.assert(
      fc.asyncProperty(plans(subject), async plan => {
        sequences++
        await compare(subject, plan, (one, crashHere) => new LiveHost(one, crashHere, { mutableContext }))
      }),
      { seed, numRuns: mutableContext ? Math.ceil(runs / 3) : runs },
    )
  })

  afterAll(() => console.info(`differential, live actors: ${sequences} sequences over ${subjects.length} machines, seed ${seed}`))
})

test('the machines cover every feature', () => {
  const covered = new Set(subjects.flatMap(subject => subject.features))
  expect(features.filter(feature => !covered.has(feature))).toEqual([])
  expect(subjects.length).toBeGreaterThanOrEqual(25)
  expect(new Set(subjects.map(({ name }) => name)).size).toBe(subjects.length)
})
