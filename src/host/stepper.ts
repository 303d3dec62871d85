import { createHash } from 'node:crypto'
import type { ActorId } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import type { OpenAsk } from '../core/document.ts'
import type { EntryKind } from '../core/journal.ts'
import { decodeJson } from '../core/json.ts'
import { packMessage } from '../core/message.ts'
import type { Body, Message } from '../core/message.ts'
import type { ChildOutcome } from '../core/remote.ts'
import type { Batch } from './batch.ts'
import { encodeError, encodeFor } from './coding.ts'
import { createSlot } from './birth.ts'
import { obey, resolveLetter } from './commands.ts'
import type { HostEnv } from './env.ts'
import type { Executor } from './executor.ts'
import { mutationIn } from './mutation.ts'
import type { EntryFacts } from './entry-text.ts'
import type { Slot } from './slot.ts'
import type { Slots } from './slots.ts'
import { ActorSnapshot } from './snapshot.ts'
import { endedError, unknownActor } from './status.ts'
import { superviseFailure } from './supervision.ts'
import type { Failure } from './supervision.ts'
import { launchTask } from './task-steps.ts'
import type { Work } from './work.ts'
import { QUIET, noStep } from './xstate/effects.ts'
import type { Reply, Step } from './xstate/effects.ts'
import type { LiveActor } from './xstate/live-actor.ts'

export interface StepperParts {
  readonly env: HostEnv
  readonly partition: number
  readonly slots: Slots
  readonly executor: Executor
  /** Asks for another look at an actor after the commit. */
  wake(id: ActorId): void
  /** How many more actors may become active. */
  room(): number
}

/**
 * What each kind of message does to an actor. Owned by one partition's loop, which calls `handle` for one work after the other.
 *
 * Invariants
 * B1  A work leaves exactly one trace: a step, a parked message, a dead letter, or a refusal told to its sender.
 * B2  Nothing is told to anybody here: answers, sends and starts go into the batch.
 * B3  After a failed step the actor is as it was before the work, by restoring its last good step.
 */
export class Stepper {
  readonly parts: StepperParts

  constructor(parts: StepperParts) {
    this.parts = parts
  }

  /** Without a promise when nothing had to be awaited, which is the common case and the fast one. */
  handle(work: Work, batch: Batch): Promise<void> | undefined {
    const { slots } = this.parts
    const { to, body } = work.message
    if (body.kind === 'damaged') {
      this.bury(work, batch, body.error)
      return undefined
    }
    const slot = slots.get(to)
    if (slot) {
      if (!batch.slots.has(slot)) slots.touch(slot)
      return this.#dispatch(work, batch, slot)
    }
    if (!slots.isAhead(to)) return slots.load(to).then(loaded => this.#dispatch(work, batch, arrived(loaded, batch)))
    try {
      return this.#dispatch(work, batch, arrived(slots.bring(to), batch))
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  #dispatch(work: Work, batch: Batch, slot: Slot | undefined): Promise<void> | undefined {
    const { message } = work
    const { body } = message
    switch (body.kind) {
      case 'start':
      case 'spawn':
      case 'fork':
        createSlot(this, work, batch, slot)
        return undefined
      case 'event':
        return this.#event(work, batch, slot)
      default:
        if (slot) return obey(this, work, batch, slot)
        if (body.kind === 'discard') return resolveLetter(this, work, batch, undefined, body)
        // Of an actor that is gone: nobody will ever want it.
        if (body.kind === 'task') batch.after.push(() => this.parts.executor.handled(message.to, body.task, body.attempt))
        this.refuse(work, batch, unknownActor(message.to))
        return undefined
    }
  }

  get now(): number {
    return this.parts.env.clock.now()
  }

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────

  #event(work: Work, batch: Batch, slot: Slot | undefined): Promise<void> | undefined {
    const { body, to } = work.message as Message<Extract<Body, { kind: 'event' }>>
    if (!slot) {
      this.refuse(work, batch, unknownActor(to))
      return undefined
    }
    if (body.key === undefined) return this.#accept(work, batch, slot, body)
    if (!batch.fingerprints.has(keyedBy(to, body.key))) return this.#readMarks(to, [body.key], batch).then(() => this.#event(work, batch, slot))
    return this.#isDuplicate(work, batch, slot, body.key, body.event) ? undefined : this.#accept(work, batch, slot, body)
  }

  /** Reads what a batch will ask the store for, all at once: one after the other each would be a round trip. What fails is read again by whom it concerns. */
  async readAhead(works: readonly Work[], batch: Batch): Promise<void> {
    const keys = new Map<ActorId, string[]>()
    for (const { message: { to, body } } of works) {
      if (body.kind !== 'event' || body.key === undefined || batch.fingerprints.has(keyedBy(to, body.key))) continue
      const known = keys.get(to)
      if (known) known.push(body.key)
      else keys.set(to, [body.key])
    }
    const reads = Array.from(keys, ([id, own]) => this.#readMarks(id, own, batch).catch(() => undefined))
    await Promise.all([this.parts.slots.readAhead(works.map(({ message }) => message.to)), ...reads])
  }

  async #readMarks(id: ActorId, keys: readonly string[], batch: Batch): Promise<void> {
    const seen = await this.parts.env.store.marks(id, keys)
    for (const key of keys) batch.fingerprints.set(keyedBy(id, key), seen.get(key))
  }

  #accept(work: Work, batch: Batch, slot: Slot, body: Extract<Body, { kind: 'event' }>): Promise<void> | undefined {
    const { message } = work
    if (this.mustWait(work, slot)) {
      this.park(work, batch, slot)
      return undefined
    }
    if (slot.status !== 'active') {
      this.refuse(work, batch, endedError(slot))
      return undefined
    }
    if (body.key !== undefined) this.#mark(batch, slot, body.key, body.event)
    return this.run(work, batch, slot, 'event', { message, event: body.event, path: body.path }, () => {
      if (body.ask) this.#openAsk(slot, body.ask)
      const child = body.child === undefined ? undefined : { path: body.child, id: message.from as ActorId }
      return this.live(slot).send(decodeJson<{ type: string }>(body.event), body.path, { ask: body.ask?.request, child })
    })
  }

