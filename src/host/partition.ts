import { addressOf, partitionOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TimerHandle } from '../core/clock.ts'
import { TroupeError } from '../core/errors.ts'
import type { Body, LocalBody, Message } from '../core/message.ts'
import type { Lease } from '../core/store.ts'
import { Batch, received } from './batch.ts'
import type { HostEnv } from './env.ts'
import type { Executor } from './executor.ts'
import { Lanes } from './lanes.ts'
import { workBytes } from './memory-account.ts'
import { Slots } from './slots.ts'
import type { SnapshotView } from './slot.ts'
import { Stepper } from './stepper.ts'
import { settle } from './work.ts'
import type { Work } from './work.ts'

/** Longest sleep between looks at the next due time, in milliseconds: timers beyond 2^31 ms would fire at once. */
const SLEEP_MAX_MS = 60 * 60 * 1000
/** Pause after a batch that the store has failed, in milliseconds. */
const RETRY_MS = 100
const WAKE_PAGE = 1_000
/** Works whose actors and idempotency keys are read ahead in one go: a full batch leaves the rest alone. */
const READ_AHEAD = 512
/** How much of a batch what its actors send each other may take while others wait: two that never stop must not keep out the rest. */
const CHAIN_SHARE = 0.5

export interface PartitionHooks {
  /** Actors whose committed state has changed. */
  changed(ids: readonly ActorId[]): void
  /** The store says that another node owns the partition. */
  lost(partition: Partition): void
  /** Work that this node cannot do any more. */
  reroute(work: Work): void
  /** Messages that the store has put into inboxes: a store tells a node nothing of its own commits. */
  posted(messages: Batch['outbox']): void
}

/**
 * One owned partition: take, step, commit, release, one batch after the other.
 *
 * Owned by one node for the life of one lease; the node hands in work and hints, nobody else calls.
 *
 * Invariants
 * P1  Nothing leaves a batch before its commit has succeeded.
 * P2  A batch that is not committed leaves no trace: its actors are dropped and loaded again, its inbox messages taken again.
 * P3  A message for an actor of this partition is handled in the batch that sent it only when no older message waits in
 *     the inbox, so the order between two actors is the order of sending.
 * P4  `seq` grows by one with each commit of this lease; the commit id is unique to the attempt at that seq.
 * P5  Work handed in locally is done, refused, or handed elsewhere; it is never forgotten while the process lives.
 */
export class Partition {
  readonly lease: Lease
  readonly #env: HostEnv
  readonly #hooks: PartitionHooks
  readonly #executor: Executor
  readonly #slots: Slots
  readonly #stepper: Stepper
  readonly #lanes = new Lanes()
  /** Inbox messages taken but not handled yet, older than all others. */
  #backlog: Work[] = []
  /** What the batch that runs has taken: late while its commit does not come back. */
  #atHand: readonly Work[] = []
  #seq: number
  #inboxFloor: number
  #inboxTaken: number
  #inboxHint = true
  /** Whether the batch at hand began with an inbox that was read to its end. */
  #hasReadInbox = false
  /** Until what its callers here had sent through the inbox before the claim is done, what they send now waits. */
  #hasCaughtUp = false
  #liveActors = 0
  #nextDue: number | undefined
  #alarm: TimerHandle | undefined
  #scheduled = false
  #busy: Promise<void> | undefined
  #dead = false

