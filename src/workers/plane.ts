import type { ResourceLimits } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import type { CpuCall, CpuFunction, CpuPlane, CpuThread } from '../core/cpu-pool.ts'
import { TroupeError, fromErrorInfo, toErrorInfo } from '../core/errors.ts'
import { Call } from './call.ts'
import { cpusAllowed } from './cpu-list.ts'
import type { PlaneLayout, Settings } from './layout.ts'
import { locate } from './load-function.ts'
import { sharedNow } from './thread-messages.ts'
import type { Ending, ThreadMessage, ThreadReport, ThreadSetup } from './thread-messages.ts'
import { Times } from './times.ts'

/** What Piscina tells of a thread that ends: of one that is gone already the id is -1. */
interface EndingThread {
  readonly id: number
}

/**
 * Threads with CPUs and a queue of their own.
 *
 * Invariants
 * W1  At most `threads` calls are in the hands of Piscina, so that it never queues: its own bound does not count calls that can be aborted.
 * W2  Each call ends once, whatever becomes of its thread.
 * W3  No two threads have the same place, but for one that is ending, so no CPU has two while another has none.
 */
export class Plane {
  readonly #layout: PlaneLayout
  readonly #settings: Settings
  readonly #report: (error: unknown) => void
  readonly #places: Int32Array<SharedArrayBuffer>
  readonly #waiting = new Set<Call>()
  readonly #running = new Map<number, Call>()
  readonly #threads = new Map<number, ThreadReport>()
  readonly #waitMs = new Times()
  readonly #runMs = new Times()
  readonly #counts = { completed: 0, failed: 0, aborted: 0, crashed: 0 }
  #piscina: Promise<Piscina> | undefined
  #open: Piscina | undefined
  #calls = 0
  /** When the first call came. */
  #since = Infinity
  #busyMs = 0
  /** Why a thread has failed to begin. */
  #lastFailure: unknown
  #closed = false

  constructor(layout: PlaneLayout, settings: Settings, report: (error: unknown) => void) {
    this.#layout = layout
    this.#settings = settings
    this.#report = report
    this.#places = new Int32Array(new SharedArrayBuffer(layout.threads * Int32Array.BYTES_PER_ELEMENT))
  }

  get threadsMax(): number {
    return this.#layout.threads
  }

  async run(given: CpuCall<CpuFunction>): Promise<unknown> {
    const { plane, threads } = this.#layout
    const { queueMax } = this.#settings
    if (this.#running.size >= threads && this.#waiting.size >= queueMax) {
      throw new TroupeError('workers/busy', `all ${threads} threads of plane ${plane} compute and ${this.#waiting.size} calls wait, the limit workers.queueMax is ${queueMax}`, { details: { plane, threads, queueMax } })
    }
    this.#since = Math.min(this.#since, sharedNow())
    const call = new Call(++this.#calls, given)
    this.#waiting.add(call)
    call.signal.addEventListener('abort', () => void this.#waiting.delete(call), { once: true })
    if (call.signal.aborted) this.#waiting.delete(call)
    this.#fill()
    try {
      return await call.end
    } finally {
      if (call.signal.aborted) this.#counts.aborted++
    }
  }

  #fill(): void {
    for (const call of this.#waiting) {
      if (this.#running.size >= this.#layout.threads) return
      this.#waiting.delete(call)
      this.#running.set(call.order.id, call)
      void this.#begin(call).finally(() => {
        this.#running.delete(call.order.id)
        this.#fill()
      })
    }
  }

  async #begin(call: Call): Promise<void> {
    try {
      const piscina = await (this.#piscina ??= this.#start())
      this.#take(call, (await piscina.run(call.order, { transferList: [...call.transfer], signal: call.signal })) as Ending)
    } catch (error) {
      // That of an aborted call has ended with the signal's own reason.
      if (!call.signal.aborted) call.reject(this.#explain(call, error))
    }
  }

  #take(call: Call, { outcome, beganAt, ranMs }: Ending): void {
    this.#waitMs.record(beganAt - call.since)
    this.#runMs.record(ranMs)
    this.#busyMs += ranMs
    if (outcome.ok) {
      this.#counts.completed++
      call.resolve(outcome.output)
    } else {
      this.#counts.failed++
      call.reject(fromErrorInfo(outcome.error))
    }
  }