  /** Events of an actor that is not running wait in the store, and so do those behind them. */
  mustWait(work: Work, slot: Slot): boolean {
    if (slot.status === 'paused' || slot.status === 'held' || slot.isBetweenLives) return true
    if (slot.isMendable) return work.message.from !== null
    return slot.status === 'active' && slot.parked > 0 && work.parkedPosition === undefined
  }

  park(work: Work, batch: Batch, slot: Slot): void {
    if (work.parkedPosition !== undefined) return
    const { mailboxDepthMax } = slot.definition?.limits ?? this.parts.env.limits
    const { body } = work.message
    // How a child has ended is never refused, or its parent would wait for ever: there are no more ends than children. Restarts have a bound of their own.
    const isVital = body.kind === 'child' ? body.outcome.type !== 'snapshot' : body.kind !== 'event'
    if (slot.parked >= mailboxDepthMax && !isVital) {
      return this.refuse(work, batch, new TroupeError('mailbox/full', `${slot.address} is ${slot.status} and ${slot.parked} events wait for it, the limit`, { address: slot.address, details: { depth: slot.parked, limit: mailboxDepthMax } }))
    }
    slot.parked++
    batch.slots.add(slot)
    batch.park.push(work.message as Message<Body>)
    // Counted as it is accepted: the same event sent again while this one waits is no other one.
    if (body.kind === 'event' && body.key !== undefined) this.#mark(batch, slot, body.key, body.event)
    if (slot.status === 'active' && !slot.isBetweenLives) this.parts.wake(slot.id)
    if (!work.message.reply) this.answer(work, batch, slot)
  }

