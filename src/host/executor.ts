import type { AnyActorRef } from 'xstate'
import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TimerHandle } from '../core/clock.ts'
import type { TaskDocument } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import { createBorder, decodeJson, encodeJson, exceeds, seal } from '../core/json.ts'
import type { LocalBody } from '../core/message.ts'
import { taskOf } from '../core/task.ts'
import type { TaskDefinition, TaskScope } from '../core/task.ts'
import type { HostEnv } from './env.ts'

/** Heartbeat details are kept at most this often. */
const HEARTBEAT_KEEP_MS = 1_000

/** One attempt of a task in this process. */
class Running {
  readonly key: string
  readonly actor: ActorId
  readonly task: TaskDocument
  readonly definition: TaskDefinition
  readonly ref: AnyActorRef
  timeout: TimerHandle | undefined
  silence: TimerHandle | undefined
  checkpoint: unknown
  keptAt = -Infinity
  ended = false
  #controller: AbortController | undefined
  #abortedWith: Error | undefined

  constructor(key: string, actor: ActorId, task: TaskDocument, ref: AnyActorRef) {
    const { logic } = ref as unknown as { logic: Parameters<typeof taskOf>[0] }
    this.key = key
    this.actor = actor
    this.task = task
    this.definition = taskOf(logic)
    this.ref = ref
    this.timeout = this.silence = undefined
    this.checkpoint = task.checkpoint
  }

  /** Made when it is asked for: most short tasks never do, and it is the dearest part of an attempt. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#abortedWith) this.#controller.abort(this.#abortedWith)
    return this.#controller.signal
  }

  abort(reason: Error): void {
    this.#abortedWith ??= reason
    this.#controller?.abort(reason)
  }
}

/**
 * Runs the tasks of one node: bounded per queue, with timeout, heartbeat and abort.
 *
 * Invariants
 * E1  A task is started only after the commit that counted its attempt.
 * E2  Each attempt ends once: a result after its abort, timeout or stall is dropped.
 * E3  What a task gives back is a copy through JSON: it shares nothing with the actor.
 */
export class Executor {
  readonly #env: HostEnv
  readonly #deliver: (actor: ActorId, body: LocalBody) => boolean
  readonly #running = new Map<string, Running>()
  /** Actors of the attempts that have ended, but whose actor has not handled that yet. */
  readonly #ending = new Map<string, ActorId>()
  /** In the order of asking; sets, because an attempt may be called off from the middle of a long queue. */
  readonly #waiting = new Map<string, Set<Running>>()
  readonly #active = new Map<string, number>()
  /** Admitted in this turn. */
  readonly #beginning: Running[] = []
  #total = 0
  #closed = false

  constructor(env: HostEnv, deliver: (actor: ActorId, body: LocalBody) => boolean) {
    this.#env = env
    this.#deliver = deliver
  }

  /** Whether an attempt runs, or what came of it is on its way to the actor: then no crash has interrupted it. */
  isRunning(actor: ActorId, task: string): boolean {
    const key = keyOf(actor, task)
    return this.#running.has(key) || this.#ending.has(key)
  }

  /** The actor has handled what came of an attempt. */
  handled(actor: ActorId, task: string): void {
    this.#ending.delete(keyOf(actor, task))
  }

  get size(): number {
    return this.#running.size
  }

