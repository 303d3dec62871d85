import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { violationsText } from './checks.ts'
import { planOf } from './plan.ts'
import type { SimPlan } from './plan.ts'
import { shrinkPlan } from './shrink.ts'
import type { WorkloadName } from './workloads/index.ts'
import type { Violation } from './workloads/workload.ts'

/** A seed whose world broke a property. */
export interface SeedFailure {
  readonly seed: number
  readonly violations: readonly Violation[]
}

const SHRINK_MS = 20_000
const SHOWN_MAX = 5

/** What a failed seed has broken, the smallest plan that breaks it still, and the one command that shows it. */
export async function explainFailure({ seed, violations }: SeedFailure, workload?: WorkloadName): Promise<string> {
  const plan = planOf(seed, workload)
  const [first] = violations
  const smallest = first ? await shrinkPlan(plan, first.property, SHRINK_MS) : plan
  return [
    `seed ${seed} (${plan.workload}) broke ${[...new Set(violations.map(({ property }) => property))].join(', ')}:`,
    violationsText(violations.slice(0, SHOWN_MAX)),
    `the smallest plan that does so still: ${JSON.stringify(smallest)}`,
    `reproduce: ${commandOf(smallest, plan, workload)}`,
  ].join('\n')
}

function commandOf(plan: SimPlan, whole: SimPlan, workload: WorkloadName | undefined): string {
  const command = `npm run simulate -- --seed ${plan.seed}${workload === undefined ? '' : ` --workload ${workload}`}`
  if (plan === whole) return command
  const file = join(tmpdir(), `troupe-plan-${plan.seed}.json`)
  writeFileSync(file, `${JSON.stringify(plan, undefined, 2)}\n`)
  return `npm run simulate -- --seed ${plan.seed} --plan ${file}`
}
