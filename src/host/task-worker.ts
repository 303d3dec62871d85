import { addressOf } from '../core/address.ts'
import type { Codec } from '../core/codec.ts'
import type { TaskOutcome } from '../core/document.ts'
import { TroupeError, toErrorInfo } from '../core/errors.ts'
import { isNodeQueue } from '../core/queue.ts'
import type { QueueSettings, TakenAttempt, TaskOrder, TaskQueues, TaskReport } from '../core/queue.ts'
import type { Store } from '../core/store.ts'
import { task, taskOf } from '../core/task.ts'
import type { TaskDefinition } from '../core/task.ts'
import type { TimerHandle } from '../core/clock.ts'
import { Attempt } from './attempt.ts'
import type { AttemptEnv, AttemptHost } from './attempt.ts'
import { decodeFor, encodeValue } from './coding.ts'
import type { Definition } from './definition.ts'
import type { HostEnv, Notice } from './env.ts'
import { documentOf, reportOf } from './task-wire.ts'
import { tasksOf } from './xstate/task-name.ts'

/** How often a queue is looked at when nobody says that something waits, in milliseconds. */
const LOOK_EVERY_MS = 1_000
/** Longest time between two signs of life, in milliseconds. */
const ALIVE_EVERY_MS = 10_000
/** Pause after a call that the store has failed, in milliseconds. */
const RETRY_MS = 100

export interface TaskWorkerEnv extends AttemptEnv {
  /** Id of this worker in the queue. */
  readonly worker: string
  readonly queues: TaskQueues
  readonly subscribe: Store['subscribe']
  readonly codec: Codec
  /** What it can run, by name. */
  readonly tasks: ReadonlyMap<string, TaskDefinition>
}

/**
 * Runs tasks of one queue in this process, whoever owns their actors.
 *
 * Invariants
 * W1  No more than `concurrency` attempts have their code running here, and no more than `limits.tasksMax`.
 * W2  An attempt that the queue has given to another worker is aborted, and its end is told to nobody.
 * W3  What a closing worker has is given back as not delivered.
 */
export class TaskWorker implements AttemptHost {
  readonly env: TaskWorkerEnv
  readonly queue: string
  readonly #settings: QueueSettings
  /** Attempts whose code has not returned yet. */
  readonly #held = new Map<Attempt, TakenAttempt>()
  /** Those of them whose end may still be told, by id: the queue may give this worker an id again while old code of it runs. */
  readonly #open = new Map<string, Attempt>()
  /** Heartbeat details that the queue has not been told yet. */
  readonly #details = new Map<string, string>()
  /** Ends that the queue has not been told yet. */
  readonly #telling = new Set<Promise<void>>()
  #places: number
  #taking: Promise<void> | undefined
  #again = false
  #aliveAt = -Infinity
  #extending = false
  #ticker: TimerHandle | undefined
  #unsubscribe: (() => void) | undefined
  #closed = false

  constructor(env: TaskWorkerEnv, queue: string, settings: QueueSettings) {
    this.env = env
    this.queue = queue
    this.#settings = settings
    this.#places = Math.min(settings.concurrency, env.limits.tasksMax)
  }

  async start(): Promise<void> {
    await this.env.queues.configure(this.queue, this.#settings)
    this.#unsubscribe = this.env.subscribe(
      change => {
        if (change?.kind === 'cancelled') this.#drop(change.id)
        else this.#fill()
      },
      { queue: this.queue },
    )
    this.#tick()
    this.#fill()
  }

  get size(): number {
    return this.#held.size
  }

