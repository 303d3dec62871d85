import { AsyncLocalStorage } from 'node:async_hooks'
import type { AnyActorRef } from 'xstate'
import type { ActorId } from '../core/address.ts'
import type { TaskDocument, TaskOutcome } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import type { LocalBody } from '../core/message.ts'
import { openQueueSettings } from '../core/queue.ts'
import { taskOf } from '../core/task.ts'
import { Attempt, attemptKey, standingOf } from './attempt.ts'
import type { AttemptHost, Standing } from './attempt.ts'
import type { HostEnv } from './env.ts'
import { FairQueue } from './fair-queue.ts'
import { QueuedTasks, goesToQueue } from './queued-tasks.ts'
import type { Asker, Wait } from './wait.ts'

/** Where an attempt waits or has its place. */
interface Place extends Standing {
  readonly attempt: Attempt
  readonly queue: FairQueue<Place>
}

/**
 * Runs tasks in the node that owns their actors: bounded per queue, with timeout, heartbeat and abort.
 *
 * Invariants
 * E1  A task is started only after the commit that counted its attempt.
 * E2  Each attempt ends once: a result after its abort, timeout or stall is dropped.
 * E3  What a task gives back is a copy through JSON: it shares nothing with the actor.
 */
export class Executor implements AttemptHost {
  readonly env: HostEnv
  readonly code = new AsyncLocalStorage<Asker | undefined>()
  readonly #deliver: (actor: ActorId, body: LocalBody) => boolean
  /** Where tasks of named queues go, on stores that have queues. */
  readonly #queued: QueuedTasks | undefined
  readonly #running = new Map<string, Place>()
  /** Places whose code has not returned yet, aborted ones included. */
  readonly #places = new Map<Attempt, Place>()
  /** Actors of the attempts that have ended, but whose actor has not handled that yet. */
  readonly #ending = new Map<string, ActorId>()
  readonly #queues = new Map<string, FairQueue<Place>>()
  /** Admitted in this turn. */
  readonly #beginning: Attempt[] = []
  #closed = false

  constructor(env: HostEnv, deliver: (actor: ActorId, body: LocalBody) => boolean, queued?: QueuedTasks) {
    this.env = env
    this.#deliver = deliver
    this.#queued = queued
  }

  /** Whether an attempt runs, or what came of it is on its way to the actor: then no crash has interrupted it. */
  isRunning(actor: ActorId, task: string): boolean {
    const key = attemptKey(actor, task)
    return this.#running.has(key) || this.#ending.has(key) || (this.#queued?.has(actor, task) ?? false)
  }

  /** Whether an attempt of this task outlives the node: no crash of ours can have interrupted it. */
  isEntrusted(ref: AnyActorRef): boolean {
    return this.#queued !== undefined && goesToQueue(ref)
  }

  /** The actor has handled what came of an attempt. */
  handled(actor: ActorId, task: string, attempt: number): void {
    this.#ending.delete(attemptKey(actor, task))
    this.#queued?.handled(actor, task, attempt)
  }

  /** The attempt whose code calls; undefined outside of all tasks. */
  get asker(): Asker | undefined {
    const asker = this.code.getStore()
    return asker?.ended ? undefined : asker
  }

  /** What the code of an attempt of this node waits for. */
  waitsOf(actor: ActorId, task: string): Iterable<Wait> {
    return this.#running.get(attemptKey(actor, task))?.attempt.waits ?? []
  }

  /** Runs what a task may have set going, but is not its code. */
  outside(run: () => void): void {
    // To leave it costs what it does for all that follows: only where there is something to leave.
    if (this.code.getStore() === undefined) run()
    else this.code.run(undefined, run)
  }

  get size(): number {
    return this.#running.size
  }

  /** What waits and runs, by queue. */
  get queues(): ReadonlyMap<string, FairQueue<unknown>> {
    return this.#queues
  }

