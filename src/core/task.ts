import { fromPromise } from 'xstate'
import type { Actor, AnyActorLogic, AnyActorRef, NonReducibleUnknown, PromiseActorLogic } from 'xstate'
import type { CpuPool } from './cpu-pool.ts'
import { TroupeError } from './errors.ts'
import type { AnyActorSystem } from './host-link.ts'
import { DEFAULT_QUEUE, checkQueueName } from './queue.ts'
import type { Priority } from './queue.ts'
import { backoffMs, noRetry, resolveRetry } from './retry.ts'
import type { RetryPolicy } from './retry.ts'

const TASK = Symbol.for('troupe.task')

/** What a task is given. */
export interface TaskScope<TInput> {
  readonly input: TInput
  /** Aborted when the task is cancelled, times out, stalls, or the runtime shuts down. */
  readonly signal: AbortSignal
  /** 1 for the first attempt. Counted before it runs, so a crash counts. */
  readonly attempt: number
  /** The same on every attempt: give it to whatever must act once. */
  readonly idempotencyKey: string
  /** Details of the last heartbeat of an earlier attempt. */
  readonly checkpoint: unknown
  /** Wall time in milliseconds since the epoch, by the clock of the runtime, so that a virtual one counts. */
  now(): number
  /** Says the task is alive; `details` are kept for the next attempt. */
  heartbeat(details?: unknown): void
  /** Tells watchers how far it is; not kept. */
  progress(data: unknown): void
  /** The pool of threads of the runtime or worker that runs it; none under plain `createActor`. */
  readonly workers?: CpuPool
  readonly self: AnyActorRef
  readonly system: AnyActorSystem
}

export interface TaskOptions<TInput, TOutput> {
  run(scope: TaskScope<TInput>): TOutput | PromiseLike<TOutput>
  /** Default: 5 attempts, 1 s doubling to 60 s, 10 % jitter. A number sets the attempts only. */
  readonly retry?: Partial<RetryPolicy> | number
  /** Whether another attempt makes sense for this error. Default: always. */
  retryIf?(error: unknown, attempt: number): boolean
  /** Longest time of one attempt, in milliseconds. Default: none. */
  readonly timeout?: number
  /** Longest silence between heartbeats, in milliseconds. Default: none. */
  readonly heartbeatTimeout?: number
  /** The idempotency key, from the input. Default: one of the actor and the step that asked for the task. */
  idempotency?(input: TInput): string
  /**
   * Name of a queue, see `createRuntime({ queues })`. On Redis such tasks go to whatever process serves the queue: a runtime that
   * names it or a worker (`troupe/worker`). Default: run by the node that owns the actor.
   */
  readonly queue?: string
  /** Before others of its queue, or after them. Default `medium`. */
  readonly priority?: Priority | ((input: TInput) => Priority)
  /** What it counts as in the limits and shares of its queue, such as a customer. Default: the actor's tenant. */
  key?(input: TInput): string
}

/** A task as the host runs it: every option filled in. */
export interface TaskDefinition {
  run(scope: TaskScope<unknown>): unknown
  readonly retry: RetryPolicy
  retryIf(error: unknown, attempt: number): boolean
  readonly timeout: number | undefined
  readonly heartbeatTimeout: number | undefined
  readonly idempotency: ((input: unknown) => string) | undefined
  readonly queue: string
  priority(input: unknown): Priority
  readonly key: ((input: unknown) => string) | undefined
}

/**
 * A durable invoke: work with side effects, started only after the commit that asked for it, tried again on failure
 * and after a crash. Its effects happen at least once; `idempotencyKey` is the same on every attempt.
 * Under plain `createActor` it runs in process with the same retries. Throws `config/invalid` for options that make no sense.
 *
 * @example
 * setup({ actors: { charge: task({ run: ({ input, idempotencyKey }: TaskScope<{ cents: number }>) => pay(input.cents, idempotencyKey), timeout: 10_000 }) } })
 */
export function task<TOutput, TInput = NonReducibleUnknown>(options: TaskOptions<TInput, TOutput>): PromiseActorLogic<TOutput, TInput> {
  const definition = defineTask(options)
  const logic = fromPromise<TOutput, TInput>(({ input, signal, self, system }) => runPlain(definition, { input, signal, self, system }) as Promise<TOutput>)
  return Object.assign(logic, { [TASK]: definition })
}