  /** Stops taking, has what runs stopped, and gives it back. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#unsubscribe?.()
    if (this.#ticker) this.env.clock.clearTimer(this.#ticker)
    await this.#taking
    const { queues, worker, report } = this.env
    // What it has told of its progress goes with it.
    if (this.#details.size > 0) await this.#extend()
    const given: TakenAttempt[] = []
    for (const attempt of this.#open.values()) {
      given.push(this.#settle(attempt) as TakenAttempt)
      attempt.abort(new TroupeError('runtime/closed', 'the worker shuts down'))
    }
    await Promise.all([...given.map(taken => queues.giveBack(this.queue, worker, taken)), ...this.#telling]).catch(report)
    await queues.retire(this.queue, worker).catch(report)
  }

  // ── what attempts tell ────────────────────────────────────────────────────────────────────────────────────

  ended(attempt: Attempt, outcome: TaskOutcome, retryable: boolean): void {
    const taken = this.#settle(attempt)
    if (!taken) return
    const telling = this.#tell(taken, reportOf(this.env.codec, attempt, { outcome, retryable })).finally(() => this.#telling.delete(telling))
    this.#telling.add(telling)
  }

  freed(attempt: Attempt): void {
    if (!this.#held.delete(attempt)) return
    this.#places++
    this.#fill()
  }

  beaten(attempt: Attempt, details: unknown): void {
    const taken = this.#held.get(attempt)
    if (taken && this.#open.get(taken.id) === attempt) this.#details.set(taken.id, encodeValue(this.env.codec, attempt.actor, details))
    void this.#extend()
  }

  progressed(attempt: Attempt, data: unknown): void {
    const taken = this.#held.get(attempt)
    if (taken) void this.#tellProgress(attempt, taken.id, data).catch(this.env.report)
  }

  async #tellProgress({ actor, task: { id: taskId, attempt } }: Attempt, id: string, data: unknown): Promise<void> {
    const notice: Notice = { actor, task: taskId, attempt, progress: encodeValue(this.env.codec, actor, data) }
    await this.env.queues.progress(this.queue, id, JSON.stringify(notice))
  }

  /** Tries again while the queue may still take it for this worker's. */
  async #tell(taken: TakenAttempt, report: TaskReport): Promise<void> {
    const { queues, worker, clock } = this.env
    const until = clock.now() + this.#settings.minIdleMs
    for (let failures = 0; ; failures++) {
      try {
        await queues.finish(this.queue, worker, taken, report)
        return
      } catch (error) {
        if (failures === 0) this.env.report(error)
        if (clock.now() >= until) return
        await new Promise<void>(resolve => clock.setTimer(resolve, RETRY_MS))
      }
    }
  }

  // ── taking ────────────────────────────────────────────────────────────────────────────────────────────────

  #fill(): void {
    this.#again = true
    if (this.#closed || this.#taking || this.#places === 0) return
    this.#taking = this.#take().finally(() => {
      this.#taking = undefined
      if (this.#again && this.#places > 0) this.#fill()
    })
  }

  async #take(): Promise<void> {
    const { queues, worker } = this.env
    // Also after what was given just now: more may wait than one call gives.
    for (let given = 1; given > 0 && this.#places > 0 && !this.#closed; ) {
      this.#again = false
      const taken = await queues.take(this.queue, worker, this.#places).catch((error: unknown) => {
        // Looked for again a moment later.
        this.env.report(error)
        return []
      })
      given = taken.length
      for (const each of taken) this.#begin(each)
    }
  }

  #begin(taken: TakenAttempt): void {
    this.#places--
    // It was silent for so long that it was given what was its own already.
    this.#drop(taken.id)
    try {
      const attempt = this.#attemptOf(taken)
      this.#held.set(attempt, taken)
      this.#open.set(taken.id, attempt)
      attempt.watchTime()
      attempt.begin()
    } catch (error) {
      // Nothing of it can be read: whoever put it hears so.
      this.#places++
      void this.#tell(taken, { ok: false, error: JSON.stringify(toErrorInfo(error)), retryable: true })
    }
  }

  #attemptOf({ data, details, delivery }: TakenAttempt): Attempt {
    const { codec, tasks } = this.env
    const order = JSON.parse(data) as TaskOrder
    const idempotencyKey = decodeFor(codec, order.actor, order.idempotencyKey)
    const definition = { ...(tasks.get(order.task) ?? this.#unknown(order)), idempotency: () => idempotencyKey }
    return new Attempt(this, order.actor, documentOf(codec, order, details, delivery - 1), definition)
  }

  #unknown({ task: name, actor, attemptsMax }: TaskOrder): TaskDefinition {
    const address = addressOf(actor)
    const error = new TroupeError('task/unknown', `worker ${this.env.worker} of queue ${this.queue} does not know ${name}, a task of ${address}; it knows ${[...this.env.tasks.keys()].join(', ') || 'none'}`, { address })
    const run = (): never => {
      throw error
    }
    return { ...taskOf(task({ run, retry: attemptsMax })), queue: this.queue }
  }

  // ── signs of life ─────────────────────────────────────────────────────────────────────────────────────────

  #tick(): void {
    const everyMs = Math.min(LOOK_EVERY_MS, this.#settings.minIdleMs / 3)
    this.#ticker = this.env.clock.setTimer(() => {
      if (this.#closed) return
      this.#fill()
      const isDue = this.env.clock.now() - this.#aliveAt >= Math.min(ALIVE_EVERY_MS, this.#settings.minIdleMs / 3)
      if (isDue) void this.#extend()
      this.#tick()
    }, everyMs, 'upkeep')
  }

  async #extend(): Promise<void> {
    if (this.#extending) return
    this.#extending = true
    const { queues, worker, clock } = this.env
    const details = new Map(this.#details)
    this.#details.clear()
    try {
      const open = [...this.#open].map(([id, attempt]) => ({ id, attempt, taken: this.#held.get(attempt) as TakenAttempt }))
      const lost = new Set(await queues.extend(this.queue, worker, open.map(({ taken }) => taken), details))
      // Only these: it may have been given one of them again since.
      for (const { id, attempt } of open) if (lost.has(id)) this.#lose(attempt)
      this.#aliveAt = clock.now()
    } catch (error) {
      for (const [id, text] of details) if (!this.#details.has(id)) this.#details.set(id, text)
      this.env.report(error)
    } finally {
      this.#extending = false
    }
  }

  /** Whatever we have of an attempt is not ours any more. */
  #drop(id: string): void {
    const attempt = this.#open.get(id)
    if (attempt) this.#lose(attempt)
  }

  #lose(attempt: Attempt): void {
    const taken = this.#settle(attempt)
    if (taken) attempt.abort(new TroupeError('lease/stale', `attempt ${taken.id} was taken back or given to another worker`))
  }

  /** From here on nothing is told of an attempt. Undefined when that was so before. */
  #settle(attempt: Attempt): TakenAttempt | undefined {
    const taken = this.#held.get(attempt)
    if (!taken || this.#open.get(taken.id) !== attempt) return undefined
    this.#open.delete(taken.id)
    this.#details.delete(taken.id)
    return taken
  }
}

/** A worker for each queue that this process serves; none where the store has no queues and nodes run all tasks themselves. */
export function workersOf(env: Omit<TaskWorkerEnv, 'queues' | 'subscribe'> & Pick<HostEnv, 'store' | 'queues'>): readonly TaskWorker[] {
  const { store, queues: served, ...rest } = env
  const { queues } = store
  if (!queues) return []
  const subscribe: Store['subscribe'] = (onChange, scope) => store.subscribe(onChange, scope)
  return [...served].filter(([queue]) => !isNodeQueue(queue)).map(([queue, settings]) => new TaskWorker({ ...rest, queues, subscribe }, queue, settings))
}

/** The tasks of all machines, by name. */
export const tasksOfAll = (definitions: ReadonlyMap<string, Definition>): ReadonlyMap<string, TaskDefinition> =>
  new Map([...definitions.values()].flatMap(({ name, logic }) => [...tasksOf(name, logic)]))
