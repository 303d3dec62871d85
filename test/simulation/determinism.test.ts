import { expect, test } from 'vitest'
import { withoutDedupe } from '../support/faults/planted.ts'
import { explainFailure } from './failure.ts'
import { planOf } from './plan.ts'
import { parsePlan, shrinkPlan, smallerPlans } from './shrink.ts'
import { workloadNames } from './workloads/index.ts'
import { simulate } from './world.ts'

const SEEDS = 40

test('a seed is the same run every time, whatever ran before it in the process', async () => {
  const traces = new Map<number, number>()
  for (let seed = 1; seed <= SEEDS; seed++) traces.set(seed, (await simulate(planOf(seed))).trace)
  for (let seed = SEEDS; seed > 0; seed--) expect([seed, (await simulate(planOf(seed))).trace]).toEqual([seed, traces.get(seed)])
  expect(new Set(traces.values()).size).toBe(SEEDS)
})

test.each(workloadNames)('the %s come to rest when nothing fails, and leave nothing wrong', async workload => {
  const { violations, tally } = await simulate({ ...planOf(1, workload), faults: [] })
  expect(violations).toEqual([])
  expect(tally.get('operations')).toBeGreaterThan(5)
})

test('a plan that fails is shrunk to one that fails still, and reads back as it was written', async () => {
  const options = { plant: withoutDedupe }
  const plan = planOf(1, 'bank')
  expect((await simulate(plan, options)).violations.map(({ property }) => property)).toContain('P2')
  const smallest = await shrinkPlan(plan, 'P2', 20_000, options)
  expect(smallest.faults.length + smallest.size).toBeLessThan(plan.faults.length + plan.size)
  expect((await simulate(parsePlan(JSON.stringify(smallest)), options)).violations.map(({ property }) => property)).toContain('P2')
  for (const smaller of smallerPlans(smallest)) expect(JSON.stringify(smaller)).not.toBe(JSON.stringify(smallest))
})

test('a plan with a fault that there is none of is refused', () => {
  const plan = planOf(1)
  expect(() => parsePlan(JSON.stringify({ ...plan, faults: [{ kind: 'flood', at: 1 }] }))).toThrow("there is no fault 'flood'")
  expect(() => parsePlan(JSON.stringify({ ...plan, nodes: plan.nodes + 1 }))).toThrow('clocks')
})

test('a failure says what was broken and which one command shows it', async () => {
  const text = await explainFailure({ seed: 1, violations: [{ property: 'P13', what: 'somebody waits' }] })
  expect(text).toContain('P13: somebody waits')
  expect(text.match(/npm run simulate/g)).toHaveLength(1)
  expect(text).toContain('npm run simulate -- --seed 1')
})
