import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Health } from 'troupe'
import { openRedisStore } from '../../../src/stores/redis/redis-store.ts'
import { readHistory } from '../faults/history.ts'
import type { History } from '../faults/history.ts'
import type { Effect } from '../faults/machines.ts'
import type { Operation } from '../fleet-process.ts'
import { waitUntil } from '../processes.ts'
import { makeFastTempDir } from '../temp-dir.ts'
import { Load } from './load.ts'
import { unrest } from './rest.ts'
import type { Place } from './rest.ts'
import { NoAnswer, Worker, startMs } from './worker.ts'

/** Processes that are loaded and wait to stand in. */
const SPARES = 4
/** After so many leases a client asks another worker. */
const PATIENCE_LEASES = 4
const PAUSE_MS = 10
/** Of so many operations one goes through another worker. */
const MOVES_ONE_IN = 10
const GOES_ON_MS_MAX = 60_000
/** Of so many kills one may hit a worker that still opens the store. */
const EARLY_ONE_IN = 8
/** Between lines of progress. */
const TELL_MS = 10_000
/** A lease must outlast what a busy machine keeps a process waiting: that shows in how long one takes to start. */
const [LEASE_MS_MIN, LEASE_MS_MAX] = [400, 2_000]

export interface FleetOptions extends Place {
  /** For the lines it prints. */
  readonly name: string
  readonly seed: number
  /** Where each worker finds the store. */
  readonly stores: readonly string[]
  /** Where the test itself finds it. */
  readonly store: string
}

/** A fault that has struck, for the schedule that a failed test prints. */
export interface Fault {
  readonly verb: string
  readonly what: string
  readonly atMs: number
  /** Operations under way that it is certain to have met. */
  readonly inFlight: number
}

type Counters = Health['counters']

/**
 * Workers on one Redis under a steady load, and the verbs that harm them. A worker that is killed is replaced at once; what was
 * not acknowledged is carried out through another one, under the same key.
 */
export class Fleet implements AsyncDisposable {
  readonly load: Load
  readonly leaseTtlMs: number
  readonly faults: Fault[] = []
  /** Why tries have failed, and what workers complained of, by code. */
  readonly refusals: Record<string, number> = {}
  readonly troubles: Record<string, number> = {}
  readonly #options: FleetOptions
  readonly #dir: string
  readonly #began = performance.now()
  readonly #all: Worker[] = []
  readonly #spares: Worker[] = []
  readonly #workers: Worker[] = []
  /** The worker through which each actor is sent to. */
  readonly #followed = new Map<string, Worker>()
  #toldAt = 0

