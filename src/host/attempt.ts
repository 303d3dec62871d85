import type { AsyncLocalStorage } from 'node:async_hooks'
import type { AnyActorRef } from 'xstate'
import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TimerHandle } from '../core/clock.ts'
import type { TaskDocument, TaskOutcome } from '../core/document.ts'
import { TroupeError, fromErrorInfo, toErrorInfo } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import { createBorder, decodeJson, encodeJson, exceeds, seal } from '../core/json.ts'
import { priorities } from '../core/queue.ts'
import type { Priority } from '../core/queue.ts'
import type { TaskDefinition, TaskScope } from '../core/task.ts'
import type { HostEnv } from './env.ts'
import type { Asker, Wait } from './wait.ts'

/** Heartbeat details are kept at most this often. */
const HEARTBEAT_KEEP_MS = 1_000
/** What the next attempt would end with too. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set(['payload/too-large', 'context/unserializable', 'ask/deadlock', 'workers/unknown'])

/** What an attempt needs of the process it runs in. */
export type AttemptEnv = Pick<HostEnv, 'clock' | 'workers' | 'limits' | 'definitions' | 'report' | 'probe'>

/** Who has an attempt run, and hears of it. */
export interface AttemptHost {
  readonly env: AttemptEnv
  /** Tells what the code calls whose code it is; without one nobody wants to know. */
  readonly code?: AsyncLocalStorage<Asker | undefined>
  /** How it ended; once, and never after an abort. */
  ended(attempt: Attempt, outcome: TaskOutcome, retryable: boolean): void
  /** Its code has returned: its place is free, whether or not its end still counted. */
  freed(attempt: Attempt): void
  /** It has said that it is alive, perhaps with details for the next attempt. */
  beaten(attempt: Attempt, details: unknown): void
  progressed(attempt: Attempt, data: unknown): void
}

/**
 * One attempt of a task in this process: its code with timeout, heartbeat and abort.
 *
 * A class with methods in place of closures: a node begins a hundred thousand of them in a minute.
 */
export class Attempt implements Asker {
  readonly actor: ActorId
  readonly task: TaskDocument
  readonly definition: TaskDefinition
  /** Actor and task: what an idempotency key is made of when the task makes none. */
  readonly key: string
  /** The stand-in of the task in its actor; none where the task runs apart from it. */
  readonly #ref: AnyActorRef | undefined
  readonly #host: AttemptHost
  /** Details of the last heartbeat. */
  checkpoint: unknown
  waits: Set<Wait> | undefined
  #timeout: TimerHandle | undefined
  #silence: TimerHandle | undefined
  #keptAt = -Infinity
  #ended = false
  #controller: AbortController | undefined
  #abortedWith: Error | undefined

  constructor(host: AttemptHost, actor: ActorId, task: TaskDocument, definition: TaskDefinition, ref?: AnyActorRef) {
    this.key = attemptKey(actor, task.id)
    this.actor = actor
    this.task = task
    this.definition = definition
    this.#ref = ref
    this.#host = host
    this.checkpoint = task.checkpoint
    this.#timeout = this.#silence = this.waits = undefined
  }

  get ended(): boolean {
    return this.#ended
  }

  /** From here on its time counts. */
  watchTime(): void {
    const { timeout } = this.definition
    if (timeout !== undefined) this.#timeout = this.#limit(timeout, new TroupeError('task/timeout', `the attempt took longer than ${timeout} ms`))
    this.#watchSilence()
  }