  #isDuplicate(work: Work, batch: Batch, slot: Slot, key: string, event: string): boolean {
    const seen = batch.fingerprints.get(keyedBy(slot.id, key))
    if (seen === undefined || work.parkedPosition !== undefined) return false
    if (seen === fingerprintOf(event)) {
      this.parts.env.counters.duplicates++
      this.answer(work, batch, slot)
    } else this.refuse(work, batch, new TroupeError('event/conflict', `idempotency key ${JSON.stringify(key)} was used on ${slot.address} for another event`, { address: slot.address }))
    return true
  }

  #mark(batch: Batch, slot: Slot, key: string, event: string): void {
    const fingerprint = fingerprintOf(event)
    batch.fingerprints.set(keyedBy(slot.id, key), fingerprint)
    batch.marks.push({ actor: slot.id, key, fingerprint, expiresAt: this.now + this.parts.env.limits.idempotencyMs })
  }

  // ── one step ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs a step; when it fails, the actor is rolled back and supervision decides. */
  run(work: Work, batch: Batch, slot: Slot, kind: EntryKind, facts: EntryFacts, run: () => Step): Promise<void> | undefined {
    const failure = this.step(slot, batch, kind, facts, run, work)
    if (failure) return this.#fail({ work, batch, slot, kind, facts, error: failure.error }, run)
    this.answer(work, batch, slot)
    return undefined
  }

  async #fail(failure: Failure, run: () => Step): Promise<void> {
    const { slot, error } = failure
    // A context changed in place is named by its path: the step runs again on a copy that may be changed.
    await superviseFailure(this, { ...failure, error: (await mutationIn(this.parts.slots, slot, error, run)) ?? error })
  }

  /** Runs a step and writes it down; gives back what it threw. */
  step(slot: Slot, batch: Batch, kind: EntryKind, facts: EntryFacts, run: () => Step, cause?: Work): { readonly error: unknown } | undefined {
    const { head } = slot
    try {
      const step = run()
      if (slot.live?.status === 'done' && slot.status === 'active') slot.end(slot.cancelAt === null ? 'done' : 'cancelled')
      slot.record(kind, this.now, facts, step)
      if (slot.parked > 0 && !slot.isLive) this.parts.wake(slot.id)
      batch.slots.add(slot)
      batch.steps++
      batch.bytes += slot.entries.at(-1)?.length ?? 0
      this.parts.env.counters.steps++
      this.#effects(slot, batch, cause ?? (facts.message && { message: facts.message }), step)
      return undefined
    } catch (error) {
      slot.dropOps(head)
      return { error }
    }
  }

  /** An entry without a step of the machine: a change of status. */
  note(work: Work | undefined, batch: Batch, slot: Slot, kind: EntryKind): void {
    this.step(slot, batch, kind, work ? { message: work.message } : {}, () => noStep())
    if (work) this.answer(work, batch, slot)
  }

  /** Puts into the batch what a step wants to let out. */
  #effects(slot: Slot, batch: Batch, cause: Work | undefined, { effects, delta }: Step): void {
    const { parent } = slot
    if (effects === QUIET && !parent) return
    const work = cause ?? { message: this.message(slot.id, null, { kind: 'stop' }) }
    // Births first: what a step sends may be for a child that it has spawned.
    for (const { id, input, path, sync } of effects.spawns) this.emit(work, batch, id, slot.id, { kind: 'spawn', input, parent: { id: slot.id, path, sync } })
    for (const { to, path, event } of effects.sends) this.emit(work, batch, to, slot.id, path === undefined ? { kind: 'event', event } : { kind: 'event', event, path })
    for (const id of effects.stops) this.emit(work, batch, id, slot.id, { kind: 'stop' })
    for (const task of effects.cancelled) batch.after.push(() => this.parts.executor.abort(slot.id, task))
    for (const run of effects.after) batch.after.push(run)
    for (const task of effects.tasks) launchTask(this, batch, slot, task)
    for (const reply of effects.replies) this.#reply(slot, batch, work, reply)
    for (const { path, event, error } of effects.letters) this.bury({ message: this.message(slot.id, slot.id, { kind: 'event', event, path }, work.message) }, batch, error)
    const { live } = slot
    if (!parent) return
    const above = parent.path.slice(0, parent.path.lastIndexOf('/'))
    for (const event of effects.toParent) this.emit(work, batch, parent.id, slot.id, { kind: 'event', event, child: parent.path, ...(above !== '' && { path: above }) })
    if (live?.status === 'done') this.tellParent(work, batch, slot, { type: 'done', output: live.output })
    else if (parent.sync && delta !== undefined && live && slot.status === 'active') {
      const { value, context } = live.persisted()()
      this.tellParent(work, batch, slot, { type: 'snapshot', snapshot: { value, context } })
    }
  }

  #openAsk(slot: Slot, { node, request, timeoutMs }: NonNullable<Extract<Body, { kind: 'event' }>['ask']>): void {
    slot.set('asks', [...this.#waitingAsks(slot), { node, request, expiresAt: this.now + timeoutMs }])
  }

  /** A question that timed out must not take the answer of the next one. */
  #waitingAsks(slot: Slot): readonly OpenAsk[] {
    const { now } = this
    return slot.asks.filter(({ expiresAt }) => expiresAt > now)
  }

  #reply(slot: Slot, batch: Batch, { message: { body } }: Work, { value, to }: Reply): void {
    const waiting = this.#waitingAsks(slot)
    const own = to === undefined && body.kind === 'event' ? body.ask?.request : to
    const ask = waiting.find(({ request }) => request === own) ?? (to === undefined ? waiting[0] : undefined)
    if (!ask) return
    slot.set('asks', waiting.filter(other => other !== ask))
    this.note(undefined, batch, slot, 'reply')
    const { definition, seq } = slot
    const view = slot.view()
    // At hand in this process: reading it again would cost what the whole actor costs.
    batch.reply(ask, slot.id, { seq, value, ...(definition && { snapshot: () => new ActorSnapshot(definition, view(), value) }) })
  }

  /** Ends an actor and everything that runs for it; its own children are told by its tree. */
  halt(slot: Slot, batch: Batch, status: 'stopped' | 'cancelled' | 'failed', kind: EntryKind, facts: EntryFacts, work: Work): void {
    for (const task of slot.live?.tasks.keys() ?? []) batch.after.push(() => this.parts.executor.abort(slot.id, task))
    slot.held = undefined
    const end = (): Step => {
      slot.end(status)
      return slot.live?.stop() ?? noStep()
    }
    this.step(slot, batch, kind, facts, end, work)
  }

  tellParent(work: Work, batch: Batch, slot: Slot, outcome: ChildOutcome): void {
    const { parent } = slot
    if (parent) this.emit(work, batch, parent.id, slot.id, { kind: 'child', path: parent.path, child: slot.id, outcome })
  }

  /** Sends a message on behalf of an actor: handled in this batch when it stays in the partition, else after the commit. */
  emit(cause: Work, batch: Batch, to: ActorId, from: ActorId, body: Body): void {
    const message = this.message(to, from, body, cause.message)
    if (batch.chains(to)) batch.chained.push({ message })
    else batch.outbox.push(message)
  }

  message(to: ActorId, from: ActorId | null, body: Body, cause?: Message): Message<Body> {
    const { env } = this.parts
    const id = env.nextMessageId()
    const message = { id, to, from, at: env.clock.now(), body, correlation: cause?.correlation ?? id, causation: cause?.id ?? null }
    return cause?.traceparent === undefined ? message : { ...message, traceparent: cause.traceparent }
  }

  /** A work that was not carried out: told to its sender, or kept as a dead letter when nobody waits. */
  refuse(work: Work, batch: Batch, error: unknown): void {
    if (work.waiter || work.message.reply) return batch.answer(work, { seq: 0, error })
    const { kind } = work.message.body
    if (kind === 'event' || kind === 'start' || kind === 'fork') this.bury(work, batch, error)
  }

  bury(work: Work, batch: Batch, error: unknown): string {
    const { env, partition } = this.parts
    const { to, body } = work.message
    const data = body.kind === 'damaged' ? body.data : encodeFor(env.codec, to, packMessage(work.message as Message<Body>, env.store.partitions).data)
    env.counters.deadLetters++
    // Sorts by time, so that lists page from old to new.
    const id = `${this.now.toString(36).padStart(9, '0')}.${env.nextMessageId()}`
    batch.letters.push({ id, actor: to, partition, at: this.now, data, cause: encodeError(env.codec, to, error), state: 'present', resolvedAt: null, reason: null })
    return id
  }

  /** Tells whoever asked that the work is done, with the actor's state now. */
  answer(work: Work, batch: Batch, slot: Slot): void {
    const { waiter, message } = work
    if (!waiter && !message.reply) return
    const { definition, seq } = slot
    if (waiter && !waiter.wantsOutcome) return void batch.served.push(waiter)
    if (!waiter || !definition) return batch.answer(work, { seq })
    const view = slot.view()
    batch.answer(work, { seq, snapshot: () => new ActorSnapshot(definition, view()) })
  }

  live(slot: Slot): LiveActor {
    if (!slot.live) throw new TroupeError('actor/held', `${slot.address} is ${slot.status}`, { address: slot.address })
    return slot.live
  }
}

/** What its restoring has changed is written with the batch. */
function arrived(slot: Slot | undefined, batch: Batch): Slot | undefined {
  if (slot && (slot.isDirty || slot.held)) batch.slots.add(slot)
  return slot
}

const keyedBy = (id: ActorId, key: string): string => `${id}\n${key}`

const fingerprintOf = (event: string): string => createHash('sha256').update(event).digest('base64url').slice(0, 22)
