import { TroupeError } from 'troupe'
import type { Limits, Runtime, Store } from 'troupe'
import { createMemoryStore, createSeededRandom, createTestWorld, createVirtualClock } from 'troupe/testing'
import type { CrashPoint, TestWorld } from 'troupe/testing'
import type { Counters } from '../../../src/host/env.ts'
import { FaultStore } from './fault-store.ts'
import type { CallFault, Verb } from './fault-store.ts'
import { readHistory } from './history.ts'
import type { CommitFacts, History, SentEvent } from './history.ts'
import { createMachines } from './machines.ts'
import type { Effect, Machines } from './machines.ts'
import { runWorkload } from './workload.ts'

/** What befalls one process: at a visit of a crash point, or at a call of its store. */
export type Fault = { readonly point: CrashPoint; readonly visit: number } | CallFault

export interface FaultPlan {
  /** The first befalls the first process, the next one its successor, and so on. */
  readonly faults: readonly Fault[]
  readonly seed?: number
  /** Store calls take a random number of turns, so that more things happen at once. */
  readonly slow?: boolean
  readonly partitions?: number
  /** The process under fault owns nothing: another one, which nothing befalls, owns all partitions. */
  readonly guest?: boolean
  /** Room for two live actors and batches of three steps: most actors are loaded again and again, and many messages go through the inbox. */
  readonly tight?: boolean
  /** Where everything is kept. Default: a memory store of its own. */
  readonly store?: Store
  /** Puts a planted fault between the runtime and its store, below what is written down. */
  plant?(store: Store): Store
}

export interface Run {
  readonly history: History
  /** Summed over all processes that have lived. */
  readonly counters: Counters
  /** What clients have complained of. */
  readonly complaints: readonly string[]
  /** How many of the planned faults have struck. */
  readonly struck: number
  /** Of the last process. */
  readonly visits: ReadonlyMap<CrashPoint, number>
  readonly calls: readonly Verb[]
}

/** Virtual time from one look at the clients to the next, in milliseconds. */
const STEP_MS = 200
/** After so many looks without an end the run is stuck: two minutes, where all timers, retries and leases need 20 seconds. */
const LOOKS_MAX = 600
const RETRY_MS = 20
const TIGHT: Partial<Limits> = { liveActorsMax: 2, batchStepsMax: 3 }
const LEASE_MS = 10_000

const GONE = Symbol('the process died')

interface Alive {
  readonly runtime: Runtime<Machines>
  readonly death: Promise<typeof GONE>
}

/** One run of the workload: processes come and die as planned, clients go on until everything is acknowledged. */
class FaultWorld {
  readonly #plan: FaultPlan
  readonly #seed: number
  readonly #clock = createVirtualClock()
  readonly #store: Store
  readonly #faults: FaultStore
  readonly #machines: Machines
  readonly #runtimes = new Set<Runtime<Machines>>()
  readonly #commits: CommitFacts[] = []
  readonly #effects: Effect[] = []
  readonly #sent = new Map<string, SentEvent>()
  readonly #complaints: string[] = []
  readonly #pending = new Set<string>()
  readonly #gates = new Map<string, (() => void)[]>()
  #alive: Alive | undefined
  #death = Promise.withResolvers<typeof GONE>()
  #birth = Promise.withResolvers<void>()
  #isBooting = false
  #thaw: (() => void) | undefined
  #struck = 0

