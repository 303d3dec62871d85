import { createSeededRandom } from 'troupe/testing'
import type { Random, Store } from 'troupe'
import type { Counters } from '../../src/host/env.ts'
import { readHistory } from '../support/faults/history.ts'
import { checkAftermath } from './checks.ts'
import { Crowd } from './crowd.ts'
import { FaultSchedule } from './fault-schedule.ts'
import { Outside } from './outside.ts'
import { drawer, healedAt, LEASE_MS } from './plan.ts'
import type { SimPlan } from './plan.ts'
import { unrestOf } from './rest.ts'
import { Scheduler } from './scheduler.ts'
import type { SimEvent } from './scheduler.ts'
import { SimClock } from './sim-clock.ts'
import { Line } from './sim-network.ts'
import type { Weather } from './sim-network.ts'
import { SimNode } from './sim-node.ts'
import { StoreServer } from './store-server.ts'
import { Tally } from './tally.ts'
import { createWorkload } from './workloads/index.ts'
import type { Violation, Workload } from './workloads/workload.ts'
import { withRejections } from '../support/unhandled-rejections.ts'

export interface SimRun {
  readonly violations: readonly Violation[]
  readonly tally: Tally
  /** Hash of all that happened: the same for the same plan. */
  readonly trace: number
}

export interface SimOptions {
  plant?(store: Store): Store
  /** Told of each event. */
  onEvent?(event: SimEvent): void
}

/** Longest time from the last fault to rest. */
const QUIET_MS = 60_000
const LOOK_MS = 250
const STORE_TIMEOUT_MS = 1_000
/** More events than this are a loop that never rests: most worlds have less than a hundredth. */
const EVENTS_MAX = 400_000
/** Share of the messages to and from services that get lost. */
const LOST_SERVICES = 0.03
const TIGHT = { liveActorsMax: 2, batchStepsMax: 3 }
/** Many takeovers in a few seconds are what a simulated world is for: they say nothing about a task. */
const TASK_CRASHES_MAX = 1_000
const CALM: Omit<Weather, 'delayMs'> = { isCut: false, isUnordered: false, lostRequests: 0, lostReplies: 0, doubled: 0, lostHints: 0 }

/** A world under a plan: several processes over one store, clients outside, and everything that may go wrong. */
class World {
  readonly #plan: SimPlan
  readonly #scheduler: Scheduler
  readonly #server: StoreServer
  readonly #nodes: readonly SimNode[]
  readonly #outside: Outside
  readonly #crowd: Crowd
  readonly #workload: Workload
  readonly #faults: FaultSchedule
  readonly #tally = new Tally()
  readonly #violations: Violation[] = []
  #isDone = false
  #isOver = false

