import { isName } from './address.ts'
import type { ActorId } from './address.ts'
import { TroupeError } from './errors.ts'
import { isSystemMachine } from './system-machine.ts'

/** In this order; of every 16 tasks taken 12 are of the highest that waits, 3 of the next, 1 of the last, so that none starves. */
export const priorities = ['high', 'medium', 'low'] as const
export type Priority = (typeof priorities)[number]

/** The queue of tasks that name none: run by the node that owns the actor. */
export const DEFAULT_QUEUE = 'default'

/** Whether the node that owns the actor runs its tasks: those that name no queue, and Troupe's own, which take no place from them. */
export const isNodeQueue = (name: string): boolean => name === DEFAULT_QUEUE || isSystemMachine(name)

/** How a queue of tasks is worked on. A key is whatever a task counts as, see `TaskOptions.key`: its tenant, if it does not say. */
export interface QueueOptions {
  /** Tasks that this process runs at once. Default 5. */
  readonly concurrency?: number
  /** Tasks that run at once over all processes of the store. Default: no limit. */
  readonly total?: number
  /** Tasks of one key that run at once over all processes of the store. Default: no limit. */
  readonly perKey?: number
  /** Shares by key while several wait; a key that is not named has 1. */
  readonly weights?: Readonly<Record<string, number>>
  /** How long a worker may be silent before its tasks are given to another one, in milliseconds. Default 10,000. */
  readonly minIdleMs?: number
  /** Workers that a task may take down before it is given up. Default 5. */
  readonly deliveriesMax?: number
}

export interface QueueSettings extends QueueOptions {
  readonly concurrency: number
  readonly total: number
  readonly perKey: number
  readonly weights: Readonly<Record<string, number>>
  readonly minIdleMs: number
  readonly deliveriesMax: number
}

export const defaultQueueSettings: QueueSettings = { concurrency: 5, total: Infinity, perKey: Infinity, weights: {}, minIdleMs: 10_000, deliveriesMax: 5 }

/** A queue nobody has said anything of: bounded by `limits.tasksMax` only. */
export const openQueueSettings: QueueSettings = { ...defaultQueueSettings, concurrency: Infinity }

const isCount = (value: number): boolean => value === Infinity || (Number.isInteger(value) && value >= 1)
const isPositive = (value: number): boolean => value > 0 && value < Infinity

/** Fills in the defaults. Throws `config/invalid` naming queue and option. */
export function resolveQueues(queues: Readonly<Record<string, QueueOptions>> = {}): ReadonlyMap<string, QueueSettings> {
  return new Map(Object.entries(queues).map(([name, options]) => [name, resolveQueue(name, options)]))
}

/** Throws `config/invalid` for a name that no queue may have. */
export function checkQueueName(name: string, where: string): void {
  if (!isName(name)) throw new TroupeError('config/invalid', `${where}: ${JSON.stringify(name)} cannot name a queue; use letters, digits, '_', '.' and '-'`)
}

function resolveQueue(name: string, options: QueueOptions): QueueSettings {
  checkQueueName(name, 'queues')
  if (typeof options !== 'object' || options === null) throw new TroupeError('config/invalid', `queues.${name} must be an object such as { concurrency: 5 }, not ${String(options)}`)
  const settings = { ...defaultQueueSettings, ...options }
  const stray = Object.keys(settings).find(option => !Object.hasOwn(defaultQueueSettings, option))
  if (stray !== undefined) throw new TroupeError('config/invalid', `queues.${name}.${stray} is not an option; there are ${Object.keys(defaultQueueSettings).join(', ')}`)
  for (const option of ['concurrency', 'total', 'perKey', 'deliveriesMax'] as const) {
    if (!isCount(settings[option])) throw new TroupeError('config/invalid', `queues.${name}.${option} must be a whole number from 1, not ${String(settings[option])}`)
  }
  if (!isPositive(settings.minIdleMs)) throw new TroupeError('config/invalid', `queues.${name}.minIdleMs must be a positive number, not ${String(settings.minIdleMs)}`)
  for (const [key, weight] of Object.entries(settings.weights)) {
    if (!isPositive(weight)) throw new TroupeError('config/invalid', `queues.${name}.weights[${JSON.stringify(key)}] must be a positive number, not ${String(weight)}`)
  }
  return settings
}

/** The priority whose turn it is: the first of these that has something. */
export function turnOf(count: number): readonly Priority[] {
  const turn = count % 16
  if (turn === 15) return ['low', 'medium', 'high']
  return turn % 5 === 4 ? ['medium', 'high', 'low'] : priorities
}

/** One attempt of a task on its way to a worker. */
export interface QueuedAttempt {
  /** Actor, task and attempt. Put again under the same id it is the same attempt. */
  readonly id: string
  readonly partition: number
  readonly key: string
  readonly priority: Priority
  /** Text of a `TaskOrder`. */
  readonly data: string
}