  constructor(env: HostEnv, lease: Lease, at: { readonly seq: number; readonly inboxFloor: number }, executor: Executor, hooks: PartitionHooks) {
    this.#env = env
    this.lease = lease
    this.#seq = at.seq
    this.#inboxFloor = this.#inboxTaken = at.inboxFloor
    this.#hooks = hooks
    this.#executor = executor
    this.#slots = new Slots(env, (id, path, event) => this.submit({ message: this.#own(id, { kind: 'event', event, path }) }))
    this.#stepper = new Stepper({
      env,
      partition: lease.partition,
      slots: this.#slots,
      executor,
      wake: id => this.deliver(id, { kind: 'wake' }),
      room: () => env.limits.activeActorsMax - this.#liveActors,
    })
  }

  /** Finds what an earlier owner has left undone. */
  async open(): Promise<void> {
    const { store } = this.#env
    const { partition } = this.lease
    this.#liveActors = await store.countLive(partition)
    for (let after: ActorId | '' = ''; ; ) {
      const ids = await store.unsettled(partition, after, WAKE_PAGE)
      for (const id of ids) this.deliver(id, { kind: 'wake' })
      const last = ids.at(-1)
      if (ids.length < WAKE_PAGE || last === undefined) break
      after = last
    }
    this.#nextDue = await store.nextDue(partition)
    this.#schedule()
  }

  /** Takes work from this process. Throws `mailbox/full` when `depthMax` works wait for the actor already. */
  submit(work: Work, depthMax = Infinity): void {
    if (this.#lanes.push(work) > depthMax) {
      this.#lanes.takeBack(work)
      const address = addressOf(work.message.to)
      throw new TroupeError('mailbox/full', `${depthMax} events wait for ${address}, the limit`, { address, details: { depth: depthMax, limit: depthMax } })
    }
    this.#hold(work)
    this.#schedule()
  }

  /** Something the engine tells itself about an actor. */
  deliver(to: ActorId, body: LocalBody): void {
    const work: Work = { message: this.#own(to, body) }
    this.#lanes.push(work)
    this.#hold(work)
    this.#schedule()
  }

  #hold(work: Work): void {
    this.#env.memory.works += workBytes(work)
  }

  /** Works that are done or handed elsewhere. Those of the inbox, as many as one batch may take, were never counted. */
  #letGo(works: readonly Work[]): void {
    for (const work of works) if (work.inboxPosition === undefined) this.#env.memory.works -= workBytes(work)
  }

  #own<TBody>(to: ActorId, body: TBody) {
    const id = this.#env.nextMessageId()
    return { id, to, from: to, at: this.#env.clock.now(), body, correlation: id, causation: null }
  }

  /** The inbox may have grown. */
  hint(): void {
    this.#inboxHint = true
    this.#schedule()
  }

  /** The committed state of an actor, if it is in memory. */
  view(id: ActorId): SnapshotView | undefined {
    return this.#slots.get(id)?.committed
  }

  /** Lets actors go to rest beyond the limits; during a batch that is left to its end. */
  evict(): void {
    if (!this.#busy) this.#slots.evict()
  }

  /** Actors that have ended may be gone from the store. */
  forgetEnded(): void {
    this.#slots.forgetEnded()
  }

  get liveActors(): number {
    return this.#liveActors
  }

  get actorsInMemory(): number {
    return this.#slots.size
  }

  /** Milliseconds by which the oldest work is late. */
  lagMs(now: number): number {
    let oldest = Math.min(this.#lanes.oldestAt() ?? now, this.#backlog[0]?.message.at ?? now, this.#nextDue ?? now)
    for (const { message } of this.#atHand) oldest = Math.min(oldest, message.at)
    return Math.max(0, now - oldest)
  }

  /** Ends after the work at hand; what has not been done is refused or stays in the store. */
  async close(): Promise<void> {
    while (!this.#dead && (this.#lanes.size > 0 || this.#busy)) {
      await this.#busy
      if (this.#lanes.size > 0) await this.#run()
    }
    this.drop()
  }

  /** Forgets everything at once: the partition is not ours any more. */
  drop(): void {
    this.#dead = true
    if (this.#alarm) this.#env.clock.clearTimer(this.#alarm)
    this.#slots.clear()
    this.#handOver()
  }

  #handOver(): void {
    const works = [...this.#backlog, ...this.#lanes.drain()]
    this.#backlog = []
    this.#letGo(works)
    for (const work of works) this.#hooks.reroute(work)
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy || this.#dead) return
    this.#scheduled = true
    this.#env.clock.soon(() => {
      this.#scheduled = false
      // The code of a task may have asked for it, but a batch and all that it starts is nobody's code.
      this.#executor.outside(() => void this.#run())
    })
  }

  /** One batch, then a turn for everything else in the process. */
  async #run(): Promise<void> {
    if (this.#busy || this.#dead) return this.#busy
    this.#busy = this.#batch()
    await this.#busy
    this.#busy = undefined
    // What the last batch had taken and not done has come back since.
    if (this.#dead) return this.#handOver()
    if (this.#lanes.size > 0 || this.#backlog.length > 0 || this.#inboxHint || this.#isDue()) this.#schedule()
    else this.#sleep()
  }

  #isDue(): boolean {
    return this.#nextDue !== undefined && this.#nextDue <= this.#env.clock.now()
  }

  #sleep(): void {
    const { clock } = this.#env
    if (this.#alarm) clock.clearTimer(this.#alarm)
    this.#alarm = undefined
    if (this.#nextDue === undefined) return
    this.#alarm = clock.setTimer(() => this.#schedule(), Math.min(SLEEP_MAX_MS, Math.max(0, this.#nextDue - clock.now())))
  }

  async #batch(): Promise<void> {
    const batch = new Batch(this.#env, this.#inboxFloor, to => !batch.overflowed && this.#hasReadInbox && partitionOf(to, this.#env.store.partitions) === this.lease.partition)
    try {
      await this.#env.probe?.('take')
      this.#atHand = await this.#take()
      // What comes in from now on is younger than all that the batch sends: it does not keep that from being handled here.
      this.#hasReadInbox = !this.#inboxHint
      await this.#step(this.#atHand, batch)
      if (!batch.isEmpty || batch.inboxFloor > this.#inboxFloor) await this.#commit(batch)
      await this.#env.probe?.('release')
      this.#release(batch)
    } catch (error) {
      await this.#fail(batch, error)
    } finally {
      this.#atHand = []
    }
  }

  // ── take ──────────────────────────────────────────────────────────────────────────────────────────────────

  async #take(): Promise<Work[]> {
    const { store, limits, codec } = this.#env
    const works = this.#backlog
    this.#backlog = []
    if (this.#inboxHint && works.length < limits.batchStepsMax) {
      const room = limits.batchStepsMax - works.length
      // Cleared before the look: a message that comes in meanwhile sets it again.
      this.#inboxHint = false
      const messages = await store.take(this.lease.partition, this.#inboxTaken, room)
      if (messages.length === room) this.#inboxHint = true
      else this.#hasCaughtUp = true
      for (const { position, ...stored } of messages) {
        works.push({ message: received(stored, codec), inboxPosition: position })
        this.#inboxTaken = position
      }
    }
    if (this.#isDue()) await this.#takeDue(works)
    if (this.#hasCaughtUp) for (const work of this.#lanes.take(limits.batchStepsMax)) works.push(work)
    return works
  }

  async #takeDue(works: Work[]): Promise<void> {
    const { store, clock, limits } = this.#env
    const due = await store.due(this.lease.partition, clock.now(), limits.batchStepsMax)
    for (const { id } of due) {
      const work: Work = { message: this.#own(id, { kind: 'wake' }) }
      works.push(work)
      this.#hold(work)
    }
    // What was due has been cancelled: without a new look the partition would believe for ever that something is due.
    if (due.length === 0) await this.#lookForDue()
  }

  /** A store that cannot tell when to wake is asked again soon: what it has committed stays committed, and is let out. */
  async #lookForDue(): Promise<void> {
    const { store, clock, report } = this.#env
    this.#nextDue = await store.nextDue(this.lease.partition).catch((error: unknown) => {
      report(error)
      return clock.now() + RETRY_MS
    })
  }

  // ── step ──────────────────────────────────────────────────────────────────────────────────────────────────

  async #step(works: readonly Work[], batch: Batch): Promise<void> {
    const started = this.#env.clock.now()
    let next = 0
    try {
      await this.#env.probe?.('step')
      while (next < works.length && !this.#isFull(batch, started)) {
        if (next % READ_AHEAD === 0) await this.#stepper.readAhead(works.slice(next, next + READ_AHEAD), batch)
        const work = works[next++] as Work
        batch.works.push(work)
        const handling = this.#handle(work, batch)
        if (handling) await handling
        if (work.inboxPosition !== undefined) batch.inboxFloor = work.inboxPosition
        // What inbox messages have caused waits for the rest of the inbox, which is older (P3).
        if (works[next]?.inboxPosition === undefined) await this.#chain(batch, started, next < works.length ? CHAIN_SHARE : 1)
      }
      await this.#chain(batch, started, 1)
    } finally {
      // Also when a work has failed: those behind it have not been touched (P5).
      this.#keep(works.slice(next))
    }
    if (batch.outbox.length > 0 && batch.outbox.some(({ to }) => partitionOf(to, this.#env.store.partitions) === this.lease.partition)) this.#inboxHint = true
  }

  /** Handles what the actors of this batch have sent each other; what a full batch has no room for goes through the inbox. */
  async #chain(batch: Batch, started: number, share: number): Promise<void> {
    for (let index = 0; index < batch.chained.length; index++) {
      const chained = batch.chained[index] as Work
      if (batch.overflowed || this.#isFull(batch, started, share)) {
        batch.overflowed = true
        batch.outbox.push(chained.message as Message<Body>)
      } else {
        const handling = this.#handle(chained, batch)
        if (handling) await handling
      }
    }
    batch.chained.length = 0
  }

  /** What a full batch has left: inbox messages stay the oldest, the rest goes back to its lane's front. */
  #keep(rest: readonly Work[]): void {
    const local: Work[] = []
    for (const work of rest) (work.inboxPosition === undefined ? local : this.#backlog).push(work)
    if (local.length > 0) this.#lanes.putBack(local)
  }

  #isFull(batch: Batch, started: number, share = 1): boolean {
    const { limits, clock } = this.#env
    if (batch.steps >= limits.batchStepsMax * share || batch.bytes >= limits.batchBytesMax * share) return true
    // The clock is asked every 64 steps only.
    return batch.steps % 64 === 63 && clock.now() - started > limits.batchMsMax * share
  }

  /** Most works need no await: their actor is in memory. */
  #handle(work: Work, batch: Batch): Promise<void> | undefined {
    return this.#stepper.handle(work, batch)?.catch((error: unknown) => {
      if (!(error instanceof TroupeError) || error.code !== 'store/corrupt') throw error
      this.#stepper.refuse(work, batch, error)
    })
  }

  // ── commit ────────────────────────────────────────────────────────────────────────────────────────────────

  async #commit(batch: Batch): Promise<void> {
    const { store, clock, random, codec, limits, counters } = this.#env
    const { partition } = this.lease
    const commit = batch.toCommit(random.id(), this.#seq + 1, clock.now(), partition, store.partitions, codec)
    await this.#env.probe?.('commit')
    for (let attempt = 1; ; attempt++) {
      // Given up meanwhile: the actors it has stepped are dropped, and may be stepped elsewhere.
      if (this.#dead) throw new TroupeError('lease/stale', `partition ${partition} was given up while a batch ran`)
      try {
        await store.commit(this.lease, commit)
        break
      } catch (error) {
        // Only an unknown outcome is worth a repetition: the commit's id makes it harmless.
        if (!(error instanceof TroupeError) || error.code !== 'store/failed' || attempt > limits.commitRetriesMax) throw error
        batch.isUncertain = true
        await this.#pause(RETRY_MS * attempt)
      }
    }
    counters.commits++
    this.#seq++
    this.#inboxFloor = commit.inboxFloor
    await this.#env.probe?.('committed')
    for (const { record } of commit.actors) {
      if (record.dueAt !== null && (this.#nextDue === undefined || record.dueAt < this.#nextDue)) this.#nextDue = record.dueAt
    }
    if (this.#isDue()) await this.#lookForDue()
  }

  // ── release ───────────────────────────────────────────────────────────────────────────────────────────────

  #release(batch: Batch): void {
    for (const slot of batch.slots) {
      this.#liveActors += slot.liveChange
      slot.settle()
      this.#slots.weigh(slot)
    }
    this.#letGo(batch.works)
    for (const waiter of batch.served) waiter.resolve()
    for (const { waiter, outcome } of batch.settlements) settle(waiter, outcome)
    for (const run of batch.after) this.#guard(run)
    if (batch.outbox.length > 0) this.#hooks.posted(batch.outbox)
    if (batch.slots.size > 0) this.#hooks.changed([...batch.slots].map(({ id }) => id))
    this.#slots.evict()
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#env.report(error)
    }
  }

  // ── failure ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing of the batch was let out, so nothing has to be undone: its memory goes, its works are done again or refused. */
  async #fail(batch: Batch, error: unknown): Promise<void> {
    const stale = error instanceof TroupeError && error.code === 'lease/stale'
    if (stale) this.#env.counters.fenced++
    else this.#env.report(error)
    this.#slots.clear()
    this.#inboxTaken = this.#inboxFloor
    this.#inboxHint = true
    this.#hasCaughtUp = false
    this.#backlog = []
    // What the engine gave itself is remembered by no store: results of tasks, events of live code.
    const { again = [], over = [] } = Object.groupBy(batch.works, ({ waiter, inboxPosition }) => (stale || waiter || inboxPosition !== undefined ? 'over' : 'again'))
    this.#letGo(over)
    // A commit that was refused at its repetition may have taken effect at first: only its sender may try again.
    for (const work of batch.works) {
      if (stale && !batch.isUncertain) this.#hooks.reroute(work)
      else work.waiter?.reject(stale ? unknownOutcome(error) : error)
    }
    if (stale) return this.#hooks.lost(this)
    this.#lanes.putBack(again)
    await this.#pause(RETRY_MS)
    await this.#lookForDue()
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => this.#env.clock.setTimer(() => resolve(), ms))
  }
}

const unknownOutcome = (cause: unknown): TroupeError => new TroupeError('store/failed', 'the partition moved to another node while its last commit was in doubt', { cause })
