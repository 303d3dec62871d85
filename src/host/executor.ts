import type { AnyActorRef } from 'xstate'
import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TimerHandle } from '../core/clock.ts'
import type { TaskDocument } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import { createBorder, decodeJson, encodeJson, exceeds, seal } from '../core/json.ts'
import type { LocalBody } from '../core/message.ts'
import { taskOf } from '../core/task.ts'
import type { TaskDefinition } from '../core/task.ts'
import type { HostEnv } from './env.ts'

/** Heartbeat details are kept at most this often. */
const HEARTBEAT_KEEP_MS = 1_000

interface Running {
  readonly actor: ActorId
  readonly task: TaskDocument
  readonly definition: TaskDefinition
  readonly ref: AnyActorRef
  readonly controller: AbortController
  timeout: TimerHandle | undefined
  silence: TimerHandle | undefined
  checkpoint: unknown
  keptAt: number
  ended: boolean
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
  #total = 0
  #closed = false

  constructor(env: HostEnv, deliver: (actor: ActorId, body: LocalBody) => boolean) {
    this.#env = env
    this.#deliver = deliver
  }

  /** Whether an attempt runs, or what came of it is on its way to the actor: then no crash has interrupted it. */
  isRunning(actor: ActorId, task: string): boolean {
    const key = `${actor}:${task}`
    return this.#running.has(key) || this.#ending.has(key)
  }

  /** The actor has handled what came of an attempt. */
  handled(actor: ActorId, task: string): void {
    this.#ending.delete(`${actor}:${task}`)
  }

  get size(): number {
    return this.#running.size
  }

  /** Starts an attempt, or queues it behind others of its queue. */
  start(actor: ActorId, task: TaskDocument, ref: AnyActorRef): void {
    const key = `${actor}:${task.id}`
    if (this.#closed || this.#running.has(key)) return
    const { logic } = ref as unknown as { logic: Parameters<typeof taskOf>[0] }
    const running: Running = { actor, task, definition: taskOf(logic), ref, controller: new AbortController(), timeout: undefined, silence: undefined, checkpoint: task.checkpoint, keptAt: -Infinity, ended: false }
    this.#running.set(key, running)
    const { queue } = running.definition
    if (this.#hasRoom(queue)) void this.#run(running)
    else this.#waiting.set(queue, (this.#waiting.get(queue) ?? new Set()).add(running))
  }

  /** Ends an attempt whose result nobody wants any more. */
  abort(actor: ActorId, task: string, reason = 'the task was cancelled'): void {
    const running = this.#running.get(`${actor}:${task}`)
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
    for (const running of this.#running.values()) {
      this.#end(running, new TroupeError('runtime/closed', 'the runtime shuts down'))
      this.#tell(running, { kind: 'interrupt', task: running.task.id, attempt: running.task.attempt })
    }
  }

  #hasRoom(queue: string): boolean {
    return this.#total < this.#env.limits.tasksMax && (this.#active.get(queue) ?? 0) < (Object.hasOwn(this.#env.queues, queue) ? (this.#env.queues[queue] as number) : Infinity)
  }

  async #run(running: Running): Promise<void> {
    const { definition, task, ref, controller } = running
    this.#total++
    this.#active.set(definition.queue, (this.#active.get(definition.queue) ?? 0) + 1)
    this.#watchTime(running)
    try {
      await this.#env.probe?.('task-start')
      // Aborted in the turn that has started it: its code need not begin.
      if (running.ended) return
      const output = await definition.run({
        input: copyOf(task.input),
        signal: controller.signal,
        attempt: task.attempt,
        idempotencyKey: definition.idempotency?.(task.input) ?? `${running.actor}:${task.id}`,
        checkpoint: task.checkpoint,
        heartbeat: details => this.#heartbeat(running, details),
        progress: data => !running.ended && this.#env.notice({ actor: running.actor, task: task.id, attempt: task.attempt, progress: data }),
        self: ref,
        system: ref.system,
      })
      await this.#env.probe?.('task-end')
      this.#finish(running, { ok: true, output: this.#copy(running.actor, output, 'output') }, false)
    } catch (error) {
      this.#finish(running, { ok: false, error }, this.#isRetryable(running, error))
    } finally {
      this.#free(definition.queue)
    }
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
    return task.failures + 1 < definition.retry.attempts && definition.retryIf(error, task.attempt)
  }

  #finish(running: Running, outcome: Extract<LocalBody, { kind: 'task' }>['outcome'], retryable: boolean): void {
    if (running.ended) return
    this.#end(running)
    const { task, checkpoint } = running
    this.#tell(running, { kind: 'task', task: task.id, attempt: task.attempt, outcome, retryable, checkpoint })
  }

  #tell({ actor, task }: Running, body: LocalBody): void {
    if (this.#deliver(actor, body)) this.#ending.set(`${actor}:${task.id}`, actor)
  }

  /** Takes an attempt out of the table; with a reason its code is told to stop. */
  #end(running: Running, reason?: Error): void {
    running.ended = true
    this.#running.delete(`${running.actor}:${running.task.id}`)
    this.#waiting.get(running.definition.queue)?.delete(running)
    for (const timer of [running.timeout, running.silence]) if (timer) this.#env.clock.clearTimer(timer)
    if (reason) running.controller.abort(reason)
  }

  #free(queue: string): void {
    this.#total--
    this.#active.set(queue, (this.#active.get(queue) ?? 1) - 1)
    for (const [name, waiting] of this.#waiting) {
      for (const next of waiting) {
        if (!this.#hasRoom(name)) break
        waiting.delete(next)
        void this.#run(next)
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
      running.controller.abort(error)
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

/** What the task does with its input stays its own. */
const copyOf = (input: unknown): unknown => (typeof input === 'object' && input !== null ? decodeJson(encodeJson(input, true)) : input)