  /** Runs its code. Without `async`: of short tasks there are a hundred thousand, and each promise of theirs costs as much as they do. */
  begin(): void {
    if (this.#ended) return this.#host.freed(this)
    try {
      const { code } = this.#host
      const { run } = this.definition
      const output = code ? code.run(this, run, this.#scope()) : run(this.#scope())
      if (isThenable(output)) output.then(value => this.#done(value), error => this.#failed(error))
      else this.#done(output)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Ends it without an outcome: its code is told to stop, and what it still gives back is dropped. */
  abort(reason: Error): void {
    this.#end()
    this.#signal(reason)
  }

  #scope(): TaskScope<unknown> {
    const { definition, task } = this
    const signal = (): AbortSignal => this.#abortSignal()
    const ref = (): AnyActorRef => this.#actorRef()
    return {
      input: copyOf(task.input),
      get signal() {
        return signal()
      },
      attempt: task.attempt,
      idempotencyKey: definition.idempotency?.(task.input) ?? this.key,
      checkpoint: task.checkpoint,
      now: () => this.#host.env.clock.now(),
      heartbeat: details => this.#heartbeat(details),
      workers: this.#host.env.workers,
      progress: data => void (this.#ended || this.#host.progressed(this, data)),
      get self() {
        return ref()
      },
      get system() {
        return ref().system
      },
    }
  }

  #actorRef(): AnyActorRef {
    if (this.#ref) return this.#ref
    throw new TroupeError('config/invalid', `task ${this.task.id} of ${addressOf(this.actor)} runs in a worker: it has no self and no system there; pass what it needs in its input`, { address: addressOf(this.actor) })
  }

  /** Made when it is asked for: most short tasks never do, and it is the dearest part of an attempt. */
  #abortSignal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#abortedWith) this.#controller.abort(this.#abortedWith)
    return this.#controller.signal
  }

  #signal(reason: Error): void {
    this.#abortedWith ??= reason
    this.#controller?.abort(reason)
  }

  #done(output: unknown): void {
    const held = this.#host.env.probe?.('task-end')
    if (held) void held.then(() => this.#keep(output))
    else this.#keep(output)
  }

  #keep(output: unknown): void {
    try {
      this.#finish({ ok: true, output: this.#copy(output, 'output') }, false)
    } catch (error) {
      return this.#failed(error)
    }
    this.#host.freed(this)
  }

  #failed(error: unknown): void {
    this.#finish({ ok: false, error: keepable(error, this.#host.env.limits.jsonDepthMax) }, this.#isRetryable(error))
    this.#host.freed(this)
  }

  #finish(outcome: TaskOutcome, retryable: boolean): void {
    if (this.#ended) return
    this.#end()
    this.#host.ended(this, outcome, retryable)
  }

  #end(): void {
    this.#ended = true
    for (const timer of [this.#timeout, this.#silence]) if (timer) this.#host.env.clock.clearTimer(timer)
  }

  /** What a task gives, as it will be read back after a crash. Throws when it cannot be kept. */
  #copy(value: unknown, what: 'output' | 'checkpoint'): unknown {
    const { definitions, limits } = this.#host.env
    const { payloadBytesMax, jsonDepthMax } = definitions.get(parseActorId(this.actor).machine)?.limits ?? limits
    const address = addressOf(this.actor)
    const border = createBorder('context/unserializable', jsonDepthMax, false, address)
    seal(value, what, border)
    const text = encodeJson(value, border.tagged)
    const bytes = exceeds(text, payloadBytesMax)
    if (bytes !== undefined) throw new TroupeError('payload/too-large', `the task's ${what} has ${bytes} bytes, the limit payloadBytesMax is ${payloadBytesMax}`, { address, details: { bytes, limit: payloadBytesMax } })
    return value === undefined ? undefined : decodeJson(text)
  }

  #isRetryable(error: unknown): boolean {
    const { definition, task } = this
    if (error instanceof TroupeError && HOPELESS.has(error.code)) return false
    if (task.failures + 1 >= definition.retry.attempts) return false
    try {
      return definition.retryIf(error, task.attempt)
    } catch (failure) {
      // It decides nothing then, and the task ends with its own error.
      this.#host.env.report(failure)
      return false
    }
  }

  #watchSilence(): void {
    const { heartbeatTimeout } = this.definition
    if (heartbeatTimeout === undefined) return
    if (this.#silence) this.#host.env.clock.clearTimer(this.#silence)
    this.#silence = this.#limit(heartbeatTimeout, new TroupeError('task/stalled', `no heartbeat for ${heartbeatTimeout} ms`))
  }

  #limit(ms: number, error: TroupeError): TimerHandle {
    return this.#host.env.clock.setTimer(() => {
      this.#finish({ ok: false, error }, this.#isRetryable(error))
      this.#signal(error)
    }, ms)
  }

  #heartbeat(details: unknown): void {
    if (this.#ended) return
    if (details !== undefined) this.checkpoint = this.#copy(details, 'checkpoint')
    this.#watchSilence()
    const now = this.#host.env.clock.now()
    if (details === undefined || now - this.#keptAt < HEARTBEAT_KEEP_MS) return
    this.#keptAt = now
    this.#host.beaten(this, this.checkpoint)
  }
}

/** What a task counts as in its queue. */
export interface Standing {
  readonly key: string
  readonly priority: Priority
}

const KEY_CHARS_MAX = 256

/** Throws `config/invalid` for what the task makes of its input that is no priority or key, and whatever its code throws. */
export function standingOf({ key, priority }: TaskDefinition, actor: ActorId, input: unknown): Standing {
  const standing = { key: key ? key(input) : parseActorId(actor).tenant, priority: priority(input) }
  const address = addressOf(actor)
  if (!priorities.includes(standing.priority)) throw new TroupeError('config/invalid', `the priority of a task of ${address} must be one of ${priorities.join(', ')}, not ${String(standing.priority)}`, { address })
  // eslint-disable-next-line no-control-regex -- they would end the key inside the names that stores make of it
  if (typeof standing.key !== 'string' || standing.key.length > KEY_CHARS_MAX || /[\u0000-\u001f]/.test(standing.key)) {
    throw new TroupeError('config/invalid', `the queue key of a task of ${address} must be a string of at most ${KEY_CHARS_MAX} characters without control characters, not ${JSON.stringify(standing.key)?.slice(0, 80)}`, { address })
  }
  return standing
}

export const attemptKey = (actor: ActorId, task: string): string => `${actor}:${task}`

const isThenable = (value: unknown): value is PromiseLike<unknown> => typeof value === 'object' && value !== null && typeof (value as Partial<PromiseLike<unknown>>).then === 'function'

/** What was thrown as it is, or an error that says what it was: with one that nobody can write down, its partition would stand still. */
function keepable(thrown: unknown, depthMax: number): unknown {
  try {
    seal(thrown, 'error', createBorder('context/unserializable', depthMax, false))
    return thrown
  } catch {
    return fromErrorInfo(toErrorInfo(thrown))
  }
}

/** What the task does with its input stays its own. */
const copyOf = (input: unknown): unknown => (typeof input === 'object' && input !== null ? decodeJson(encodeJson(input, true)) : input)