  /** Starts an attempt, or queues it behind others of its queue. */
  start(actor: ActorId, task: TaskDocument, ref: AnyActorRef): void {
    const key = keyOf(actor, task.id)
    if (this.#closed || this.#running.has(key)) return
    const running = new Running(key, actor, task, ref)
    this.#running.set(key, running)
    const { queue } = running.definition
    if (this.#hasRoom(queue)) this.#admit(running)
    else this.#waiting.set(queue, (this.#waiting.get(queue) ?? new Set()).add(running))
  }

  /** Ends an attempt whose result nobody wants any more. */
  abort(actor: ActorId, task: string, reason = 'the task was cancelled'): void {
    const running = this.#running.get(keyOf(actor, task))
    if (running) this.#end(running, new Error(reason))
  }

  abortActor(actor: ActorId): void {
    for (const running of this.#running.values()) if (running.actor === actor) this.abort(actor, running.task.id)
  }

  /** Drops everything without a word, as a lost partition must. */
  abortPartition(isLost: (actor: ActorId) => boolean): void {
    for (const running of this.#running.values()) if (isLost(running.actor)) this.abort(running.actor, running.task.id, 'the partition moved to another node')
    for (const [key, actor] of this.#ending) if (isLost(actor)) this.#ending.delete(key)
  }

  /** Aborts what runs; each attempt is handed back as not counted. */
  close(): void {
    this.#closed = true
    this.handBack(() => true, new TroupeError('runtime/closed', 'the runtime shuts down'))
  }

  /** Aborts what runs for some actors, as not counted: whoever owns them next runs it again. */
  handBack(isConcerned: (actor: ActorId) => boolean, reason = new Error('the partition moves to another node')): void {
    for (const running of this.#running.values()) {
      if (!isConcerned(running.actor)) continue
      this.#end(running, reason)
      this.#tell(running, { kind: 'interrupt', task: running.task.id, attempt: running.task.attempt })
    }
  }

  #hasRoom(queue: string): boolean {
    return this.#total < this.#env.limits.tasksMax && (this.#active.get(queue) ?? 0) < (Object.hasOwn(this.#env.queues, queue) ? (this.#env.queues[queue] as number) : Infinity)
  }

  /** Takes a place in the queue. The code begins when the turn that started it is over, so that it need not if the same turn calls it off. */
  #admit(running: Running): void {
    const { queue } = running.definition
    this.#total++
    this.#active.set(queue, (this.#active.get(queue) ?? 0) + 1)
    this.#watchTime(running)
    if (this.#beginning.push(running) === 1) queueMicrotask(() => this.#beginAll())
  }

  #beginAll(): void {
    for (const running of this.#beginning.splice(0)) {
      const held = this.#env.probe?.('task-start')
      if (held) void held.then(() => this.#begin(running))
      else this.#begin(running)
    }
  }

  /** Without `async`: of short tasks there are a hundred thousand, and each promise of theirs costs as much as they do. */
  #begin(running: Running): void {
    if (running.ended) return this.#free(running.definition.queue)
    try {
      const output = running.definition.run(this.#scopeOf(running))
      if (isThenable(output)) output.then(value => this.#done(running, value), error => this.#failed(running, error))
      else this.#done(running, output)
    } catch (error) {
      this.#failed(running, error)
    }
  }

  #scopeOf(running: Running): TaskScope<unknown> {
    const { definition, task, ref } = running
    return {
      input: copyOf(task.input),
      get signal() {
        return running.signal
      },
      attempt: task.attempt,
      idempotencyKey: definition.idempotency?.(task.input) ?? running.key,
      checkpoint: task.checkpoint,
      heartbeat: details => this.#heartbeat(running, details),
      progress: data => !running.ended && this.#env.notice({ actor: running.actor, task: task.id, attempt: task.attempt, progress: data }),
      self: ref,
      system: ref.system,
    }
  }

  #done(running: Running, output: unknown): void {
    const held = this.#env.probe?.('task-end')
    if (held) void held.then(() => this.#keep(running, output))
    else this.#keep(running, output)
  }

  #keep(running: Running, output: unknown): void {
    try {
      this.#finish(running, { ok: true, output: this.#copy(running.actor, output, 'output') }, false)
    } catch (error) {
      return this.#failed(running, error)
    }
    this.#free(running.definition.queue)
  }

  #failed(running: Running, error: unknown): void {
    this.#finish(running, { ok: false, error }, this.#isRetryable(running, error))
    this.#free(running.definition.queue)
  }

  /** What a task gives, as it will be read back after a crash. Throws when it cannot be kept. */
  #copy(actor: ActorId, output: unknown, what: 'output' | 'checkpoint'): unknown {
    const { payloadBytesMax, jsonDepthMax } = this.#env.definitions.get(parseActorId(actor).machine)?.limits ?? this.#env.limits
    const border = createBorder('context/unserializable', jsonDepthMax, false, addressOf(actor))
    seal(output, what, border)
    const text = encodeJson(output, border.tagged)
    const bytes = exceeds(text, payloadBytesMax)
    if (bytes !== undefined) throw new TroupeError('payload/too-large', `the task's ${what} has ${bytes} bytes, the limit payloadBytesMax is ${payloadBytesMax}`, { address: addressOf(actor), details: { bytes, limit: payloadBytesMax } })
    return output === undefined ? undefined : decodeJson(text)
  }

  #isRetryable({ definition, task }: Running, error: unknown): boolean {
    if (error instanceof TroupeError && (error.code === 'payload/too-large' || error.code === 'context/unserializable')) return false
    if (task.failures + 1 >= definition.retry.attempts) return false
    try {
      return definition.retryIf(error, task.attempt)
    } catch (failure) {
      // It decides nothing then, and the task ends with its own error.
      this.#env.report(failure)
      return false
    }
  }

