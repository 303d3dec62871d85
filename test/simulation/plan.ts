import type { Random } from 'troupe'
import { createSeededRandom } from 'troupe/testing'
import { workloadNames } from './workloads/index.ts'
import type { WorkloadName } from './workloads/index.ts'

/** What befalls the world, and when, in milliseconds since it began. */
export type SimFault =
  /** A process dies; another one is started in its place. */
  | { readonly kind: 'kill'; readonly at: number; readonly node: number; readonly downMs: number }
  /** A process is asked to end, and another one is started in its place. */
  | { readonly kind: 'drain'; readonly at: number; readonly node: number; readonly downMs: number }
  | { readonly kind: 'pause'; readonly at: number; readonly node: number; readonly forMs: number }
  | { readonly kind: 'clock'; readonly at: number; readonly node: number; readonly byMs: number }
  | { readonly kind: 'store'; readonly at: number; readonly downMs: number; readonly loseMs: number }
  | { readonly kind: NetworkFault; readonly at: number; readonly node: number; readonly forMs: number; readonly share: number }

export const networkFaults = ['cut', 'delay', 'reorder', 'lose requests', 'lose replies', 'double', 'lose hints', 'lose answers'] as const
export type NetworkFault = (typeof networkFaults)[number]

export interface SimPlan {
  readonly seed: number
  readonly workload: WorkloadName
  /** About how many operations clients carry out. */
  readonly size: number
  readonly nodes: number
  readonly partitions: number
  /** Room for two live actors and batches of three steps. */
  readonly isTight: boolean
  /** Processes share the partitions among them; else the first to come takes what is free. */
  readonly isShared: boolean
  /** The store judges leases by a clock of its own. */
  readonly storeClock: boolean
  /** What is acknowledged may be lost when the store restarts. */
  readonly losesTail: boolean
  /** Messages between partitions come later than the commit that sent them. */
  readonly relays: boolean
  /** The store says what has changed, and not only that something has. */
  readonly isPrecise: boolean
  /** Mean of a message's time one way, in milliseconds. */
  readonly delayMs: number
  /** A lost hint is made good after so many milliseconds; null for never. */
  readonly hintRepairMs: number | null
  readonly clocks: readonly { readonly offsetMs: number; readonly rate: number }[]
  readonly faults: readonly SimFault[]
}

/** How long faults strike, and how long clients go on of themselves, in milliseconds. */
export const FAULTS_MS = 8_000
export const LEASE_MS = 3_000
const OPERATIONS = 150
const FAULTS_MAX = 6
const SKEW_MS = 4_000
const STEP_MS = 20_000
const HOUR = 3_600_000
/** Workloads in which nothing waits for a time of day: a clock may be wrong by hours. */
const timeless: ReadonlySet<WorkloadName> = new Set(['bank', 'register', 'letters'])

/** The same seed, the same plan: what a seed does is all in here. */
export function planOf(seed: number, only?: WorkloadName): SimPlan {
  const random = createSeededRandom(seed)
  const draw = drawer(random)
  const workload = only ?? draw.of(workloadNames)
  const nodes = draw.from(2, 4)
  const losesTail = draw.chance(0.1)
  // Processes on several machines share a store that has a clock and says what has changed, as Redis does.
  const isShared = draw.chance(0.5)
  const storeClock = isShared || draw.chance(0.3)
  const isSkewed = draw.chance(0.5)
  const plan = {
    seed,
    workload,
    size: OPERATIONS,
    nodes,
    partitions: draw.from(1, 4),
    isTight: draw.chance(0.2),
    isShared,
    storeClock,
    losesTail,
    relays: !losesTail && draw.chance(0.4),
    isPrecise: isShared || draw.chance(0.3),
    delayMs: draw.of([0.3, 1, 1, 5, 20]),
    hintRepairMs: draw.from(500, 3_000),
    clocks: Array.from({ length: nodes }, () => (isSkewed ? { offsetMs: draw.from(-SKEW_MS, SKEW_MS), rate: 1 + draw.from(-20, 21) / 1_000 } : { offsetMs: 0, rate: 1 })),
  }
  const count = draw.chance(0.12) ? 0 : draw.from(1, FAULTS_MAX + 1)
  return { ...plan, faults: Array.from({ length: count }, () => drawFault(draw, plan)).toSorted((a, b) => a.at - b.at) }
}

type Draw = ReturnType<typeof drawer>

function drawFault(draw: Draw, plan: Pick<SimPlan, 'nodes' | 'losesTail' | 'storeClock' | 'workload'>): SimFault {
  const at = draw.from(100, FAULTS_MS)
  const node = draw.from(0, plan.nodes)
  const kind = draw.of(['kill', 'kill', 'drain', 'pause', 'pause', 'clock', 'store', ...networkFaults] as const)
  const forMs = draw.from(300, 2 * LEASE_MS)
  switch (kind) {
    case 'kill':
    case 'drain':
      return { kind, at, node, downMs: draw.from(50, 2 * LEASE_MS) }
    case 'pause':
      // Most of them outlive the lease.
      return { kind, at, node, forMs: draw.from(LEASE_MS / 2, 3 * LEASE_MS) }
    case 'clock': {
      const isFar = plan.storeClock && timeless.has(plan.workload) && draw.chance(0.3)
      return { kind, at, node, byMs: isFar ? draw.of([-HOUR, HOUR]) : draw.from(-STEP_MS, STEP_MS) }
    }
    case 'store':
      return { kind, at, downMs: draw.from(20, 2_000), loseMs: plan.losesTail ? draw.from(0, 2_000) : 0 }
    case 'lose requests':
    case 'lose replies':
      // A share of all messages: more than this and nobody ever gets anything done.
      return { kind, at, node, forMs, share: draw.from(5, 40) / 100 }
    case 'cut':
    case 'delay':
    case 'reorder':
    case 'double':
    case 'lose hints':
    case 'lose answers':
      return { kind, at, node, forMs, share: draw.from(20, 100) / 100 }
  }
}

export function drawer(random: Random) {
  return {
    /** A whole number from `low` up to, but not including, `high`. */
    from: (low: number, high: number): number => low + Math.floor(random.next() * (high - low)),
    of: <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T,
    chance: (share: number): boolean => random.next() < share,
  }
}

/** When the last fault is over. */
export function healedAt({ faults }: SimPlan): number {
  return faults.reduce((last, fault) => Math.max(last, fault.at + durationOf(fault)), 0)
}

export function durationOf(fault: SimFault): number {
  switch (fault.kind) {
    case 'kill':
    case 'drain':
    case 'store':
      return fault.downMs
    case 'clock':
      return 0
    default:
      return fault.forMs
  }
}
