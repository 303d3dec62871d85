import { createSeededRandom } from 'troupe/testing'
import type { CrashPoint } from 'troupe/testing'
import type { Fault, FaultPlan } from './fault-world.ts'
import type { Verb } from './fault-store.ts'

/** How much there is to hit in a run without faults. */
export interface Extent {
  readonly visits: ReadonlyMap<CrashPoint, number>
  readonly calls: readonly Verb[]
}

const REFUSALS_MAX = 8

/** Up to `faultsMax` faults, each for the process that follows the one before. The same seed is the same plan. */
export function randomPlan(seed: number, { visits, calls }: Extent, faultsMax = 5): FaultPlan {
  const random = createSeededRandom(seed)
  const below = (bound: number): number => Math.floor(random.next() * bound)
  // Successors have less left to do: most faults come early in a life.
  const early = (bound: number): number => 1 + Math.min(below(bound), below(bound))
  const points = [...visits.keys()]
  const fault = (isLast: boolean): Fault => {
    const kind = below(10)
    const call = early(calls.length)
    const when = below(2) === 0 ? 'before' : 'after'
    if (kind < 4) {
      const point = points[below(points.length)] as CrashPoint
      return { point, visit: early(visits.get(point) ?? 1) }
    }
    if (kind < 8) return { call, when, then: 'die' }
    // A frozen process lives on, so nothing comes after it.
    return kind === 8 && isLast ? { call, when, then: 'freeze' } : { call, when, then: 'refuse', times: 1 + below(REFUSALS_MAX) }
  }
  const count = 1 + below(faultsMax)
  return { seed, slow: below(3) > 0, tight: below(3) === 0, guest: below(4) === 0, partitions: below(4) === 0 ? 1 : 4, faults: Array.from({ length: count }, (_, index) => fault(index === count - 1)) }
}

/** The smallest plan that fails still: without the faults and the circumstances that it does not take. */
export async function shrinkPlan(plan: FaultPlan, fails: (plan: FaultPlan) => Promise<boolean>): Promise<FaultPlan> {
  const smaller: FaultPlan[] = [
    ...plan.faults.map((_, index) => ({ ...plan, faults: plan.faults.toSpliced(index, 1) })),
    ...(['slow', 'tight', 'guest'] as const).filter(name => plan[name]).map(name => ({ ...plan, [name]: false })),
  ]
  for (const candidate of smaller) if (await fails(candidate)) return shrinkPlan(candidate, fails)
  return plan
}
