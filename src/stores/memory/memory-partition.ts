import type { ActorId } from '../../core/address.ts'
import { TroupeError, assertInvariant } from '../../core/errors.ts'
import { liveStatuses } from '../../core/store.ts'
import type { ActorRecord, ClaimRequest, ClaimResult, Commit, InboxMessage, JournalRow, Lease, LeaseInfo, StoredMessage } from '../../core/store.ts'

export interface MemoryActor {
  /** Place in the order of creation over all partitions. */
  readonly ordinal: number
  record: ActorRecord
  /** Both oldest first. */
  bases: { readonly seq: number; readonly data: string }[]
  rows: JournalRow[]
}

interface JournalEntry {
  readonly row: JournalRow
  /** Whose row it is: an actor that was deleted or replaced leaves entries behind that nobody sees. */
  readonly actor: MemoryActor
}

/** Share of the journal that entries of deleted actors may take before it is cleared of them: doing so walks all of it. */
const GONE_SHARE_MAX = 0.5

/** Lease, inbox, parked messages and journal of one partition, and which of its actors need attention. */
export class MemoryPartition {
  readonly id: number
  seq = 0
  commitId = ''
  inboxFloor = 0
  /** Positions `inboxFloor + 1` and up, without gaps. */
  readonly #inbox: StoredMessage[] = []
  readonly #waiting = new Map<ActorId, number>()
  readonly #parked = new Map<number, StoredMessage>()
  #parkedHead = 0
  #journal: JournalEntry[] = []
  #journalHead = 0
  #owner: { readonly node: string; readonly token: string } | null = null
  #epoch = 0
  #expiresAt = 0
  readonly live = new Set<ActorId>()
  readonly unsettled = new Set<ActorId>()
  readonly due = new Map<ActorId, number>()
  readonly expiring = new Map<ActorId, number>()
  /** Roots of completed runs, and when they completed. */
  readonly completed = new Map<ActorId, number>()
  /** Entries of the journal whose actors are gone. */
  #goneRows = 0
  /** Characters of the messages that wait. */
  #waitingChars = 0

  constructor(id: number) {
    this.id = id
  }