/** The same logic, as a task whose idempotency key comes from its input where it says nothing of its own; logic that is no task as it is. */
export function keyedBy<TLogic extends AnyActorLogic>(logic: TLogic, key: (input: unknown) => string): TLogic {
  const known = (logic as { [TASK]?: TaskDefinition })[TASK]
  return known && !known.idempotency ? (task({ ...known, idempotency: key } as TaskOptions<unknown, unknown>) as AnyActorLogic as TLogic) : logic
}

function defineTask<TInput, TOutput>(options: TaskOptions<TInput, TOutput>): TaskDefinition {
  for (const name of ['timeout', 'heartbeatTimeout'] as const) {
    const value = options[name]
    if (value !== undefined && !(value > 0 && value < 2 ** 31)) throw new TroupeError('config/invalid', `task ${name} must be from 1 to 2^31 milliseconds, not ${value}`)
  }
  if (options.queue !== undefined) checkQueueName(options.queue, 'task queue')
  return {
    run: scope => options.run(scope as TaskScope<TInput>),
    retry: resolveRetry(options.retry),
    retryIf: (error, attempt) => options.retryIf?.(error, attempt) ?? true,
    timeout: options.timeout,
    heartbeatTimeout: options.heartbeatTimeout,
    idempotency: options.idempotency && (input => options.idempotency?.(input as TInput) ?? ''),
    queue: options.queue ?? DEFAULT_QUEUE,
    priority: input => (typeof options.priority === 'function' ? options.priority(input as TInput) : (options.priority ?? 'medium')),
    key: options.key && (input => options.key?.(input as TInput) ?? ''),
  }
}

type PromiseCreator = (scope: { input: unknown; self: AnyActorRef; system: AnyActorSystem; signal: AbortSignal; emit: () => void }) => PromiseLike<unknown>

/** The task behind promise logic: that of `task()`, or plain `fromPromise` as a task without retry. */
export function taskOf(logic: AnyActorLogic): TaskDefinition {
  const known = (logic as { [TASK]?: TaskDefinition })[TASK]
  if (known) return known
  const { config } = logic as unknown as { config: PromiseCreator }
  return {
    run: scope => config({
      input: scope.input,
      emit: () => undefined,
      get signal() {
        return scope.signal
      },
      get self() {
        return scope.self
      },
      get system() {
        return scope.system
      },
    }),
    retry: noRetry,
    retryIf: () => false,
    timeout: undefined,
    heartbeatTimeout: undefined,
    idempotency: undefined,
    queue: DEFAULT_QUEUE,
    priority: () => 'medium',
    key: undefined,
  }
}

interface PlainScope {
  readonly input: unknown
  readonly signal: AbortSignal
  readonly self: AnyActorRef
  readonly system: AnyActorSystem
}

/** A task without a host: same attempts, waits on the actor's own clock so that simulated clocks work. */
async function runPlain(definition: TaskDefinition, scope: PlainScope): Promise<unknown> {
  const { clock } = scope.self as unknown as Actor<AnyActorLogic>
  const now = (): number => nowOf(clock)
  const idempotencyKey = definition.idempotency?.(scope.input) ?? `${scope.self.sessionId}:${scope.self.id}`
  let checkpoint: unknown
  for (let attempt = 1; ; attempt++) {
    try {
      return await definition.run({ ...scope, attempt, idempotencyKey, checkpoint, now, heartbeat: details => (checkpoint = details), progress: () => undefined })
    } catch (error) {
      if (scope.signal.aborted || attempt >= definition.retry.attempts || !definition.retryIf(error, attempt)) throw error
      // 0.5 is the middle of the jitter: without a host there is no source of randomness to take it from.
      await new Promise(resolve => clock.setTimeout(() => resolve(undefined), backoffMs(definition.retry, attempt, 0.5)))
    }
  }
}

/** A simulated clock of XState tells the time; its real one does not, and then it is that of the process. */
// eslint-disable-next-line no-restricted-globals, no-restricted-properties -- there is no host whose clock could be asked
const nowOf = (clock: object): number => ('now' in clock && typeof clock.now === 'function' ? Number(clock.now()) : Date.now())
