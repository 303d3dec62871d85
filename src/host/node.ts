import { addressOf, partitionOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TimerHandle } from '../core/clock.ts'
import { TroupeError } from '../core/errors.ts'
import { packMessage } from '../core/message.ts'
import type { Body, LocalBody, Message } from '../core/message.ts'
import type { Change, Member } from '../core/store.ts'
import { encodeMessage, outcomeOf } from './batch.ts'
import type { HostEnv, Notice } from './env.ts'
import { Executor } from './executor.ts'
import { Ownership } from './ownership.ts'
import type { OwnershipHooks } from './ownership.ts'
import { Partition } from './partition.ts'
import { QueuedTasks } from './queued-tasks.ts'
import type { SnapshotView } from './slot.ts'
import { Sweeper } from './sweeper.ts'
import type { SweeperOptions } from './sweeper.ts'
import type { Asker } from './wait.ts'
import { settle } from './work.ts'
import type { Settled, Waiter, Work } from './work.ts'

/** How often partitions without a living owner are looked for, in milliseconds. */
const CLAIM_EVERY_MS = 1_000
/** Longest wait for another node to carry out a request, in milliseconds. */
const ANSWER_MS = 30_000

export interface NodeOptions extends Pick<SweeperOptions, 'journalMs'> {
  /** Claims no partition: all it does is read, and hand messages over to those who own them. */
  readonly isReader?: boolean
}

/**
 * One runtime process: it claims partitions, steps those it owns and hands the rest to their owners through the store.
 *
 * Invariants
 * N1  A partition is stepped only under a lease; the fence in the commit protects when this node's view of it is old.
 * N2  A message for a partition of another node is accepted only when the store has it.
 * N3  Work rerouted by a lost partition is accepted by its new owner or refused to its sender.
 * N4  While there is no room only what comes from outside and makes more work is refused: what runs can end, and be ended.
 */
export class Node {
  readonly #env: HostEnv
  readonly #executor: Executor
  readonly #queued: QueuedTasks | undefined
  readonly #ownership: Ownership
  readonly sweeper: Sweeper
  readonly #pending = new Map<string, (outcome: Settled) => void>()
  readonly #watchers = new Map<ActorId, Set<(notice?: Notice) => void>>()
  readonly #followers = new Set<(partition: number) => void>()
  /** Partitions whose commits by other nodes are of interest here. */
  readonly #followed = new Map<number, { watchers: number; readonly stop: () => void }>()
  readonly #unsubscribe: () => void
  #ticker: TimerHandle | undefined
  #closing = false
  #closed: Promise<void> | undefined
  #ended = false