  /** What Piscina fails with is never what the function threw, for that comes as an ending. */
  #explain({ order }: Call, error: unknown): Error {
    const where = `${order.export} of ${order.module}`
    const { code, message, stack } = toErrorInfo(error)
    // A result that cannot be cloned ends its thread, with an error that has lost all but its stack.
    const unclonable = /DataCloneError.*/.exec(stack ?? '')
    if (unclonable) return new TroupeError('context/unserializable', `the input or result of ${where} cannot go between threads: ${unclonable[0]}`, { cause: error })
    if (this.#closed) return closing()
    this.#counts.crashed++
    const { memoryMbMax } = this.#settings
    if (code === 'ERR_WORKER_OUT_OF_MEMORY') return new TroupeError('workers/memory', `${where} needed more heap than its thread has${memoryMbMax === undefined ? '' : `, workers.memoryMbMax is ${memoryMbMax}`}`, { cause: error })
    return new TroupeError('workers/crashed', `the thread that computed ${where} died: ${message}`, { cause: this.#lastFailure ?? error })
  }

  // ── threads ───────────────────────────────────────────────────────────────────────────────────────────────

  async #start(): Promise<Piscina> {
    const { Piscina: Threads } = await import('piscina')
    const { threads, cpus, reason } = this.#layout
    const { memoryMbMax, idleMs } = this.#settings
    const setup: ThreadSetup = { places: this.#places, cpus, reason }
    const piscina = new Threads({
      filename: locate(new URL('thread.ts', import.meta.url)),
      name: 'run',
      // Without one Piscina starts none for calls that wait when the last has died.
      minThreads: 1,
      maxThreads: threads,
      idleTimeout: idleMs,
      workerData: setup,
      ...(memoryMbMax !== undefined && { resourceLimits: limitsOf(memoryMbMax) }),
    })
    piscina.on('message', (message: ThreadMessage) => this.#hear(message))
    piscina.on('workerDestroy', ({ id }: EndingThread) => this.#bury(piscina, id))
    piscina.on('error', error => {
      this.#lastFailure = error
      this.#report(error)
    })
    return (this.#open = piscina)
  }

  #hear(message: ThreadMessage): void {
    if (message.kind === 'begun') {
      this.#threads.set(message.thread, message)
      this.#lastFailure = undefined
      return
    }
    const call = this.#running.get(message.id)
    try {
      if (message.kind === 'heartbeat') call?.scope.heartbeat(message.details)
      else call?.scope.progress(message.data)
    } catch (error) {
      // What it says cannot be kept: where the function runs in process it would have thrown there.
      call?.abort(error)
    }
  }

  /** Frees the places of threads that have gone. Piscina says so before it starts another one. */
  #bury(piscina: Piscina, ending: number): void {
    const living = new Set(piscina.threads.map(({ threadId }) => threadId).filter(id => id !== ending))
    for (const thread of this.#threads.keys()) if (!living.has(thread)) this.#threads.delete(thread)
    for (const [place, thread] of this.#places.entries()) if (!living.has(thread)) Atomics.compareExchange(this.#places, place, thread, 0)
    queueMicrotask(() => this.#revive(piscina))
  }

  /** Piscina starts no more threads after one has failed to begin: calls would wait for ever. They fail, and the next begins with a new pool. */
  #revive(piscina: Piscina): void {
    if (this.#closed || this.#open !== piscina || piscina.threads.length > 0) return
    this.#piscina = this.#open = undefined
    void piscina.destroy()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const call of [...this.#waiting, ...this.#running.values()]) call.abort(closing())
    await (await this.#piscina)?.destroy()
  }

  // ── what it shows ─────────────────────────────────────────────────────────────────────────────────────────

  get info(): CpuPlane {
    const { plane, threads, cpus } = this.#layout
    return { plane, threadsMax: threads, cpus, running: this.#running.size, waiting: this.#waiting.size, queueMax: this.#settings.queueMax, ...this.#counts, utilisation: this.#busyMs / (threads * Math.max(1, sharedNow() - this.#since)), waitMs: this.#waitMs.summary, runMs: this.#runMs.summary }
  }

  get threads(): readonly CpuThread[] {
    const { plane } = this.#layout
    return (this.#open?.threads ?? []).map(({ threadId: thread }): CpuThread => {
      const begun = this.#threads.get(thread)
      if (!begun) return { thread, tid: null, plane, cpu: null, cpusAllowed: null, reason: 'it has not begun yet' }
      const { tid, cpu, reason } = begun
      return { thread, tid, plane, cpu, cpusAllowed: tid === null ? null : (cpusAllowed(tid) ?? null), reason }
    })
  }
}

/**
 * A young generation that is large beside the old one (Node's default is up to 192 MB) outgrows it in one collection, and then V8 ends the
 * process instead of the thread.
 */
const limitsOf = (memoryMbMax: number): ResourceLimits => ({ maxOldGenerationSizeMb: memoryMbMax, maxYoungGenerationSizeMb: Math.floor(memoryMbMax / 4) })

export const closing = (): TroupeError => new TroupeError('runtime/closed', 'the pool of threads is closed')