  #finish(running: Running, outcome: Extract<LocalBody, { kind: 'task' }>['outcome'], retryable: boolean): void {
    if (running.ended) return
    this.#end(running)
    const { task, checkpoint } = running
    this.#tell(running, { kind: 'task', task: task.id, attempt: task.attempt, outcome, retryable, checkpoint })
  }

  #tell({ key, actor }: Running, body: LocalBody): void {
    if (this.#deliver(actor, body)) this.#ending.set(key, actor)
  }

  /** Takes an attempt out of the table; with a reason its code is told to stop. */
  #end(running: Running, reason?: Error): void {
    running.ended = true
    this.#running.delete(running.key)
    this.#waiting.get(running.definition.queue)?.delete(running)
    for (const timer of [running.timeout, running.silence]) if (timer) this.#env.clock.clearTimer(timer)
    if (reason) running.abort(reason)
  }

  #free(queue: string): void {
    this.#total--
    this.#active.set(queue, (this.#active.get(queue) ?? 1) - 1)
    for (const [name, waiting] of this.#waiting) {
      for (const next of waiting) {
        if (!this.#hasRoom(name)) break
        waiting.delete(next)
        this.#admit(next)
      }
    }
  }

  #watchTime(running: Running): void {
    const { timeout } = running.definition
    if (timeout !== undefined) running.timeout = this.#limit(running, timeout, new TroupeError('task/timeout', `the attempt took longer than ${timeout} ms`))
    this.#watchSilence(running)
  }

  #watchSilence(running: Running): void {
    const { heartbeatTimeout } = running.definition
    if (heartbeatTimeout === undefined) return
    if (running.silence) this.#env.clock.clearTimer(running.silence)
    running.silence = this.#limit(running, heartbeatTimeout, new TroupeError('task/stalled', `no heartbeat for ${heartbeatTimeout} ms`))
  }

  #limit(running: Running, ms: number, error: TroupeError): TimerHandle {
    return this.#env.clock.setTimer(() => {
      this.#finish(running, { ok: false, error }, this.#isRetryable(running, error))
      running.abort(error)
    }, ms)
  }

  #heartbeat(running: Running, details: unknown): void {
    if (running.ended) return
    if (details !== undefined) running.checkpoint = this.#copy(running.actor, details, 'checkpoint')
    this.#watchSilence(running)
    const now = this.#env.clock.now()
    if (details === undefined || now - running.keptAt < HEARTBEAT_KEEP_MS) return
    running.keptAt = now
    this.#deliver(running.actor, { kind: 'heartbeat', task: running.task.id, attempt: running.task.attempt, details: running.checkpoint })
  }
}

const keyOf = (actor: ActorId, task: string): string => `${actor}:${task}`

const isThenable = (value: unknown): value is PromiseLike<unknown> => typeof value === 'object' && value !== null && typeof (value as Partial<PromiseLike<unknown>>).then === 'function'

/** What the task does with its input stays its own. */
const copyOf = (input: unknown): unknown => (typeof input === 'object' && input !== null ? decodeJson(encodeJson(input, true)) : input)