  constructor(env: HostEnv, options: NodeOptions) {
    this.#env = env
    const deliver = (actor: ActorId, body: LocalBody): boolean => this.#deliver(actor, body)
    this.#queued = env.store.queues && new QueuedTasks(env, env.store.queues, { deliver, epochs: () => new Map([...this.owned].map(([partition, { lease }]) => [partition, lease.epoch])) })
    this.#executor = new Executor(env, deliver, this.#queued)
    this.#ownership = new Ownership(env, {
      take: claim => this.#take(claim),
      handBack: index => this.#executor.handBack(this.#isIn(index)),
      abandon: index => this.#executor.abortPartition(this.#isIn(index)),
      describe: () => this.describe(),
    }, options.isReader ?? false)
    this.sweeper = new Sweeper(env, { ...options, owned: () => [...this.owned.values()], lose: partition => this.#ownership.lose(partition), isClosing: () => this.#closing })
    this.#unsubscribe = env.store.subscribe(change => this.#changedElsewhere(change), { node: env.node })
  }

  async start(): Promise<void> {
    await this.#ownership.balance()
    this.#tick()
  }

  get isClosing(): boolean {
    return this.#closing
  }

  owns(id: ActorId): boolean {
    return this.owned.has(partitionOf(id, this.#env.store.partitions))
  }

  /** What waits and runs here, by queue. */
  get queues(): Executor['queues'] {
    return this.#executor.queues
  }

  /** Partitions that this node owns. */
  get owned(): ReadonlyMap<number, Partition> {
    return this.#ownership.owned
  }

  /**
   * Takes an event nobody waits for the outcome of; resolves when it is durable. One that poisons its actor is: it lies in the
   * dead letters.
   */
  post(message: Message<Body>, depthMax: number): Promise<void> {
    const owner = this.owned.get(partitionOf(message.to, this.#env.store.partitions))
    const refusal = this.#refusal(message, owner)
    if (refusal) return Promise.reject(refusal)
    if (!owner) return this.#forward(message, depthMax).then(() => undefined)
    return new Promise((resolve, reject) => owner.submit({ message, waiter: { wantsOutcome: false, resolve: resolve as () => void, reject } }, depthMax))
  }

  /** The task whose code calls. */
  get asker(): Asker | undefined {
    return this.#executor.asker
  }

  /** Takes a message from this process: done here when the partition is ours, else accepted by the store. Rejects when refused. */
  submit(message: Message<Body>, depthMax: number): Promise<Settled> {
    const owner = this.owned.get(partitionOf(message.to, this.#env.store.partitions))
    const refusal = this.#refusal(message, owner)
    if (refusal) return Promise.reject(refusal)
    if (!owner) return this.#forward(message, depthMax)
    return new Promise((resolve, reject) => owner.submit({ message, waiter: { wantsOutcome: true, resolve: resolve as Waiter['resolve'], reject } }, depthMax))
  }

  /** Why a message from this process is not taken. What goes to another node's partition waits in the store, not here. */
  #refusal({ to, from, body }: Message<Body>, owner: Partition | undefined): TroupeError | undefined {
    if (this.#closing) return closing()
    const { memory } = this.#env
    if (!this.sweeper.isFull && !memory.isBusy) return undefined
    if (from !== null || !(body.kind === 'event' || body.kind === 'start' || body.kind === 'fork')) return undefined
    if (this.sweeper.isFull) return this.sweeper.refusal(to)
    return owner && memory.refusal(to)
  }

  /** Through the store. When the sender wants the outcome it waits for the owner's reply. */
  async #forward(message: Message<Body>, depthMax: number): Promise<Settled> {
    const { store, codec } = this.#env
    const request = message.reply?.request
    const answer = request === undefined ? undefined : this.expect(request)
    // The answer may be a refusal, and may be here before the store has told that it has the request.
    answer?.catch(() => undefined)
    try {
      await store.append([encodeMessage(packMessage(message, store.partitions), codec)], depthMax)
    } catch (error) {
      if (request !== undefined) this.forget(request)
      throw error
    }
    // Claimed while this was on its way: the store tells nobody of what he writes himself.
    this.owned.get(partitionOf(message.to, store.partitions))?.hint()
    return answer && request !== undefined ? this.#inTime(message, request, answer) : { seq: 0 }
  }

  /** An ask has its own limit of time; other requests must not wait for ever for an answer that the store has lost. */
  #inTime({ to, body }: Message<Body>, request: string, answer: Promise<Settled>): Promise<Settled> {
    if (body.kind === 'event') return answer
    const { clock } = this.#env
    const error = new TroupeError('ask/timeout', `${addressOf(to)} did not answer within ${ANSWER_MS} ms`, { address: addressOf(to), details: { timeoutMs: ANSWER_MS } })
    const timer = clock.setTimer(() => this.settle(request, { seq: 0, error }), ANSWER_MS)
    return answer.finally(() => clock.clearTimer(timer))
  }

  /** A message that this node could not do: its owner will, or its sender hears why not. */
  #reroute({ message, waiter }: Work): void {
    if (waiter) this.#forward(message as Message<Body>, Infinity).then(outcome => settle(waiter, outcome), waiter.reject)
  }

  /** The outcome of a request that somebody will answer. Rejects with its error. */
  expect(request: string): Promise<Settled> {
    return new Promise((resolve, reject) => {
      this.#pending.set(request, outcome => (outcome.error === undefined ? resolve(outcome) : reject(outcome.error)))
    })
  }

  forget(request: string): void {
    this.#pending.delete(request)
  }

  settle(request: string, outcome: Settled): void {
    const waiting = this.#pending.get(request)
    this.#pending.delete(request)
    waiting?.(outcome)
  }

  /** The committed state of an actor that is in this node's memory. */
  view(id: ActorId): SnapshotView | undefined {
    return this.owned.get(partitionOf(id, this.#env.store.partitions))?.view(id)
  }

  /** Calls back after each commit that may have changed an actor, and with each notice about it. */
  onChange(id: ActorId, listener: (notice?: Notice) => void): () => void {
    const listeners = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, listeners.add(listener))
    const unfollow = this.#follow(partitionOf(id, this.#env.store.partitions))
    return () => {
      unfollow()
      listeners.delete(listener)
      if (listeners.size === 0 && this.#watchers.get(id) === listeners) this.#watchers.delete(id)
    }
  }

  /** Calls back after each commit to any partition, of this node or another, and when the node closes. */
  onCommit(listener: (partition: number) => void): () => void {
    const entry = (partition: number): void => listener(partition)
    this.#followers.add(entry)
    const stops = Array.from({ length: this.#env.store.partitions }, (_, partition) => this.#follow(partition))
    return () => {
      for (const stop of stops) stop()
      this.#followers.delete(entry)
    }
  }

  /** Hears of the commits of other nodes to a partition while somebody here watches an actor of it. */
  #follow(partition: number): () => void {
    const followed = this.#followed.get(partition) ?? { watchers: 0, stop: this.#env.store.subscribe(() => this.#committedElsewhere(partition), { partition }) }
    followed.watchers++
    this.#followed.set(partition, followed)
    return () => {
      if (--followed.watchers > 0) return
      this.#followed.delete(partition)
      followed.stop()
    }
  }

  #committedElsewhere(partition: number): void {
    // What this node has committed itself its watchers have heard of.
    if (this.owned.has(partition)) return
    for (const [id, listeners] of this.#watchers) {
      if (partitionOf(id, this.#env.store.partitions) === partition) for (const listener of listeners) listener()
    }
    for (const listener of this.#followers) listener(partition)
  }

  notice(notice: Notice): void {
    for (const listener of this.#watchers.get(notice.actor as ActorId) ?? []) listener(notice)
  }

  /** Ends gracefully: no new work, tasks handed back, what was accepted is committed, leases released. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  /** True when nothing can be read any more: the store may be closed. */
  get isClosed(): boolean {
    return this.#ended
  }

  async #close(): Promise<void> {
    this.#closing = true
    if (this.#ticker) this.#env.clock.clearTimer(this.#ticker)
    this.#executor.close()
    await this.#ownership.close()
    this.#unsubscribe()
    for (const { stop } of this.#followed.values()) stop()
    // Watchers see that the node is closing, and end.
    for (const listeners of this.#watchers.values()) for (const listener of listeners) listener()
    for (const listener of this.#followers) listener(0)
    for (const settle of this.#pending.values()) settle({ seq: 0, error: new TroupeError('runtime/closed', 'the runtime was closed') })
    this.#pending.clear()
    this.#ended = true
  }

  /** False when the actor's partition is not ours any more: its new owner knows better. */
  #deliver(actor: ActorId, body: LocalBody): boolean {
    const owner = this.owned.get(partitionOf(actor, this.#env.store.partitions))
    owner?.deliver(actor, body)
    return owner !== undefined
  }

  #changed(partition: number, ids: readonly ActorId[]): void {
    for (const listener of this.#followers) listener(partition)
    if (this.#watchers.size === 0) return
    for (const id of ids) for (const listener of this.#watchers.get(id) ?? []) listener()
  }

  /** Without a change it may be anything. */
  #changedElsewhere(change?: Change): void {
    if (change?.kind === 'inbox') return this.owned.get(change.partition)?.hint()
    if (change?.kind === 'results') return void this.#queued?.collect(change.queue, change.partitions)
    if (change?.kind === 'progress') return this.#queued?.progressed(change.data)
    if (this.#pending.size > 0) void this.#takeReplies()
    if (change?.kind === 'replies') return
    for (const partition of this.owned.values()) partition.hint()
    if (this.#env.store.members || this.owned.size < this.#env.store.partitions) void this.#ownership.takeReleased().catch(this.#env.report)
  }

  async #takeReplies(): Promise<void> {
    try {
      for (const reply of await this.#env.store.takeReplies(this.#env.node)) this.settle(reply.request, outcomeOf(reply, this.#env.codec))
    } catch (error) {
      this.#env.report(error)
    }
  }

  // ── upkeep ────────────────────────────────────────────────────────────────────────────────────────────────

  #tick(): void {
    if (this.#closing) return
    const { clock, limits } = this.#env
    this.#ticker = clock.setTimer(() => void this.#keep().finally(() => this.#tick()), Math.min(CLAIM_EVERY_MS, limits.leaseTtlMs / 3), 'upkeep')
  }

  async #keep(): Promise<void> {
    const { store, memory, report } = this.#env
    await this.#ownership.keep().catch(report)
    // Answers that could not be read when the store told of them.
    if (this.#pending.size > 0) await this.#takeReplies()
    if (store.members) this.#lookAround()
    // A partition at rest runs no batch after which it would let actors go.
    if (memory.isOver) for (const partition of this.owned.values()) partition.evict()
    await this.sweeper.keep().catch(report)
  }

  /** What another machine says may be lost on its way; then it is found here, a moment later. */
  #lookAround(): void {
    for (const partition of this.owned.values()) partition.hint()
    for (const partition of this.#followed.keys()) this.#committedElsewhere(partition)
    this.#queued?.lookAround()
  }

  #take(claim: Parameters<OwnershipHooks['take']>[0]): Partition {
    // While this node took itself for the owner it has not listened to the others: from here on all commits are its own.
    this.#committedElsewhere(claim.lease.partition)
    return new Partition(this.#env, claim.lease, claim, this.#executor, {
      changed: ids => this.#changed(claim.lease.partition, ids),
      lost: partition => this.#ownership.lose(partition),
      reroute: work => this.#reroute(work),
      posted: messages => this.#posted(messages),
    })
  }

  /** What this node tells of itself. */
  describe(): Omit<Member, 'node'> {
    const partitions = [...this.owned.values()]
    const now = this.#env.clock.now()
    return {
      ...this.#env.process,
      lagMs: partitions.reduce((lag, partition) => Math.max(lag, partition.lagMs(now)), 0),
      liveActors: partitions.reduce((sum, { liveActors }) => sum + liveActors, 0),
      runningTasks: this.#executor.size,
    }
  }

  /** Partitions of this node look into their inboxes at once; other nodes, and those of a store with members, hear of it from the store. */
  #posted(messages: readonly Message<Body>[]): void {
    if (this.#env.store.members) return
    for (const { to } of messages) this.owned.get(partitionOf(to, this.#env.store.partitions))?.hint()
  }

  #isIn(index: number): (actor: ActorId) => boolean {
    return actor => partitionOf(actor, this.#env.store.partitions) === index
  }
}

const closing = (): TroupeError => new TroupeError('runtime/closed', 'the runtime is closing')
