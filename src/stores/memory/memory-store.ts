import type { ActorId } from '../../core/address.ts'
import { addressOf, parseActorId } from '../../core/address.ts'
import { TroupeError, assertInvariant } from '../../core/errors.ts'
import type { Commit, DeadLetter, DeadLetterFilter, InboxMessage, Mark, Members, Reply, Store, SweepRequest, Swept } from '../../core/store.ts'
import { oldestFirst, surplusOf } from './compaction.ts'
import { MemoryActors } from './memory-actors.ts'
import { MemoryMembers } from './memory-members.ts'
import { MemoryPartition } from './memory-partition.ts'

const REPLY_KEPT_MS = 60 * 60 * 1000
const RESOLVED_KEPT_MS = 7 * 24 * 60 * 60 * 1000

/**
 * Makes a store in memory, for tests and for work that need not outlive its process. Several runtimes of one process
 * may share it: what it holds outlives each of them, and `close` takes nothing away.
 *
 * @example
 * const store = createMemoryStore({ partitions: 4 })
 */
export function createMemoryStore({ partitions = 1, shared = false }: MemoryStoreOptions = {}): Store {
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new TroupeError('config/invalid', `createMemoryStore: partitions must be a whole number from 1, not ${partitions}`)
  }
  return new MemoryStore(partitions, shared)
}

export interface MemoryStoreOptions {
  /** Default 1. */
  readonly partitions?: number
  /** Whether several runtimes share the partitions among them, as on Redis. Default: the first takes all. */
  readonly shared?: boolean
}

interface KeptReply extends Reply {
  readonly at: number
}

/** Every verb runs at once and to its end, so each sees whole commits (S10). */
class MemoryStore implements Store {
  readonly partitions: number
  readonly members?: Members
  readonly #partitions: readonly MemoryPartition[]
  readonly #actors = new MemoryActors()
  readonly #marks = new Map<ActorId, Map<string, Mark>>()
  readonly #replies = new Map<string, KeptReply[]>()
  readonly #letters = new Map<string, DeadLetter>()
  readonly #listeners = new Set<() => void>()
  #isHintQueued = false

