import { createRuntime } from '../create-runtime.ts'
import type { RuntimeOptions } from '../create-runtime.ts'
import type { Clock } from '../core/clock.ts'
import type { Lease, Store } from '../core/store.ts'
import type { Machines } from '../host/definition.ts'
import type { CrashPoint } from '../host/env.ts'
import type { Runtime } from '../host/runtime.ts'
import { createMemoryStore } from '../stores/memory/memory-store.ts'
import { createSeededRandom } from './seeded-random.ts'
import { createVirtualClock } from './virtual-clock.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface TestWorldOptions<TMachines extends Machines> extends Omit<RuntimeOptions<TMachines>, 'store' | 'clock' | 'random'> {
  /** Default: a memory store of its own, which survives every crash. */
  readonly store?: Store
  readonly clock?: VirtualClock
  /** Default 1. */
  readonly seed?: number
}

/** A place in the engine, and which of its visits there: the third commit is `{ point: 'commit', visit: 3 }`. */
export interface CrashPlan {
  readonly point: CrashPoint
  /** Default 1. */
  readonly visit?: number
}

/** A runtime in a world whose time, randomness and crashes belong to the test. */
export interface TestWorld<TMachines extends Machines> extends AsyncDisposable {
  /** The runtime that is alive now. */
  readonly runtime: Runtime<TMachines>
  readonly clock: VirtualClock
  readonly store: Store
  /** Moves time: timers, retries and children on the way run, in order. */
  advance(ms: number): Promise<void>
  settle(): Promise<void>
  /**
   * The process dies: all memory is gone, whatever it was doing hears nothing any more. With a plan it dies when it gets
   * there. Resolves once it is dead.
   */
  crash(plan?: CrashPlan): Promise<void>
  /** Whether the process is dead. */
  readonly isDown: boolean
  /** A new process over the same store. */
  restart(options?: Partial<RuntimeOptions<TMachines>>): Promise<Runtime<TMachines>>
  /** How often each point was visited by the process that runs. */
  readonly visits: ReadonlyMap<CrashPoint, number>
}

/** A process in a world: it can die. What is dead neither calls nor hears. */
class Process {
  readonly visits = new Map<CrashPoint, number>()
  readonly leases = new Set<Lease>()
  plan: CrashPlan | undefined
  dead = false
  onDeath: () => void = () => undefined

  kill(): void {
    if (this.dead) return
    this.dead = true
    this.onDeath()
  }

  probe(point: CrashPoint): Promise<void> | undefined {
    if (this.dead) return silence()
    const visit = (this.visits.get(point) ?? 0) + 1
    this.visits.set(point, visit)
    if (this.plan?.point !== point || (this.plan.visit ?? 1) !== visit) return undefined
    this.kill()
    return silence()
  }
}

const silence = <T>(): Promise<T> => new Promise(() => undefined)

/**
 * Runs machines in a world of their own.
 *
 * @example
 * await using world = await createTestWorld({ machines: { order } })
 * await world.runtime.actor(order, '1').start()
 * await world.crash()
 * await world.restart()
 * await world.advance(60_000)
 */
export async function createTestWorld<const TMachines extends Machines>(options: TestWorldOptions<TMachines>): Promise<TestWorld<TMachines>> {
  const { seed = 1, clock = createVirtualClock(), store = createMemoryStore(), ...rest } = options
  const random = createSeededRandom(seed)
  let alive: Process
  let runtime: Runtime<TMachines>

  const boot = async (overrides: Partial<RuntimeOptions<TMachines>> = {}): Promise<Runtime<TMachines>> => {
    const process = (alive = new Process())
    const started = createRuntime<TMachines>(
      { ...(rest as unknown as RuntimeOptions<TMachines>), ...overrides, store: mortalStore(store, process), clock: mortalClock(clock, process), random },
      { probe: point => process.probe(point) },
    )
    runtime = await started
    return runtime
  }
  await boot()

  return {
    get runtime() {
      return runtime
    },
    get isDown() {
      return alive.dead
    },
    get visits() {
      return alive.visits
    },
    clock,
    store,
    advance: ms => clock.advance(ms),
    settle: () => clock.settle(),
    async crash(plan) {
      if (!plan) return alive.kill()
      alive.plan = plan
      alive.visits.clear()
      await new Promise<void>(resolve => {
        if (alive.dead) resolve()
        alive.onDeath = resolve
      })
    },
    async restart(overrides) {
      alive.kill()
      // Whoever takes over finds the dead process's locks free, as a store on one machine does.
      await store.release([...alive.leases])
      return boot(overrides)
    },
    async [Symbol.asyncDispose]() {
      alive.plan = undefined
      if (!alive.dead) await runtime.close()
    },
  }
}

/** The store as one process sees it: after its death no call gets through and no answer arrives. */
function mortalStore(store: Store, process: Process): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name === 'subscribe') return (...[listener, scope]: Parameters<Store['subscribe']>) => target.subscribe(change => !process.dead && listener(change), scope)
      if (name === 'close') return () => Promise.resolve()
      return async (...args: unknown[]): Promise<unknown> => {
        if (process.dead) return silence()
        const result: unknown = await (value as (...args: unknown[]) => Promise<unknown>).apply(target, args)
        if (name === 'claim' && (result as { ok: boolean }).ok) process.leases.add((result as { lease: Lease }).lease)
        return process.dead ? silence() : result
      }
    },
  })
}

function mortalClock(clock: Clock, process: Process): Clock {
  const unlessDead = (fn: () => void) => () => !process.dead && fn()
  return {
    now: () => clock.now(),
    setTimer: (fn, ms, upkeep) => clock.setTimer(unlessDead(fn), ms, upkeep),
    clearTimer: handle => clock.clearTimer(handle),
    soon: fn => clock.soon(unlessDead(fn)),
  }
}

