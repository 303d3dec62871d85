import type { AnyActorRef } from 'xstate'
import { partitionOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TaskDocument } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import type { LocalBody } from '../core/message.ts'
import { isNodeQueue } from '../core/queue.ts'
import type { QueuedAttempt, TaskQueues } from '../core/queue.ts'
import { taskOf } from '../core/task.ts'
import type { TaskDefinition } from '../core/task.ts'
import { attemptKey, standingOf } from './attempt.ts'
import { decodeValue } from './coding.ts'
import type { HostEnv, Notice } from './env.ts'
import { decodeReport, encodeOrder } from './task-wire.ts'

/** Pause after a call that the store has failed, in milliseconds. */
const RETRY_MS = 100
/** How often the queues are asked whether they still know what was put, in milliseconds: a power loss may take what was put last. */
const CHECK_EVERY_MS = 60_000
const RESULTS_MAX = 500

export interface QueuedTasksHooks {
  /** Hands a result to the partition of an actor; false when another node owns it. */
  deliver(actor: ActorId, body: LocalBody): boolean
  /** Epochs of the leases of this node, by partition. */
  epochs(): ReadonlyMap<number, number>
}

/** An attempt of an actor of this node that lies in a queue. */
interface Entrusted {
  readonly actor: ActorId
  readonly task: string
  readonly queue: string
  readonly attempt: QueuedAttempt
}

/**
 * The tasks of this node's actors that workers of a queue run: puts their attempts into the queue after the commit that
 * counted them, and brings back what came of them.
 *
 * Invariants
 * T1  What is open and unknown to its queue is put into it: at the start, after a change of owner, and when the queue has lost it.
 * T2  A result is settled in its queue only after the commit that handled it; until then it is found again by whoever owns the partition.
 */
export class QueuedTasks {
  readonly #env: HostEnv
  readonly #queues: TaskQueues
  readonly #hooks: QueuedTasksHooks
  /** By actor and task. */
  readonly #entrusted = new Map<string, Entrusted>()
  /** Attempts to put in this turn, by queue. */
  readonly #outgoing = new Map<string, QueuedAttempt[]>()
  /** Puts under way: what is taken back meanwhile must come after them. */
  readonly #putting = new Set<Promise<void>>()
  /** Results that were handed to their actors, with their queue, until the queue knows that they have been handled. */
  readonly #delivered = new Map<string, string>()
  readonly #handled = new Map<string, string[]>()
  /** Partitions whose results are to be read next, by queue, while others are. */
  readonly #collecting = new Map<string, Set<number>>()
  readonly #used = new Set<string>()
  #checkedAt: number
  #closed = false

  constructor(env: HostEnv, queues: TaskQueues, hooks: QueuedTasksHooks) {
    this.#env = env
    this.#queues = queues
    this.#hooks = hooks
    this.#checkedAt = env.clock.now()
  }

  /** Whether tasks of this logic go to workers. */
  static takes(definition: TaskDefinition): boolean {
    return !isNodeQueue(definition.queue)
  }

  has(actor: ActorId, task: string): boolean {
    return this.#entrusted.has(attemptKey(actor, task))
  }

