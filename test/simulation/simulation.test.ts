import { expect, test } from 'vitest'
import { explainFailure } from './failure.ts'
import { runSeeds } from './pool.ts'
import { faultKinds } from './tally.ts'
import type { Tally } from './tally.ts'

const asked = process.env['SIMULATE_SEEDS']
/** In all workloads together; SIMULATE_SEEDS for more of them or fewer, SIMULATE_FIRST to begin elsewhere. */
const SEEDS = Number(asked ?? 20_000)
const FIRST = Number(process.env['SIMULATE_FIRST'] ?? 1)
/** What nobody has asked for ends here: two cores with nothing else to do get through 20,000, busy ones through fewer, and say so. */
const BUDGET_MS = 6 * 60_000
/** For a number that was asked for. */
const TIMEOUT_MS = 60 * 60_000
/** From here on whatever can happen has happened. */
const TELLING = 1_000

test(`${asked === undefined ? 'up to ' : ''}${SEEDS} worlds from seed ${FIRST} on keep what is promised, and are not green in vain`, { timeout: TIMEOUT_MS }, async () => {
  const { tally, failures, ms } = await runSeeds({ first: FIRST, count: SEEDS, ...(asked === undefined && { timeMs: BUDGET_MS }) })
  const seeds = tally.get('seeds')
  console.log(`${tally.table()}\n\n${seeds} of ${SEEDS} seeds from ${FIRST} on in ${Math.round(ms / 1_000)} s, ${Math.round((seeds / ms) * 1_000)} per second`)
  expect.soft(failures.map(({ seed }) => seed)).toEqual([])
  if (failures[0]) expect.fail(await explainFailure(failures[0]))
  expect(seeds).toBeGreaterThanOrEqual(asked === undefined ? TELLING : SEEDS)
  if (seeds >= TELLING) expectTelling(tally)
})

/** Operations came to an end, every kind of fault struck while something was under way, and what faults are for did happen. */
function expectTelling(tally: Tally): void {
  const [operations, tries] = [tally.get('operations'), tally.get('tries')]
  expect(operations).toBeGreaterThan(0.5 * tries)
  expect(tally.get('given up')).toBeLessThan(0.5 * operations)
  expect(tally.get('quiet seeds')).toBeGreaterThan(0)
  for (const kind of faultKinds) expect([kind, tally.inFlight(kind) > 0]).toEqual([kind, true])
  const happened = ['fenced', 'duplicates', 'takeovers', 'handovers', 'deadLetters', 'compensations', 'staleTasks', 'taskRetries', 'timersFired', 'evictions', 'restarts', 'request lost', 'reply lost', 'answer lost', 'doubled', 'late', 'hint lost', 'hint doubled', 'writes lost'] as const
  expect(happened.filter(what => tally.get(what) === 0)).toEqual([])
}