  /** Starts an attempt, or queues it behind others of its queue. */
  start(actor: ActorId, task: TaskDocument, ref: AnyActorRef): void {
    if (this.#closed || this.#running.has(attemptKey(actor, task.id))) return
    const definition = taskOf((ref as unknown as { logic: Parameters<typeof taskOf>[0] }).logic)
    const attempt = new Attempt(this, actor, task, definition, ref)
    try {
      if (this.#queued && QueuedTasks.takes(definition)) return this.#queued.start(actor, task, ref, definition)
      const place: Place = { ...standingOf(definition, actor, task.input), attempt, queue: this.#queueOf(definition.queue) }
      this.#running.set(attempt.key, place)
      place.queue.push(place, place.key, place.priority)
      this.#admit(place.queue)
    } catch (error) {
      this.ended(attempt, { ok: false, error }, false)
    }
  }

  /** Ends an attempt whose result nobody wants any more. */
  abort(actor: ActorId, task: string, reason = 'the task was cancelled'): void {
    const place = this.#running.get(attemptKey(actor, task))
    if (place) this.#callOff(place, new Error(reason))
    else this.#queued?.abort(actor, task)
  }

  abortActor(actor: ActorId): void {
    for (const { attempt } of this.#running.values()) if (attempt.actor === actor) this.abort(actor, attempt.task.id)
    this.#queued?.abortActor(actor)
  }

  /** Drops everything without a word, as a lost partition must. */
  abortPartition(isLost: (actor: ActorId) => boolean): void {
    for (const { attempt } of this.#running.values()) if (isLost(attempt.actor)) this.abort(attempt.actor, attempt.task.id, 'the partition moved to another node')
    for (const [key, actor] of this.#ending) if (isLost(actor)) this.#ending.delete(key)
    this.#queued?.forget(isLost)
  }

  /** Aborts what runs; each attempt is handed back as not counted. */
  close(): void {
    this.#closed = true
    this.handBack(() => true, new TroupeError('runtime/closed', 'the runtime shuts down'))
    this.#queued?.close()
  }

  /** Aborts what runs for some actors, as not counted: whoever owns them next runs it again. */
  handBack(isConcerned: (actor: ActorId) => boolean, reason = new Error('the partition moves to another node')): void {
    for (const place of this.#running.values()) {
      const { attempt } = place
      if (!isConcerned(attempt.actor)) continue
      this.#callOff(place, reason)
      this.#tell(attempt, { kind: 'interrupt', task: attempt.task.id, attempt: attempt.task.attempt })
    }
    this.#queued?.forget(isConcerned)
  }

  // ── what attempts tell ────────────────────────────────────────────────────────────────────────────────────

  ended(attempt: Attempt, outcome: TaskOutcome, retryable: boolean): void {
    const { task, checkpoint } = attempt
    this.#running.delete(attempt.key)
    this.#tell(attempt, { kind: 'task', task: task.id, attempt: task.attempt, outcome, retryable, checkpoint })
  }

  freed(attempt: Attempt): void {
    const place = this.#places.get(attempt)
    if (!place) return
    this.#places.delete(attempt)
    const { queue, key } = place
    const wasFull = this.#places.size + 1 >= this.env.limits.tasksMax
    queue.free(key)
    if (!wasFull) return this.#admit(queue)
    for (const waiting of this.#queues.values()) this.#admit(waiting)
  }

  beaten({ actor, task }: Attempt, details: unknown): void {
    this.#deliver(actor, { kind: 'heartbeat', task: task.id, attempt: task.attempt, details })
  }

  progressed({ actor, task }: Attempt, progress: unknown): void {
    this.env.notice({ actor, task: task.id, attempt: task.attempt, progress })
  }

  #tell({ key, actor }: Attempt, body: LocalBody): void {
    if (this.#deliver(actor, body)) this.#ending.set(key, actor)
  }

  /** Its code is told to stop; its place is free when it does. */
  #callOff(place: Place, reason: Error): void {
    const { attempt, queue, key, priority } = place
    this.#running.delete(attempt.key)
    if (!this.#places.has(attempt)) queue.delete(place, key, priority)
    attempt.abort(reason)
  }

  #queueOf(name: string): FairQueue<Place> {
    const known = this.#queues.get(name)
    if (known) return known
    const queue = new FairQueue<Place>(this.env.queues.get(name) ?? openQueueSettings)
    this.#queues.set(name, queue)
    return queue
  }

  /** Gives out places. The code begins when the turn that started it is over, so that it need not if the same turn calls it off. */
  #admit(queue: FairQueue<Place>): void {
    while (this.#places.size < this.env.limits.tasksMax) {
      const place = queue.take()
      if (!place) return
      this.#places.set(place.attempt, place)
      place.attempt.watchTime()
      if (this.#beginning.push(place.attempt) === 1) queueMicrotask(() => this.#beginAll())
    }
  }

  #beginAll(): void {
    for (const attempt of this.#beginning.splice(0)) {
      const held = this.env.probe?.('task-start')
      if (held) void held.then(() => attempt.begin())
      else attempt.begin()
    }
  }
}