  /** Throws when the task's own code refuses its input. */
  start(actor: ActorId, task: TaskDocument, ref: AnyActorRef, definition: TaskDefinition): void {
    const attempt: QueuedAttempt = {
      id: `${attemptKey(actor, task.id)}:${task.attempt}`,
      partition: partitionOf(actor, this.#env.store.partitions),
      ...standingOf(definition, actor, task.input),
      data: encodeOrder(this.#env.codec, actor, task, ref, definition),
    }
    this.#entrusted.set(attemptKey(actor, task.id), { actor, task: task.id, queue: definition.queue, attempt })
    this.#put(definition.queue, [attempt])
  }

  abort(actor: ActorId, task: string): void {
    const key = attemptKey(actor, task)
    const entrusted = this.#entrusted.get(key)
    if (!entrusted) return
    this.#entrusted.delete(key)
    void this.#cancel(entrusted)
  }

  async #cancel({ queue, attempt }: Entrusted): Promise<void> {
    await Promise.all(this.#putting)
    await this.#surely(() => this.#queues.cancel(queue, [attempt.id]))
  }

  abortActor(actor: ActorId): void {
    for (const entrusted of this.#entrusted.values()) if (entrusted.actor === actor) this.abort(actor, entrusted.task)
  }

  /** Leaves what is in the queues to the next owner. */
  forget(isConcerned: (actor: ActorId) => boolean): void {
    for (const [key, { actor }] of this.#entrusted) if (isConcerned(actor)) this.#entrusted.delete(key)
    for (const id of this.#delivered.keys()) if (isConcerned(actorOf(id))) this.#delivered.delete(id)
  }

  close(): void {
    this.#closed = true
    this.forget(() => true)
  }

  /** The actor has handled the result of an attempt, in a commit. */
  handled(actor: ActorId, task: string, attempt: number): void {
    const id = `${attemptKey(actor, task)}:${attempt}`
    const queue = this.#delivered.get(id)
    if (queue === undefined) return
    const ids = this.#handled.get(queue)
    if (ids) return void ids.push(id)
    this.#handled.set(queue, [id])
    queueMicrotask(() => void this.#settle(queue))
  }

  async #settle(queue: string): Promise<void> {
    const ids = this.#handled.get(queue) ?? []
    this.#handled.delete(queue)
    await this.#surely(() => this.#queues.settle(queue, ids))
    // Not before: until then the queue gives them again.
    for (const id of ids) this.#delivered.delete(id)
  }

  #put(queue: string, attempts: readonly QueuedAttempt[]): void {
    this.#used.add(queue)
    const waiting = this.#outgoing.get(queue)
    if (waiting) return void waiting.push(...attempts)
    this.#outgoing.set(queue, [...attempts])
    // At the end of the turn: what one commit has started is put by one call.
    queueMicrotask(() => void this.#putAll(queue))
  }

  async #putAll(queue: string): Promise<void> {
    const attempts = this.#outgoing.get(queue) ?? []
    this.#outgoing.delete(queue)
    // What has been called off, or is another node's by now, is not put by a later try.
    const put = this.#surely(() => this.#queues.put(queue, this.#env.node, attempts.filter(attempt => this.#isOpen(attempt)), this.#hooks.epochs()))
    this.#putting.add(put)
    await put
    this.#putting.delete(put)
  }

  #isOpen(attempt: QueuedAttempt): boolean {
    return this.#entrusted.get(taskOfAttempt(attempt.id))?.attempt === attempt
  }

  /** Tries again until the store has it or the node closes: then the next owner sees to it (T1). */
  async #surely(call: () => Promise<void>): Promise<void> {
    for (let failures = 0; !this.#closed; failures++) {
      try {
        return await call()
      } catch (error) {
        if (failures === 0) this.#env.report(error)
        await new Promise<void>(resolve => this.#env.clock.setTimer(resolve, RETRY_MS))
      }
    }
  }

  /** Reads results for partitions of this node. */
  async collect(queue: string, partitions: Iterable<number>): Promise<void> {
    const waiting = this.#collecting.get(queue)
    if (waiting) {
      for (const partition of partitions) waiting.add(partition)
      return
    }
    const next = new Set(partitions)
    this.#collecting.set(queue, next)
    try {
      while (next.size > 0 && !this.#closed) {
        const owned = [...next].filter(partition => this.#hooks.epochs().has(partition))
        next.clear()
        if (owned.length > 0) for (const { id, data } of await this.#queues.results(queue, owned, RESULTS_MAX)) this.#deliver(queue, id, data)
      }
    } catch (error) {
      // It stays in the queue, and is read with the next look.
      this.#env.report(error)
    } finally {
      this.#collecting.delete(queue)
    }
  }

  /** What a worker tells the watchers of an actor. */
  progressed(data: string): void {
    try {
      const { progress, ...notice } = JSON.parse(data) as Notice & { readonly actor: ActorId; readonly progress: string }
      this.#env.notice({ ...notice, progress: decodeValue(this.#env.codec, notice.actor, progress) })
    } catch (cause) {
      this.#env.report(new TroupeError('task/report', `what a worker tells of its progress cannot be read: ${data.slice(0, 120)}`, { cause }))
    }
  }

  /** What pub/sub or a power loss has taken is found again. */
  lookAround(): void {
    for (const queue of this.#used) void this.collect(queue, this.#hooks.epochs().keys())
    const now = this.#env.clock.now()
    if (now - this.#checkedAt < CHECK_EVERY_MS) return
    this.#checkedAt = now
    for (const [queue, entrusted] of Map.groupBy(this.#entrusted.values(), each => each.queue)) void this.#check(queue, entrusted).catch(this.#env.report)
  }

  async #check(queue: string, entrusted: readonly Entrusted[]): Promise<void> {
    const missing = new Set(await this.#queues.missing(queue, entrusted.map(({ attempt }) => attempt.id)))
    this.#put(queue, entrusted.filter(({ attempt }) => missing.has(attempt.id)).map(({ attempt }) => attempt))
  }

  #deliver(queue: string, id: string, data: string): void {
    if (this.#delivered.has(id)) return
    const actor = actorOf(id)
    const [task = '', attempt] = id.slice(actor.length + 1).split(':')
    const end = decodeReport(this.#env.codec, actor, data)
    if (this.#entrusted.get(attemptKey(actor, task))?.attempt.id === id) this.#entrusted.delete(attemptKey(actor, task))
    this.#delivered.set(id, queue)
    if (!this.#hooks.deliver(actor, { kind: 'task', task, attempt: Number(attempt), ...end })) this.#delivered.delete(id)
  }
}

/** Actor and task of an attempt's id. */
const taskOfAttempt = (id: string): string => id.slice(0, id.lastIndexOf(':'))

/** The actor of an attempt's id: all but the task and the attempt. */
const actorOf = (id: string): ActorId => id.split(':').slice(0, -2).join(':') as ActorId

/** Whether tasks of this logic go to workers. */
export const goesToQueue = (ref: AnyActorRef): boolean => QueuedTasks.takes(taskOf((ref as unknown as { logic: Parameters<typeof taskOf>[0] }).logic))