  private constructor(options: FleetOptions, dir: string, leaseTtlMs: number) {
    this.#options = options
    this.#dir = dir
    this.leaseTtlMs = leaseTtlMs
    this.load = new Load(options.seed, operation => this.#carry(operation))
  }

  /** Workers under load. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options, await makeFastTempDir(), Math.min(LEASE_MS_MAX, Math.max(LEASE_MS_MIN, await startMs(options.stores.length))))
    for (let spare = 0; spare < SPARES; spare++) fleet.#spares.push(fleet.#spawn())
    await Promise.all(options.stores.map((_, slot) => fleet.#staff(slot)))
    await fleet.load.begin()
    return fleet
  }

  // ── verbs ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Kills some workers at once, in whatever they are doing. */
  async kill(count: number): Promise<void> {
    await Promise.all(this.#pick(count, this.below(EARLY_ONE_IN) > 0).map(async slot => {
      const worker = this.#workers[slot] as Worker
      void this.#staff(slot)
      this.note('kill', `worker ${slot}`, await worker.kill())
    }))
  }

  /** Stops some workers for so long, as a machine does that swaps or a virtual one that is moved. */
  async freeze(count: number, ms: number): Promise<void> {
    const frozen = this.#pick(count, true).map(slot => ({ slot, worker: this.#workers[slot] as Worker, at: performance.now() }))
    for (const { worker } of frozen) worker.freeze()
    await new Promise(resolve => setTimeout(resolve, ms))
    for (const { slot, worker, at } of frozen) {
      this.note('freeze', `worker ${slot} for ${ms} ms`, worker.pending(at))
      worker.thaw()
    }
  }

  /** A fault that somebody else makes: it has met what was under way before it and is not answered after it. */
  async strike(verb: string, what: string, act: () => Promise<unknown>): Promise<void> {
    const at = performance.now()
    await act()
    this.note(verb, what, this.#workers.reduce((sum, worker) => sum + worker.pending(at), 0))
  }

  note(verb: string, what: string, inFlight: number): void {
    this.faults.push({ verb, what, atMs: Math.round(performance.now() - this.#began), inFlight })
    if (performance.now() - this.#toldAt > TELL_MS) this.tell('under way')
  }

  /** Work goes on: so many operations are acknowledged. */
  async goesOn(operations: number): Promise<void> {
    const before = this.load.counts.acked
    await waitUntil(`${operations} more operations are acknowledged`, () => this.load.counts.acked >= before + operations, GOES_ON_MS_MAX)
  }

  below(count: number): number {
    return this.load.below(count)
  }

  struck(verb: string): readonly Fault[] {
    return this.faults.filter(fault => fault.verb === verb)
  }

  /** Of all workers that ever were, as they told last. */
  get counters(): Counters {
    const sum: Record<string, number> = {}
    for (const { counters } of this.#all) for (const [name, count] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + count
    return sum as unknown as Counters
  }

  /** One line of progress. */
  tell(phase: string): void {
    this.#toldAt = performance.now()
    const struck = Object.fromEntries([...Map.groupBy(this.faults, ({ verb }) => verb)].map(([verb, { length }]) => [verb, length]))
    const { seed, name } = this.#options
    console.log(`${name}, seed ${seed}, ${Math.round((performance.now() - this.#began) / 1_000)} s, ${phase}: ${JSON.stringify({ ...struck, ...this.load.counts, events: this.load.sent.size, jobs: this.load.jobs.size, sagas: this.load.sagas.size })}`)
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets everything come to its end, closes the workers, and reads what the store has. Tells how long the end took. */
  async finish(quietMsMax: number): Promise<{ readonly history: History; readonly quietMs: number }> {
    const healed = performance.now()
    await this.load.end()
    await this.#comeToRest(healed, quietMsMax)
    const quietMs = Math.round(performance.now() - healed)
    this.tell(`quiet after ${quietMs} ms`)
    await Promise.all(this.#workers.map(worker => worker.close()))
    return { history: await this.#history(), quietMs }
  }

  async #comeToRest(healed: number, quietMsMax: number): Promise<void> {
    let left: readonly string[] = []
    const isAtRest = async (): Promise<boolean> => {
      left = await unrest(this.#options)
      if (left.length > 0 && performance.now() - Math.max(healed, this.#toldAt) > TELL_MS) this.tell(`waits for ${left.join(', ')}`)
      return left.length === 0
    }
    await waitUntil('nothing waits any more, and no key is left of what has waited', isAtRest, quietMsMax).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}: ${left.join(', ')}`, { cause: error })
    })
  }

  /** Leaves what it knows in a file, for whoever looks into a failure. */
  async leaveHistory(): Promise<string> {
    const path = join(tmpdir(), `troupe-${this.#options.name.replaceAll(' ', '-')}-${this.#options.seed}.json`)
    const history = await this.#history().catch((error: unknown) => String(error))
    const maps = (_: string, value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value)
    await writeFile(path, JSON.stringify({ seed: this.#options.seed, faults: this.faults, refusals: this.refusals, troubles: this.troubles, counters: this.counters, jobs: this.load.jobs, sagas: this.load.sagas, history }, maps, 1))
    return path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map(worker => worker.kill()))
    await rm(this.#dir, { recursive: true })
  }

  async #history(): Promise<History> {
    const store = await openRedisStore(this.#options.store)
    try {
      const log = await readFile(this.#effectLog, 'utf8')
      const effects = log.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Effect)
      return await readHistory(store, { endedAt: Date.now(), isRealTime: true, sent: this.load.sent, effects })
    } finally {
      await store.close()
    }
  }

  // ── workers ───────────────────────────────────────────────────────────────────────────────────────────────

  get #effectLog(): string {
    return join(this.#dir, 'effects.jsonl')
  }

  #spawn(): Worker {
    const worker = new Worker(this.#all.length, [String(this.leaseTtlMs), this.#effectLog], (code = 'no code') => (this.troubles[code] = (this.troubles[code] ?? 0) + 1))
    this.#all.push(worker)
    return worker
  }

  async #staff(slot: number): Promise<void> {
    const worker = this.#spares.shift() as Worker
    this.#spares.push(this.#spawn())
    this.#workers[slot] = worker
    await worker.open(this.#options.stores[slot] as string)
  }

  #pick(count: number, isOpen: boolean): readonly number[] {
    const slots = [...this.#workers.keys()].filter(slot => !isOpen || this.#workers[slot]?.isOpen)
    return Array.from({ length: Math.min(count, slots.length) }, () => slots.splice(this.below(slots.length), 1)[0] as number)
  }

  /** A client stays with its worker while that answers, and now and then changes. Events of two workers have no order between them. */
  async #carry(operation: Operation): Promise<number | undefined> {
    const { to } = operation
    const known = this.below(MOVES_ONE_IN) > 0 ? this.#followed.get(to) : undefined
    const open = this.#workers.filter(({ isOpen }) => isOpen)
    const worker = known ?? open[this.below(open.length)] ?? (this.#workers[0] as Worker)
    if (operation.event) this.#followed.set(to, worker)
    try {
      await worker.operate(operation, PATIENCE_LEASES * this.leaseTtlMs)
      return worker.id
    } catch (error) {
      this.#followed.delete(to)
      const code = error instanceof NoAnswer ? error.message : ((error as { code?: string }).code ?? String(error))
      this.refusals[code] = (this.refusals[code] ?? 0) + 1
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
      return undefined
    }
  }
}
