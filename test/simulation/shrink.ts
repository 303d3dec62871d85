import { networkFaults } from './plan.ts'
import type { SimFault, SimPlan } from './plan.ts'
import type { Property } from './workloads/workload.ts'
import { simulate } from './world.ts'
import type { SimOptions } from './world.ts'

const SIZE_MIN = 5
/** Shorter than this a fault strikes nothing. */
const DURATION_MIN_MS = 100

/** A smaller plan that breaks the same property still: fewer faults, operations, processes and circumstances, shorter faults. */
export async function shrinkPlan(plan: SimPlan, property: Property, budgetMs: number, options: SimOptions = {}): Promise<SimPlan> {
  const deadline = performance.now() + budgetMs
  const fails = async (candidate: SimPlan): Promise<boolean> => (await simulate(candidate, options)).violations.some(violation => violation.property === property)
  let smallest = plan
  for (let isShrunk = true; isShrunk && performance.now() < deadline; ) {
    isShrunk = false
    for (const candidate of smallerPlans(smallest)) {
      if (performance.now() > deadline || !(await fails(candidate))) continue
      smallest = candidate
      isShrunk = true
      break
    }
  }
  return smallest
}

/** Plans with one thing less, the boldest first. */
export function* smallerPlans(plan: SimPlan): Generator<SimPlan> {
  const { faults, size, nodes, partitions } = plan
  const half = Math.ceil(faults.length / 2)
  if (faults.length > 1) for (const kept of [faults.slice(0, half), faults.slice(half)]) yield { ...plan, faults: kept }
  for (const [index] of faults.entries()) yield { ...plan, faults: faults.toSpliced(index, 1) }
  if (size > SIZE_MIN) for (const fewer of [Math.floor(size / 2), Math.floor(size * 0.8)]) yield { ...plan, size: Math.max(SIZE_MIN, fewer) }
  if (nodes > 1) yield { ...plan, nodes: nodes - 1, clocks: plan.clocks.slice(0, -1), faults: faults.filter(fault => !('node' in fault) || fault.node < nodes - 1) }
  if (partitions > 1) yield { ...plan, partitions: 1 }
  for (const name of ['isTight', 'isShared', 'storeClock', 'losesTail', 'relays', 'isPrecise'] as const) if (plan[name]) yield { ...plan, [name]: false }
  if (plan.clocks.some(({ offsetMs, rate }) => offsetMs !== 0 || rate !== 1)) yield { ...plan, clocks: plan.clocks.map(() => ({ offsetMs: 0, rate: 1 })) }
  for (const [index, fault] of faults.entries()) {
    const shorter = shorten(fault)
    if (shorter) yield { ...plan, faults: faults.with(index, shorter) }
  }
}

function shorten(fault: SimFault): SimFault | undefined {
  if ('downMs' in fault && fault.downMs > DURATION_MIN_MS) return { ...fault, downMs: Math.floor(fault.downMs / 2) }
  if ('forMs' in fault && fault.forMs > DURATION_MIN_MS) return { ...fault, forMs: Math.floor(fault.forMs / 2) }
  return undefined
}

/** A plan read from a file: enough of a look at it to say what is wrong with one that was written by hand. */
export function parsePlan(text: string): SimPlan {
  const plan = JSON.parse(text) as SimPlan
  const kinds: readonly string[] = ['kill', 'drain', 'pause', 'clock', 'store', ...networkFaults]
  const stray = plan.faults.find(({ kind }) => !kinds.includes(kind))
  if (stray) throw new Error(`there is no fault '${stray.kind}'; there are ${kinds.join(', ')}`)
  if (plan.clocks.length !== plan.nodes) throw new Error(`the plan has ${plan.nodes} nodes and ${plan.clocks.length} clocks`)
  return plan
}
