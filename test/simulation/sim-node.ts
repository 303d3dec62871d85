import { createRuntime } from 'troupe'
import type { Limits, Machines, Random, Runtime } from 'troupe'
import { createSeededRandom } from 'troupe/testing'
import type { Counters } from '../../src/host/env.ts'
import { isRetryable, Unreachable } from './client.ts'
import type { Scheduler, SimProcess } from './scheduler.ts'
import type { SimClock } from './sim-clock.ts'
import type { Line } from './sim-network.ts'
import { StoreClient } from './store-client.ts'
import type { StoreServer } from './store-server.ts'

export interface SimNodeOptions {
  readonly index: number
  readonly scheduler: Scheduler
  readonly server: StoreServer
  readonly clock: SimClock
  readonly line: Line
  readonly random: Random
  readonly machines: Machines
  readonly limits: Partial<Limits>
  readonly storeTimeoutMs: number
  readonly hintRepairMs: number | null
  onLate(): void
  complain(what: string): void
}

/** One life of a process on a machine: nothing of it is left to the next one. */
interface Life {
  readonly process: SimProcess
  readonly client: StoreClient
  runtime: Runtime | undefined
  /** Clients that wait for an answer of it. */
  readonly asked: Set<(error: Error) => void>
  isLeaving: boolean
}

/** A supervisor starts a process that has ended after this time, and one that could not start, in milliseconds. */
const REBOOT_MS = 300
/** A process that does not end in this time after it was asked to is killed. */
const DRAIN_MS = 5_000

/** A machine with its clock and its way to the store, and the process that runs on it now. */
export class SimNode {
  readonly clock: SimClock
  readonly line: Line
  readonly #options: SimNodeOptions
  readonly #counters: (() => Counters)[] = []
  #life: Life | undefined

  constructor(options: SimNodeOptions) {
    this.#options = options
    this.clock = options.clock
    this.line = options.line
  }

  get runtime(): Runtime | undefined {
    return this.#life?.runtime
  }

  /** Whether a process runs that has not been paused or asked to end. */
  get isUp(): boolean {
    return this.#life?.process.state === 'up' && !this.#life.isLeaving
  }

  get isPaused(): boolean {
    return this.#life?.process.state === 'paused'
  }

  /** Calls of the store and of clients that are under way. */
  get inFlight(): number {
    return this.#life ? this.#life.client.inFlight + this.#life.asked.size : 0
  }

  /** What the process has not let go of, though it has nothing to do; undefined when it is as it was when it began. */
  get leftovers(): string | undefined {
    const { server, scheduler } = this.#options
    if (!this.#life) return undefined
    const { client, process, asked } = this.#life
    if (this.inFlight > 0) return `${client.inFlight} calls of the store and ${asked.size} requests of clients under way`
    // Its own inbox.
    if (client.listeners > 1) return `${client.listeners - 1} partitions watched`
    // Its upkeep, and an alarm for each partition.
    const timers = scheduler.pending(process)
    return timers > 1 + server.store.partitions ? `${timers} timers` : undefined
  }

  /** Of all processes that have lived here. */
  get counters(): readonly Counters[] {
    return this.#counters.map(read => read())
  }

  boot(): void {
    if (this.#life) return
    const { index, scheduler, server, line, random, clock, machines, limits, storeTimeoutMs, hintRepairMs, onLate, complain } = this.#options
    const process: SimProcess = { name: `n${index}`, state: 'up', held: [] }
    const client = new StoreClient({ scheduler, server, line, process, timeoutMs: storeTimeoutMs, hintRepairMs, onLate })
    const life: Life = (this.#life = { process, client, runtime: undefined, asked: new Set(), isLeaving: false })
    const own = createSeededRandom(Math.floor(random.next() * 2 ** 32))
    const onError = (error: unknown): void => void (isRetryable(error) || complain(`n${index} reported ${String(error)}`))
    scheduler.after(0, process, 'boot', () => {
      createRuntime({ machines, store: client.store, clock: clock.portOf(process), random: own, limits, onError }).then(
        runtime => {
          life.runtime = runtime
          this.#counters.push(() => runtime.health().counters as Counters)
        },
        (error: unknown) => {
          if (!isRetryable(error)) complain(`n${index} could not start: ${String(error)}`)
          this.#end(life)
          scheduler.after(REBOOT_MS, undefined, 'reboot', () => this.boot())
        },
      )
    })
  }

  kill(): boolean {
    if (!this.#life) return false
    this.#end(this.#life)
    return true
  }

  pause(): boolean {
    if (!this.isUp || !this.#life) return false
    this.#life.process.state = 'paused'
    return true
  }

  resume(): void {
    if (!this.#life || !this.isPaused) return
    this.#life.process.state = 'up'
    this.#options.scheduler.thaw(this.#life.process)
  }

  /** Asks the process to end; false when there is none that could. */
  drain(onEnd: () => void): boolean {
    const life = this.#life
    if (!life?.runtime || !this.isUp) return false
    const { runtime, process } = life
    life.isLeaving = true
    const end = (): void => {
      if (this.#life !== life) return
      this.#end(life)
      onEnd()
    }
    const { scheduler } = this.#options
    scheduler.after(0, process, 'drain', () => void runtime.close().then(end, end))
    scheduler.after(DRAIN_MS, undefined, 'drain is over', end)
    return true
  }

  /** A request of a client arrives; its answer, or that there will be none, goes to `settle`, in an event of nobody's. */
  ask<T>(what: string, delayMs: () => number, ask: (runtime: Runtime) => Promise<T>, settle: { resolve(value: T): void; reject(error: unknown): void }): void {
    const { scheduler } = this.#options
    const life = this.#life
    const tell = (answer: () => void): void => void scheduler.after(delayMs(), undefined, 'answer', answer)
    const runtime = life?.runtime
    if (!life || !runtime) return tell(() => settle.reject(new Unreachable('the connection was refused')))
    const reset = (error: Error): void => settle.reject(error)
    life.asked.add(reset)
    scheduler.after(delayMs(), life.process, what, () => {
      ask(runtime).then(
        value => {
          life.asked.delete(reset)
          tell(() => settle.resolve(value))
        },
        (error: unknown) => {
          life.asked.delete(reset)
          tell(() => settle.reject(error))
        },
      )
    })
  }

  #end(life: Life): void {
    life.process.state = 'dead'
    life.client.close()
    for (const reset of life.asked) this.#options.scheduler.after(0, undefined, 'reset', () => reset(new Unreachable('the process has died')))
    if (this.#life === life) this.#life = undefined
  }
}
