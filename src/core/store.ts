import type { ActorId } from './address.ts'
import type { TaskQueues } from './queue.ts'

/**
 * The Store port: small verbs over actors, inbox, leases, journal and dead letters, and the one atomic `commit`.
 *
 * A store keeps bytes and order; it knows nothing of machines. Rules every store must hold (the conformance
 * suite cites them by number):
 *
 * S1  A commit is atomic: all of it or nothing.
 * S2  A commit is refused with `lease/stale` unless token and epoch are those of the lease in the store and `seq` is the
 *     partition's last one plus one.
 * S3  A commit repeated with the id of the partition's last commit changes nothing and succeeds.
 * S4  What `append` or `commit` has resolved is durable at the level the store was opened with.
 * S5  Messages of a commit's outbox reach the inbox of their partition exactly once, in order per sender; its replies reach
 *     their node. Both may come after `commit` has resolved, and then come although its caller has died.
 * S6  The inbox gives messages in the order of their positions; a position is never used again.
 * S7  `claim` gives a partition away only when its lease has run out, was released or its node is known to be dead,
 *     and each claim has a higher epoch. A store that may have lost its last writes (in a failover) takes back every lease
 *     from before it: commits under it are refused as stale.
 * S8  Journal rows of a partition get positions one after the other and become visible in that order, so a gap is what has gone since. A
 *     store may begin at any number, and jumps ahead where it may have lost the last ones (in a failover).
 * S9  `load` gives the newest base at or below the sequence asked for and every row that holds a later sequence up to it, without gaps.
 *     (A row may begin before the base: readers skip those entries.)
 * S10 Reads see whole commits only.
 */
export interface Store {
  /** How many partitions the store was made with; fixed for its life. */
  readonly partitions: number
  /**
   * The nodes that share the partitions among them. Without it the first to come takes all it can, as suits a file on one machine.
   * A store with members tells each node of what has come into its inboxes, also of what that node's own commits have sent.
   */
  readonly members?: Members
  /** Queues of tasks for workers in any process. Without it a node runs all tasks of its actors itself. */
  readonly queues?: TaskQueues

  claim(request: ClaimRequest): Promise<ClaimResult>
  /** Prolongs leases; gives back those that are lost. `now` as in a claim. */
  renew(leases: readonly Lease[], now: number, ttlMs: number): Promise<readonly Lease[]>
  release(leases: readonly Lease[]): Promise<void>
  /** Who owns what now, whoever asks. */
  leases(): Promise<readonly LeaseInfo[]>

  commit(lease: Lease, commit: Commit): Promise<void>

  /** Accepts messages from outside a batch. Refuses with `mailbox/full` when more than `depthMax` wait for one actor; then none of its partition's is kept. */
  append(messages: readonly InboxMessage[], depthMax: number): Promise<void>
  /** Messages of a partition above a position, oldest first, at most `limit`. */
  take(partition: number, after: number, limit: number): Promise<readonly StoredMessage[]>
  /** Parked messages of one actor (it is paused or held), oldest first. */
  parked(id: ActorId, limit: number): Promise<readonly StoredMessage[]>
  /** Replies for a node; taking them removes them. */
  takeReplies(node: string): Promise<readonly Reply[]>

  /** Record, base and rows of an actor; `at` asks for the state at a past sequence. Undefined when the actor does not exist. */
  load(id: ActorId, at?: number): Promise<StoredActor | undefined>
  /** Journal rows of an actor that hold sequences above `after`, oldest first. */
  history(id: ActorId, after: number, limit: number): Promise<readonly JournalRow[]>
  /** Journal rows of a partition above a position, oldest first. */
  journal(partition: number, after: number, limit: number): Promise<readonly JournalRow[]>
  /** The last position that the journal of a partition has given; 0 where there was none. */
  journalHead(partition: number): Promise<number>
  list(filter: ActorFilter): Promise<ActorPage>
  /** How many actors there are of each kind, the most numerous kinds first; at most `TALLY_GROUPS_MAX` kinds, while the total counts all. */
  tally(conditions: ActorConditions): Promise<ActorTally>
  /** How many actors of a partition are active, paused or held. */
  countLive(partition: number): Promise<number>

  /** Actors with a timer or retry due at or before `now`, earliest first. */
  due(partition: number, now: number, limit: number): Promise<readonly DueActor[]>
  /** The earliest due time of a partition. */
  nextDue(partition: number): Promise<number | undefined>
  /** Actors above an id that have open tasks or parked messages or are held, in order of id: what a new owner must wake. */
  unsettled(partition: number, after: ActorId | '', limit: number): Promise<readonly ActorId[]>

  /** Fingerprints of the idempotency keys an actor has seen. */
  marks(id: ActorId, keys: readonly string[]): Promise<ReadonlyMap<string, string>>

  deadLetters(filter: DeadLetterFilter): Promise<readonly DeadLetter[]>