/** What a worker is told; `docs/task-protocol.md`. Inputs, outputs, errors and details are texts of JSON as the codec gave them; so is the key, which is no JSON. */
export interface TaskOrder {
  readonly v: 1
  /** Machine and name of the logic: `order/charge`. */
  readonly task: string
  readonly actor: ActorId
  /** The task inside its actor. */
  readonly id: string
  readonly attempt: number
  /** Attempts before this one that ended in an error. */
  readonly failures: number
  /** Attempts in all. */
  readonly attemptsMax: number
  readonly idempotencyKey: string
  readonly input: string
  /** Details of the last heartbeat of an earlier attempt. */
  readonly checkpoint?: string
  readonly timeoutMs?: number
  readonly heartbeatTimeoutMs?: number
}

/** What came of an attempt. */
export type TaskReport =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly error: string; readonly retryable: boolean; readonly checkpoint?: string }
  /** Said by the queue itself: so many workers went silent while they had it. */
  | { readonly ok: false; readonly crashes: number }

/** An attempt in the hands of a worker. `delivery` is its fence: it counts up before each worker that is given it. */
export interface TakenAttempt {
  readonly entry: string
  readonly delivery: number
  readonly id: string
  readonly data: string
  /** Details that a worker before this one has left; '' for none. */
  readonly details: string
}

export interface AttemptResult {
  readonly id: string
  /** Text of a `TaskReport`. */
  readonly data: string
}

/** Those with the most waiting, then the most running, first. */
export const busiestKeys = (keys: QueueView['keys'], keysMax: number): QueueView['keys'] => keys.toSorted((a, b) => b.waiting - a.waiting || b.active - a.active).slice(0, keysMax)

/** A queue as it is now. */
export interface QueueView {
  readonly queue: string
  /** Tasks that wait, by priority. */
  readonly waiting: Readonly<Record<Priority, number>>
  readonly active: number
  /** What has ended lately: the lengths of logs that are trimmed. Only where the store shares the queue. */
  readonly ended: { readonly completed: number; readonly failed: number; readonly deadLetters: number } | null
  /** Keys that have something waiting or running, those with the most waiting first. */
  readonly keys: readonly { readonly key: string; readonly waiting: number; readonly active: number }[]
  readonly workers: readonly { readonly worker: string; readonly active: number; readonly silentMs: number }[]
}

/**
 * Queues of tasks that a store shares among all its processes: the slice of the Store port behind `queue` on a task.
 *
 * Rules
 * Q1  An attempt put twice under one id is one attempt, until its result has been settled.
 * Q2  A put by a former owner of the partition (a lower epoch, or none) changes nothing.
 * Q3  Each delivery is counted before the worker is given the attempt; after `deliveriesMax` the queue gives it up and says so.
 * Q4  Only the latest delivery can finish or extend an attempt; its result is kept until it is settled.
 * Q5  No more than `total` attempts, and `perKey` of one key, are active.
 * Q6  While several keys wait each gets its share by weight, whatever the others have put before.
 */
export interface TaskQueues {
  configure(queue: string, settings: QueueSettings): Promise<void>
  /** `epochs` by partition: those of the leases under which the attempts were counted. */
  put(queue: string, node: string, attempts: readonly QueuedAttempt[], epochs: ReadonlyMap<number, number>): Promise<void>
  /** Takes attempts back, waiting or active. */
  cancel(queue: string, ids: readonly string[]): Promise<void>
  /** Those of the ids that the queue does not know. */
  missing(queue: string, ids: readonly string[]): Promise<readonly string[]>
  take(queue: string, worker: string, limit: number): Promise<readonly TakenAttempt[]>
  /** Says that a worker is alive, with details by id; gives the ids that are not its own any more. */
  extend(queue: string, worker: string, taken: readonly TakenAttempt[], details: ReadonlyMap<string, string>): Promise<readonly string[]>
  /** Tells the owner's watchers something that is not kept. */
  progress(queue: string, id: string, data: string): Promise<void>
  /** False when the attempt has been given to another worker, or taken back. */
  finish(queue: string, worker: string, taken: TakenAttempt, report: TaskReport): Promise<boolean>
  /** Gives an attempt back, as not delivered. */
  giveBack(queue: string, worker: string, taken: TakenAttempt): Promise<void>
  /** Takes a worker off the list. What it still has is given to another one after `minIdleMs`. */
  retire(queue: string, worker: string): Promise<void>
  /** Results for partitions, at most so many of each. */
  results(queue: string, partitions: readonly number[], limit: number): Promise<readonly AttemptResult[]>
  /** The results have been handled: the queue may forget the attempts. */
  settle(queue: string, ids: readonly string[]): Promise<void>
  names(): Promise<readonly string[]>
  view(queue: string, keysMax: number): Promise<QueueView>
}