  constructor(partitions: number, shared: boolean) {
    this.partitions = partitions
    if (shared) this.members = new MemoryMembers(() => this.#hint())
    this.#partitions = Array.from({ length: partitions }, (_, id) => new MemoryPartition(id))
  }

  claim: Store['claim'] = async (request) => this.#partition(request.partition).claim(request)

  renew: Store['renew'] = async (leases, now, ttlMs) =>
    leases.filter((lease) => {
      const partition = this.#partition(lease.partition)
      const isHeld = partition.isHeld(lease)
      if (isHeld) partition.prolong(now + ttlMs)
      return !isHeld
    })

  release: Store['release'] = async (leases) => {
    for (const lease of leases) {
      const partition = this.#partition(lease.partition)
      if (partition.isHeld(lease)) partition.release()
    }
    this.#hint()
  }

  leases: Store['leases'] = async () => this.#partitions.map(({ lease }) => lease)

  commit: Store['commit'] = async (lease, commit) => {
    const partition = this.#partition(lease.partition)
    partition.fence(lease)
    if (partition.commitId === commit.id) return
    partition.refuseBroken(commit)
    this.#actors.refuseBroken(commit.actors, partition.id)
    for (const { partition: target } of commit.outbox) this.#partition(target)
    this.#apply(partition, commit)
    this.#hint()
  }

  append: Store['append'] = async (messages, depthMax) => {
    const incoming = new Map<ActorId, number>()
    for (const { to, partition } of messages) {
      const depth = this.#partition(partition).depth(to)
      const count = (incoming.get(to) ?? 0) + 1
      incoming.set(to, count)
      if (depth + count <= depthMax) continue
      throw new TroupeError('mailbox/full', `${addressOf(to)} has ${depth} events waiting and takes no ${count} more; the limit is ${depthMax}`, {
        address: addressOf(to),
        details: { depth, limit: depthMax },
      })
    }
    this.#deliver(messages)
    this.#hint()
  }

  take: Store['take'] = async (partition, after, limit) => this.#partition(partition).take(after, limit)
  parked: Store['parked'] = async (id, limit) => this.#partitions.flatMap((partition) => partition.parked(id)).slice(0, limit)

  takeReplies: Store['takeReplies'] = async (node) => {
    const replies = this.#replies.get(node) ?? []
    this.#replies.delete(node)
    return replies.map(({ request, data }) => ({ node, request, data }))
  }

  load: Store['load'] = async (id, at = Number.MAX_SAFE_INTEGER) => this.#actors.load(id, at)
  history: Store['history'] = async (id, after, limit) => this.#actors.history(id, after, limit)
  journal: Store['journal'] = async (partition, after, limit) => this.#partition(partition).journal(after, limit, (actor) => this.#actors.isPresent(actor))
  journalHead: Store['journalHead'] = async (partition) => this.#partition(partition).journalHead
  list: Store['list'] = async (filter) => this.#actors.list(filter)
  tally: Store['tally'] = async (conditions) => this.#actors.tally(conditions)
  countLive: Store['countLive'] = async (partition) => this.#partition(partition).live.size

  due: Store['due'] = async (partition, now, limit) =>
    [...this.#partition(partition).due]
      .filter(([, dueAt]) => dueAt <= now)
      .toSorted(([, a], [, b]) => a - b)
      .slice(0, limit)
      .map(([id, dueAt]) => ({ id, dueAt }))

  nextDue: Store['nextDue'] = async (partition) => {
    let next: number | undefined
    for (const dueAt of this.#partition(partition).due.values()) {
      if (next === undefined || dueAt < next) next = dueAt
    }
    return next
  }

  unsettled: Store['unsettled'] = async (partition, after, limit) =>
    [...this.#partition(partition).unsettled].filter((id) => id > after).toSorted().slice(0, limit)

  marks: Store['marks'] = async (id, keys) => {
    const seen = this.#marks.get(id)
    return new Map(keys.flatMap((key) => {
      const mark = seen?.get(key)
      return mark ? [[key, mark.fingerprint] as const] : []
    }))
  }

  deadLetters: Store['deadLetters'] = async ({ tenant, id, actor, state, after, limit }: DeadLetterFilter) =>
    [...this.#letters.values()]
      .filter((letter) => (tenant === undefined || parseActorId(letter.actor).tenant === tenant) && (id === undefined || letter.id === id)
        && (actor === undefined || letter.actor === actor) && (state === undefined || letter.state === state) && (after === undefined || letter.id > after))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)

  sweep: Store['sweep'] = async (lease, request) => {
    const partition = this.#partition(lease.partition)
    partition.fence(lease)
    this.#sweepLeftovers(request)
    const { now, journalBefore, completedMax, reclaim, limit } = request
    const expired = [...partition.expiring].filter(([, expiresAt]) => expiresAt <= now).slice(0, limit)
    const swept: Swept = {
      expired: this.#remove(expired.map(([id]) => id)),
      surplus: this.#remove(this.#actors.ended(surplusOf(partition.completed, completedMax), limit)),
      reclaimed: this.#remove(reclaim > 0 ? this.#actors.ended(oldestFirst(partition.completed), Math.min(reclaim, limit)) : []),
    }
    if (journalBefore !== undefined) this.#actors.trim(partition, journalBefore, limit)
    return swept
  }

  size: NonNullable<Store['size']> = async () => ({
    bytes: this.#actors.bytes + this.#partitions.reduce((sum, { waitingChars }) => sum + waitingChars, 0) + this.#letters.values().reduce((sum, { data }) => sum + data.length, 0),
    bytesMax: undefined,
  })

  #remove(ids: readonly ActorId[]): number {
    for (const id of ids) {
      const actor = this.#actors.delete(id)
      if (actor) this.#partition(actor.record.partition).forget(actor, (other) => this.#actors.isPresent(other))
      this.#marks.delete(id)
    }
    return ids.length
  }

  subscribe: Store['subscribe'] = (onChange) => {
    const entry = () => onChange()
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  close: Store['close'] = async () => undefined

  #partition(id: number): MemoryPartition {
    const partition = this.#partitions[id]
    assertInvariant(partition !== undefined, `the store has no partition ${id}`)
    return partition
  }

  #apply(partition: MemoryPartition, commit: Commit): void {
    partition.seq = commit.seq
    partition.commitId = commit.id
    for (const write of commit.actors) this.#actors.write(write, partition, commit.at)
    partition.consume(commit.inboxFloor)
    for (const { position } of commit.unpark) partition.unpark(position)
    for (const message of commit.park) partition.park(message)
    for (const mark of commit.marks) {
      const seen = this.#marks.get(mark.actor) ?? new Map<string, Mark>()
      this.#marks.set(mark.actor, seen.set(mark.key, { ...mark }))
    }
    for (const { node, request, data } of commit.replies) {
      const replies = this.#replies.get(node) ?? []
      replies.push({ node, request, data, at: commit.at })
      this.#replies.set(node, replies)
    }
    for (const letter of commit.deadLetters) this.#letters.set(letter.id, Object.freeze({ ...letter }))
    for (const { id, state, at, reason } of commit.resolved) {
      const letter = this.#letters.get(id)
      if (letter?.state === 'present') this.#letters.set(id, Object.freeze({ ...letter, state, resolvedAt: at, reason }))
    }
    this.#deliver(commit.outbox)
  }

  #deliver(messages: readonly InboxMessage[]): void {
    for (const message of messages) this.#partition(message.partition).deliver(message)
  }

  #sweepLeftovers({ now, limit }: SweepRequest): void {
    let left = limit
    for (const seen of this.#marks.values()) {
      for (const { key, expiresAt } of seen.values()) {
        if (expiresAt <= now && left-- > 0) seen.delete(key)
      }
    }
    for (const [node, replies] of this.#replies) {
      const kept = replies.filter(({ at }) => at > now - REPLY_KEPT_MS)
      if (kept.length === 0) this.#replies.delete(node)
      else this.#replies.set(node, kept)
    }
    for (const { id, resolvedAt } of this.#letters.values()) {
      if (resolvedAt !== null && resolvedAt <= now - RESOLVED_KEPT_MS) this.#letters.delete(id)
    }
  }

  /** Listeners run after the caller's own continuation is queued, once for all changes of this turn. */
  #hint(): void {
    if (this.#isHintQueued || this.#listeners.size === 0) return
    this.#isHintQueued = true
    queueMicrotask(() => {
      this.#isHintQueued = false
      for (const listener of this.#listeners) listener()
    })
  }
}