  /**
   * Deletes what has outlived its retention, and completed runs that are too many; returns how many actors went. At most
   * `limit` of each kind. A run is complete when its root is and all its other actors have ended; of those that are too many
   * the ones whose roots completed first go, whole: the root last. Nothing else is touched.
   */
  sweep(lease: Lease, request: SweepRequest): Promise<Swept>
  /** How much the store holds. A store that cannot tell leaves it out. */
  size?(): Promise<StoreSize>

  /**
   * Calls back when another process or node may have changed something; returns how to stop that. A scope says what is of
   * interest; a store may tell more. Without a change everything may have changed.
   */
  subscribe(onChange: (change?: Change) => void, scope?: SubscribeScope): () => void

  close(): Promise<void>
}

/** The nodes that live, as they say themselves. A node that falls silent is given up when its time is over. */
export interface Members {
  /** Says that a node lives, and gives all that do. `now` as in a claim. */
  announce(member: Member, now: number, ttlMs: number): Promise<readonly Member[]>
  /** Says that a node is gone. Whoever has subscribed hears of it, and of a new one. */
  retire(node: string): Promise<void>
  all(): Promise<readonly Member[]>
}

/** What a node tells of itself. */
export interface Member {
  readonly node: string
  readonly host: string
  readonly pid: number
  /** By its own clock. */
  readonly startedAt: number
  /** Milliseconds by which its oldest due work was late when it last said something. */
  readonly lagMs: number
  readonly liveActors: number
  readonly runningTasks: number
}

/** What concerns a node (its inboxes, its replies, leases, results of tasks), the commits of one partition, or the workers of a queue. */
export type SubscribeScope = { readonly node: string } | { readonly partition: number } | { readonly queue: string }

/** What may have changed. */
export type Change =
  | { readonly kind: 'inbox'; readonly partition: number }
  | { readonly kind: 'replies' }
  | { readonly kind: 'results'; readonly queue: string; readonly partitions: readonly number[] }
  /** A task may wait in the queue. */
  | { readonly kind: 'waiting' }
  /** An attempt was taken back from its worker. */
  | { readonly kind: 'cancelled'; readonly id: string }
  /** Text that a task tells watchers; kept nowhere. */
  | { readonly kind: 'progress'; readonly data: string }

export interface ClaimRequest {
  readonly partition: number
  /** Id of the node that claims. */
  readonly node: string
  /** Random; compared beside the epoch, because a failover can roll epochs back. */
  readonly token: string
  /** The claimer's time. A store that has a clock of its own for all its nodes judges leases by that one alone. */
  readonly now: number
  readonly ttlMs: number
}

export type ClaimResult = { readonly ok: true; readonly lease: Lease; readonly seq: number; readonly inboxFloor: number } | { readonly ok: false; readonly owner: string; readonly expiresAt: number }

export interface Lease {
  readonly partition: number
  readonly node: string
  readonly token: string
  readonly epoch: number
}

export interface LeaseInfo {
  readonly partition: number
  readonly node: string | null
  readonly epoch: number
  readonly expiresAt: number
}

/** One atomic write of one batch of one partition. */
export interface Commit {
  readonly id: string
  /** The partition's last sequence plus one. */
  readonly seq: number
  readonly at: number
  /** Inbox messages at or below this position are consumed. */
  readonly inboxFloor: number
  readonly actors: readonly ActorWrite[]
  /** Messages to other actors that were not handled in the batch, this partition's own included. */
  readonly outbox: readonly InboxMessage[]
  /** Messages kept aside for actors that do not take events now. */
  readonly park: readonly InboxMessage[]
  /** Parked messages that were handled. */
  readonly unpark: readonly Parked[]
  readonly marks: readonly Mark[]
  readonly replies: readonly Reply[]
  readonly deadLetters: readonly DeadLetter[]
  readonly resolved: readonly DeadLetterResolution[]
}

/** Where a message of an actor was kept aside. */
export interface Parked {
  readonly actor: ActorId
  readonly position: number
}

export const actorStatuses = ['active', 'paused', 'held', 'failed', 'done', 'stopped', 'cancelled'] as const
export type ActorStatus = (typeof actorStatuses)[number]

/** Statuses of actors that still count against the limit of active actors and keep their key. */
export const liveStatuses: readonly ActorStatus[] = ['active', 'paused', 'held']

/** What a store knows of an actor without reading its checkpoint. */
export interface ActorRecord {
  readonly id: ActorId
  /** Identity of the run's root. */
  readonly run: ActorId
  readonly partition: number
  readonly parent: ActorId | null
  readonly status: ActorStatus
  /** Sequence of the last committed step; the first is 1. */
  readonly seq: number
  readonly version: string
  /** Active state paths, such as `['pay', 'pay.waiting']`. */
  readonly states: readonly string[]
  readonly tags: readonly string[]
  /** Earliest timer or retry of the actor. */
  readonly dueAt: number | null
  readonly openTasks: number
  readonly parked: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly completedAt: number | null
  /** When the actor may be deleted; set at completion. */
  readonly expiresAt: number | null
  /** Why it is failed or held: JSON of an `ErrorInfo`, as the codec gave it. */
  readonly error: string | null
}