  constructor(plan: FaultPlan) {
    this.#plan = plan
    this.#seed = plan.seed ?? 1
    const store = plan.store ?? createMemoryStore({ partitions: plan.partitions ?? 4 })
    this.#store = plan.plant?.(store) ?? store
    this.#machines = createMachines({
      effect: effect => void this.#effects.push(effect),
      gate: name => new Promise(resolve => this.#gates.set(name, [...(this.#gates.get(name) ?? []), resolve])),
    })
    this.#faults = this.#createFaultStore(this.#seed)
  }

  async run(): Promise<Run> {
    if (this.#plan.guest) await this.#addNode(this.#seed + 1)
    const world = await this.#createWorld(this.#faults.store, this.#seed)
    // The first process that counts is the second one, so that a fault may befall it while it starts.
    await world.crash()
    let outcome: { readonly error?: unknown } | undefined
    const ports = { insist: this.#insist.bind(this), open: (gate: string) => this.#open(gate), sent: this.#sent, complain: (what: string) => void this.#complaints.push(what) }
    void runWorkload(ports).then(
      () => (outcome = {}),
      (error: unknown) => (outcome = { error }),
    )
    for (let look = 0; !outcome; look++) {
      await this.#live(world, STEP_MS)
      if (look > LOOKS_MAX) throw new Error(`stuck, still waiting for ${[...this.#pending].join(', ')}`)
    }
    if ('error' in outcome) throw outcome.error
    // Until the lease of a process that died unheard has run out, and its successor has done what was left.
    for (let rest = 0; rest < 2 * LEASE_MS; rest += LEASE_MS / 4) await this.#live(world, LEASE_MS / 4)
    const history = await readHistory(this.#store, { endedAt: this.#clock.now(), sent: this.#sent, effects: this.#effects, commits: this.#commits })
    return { history, counters: sum([...this.#runtimes]), complaints: this.#complaints, struck: this.#struck, visits: world.visits, calls: this.#faults.calls.slice(1) }
  }

  #createWorld(store: Store, seed: number): Promise<TestWorld<Machines>> {
    const onError = (error: unknown): void => void (isRetryable(error) || this.#complaints.push(`the engine reported ${String(error)}`))
    return createTestWorld({ machines: this.#machines, store, clock: this.#clock, seed, onError, ...(this.#plan.tight && { limits: TIGHT }) })
  }

  async #live(world: TestWorld<Machines>, ms: number): Promise<void> {
    if (world.isDown && !this.#isBooting) this.#restart(world)
    if (this.#thaw) await this.#takeOver(this.#thaw)
    await this.#clock.advance(ms)
  }

  #createFaultStore(seed: number): FaultStore {
    const random = createSeededRandom(seed ^ 0x5eed)
    return new FaultStore(
      this.#store,
      {
        struck: () => void this.#struck++,
        die: () => this.#die(),
        freeze: () => new Promise(resolve => (this.#thaw = resolve)),
        ...(this.#plan.slow && { delay: () => Math.floor(random.next() * 3) }),
      },
      this.#commits,
    )
  }

  /** Another process, which nothing befalls. */
  async #addNode(seed: number): Promise<void> {
    const { runtime } = await this.#createWorld(this.#createFaultStore(seed).store, seed)
    this.#runtimes.add(runtime)
  }

  /** The next process. It may die, be refused or be cut off before it is up. */
  #restart(world: TestWorld<Machines>): void {
    const fault = this.#plan.faults[this.#struck]
    // The first call frees the leases of the dead.
    this.#faults.arm(fault && 'call' in fault ? { ...fault, call: fault.call + 1 } : undefined, () => void world.crash())
    const { promise: death } = this.#death
    this.#isBooting = true
    void world.restart().then(
      runtime => {
        if (death !== this.#death.promise) return
        this.#isBooting = false
        this.#runtimes.add(runtime)
        if (fault && 'point' in fault) void world.crash(fault).then(() => this.#dieAtPoint())
        this.#alive = { runtime, death }
        this.#birth.resolve()
      },
      (error: unknown) => {
        if (!isRetryable(error)) this.#complaints.push(`a process could not start: ${String(error)}`)
        void world.crash()
        this.#die()
      },
    )
  }

  #dieAtPoint(): void {
    this.#struck++
    this.#die()
  }

  #die(): void {
    this.#isBooting = false
    // Clients wait for the next birth, also when this one never came to it.
    if (this.#alive) this.#birth = Promise.withResolvers()
    this.#alive = undefined
    this.#death.resolve(GONE)
    this.#death = Promise.withResolvers()
  }

  /** A frozen process: another one takes over while it hears nothing, then it goes on. */
  async #takeOver(thaw: () => void): Promise<void> {
    this.#thaw = undefined
    await this.#addNode(this.#seed + 2)
    for (let waited = 0; waited <= LEASE_MS; waited += LEASE_MS / 10) await this.#clock.advance(LEASE_MS / 10)
    thaw()
  }

  async #insist<T>(what: string, ask: (runtime: Runtime<Machines>, repeated: boolean) => Promise<T>): Promise<T> {
    this.#pending.add(what)
    for (let repeated = false; ; repeated = true) {
      // Without an await while a process lives: what a client does in one turn reaches the runtime in one turn.
      if (!this.#alive) await this.#birth.promise
      if (!this.#alive) continue
      const { runtime, death } = this.#alive
      try {
        const answer = await Promise.race([ask(runtime, repeated), death])
        if (answer === GONE) continue
        this.#pending.delete(what)
        return answer
      } catch (error) {
        if (!isRetryable(error)) throw new Error(`${what} was refused: ${String(error)}`, { cause: error })
        await new Promise<void>(resolve => this.#clock.setTimer(resolve, RETRY_MS))
      }
    }
  }

  #open(gate: string): void {
    for (const resolve of this.#gates.get(gate) ?? []) resolve()
    this.#gates.delete(gate)
  }
}

/** Runs the workload once under a plan. */
export const runUnderFaults = (plan: FaultPlan): Promise<Run> => new FaultWorld(plan).run()

const isRetryable = (error: unknown): boolean => error instanceof TroupeError && error.retryable

function sum(runtimes: readonly Runtime<Machines>[]): Counters {
  const all = runtimes.map(runtime => runtime.health().counters)
  const [first = {} as Counters] = all
  return Object.fromEntries(Object.keys(first).map(name => [name, all.reduce((total, counters) => total + counters[name as keyof Counters], 0)])) as unknown as Counters
}