  constructor(plan: SimPlan, options: SimOptions) {
    // Each part draws from a stream of its own, so that what one of them draws more does not change the others.
    const stream = (name: number): Random => createSeededRandom(Math.imul(plan.seed, 0x9e3779b1) ^ Math.imul(name, 0x85ebca77))
    const scheduler = new Scheduler(stream(1))
    scheduler.onEvent = options.onEvent
    this.#plan = plan
    this.#scheduler = scheduler
    this.#outside = new Outside(scheduler, drawer(stream(3)), LOST_SERVICES)
    const { partitions, isShared, losesTail, relays, isPrecise, delayMs } = plan
    const server = new StoreServer({ scheduler, partitions, isShared, losesTail, relays, isPrecise, clock: plan.storeClock ? new SimClock(scheduler) : undefined, plant: options.plant ?? (store => store) })
    this.#server = server
    this.#workload = createWorkload(plan.workload, { outside: this.#outside, hire: name => this.#crowd.hire(name), size: plan.size, begun: () => server.log.sync(), losesTail })
    const calm: Weather = { ...CALM, delayMs }
    const nodes = Array.from({ length: plan.nodes }, (_, index) => this.#createNode(index, calm, stream(16 + index), stream(32 + index)))
    this.#nodes = nodes
    const tally = this.#tally
    const crowd = new Crowd({ scheduler, random: stream(2), server, nodes, tally, delayMs, complain: what => this.#violate('P1', what) })
    this.#crowd = crowd
    this.#faults = new FaultSchedule({ scheduler, nodes, server, tally, calm, crowd })
  }

  async run(): Promise<SimRun> {
    const healed = healedAt(this.#plan)
    for (const node of this.#nodes) node.boot()
    this.#faults.plan(this.#plan.faults)
    this.#scheduler.at(healed, undefined, 'heal', () => this.#faults.heal())
    this.#scheduler.after(0, undefined, 'work', () => this.#work())
    this.#scheduler.at(healed, undefined, 'look', () => void this.#look(healed + QUIET_MS))
    await withRejections(
      () => this.#scheduler.run(() => this.#isOver || this.#scheduler.count > EVENTS_MAX),
      error => this.#violate('P1', `a process would have died of an unhandled rejection: ${String(error)}`),
    )
    if (!this.#isOver) this.#violate('P13', `no rest after ${EVENTS_MAX} events, at ${Math.round(this.#scheduler.now)} ms; waiting for ${[...this.#crowd.waiting].join(', ')}`)
    await this.#check()
    this.#count()
    return { violations: this.#violations, tally: this.#tally, trace: this.#scheduler.trace >>> 0 }
  }

  #createNode(index: number, calm: Weather, network: Random, random: Random): SimNode {
    const { clocks, isTight, hintRepairMs } = this.#plan
    const scheduler = this.#scheduler
    return new SimNode({
      index,
      scheduler,
      server: this.#server,
      clock: new SimClock(scheduler, clocks[index]),
      line: new Line(scheduler, network, calm, mishap => this.#tally.count(mishap)),
      random,
      machines: this.#workload.machines,
      limits: { leaseTtlMs: LEASE_MS, taskCrashesMax: TASK_CRASHES_MAX, ...(isTight && TIGHT) },
      storeTimeoutMs: STORE_TIMEOUT_MS,
      hintRepairMs,
      onLate: () => this.#tally.count('late'),
      complain: what => this.#violate('P1', what),
    })
  }

  #violate(property: Violation['property'], what: string): void {
    this.#violations.push({ property, what })
  }

  #work(): void {
    this.#workload.run().then(
      () => (this.#isDone = true),
      (error: unknown) => {
        this.#violate('P1', String(error))
        this.#isOver = true
      },
    )
  }

  get #now(): number {
    return this.#nodes[0]?.clock.now() ?? 0
  }

  /** Looks now and then whether all has come to rest. */
  async #look(deadline: number): Promise<void> {
    const unrest = await unrestOf({ server: this.#server, nodes: this.#nodes, isDone: this.#isDone, waiting: this.#crowd.waiting, now: this.#now })
    if (unrest === undefined) return void (this.#isOver = true)
    if (this.#scheduler.now >= deadline) {
      this.#violate('P13', `${QUIET_MS} ms after the last fault ${unrest}`)
      this.#isOver = true
    } else this.#scheduler.after(LOOK_MS, undefined, 'look', () => void this.#look(deadline))
  }

  async #check(): Promise<void> {
    const { store, commits, intrusions } = this.#server
    for (const intrusion of intrusions) this.#violate('P4', intrusion)
    try {
      const history = await readHistory(store, { endedAt: this.#now, sent: this.#crowd.sent, effects: this.#outside.effects, commits })
      this.#violations.push(...checkAftermath(this.#workload, { history, outside: this.#outside, hasLostTail: this.#crowd.losses > 0 }))
    } catch (error) {
      this.#violate('P2', `what the store holds cannot be read: ${String(error)}`)
    }
  }

  #count(): void {
    const { operations, givenUp, tries } = this.#crowd.done
    this.#tally.count('seeds')
    this.#tally.count('quiet seeds', this.#plan.faults.length === 0 ? 1 : 0)
    this.#tally.count('events', this.#scheduler.count)
    this.#tally.count('operations', operations)
    this.#tally.count('given up', givenUp)
    this.#tally.count('tries', tries)
    this.#tally.count('compensations', this.#outside.deeds.filter(({ what }) => what.includes(' undoes ')).length)
    for (const node of this.#nodes) for (const counters of node.counters) for (const [name, times] of Object.entries(counters)) this.#tally.count(name as keyof Counters, times as number)
  }
}

/** Lives through a plan. The same plan gives the same run, event by event. */
export const simulate = (plan: SimPlan, options: SimOptions = {}): Promise<SimRun> => new World(plan, options).run()