export interface ActorWrite {
  readonly record: ActorRecord
  /** True for an actor that must not exist yet, or that replaces an ended one of the same id. */
  readonly created: boolean
  /** A whole checkpoint at `seq`, which lies within the row of the same write (an actor's first one is at 1). */
  readonly base: { readonly seq: number; readonly data: string } | null
  /** Steps since the last commit, as one text; null when only the record changed. */
  readonly row: { readonly fromSeq: number; readonly toSeq: number; readonly data: string } | null
}

export interface StoredActor {
  readonly record: ActorRecord
  readonly base: { readonly seq: number; readonly data: string }
  readonly rows: readonly JournalRow[]
}

export interface JournalRow {
  readonly position: number
  readonly id: ActorId
  readonly fromSeq: number
  readonly toSeq: number
  readonly at: number
  readonly data: string
}

/** A message on its way: the store reads only what is beside `data`. */
export interface InboxMessage {
  /** Unique over all senders. */
  readonly id: string
  readonly to: ActorId
  readonly partition: number
  readonly at: number
  readonly data: string
}

export interface StoredMessage extends InboxMessage {
  readonly position: number
}

export interface Mark {
  readonly actor: ActorId
  readonly key: string
  readonly fingerprint: string
  readonly expiresAt: number
}

/** The answer to a request of a node that does not own the partition. */
export interface Reply {
  readonly node: string
  readonly request: string
  readonly data: string
}

export const deadLetterStates = ['present', 'replayed', 'discarded'] as const
export type DeadLetterState = (typeof deadLetterStates)[number]

export interface DeadLetter {
  readonly id: string
  readonly actor: ActorId
  readonly partition: number
  readonly at: number
  /** What could not be processed, as the text it had in the mailbox. */
  readonly data: string
  /** JSON of an `ErrorInfo`, as the codec gave it. */
  readonly cause: string
  readonly state: DeadLetterState
  /** When and why it was resolved. */
  readonly resolvedAt: number | null
  readonly reason: string | null
}

export interface DeadLetterResolution {
  readonly id: string
  readonly state: 'replayed' | 'discarded'
  readonly at: number
  readonly reason: string | null
}

export interface DeadLetterFilter {
  readonly tenant?: string
  readonly id?: string
  readonly actor?: ActorId
  readonly state?: DeadLetterState
  /** Only letters whose id is above this one. */
  readonly after?: string
  readonly limit: number
}

export interface DueActor {
  readonly id: ActorId
  readonly dueAt: number
}

/** Which actors; all conditions hold at once. */
export interface ActorConditions {
  readonly tenant: string
  readonly machine?: string
  /** Leaves out machines whose names begin with it. */
  readonly machinesExcept?: string
  readonly status?: ActorStatus
  /** A state path that must be active. */
  readonly state?: string
  readonly tag?: string
  readonly run?: ActorId
  /** Part of the key, letter by letter. */
  readonly text?: string
  /** Only actors whose last change is earlier, or later. */
  readonly updatedBefore?: number
  readonly updatedAfter?: number
}

export const actorOrders = ['oldest', 'newest'] as const
export type ActorOrder = (typeof actorOrders)[number]

export interface ActorFilter extends ActorConditions {
  /** By creation. Default 'oldest'. */
  readonly order?: ActorOrder
  /** Continue after this cursor of an earlier page; with the other order it leads back. */
  readonly cursor?: string
  readonly limit: number
}

/** Most kinds of actors that a tally tells apart. */
export const TALLY_GROUPS_MAX = 1_000

export interface TallyGroup {
  readonly machine: string
  readonly status: ActorStatus
  readonly states: readonly string[]
  readonly count: number
}

export interface ActorTally {
  readonly total: number
  readonly groups: readonly TallyGroup[]
}

export interface ActorPage {
  readonly records: readonly ActorRecord[]
  readonly cursor: string | undefined
}

export interface SweepRequest {
  readonly now: number
  /**
   * Journal rows older than this and not needed to load an actor go. One that stays only for that stays in the actor's `history`;
   * whether `journal` still gives it is the store's choice: whoever follows a partition has seen it long ago.
   */
  readonly journalBefore: number | undefined
  /** How many completed runs of the partition may stay, by the machine of their root; those of other machines all stay. */
  readonly completedMax: Readonly<Record<string, number>>
  /** How many actors of completed runs may go, of whatever machine, because the store is too full. */
  readonly reclaim: number
  readonly limit: number
}

/** How many actors went with a sweep, by reason. */
export interface Swept {
  /** Their time was over. */
  readonly expired: number
  /** Their runs were more than `completedMax`. */
  readonly surplus: number
  /** To make room. */
  readonly reclaimed: number
}

export interface StoreSize {
  /** What is in use; space that was freed and may be used again is not. */
  readonly bytes: number
  /** What the store itself allows, where it has a limit. */
  readonly bytesMax: number | undefined
}