  claim({ node, token, now, ttlMs }: ClaimRequest): ClaimResult {
    const owner = this.#owner
    if (owner && this.#expiresAt > now && !(owner.node === node && owner.token === token)) return { ok: false, owner: owner.node, expiresAt: this.#expiresAt }
    this.#owner = { node, token }
    this.#epoch++
    this.#expiresAt = now + ttlMs
    return { ok: true, lease: { partition: this.id, node, token, epoch: this.#epoch }, seq: this.seq, inboxFloor: this.inboxFloor }
  }

  isHeld({ token, epoch }: Lease): boolean {
    return this.#owner?.token === token && this.#epoch === epoch
  }

  prolong(until: number): void {
    this.#expiresAt = until
  }

  release(): void {
    this.#owner = null
    this.#expiresAt = 0
  }

  get lease(): LeaseInfo {
    return { partition: this.id, node: this.#owner?.node ?? null, epoch: this.#epoch, expiresAt: this.#expiresAt }
  }

  /** S2. */
  fence(lease: Lease): void {
    if (this.isHeld(lease)) return
    throw new TroupeError('lease/stale', `partition ${this.id} is no longer owned by node ${lease.node} (epoch ${lease.epoch}); the store is at epoch ${this.#epoch}`, {
      details: { partition: this.id, node: lease.node, epoch: lease.epoch, storeEpoch: this.#epoch },
    })
  }

  /** Everything that may refuse a commit, asked before its first change (S1). */
  refuseBroken(commit: Commit): void {
    if (commit.seq !== this.seq + 1) {
      throw new TroupeError('lease/stale', `commit ${commit.seq} of partition ${this.id} does not follow ${this.seq}: another commit came before it`, {
        details: { partition: this.id, seq: commit.seq, storeSeq: this.seq },
      })
    }
    const head = this.inboxFloor + this.#inbox.length
    assertInvariant(commit.inboxFloor <= head, `inbox floor ${commit.inboxFloor} of partition ${this.id} is above its last message ${head}`)
  }

  deliver(message: InboxMessage): void {
    this.#inbox.push(this.#keep(message, this.inboxFloor + this.#inbox.length + 1))
    this.#waiting.set(message.to, this.depth(message.to) + 1)
  }

  consume(floor: number): void {
    if (floor <= this.inboxFloor) return
    for (const message of this.#inbox.splice(0, floor - this.inboxFloor)) this.#settle(message)
    this.inboxFloor = floor
  }

  park(message: InboxMessage): void {
    const position = ++this.#parkedHead
    this.#parked.set(position, this.#keep(message, position))
    this.#waiting.set(message.to, this.depth(message.to) + 1)
  }

  unpark(position: number): void {
    const message = this.#parked.get(position)
    if (message) this.#settle(message)
    this.#parked.delete(position)
  }

  /** Messages that wait for one actor, parked ones included. */
  depth(id: ActorId): number {
    return this.#waiting.get(id) ?? 0
  }

  take(after: number, limit: number): readonly StoredMessage[] {
    const first = Math.max(0, after - this.inboxFloor)
    return this.#inbox.slice(first, first + limit)
  }

  parked(id: ActorId): readonly StoredMessage[] {
    return [...this.#parked.values()].filter(({ to }) => to === id)
  }

  record(actor: MemoryActor, row: Omit<JournalRow, 'position'>): void {
    const kept: JournalRow = Object.freeze({ position: ++this.#journalHead, ...row })
    actor.rows.push(kept)
    this.#journal.push({ row: kept, actor })
  }

  journal(after: number, limit: number, isPresent: (actor: MemoryActor) => boolean): readonly JournalRow[] {
    const rows: JournalRow[] = []
    for (let index = firstAbove(this.#journal, after); index < this.#journal.length && rows.length < limit; index++) {
      const entry = this.#journal[index]
      if (entry && isPresent(entry.actor)) rows.push(entry.row)
    }
    return rows
  }

  get journalHead(): number {
    return this.#journalHead
  }

  /** Removes at most `limit` rows that `mayGo`, and rows of actors that are gone. */
  trim(limit: number, mayGo: (entry: JournalEntry) => boolean): readonly JournalEntry[] {
    const gone: JournalEntry[] = []
    this.#journal = this.#journal.filter((entry) => {
      if (gone.length >= limit || !mayGo(entry)) return true
      gone.push(entry)
      return false
    })
    return gone
  }

  index({ id, run, status, dueAt, openTasks, parked, completedAt, expiresAt }: ActorRecord): void {
    setIf(this.live, id, liveStatuses.includes(status))
    setIf(this.unsettled, id, openTasks > 0 || parked > 0 || status === 'held')
    setOr(this.due, id, dueAt)
    setOr(this.expiring, id, expiresAt)
    setOr(this.completed, id, id === run ? completedAt : null)
  }

  /** Drops an actor that was deleted, with its parked messages and, now and then, the journal entries of all such. */
  forget({ record: { id }, rows }: MemoryActor, isPresent: (actor: MemoryActor) => boolean): void {
    for (const place of [this.live, this.unsettled, this.due, this.expiring, this.completed]) place.delete(id)
    for (const { position } of this.parked(id)) this.unpark(position)
    this.#goneRows += rows.length
    if (this.#goneRows <= this.#journal.length * GONE_SHARE_MAX) return
    this.#journal = this.#journal.filter(({ actor }) => isPresent(actor))
    this.#goneRows = 0
  }

  get waitingChars(): number {
    return this.#waitingChars
  }

  #keep({ id, to, at, data }: InboxMessage, position: number): StoredMessage {
    this.#waitingChars += data.length
    return Object.freeze({ position, id, to, partition: this.id, at, data })
  }

  #settle({ to, data }: StoredMessage): void {
    this.#waitingChars -= data.length
    const depth = this.depth(to) - 1
    if (depth > 0) this.#waiting.set(to, depth)
    else this.#waiting.delete(to)
  }
}

function setOr(map: Map<ActorId, number>, id: ActorId, value: number | null): void {
  if (value === null) map.delete(id)
  else map.set(id, value)
}

function setIf(set: Set<ActorId>, id: ActorId, holds: boolean): void {
  if (holds) set.add(id)
  else set.delete(id)
}

/** Index of the first entry above a position, by bisection. */
function firstAbove(entries: readonly JournalEntry[], position: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle]?.row.position ?? 0) <= position) low = middle + 1
    else high = middle
  }
  return low
}
