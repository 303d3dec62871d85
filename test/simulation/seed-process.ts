import { planOf } from './plan.ts'
import type { SeedFailure } from './failure.ts'
import { Tally } from './tally.ts'
import type { WorkloadName } from './workloads/index.ts'
import { simulate } from './world.ts'

/** Seeds for a process of the pool. */
export interface SeedRange {
  readonly first: number
  readonly count: number
  readonly workload?: WorkloadName
}

/** What came of them. */
export interface SeedReport {
  readonly range: SeedRange
  readonly counts: readonly (readonly [string, number])[]
  readonly failures: readonly SeedFailure[]
}

/** Traces of a stack are a tenth of the cost of a world, and nobody reads them. */
Error.stackTraceLimit = 0

async function runRange(range: SeedRange): Promise<SeedReport> {
  const tally = new Tally()
  const failures: SeedFailure[] = []
  for (let seed = range.first; seed < range.first + range.count; seed++) {
    const { violations, tally: own } = await simulate(planOf(seed, range.workload))
    tally.add(own.counts)
    if (violations.length > 0) failures.push({ seed, violations })
  }
  return { range, counts: [...tally.counts], failures }
}

process.on('message', (range: SeedRange) => void runRange(range).then(report => process.send?.(report)))
