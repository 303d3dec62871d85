import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TaskDocument } from '../core/document.ts'
import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { EntryKind } from '../core/journal.ts'
import { decodeJson } from '../core/json.ts'
import { packMessage, unpackMessage } from '../core/message.ts'
import type { Body, LocalBody, Message } from '../core/message.ts'
import type { ChildOutcome } from '../core/remote.ts'
import { backoffMs } from '../core/retry.ts'
import { taskOf } from '../core/task.ts'
import { decodeMessage } from './batch.ts'
import type { Batch } from './batch.ts'
import type { HostEnv } from './env.ts'
import type { Executor } from './executor.ts'
import { forkDocument } from './fork.ts'
import { mutationIn } from './mutation.ts'
import { ActorSnapshot } from './snapshot.ts'
import { endedError } from './status.ts'
import { Slot } from './slot.ts'
import type { EntryFacts } from './slot.ts'
import type { Slots } from './slots.ts'
import { superviseFailure } from './supervision.ts'
import type { Failure } from './supervision.ts'
import type { Work } from './work.ts'
import { QUIET, noStep } from './xstate/live-actor.ts'
import type { Step } from './xstate/live-actor.ts'

/** Parked messages handled in one go when an actor takes events again. */
const UNPARK_MAX = 256

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
    const { to } = work.message
    const slot = slots.get(to)
    if (!slot) return this.#load(to, batch).then(loaded => this.#dispatch(work, batch, loaded))
    if (!batch.slots.has(slot)) slots.touch(slot)
    return this.#dispatch(work, batch, slot)
  }

  async #load(id: ActorId, batch: Batch): Promise<Slot | undefined> {
    const slot = await this.parts.slots.load(id)
    if (slot && (slot.isDirty || slot.held)) batch.slots.add(slot)
    return slot
  }

  #dispatch(work: Work, batch: Batch, slot: Slot | undefined): Promise<void> | undefined {
    const { message } = work
    const { body } = message
    switch (body.kind) {
      case 'start':
      case 'spawn':
      case 'fork':
        return void this.#create(work, batch, slot)
      case 'event':
        return this.#event(work, batch, slot)
      default:
        if (slot) return this.#command(work, batch, slot)
        return void this.refuse(work, batch, unknownActor(message.to))
    }
  }

  get #now(): number {
    return this.parts.env.clock.now()
  }

  async #slot(id: ActorId, batch: Batch): Promise<Slot | undefined> {
    const { slots } = this.parts
    const known = slots.get(id)
    if (known) {
      if (!batch.slots.has(known)) slots.touch(known)
      return known
    }
    const slot = await slots.load(id)
    if (slot && (slot.isDirty || slot.held)) batch.slots.add(slot)
    return slot
  }

  // ── creation ──────────────────────────────────────────────────────────────────────────────────────────────

  #create(work: Work, batch: Batch, existing: Slot | undefined): void {
    const { env, slots } = this.parts
    const { message } = work
    const body = message.body as Extract<Body, { kind: 'start' | 'spawn' | 'fork' }>
    if (existing) return this.#createAgain(work, batch, existing)
    const { machine } = parseActorId(message.to)
    const definition = env.definitions.get(machine)
    if (!definition) return this.#refuseBirth(work, batch, unknownMachine(machine, env))
    if (this.parts.room() <= 0) {
      return this.#refuseBirth(work, batch, new TroupeError('actor/limit', `partition ${this.parts.partition} has ${env.limits.activeActorsMax} active actors, the limit`, { address: addressOf(message.to) }))
    }
    const document = body.kind === 'fork' ? forkDocument(body.document, message.to, this.#now) : undefined
    const input: unknown = body.kind === 'fork' ? body.document.input : decodeJson(body.input)
    const head = document?.head ?? { status: 'active' as const, failure: null, cancelAt: null, input, parent: body.kind === 'spawn' ? body.parent : null, asks: [], restarts: [] }
    const slot = new Slot(message.to, definition, head, this.#now)
    try {
      if (document) slots.adopt(slot, document.document)
      else slot.live = slots.open(definition, message.to, { input: input ?? undefined })
    } catch (error) {
      return this.#refuseBirth(work, batch, error)
    }
    const failure = this.step(slot, batch, body.kind === 'fork' ? 'fork' : 'start', { message }, () => (document ? { delta: undefined, effects: document.effects } : this.#live(slot).start()))
    if (failure) {
      slot.live?.dispose()
      return this.#refuseBirth(work, batch, failure.error)
    }
    slots.add(slot)
    if (document) this.parts.wake(slot.id)
    this.#answer(work, batch, slot)
  }

  /** Starting again with the same input is the same start; a spawn is repeated only by a message that was handled already. */
  #createAgain(work: Work, batch: Batch, slot: Slot): void {
    const { body } = work.message
    if (body.kind === 'spawn') return void this.parts.env.counters.duplicates++
    const same = body.kind === 'start' && isDeepStrictEqual(slot.input ?? null, decodeJson(body.input) ?? null)
    if (same) return this.#answer(work, batch, slot)
    const how = body.kind === 'fork' ? 'so it cannot be forked to' : 'with another input'
    this.refuse(work, batch, new TroupeError('actor/exists', `${slot.address} was started already, ${how}`, { address: slot.address }))
  }

  /** A child that cannot be born is an error of its parent's; others hear it themselves. */
  #refuseBirth(work: Work, batch: Batch, error: unknown): void {
    const { body, to } = work.message
    if (body.kind !== 'spawn') return this.refuse(work, batch, error)
    this.emit(work, batch, body.parent.id, to, { kind: 'child', path: body.parent.path, child: to, outcome: { type: 'error', error: toErrorInfo(error) } })
  }

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────

  #event(work: Work, batch: Batch, slot: Slot | undefined): Promise<void> | undefined {
    const { body, to } = work.message as Message<Extract<Body, { kind: 'event' }>>
    if (!slot) return void this.refuse(work, batch, unknownActor(to))
    if (body.key === undefined) return this.#accept(work, batch, slot, body)
    return this.#isDuplicate(work, batch, slot, body.key, body.event).then(isDuplicate => (isDuplicate ? undefined : this.#accept(work, batch, slot, body)))
  }

  #accept(work: Work, batch: Batch, slot: Slot, body: Extract<Body, { kind: 'event' }>): Promise<void> | undefined {
    const { message } = work
    if (this.#mustWait(work, slot)) return void this.#park(work, batch, slot)
    if (slot.status !== 'active') return void this.refuse(work, batch, endedError(slot))
    if (body.key !== undefined) this.#mark(batch, slot, body.key, body.event)
    return this.#run(work, batch, slot, 'event', { message, event: body.event, path: body.path }, () => {
      if (body.ask) slot.set('asks', [...slot.asks, body.ask])
      return this.#live(slot).send(JSON.parse(body.event) as { type: string }, body.path)
    })
  }

  /** Events of an actor that is not running wait in the store, and so do those behind them. */
  #mustWait(work: Work, slot: Slot): boolean {
    if (slot.status === 'paused' || slot.status === 'held') return true
    if (slot.status === 'failed') return work.message.from !== null
    return slot.status === 'active' && slot.parked > 0 && work.parkedPosition === undefined
  }

  #park(work: Work, batch: Batch, slot: Slot): void {
    if (work.parkedPosition !== undefined) return
    const { mailboxDepthMax } = slot.definition?.limits ?? this.parts.env.limits
    if (slot.parked >= mailboxDepthMax) {
      return this.refuse(work, batch, new TroupeError('mailbox/full', `${slot.address} is ${slot.status} and ${slot.parked} events wait for it, the limit`, { address: slot.address, details: { depth: slot.parked, limit: mailboxDepthMax } }))
    }
    slot.parked++
    batch.slots.add(slot)
    batch.park.push(work.message as Message<Body>)
    if (slot.status === 'active') this.parts.wake(slot.id)
    if (!work.message.reply) this.#answer(work, batch, slot)
  }

  async #isDuplicate(work: Work, batch: Batch, slot: Slot, key: string, event: string): Promise<boolean> {
    const recent = batch.marks.find(mark => mark.actor === slot.id && mark.key === key)?.fingerprint
    const seen = recent ?? (await this.parts.env.store.marks(slot.id, [key])).get(key)
    if (seen === undefined || work.parkedPosition !== undefined) return false
    if (seen === fingerprintOf(event)) {
      this.parts.env.counters.duplicates++
      this.#answer(work, batch, slot)
    } else this.refuse(work, batch, new TroupeError('event/conflict', `idempotency key ${JSON.stringify(key)} was used on ${slot.address} for another event`, { address: slot.address }))
    return true
  }

  #mark(batch: Batch, slot: Slot, key: string, event: string): void {
    batch.marks.push({ actor: slot.id, key, fingerprint: fingerprintOf(event), expiresAt: this.#now + this.parts.env.limits.idempotencyMs })
  }

  // ── commands and what the engine tells itself ─────────────────────────────────────────────────────────────

  async #command(work: Work, batch: Batch, slot: Slot): Promise<void> {
    const { message } = work
    const body = message.body as Exclude<Body, { kind: 'start' | 'spawn' | 'fork' | 'event' }> | LocalBody
    switch (body.kind) {
      case 'child':
        return this.#child(work, batch, slot, body)
      case 'stop':
        return slot.status === 'failed' || slot.isLive ? this.#stop(work, batch, slot, 'stopped') : this.#answer(work, batch, slot)
      case 'cancel':
        return this.#cancel(work, batch, slot, body.graceMs)
      case 'pause':
        if (slot.status === 'paused') return this.#answer(work, batch, slot)
        if (slot.status !== 'active') return this.refuse(work, batch, endedError(slot))
        slot.set('status', 'paused')
        return this.#note(work, batch, slot, 'pause')
      case 'resume':
        return this.#resume(work, batch, slot)
      case 'replay':
      case 'discard':
        return this.#letter(work, batch, slot, body)
      case 'wake':
        return this.#wake(work, batch, slot)
      case 'task':
        return this.#taskEnded(work, batch, slot, body)
      case 'heartbeat':
        return this.#updateTask(batch, slot, body, task => ({ ...task, checkpoint: body.details }))
      case 'interrupt':
        return this.#updateTask(batch, slot, body, task => ({ ...task, attempt: task.attempt + 1, dueAt: this.#now }))
    }
  }

  async #child(work: Work, batch: Batch, slot: Slot, { path, child, outcome }: Extract<Body, { kind: 'child' }>): Promise<void> {
    if (this.#mustWait(work, slot)) return this.#park(work, batch, slot)
    if (slot.status !== 'active') return
    const event = JSON.stringify({ type: `child.${outcome.type}`, child: addressOf(child) })
    await this.#run(work, batch, slot, 'child', { message: work.message, event, path }, () => this.#live(slot).settleChild(path, child, outcome))
  }

  #stop(work: Work, batch: Batch, slot: Slot, status: 'stopped' | 'cancelled'): void {
    const byParent = work.message.from !== null && work.message.from === slot.parent?.id
    this.halt(slot, batch, status, status === 'stopped' ? 'stop' : 'cancel', { message: work.message }, work)
    this.#answer(work, batch, slot)
    if (!byParent) this.tellParent(work, batch, slot, { type: 'error', error: toErrorInfo(new TroupeError('actor/ended', `${slot.address} was ${status}`, { address: slot.address })) })
  }

  /** Ends an actor and everything that runs for it; its own children are told by its tree. */
  halt(slot: Slot, batch: Batch, status: 'stopped' | 'cancelled' | 'failed', kind: EntryKind, facts: EntryFacts, work: Work): void {
    for (const task of slot.live?.tasks.keys() ?? []) batch.after.push(() => this.parts.executor.abort(slot.id, task))
    slot.held = undefined
    this.step(
      slot,
      batch,
      kind,
      facts,
      () => {
        slot.end(status)
        return slot.live?.stop() ?? noStep()
      },
      work,
    )
  }

  /** Gives a machine that knows `CANCEL` its grace to clean up, then stops what is left. */
  async #cancel(work: Work, batch: Batch, slot: Slot, graceMs: number): Promise<void> {
    if (!slot.isLive && slot.status !== 'failed') return this.#answer(work, batch, slot)
    const snapshot = slot.live?.snapshot as { can?: (event: { type: string }) => boolean } | undefined
    if (slot.status !== 'active' || graceMs <= 0 || !snapshot?.can?.({ type: 'CANCEL' })) return this.#stop(work, batch, slot, 'cancelled')
    await this.#run(work, batch, slot, 'cancel', { message: work.message, event: '{"type":"CANCEL"}' }, () => {
      slot.set('cancelAt', this.#now + graceMs)
      return this.#live(slot).send({ type: 'CANCEL' })
    })
  }

  async #resume(work: Work, batch: Batch, slot: Slot): Promise<void> {
    if (slot.status === 'active') return this.#answer(work, batch, slot)
    if (slot.status === 'paused') slot.set('status', 'active')
    else if (slot.status === 'failed') await this.#revive(slot)
    else return this.refuse(work, batch, endedError(slot))
    this.#note(work, batch, slot, 'resume')
    this.parts.wake(slot.id)
  }

  async #revive(slot: Slot): Promise<void> {
    slot.revive()
    await this.parts.slots.rollBack(slot)
  }

  async #letter(work: Work, batch: Batch, slot: Slot, body: Extract<Body, { kind: 'replay' | 'discard' }>): Promise<void> {
    const { store, codec } = this.parts.env
    const [letter] = await store.deadLetters({ id: body.letter, limit: 1 })
    if (!letter || letter.state !== 'present' || letter.actor !== slot.id || batch.resolved.some(({ id }) => id === letter.id)) {
      return this.refuse(work, batch, new TroupeError('dead-letter/unknown', `there is no dead letter ${body.letter} to ${body.kind}`, { address: slot.address }))
    }
    batch.resolved.push({ id: letter.id, state: body.kind === 'replay' ? 'replayed' : 'discarded', at: this.#now, reason: body.kind === 'discard' ? body.reason : null })
    if (body.kind === 'discard') return this.#answer(work, batch, slot)
    if (slot.status === 'failed') {
      await this.#revive(slot)
      this.#note(undefined, batch, slot, 'resume')
      this.parts.wake(slot.id)
    }
    const original = unpackMessage(decodeMessage({ id: work.message.id, to: slot.id, at: letter.at, partition: letter.partition, data: letter.data }, codec))
    const { reply: _, ...envelope } = original
    const { key: _key, ask: _ask, ...event } = original.body as Extract<Body, { kind: 'event' }>
    if ((original.body as { kind: string }).kind === 'task') return this.#replayTask(work, batch, slot, original.body as unknown as { task: string })
    const again = original.body.kind === 'event' ? { ...envelope, body: event } : envelope
    return this.handle({ ...work, message: again as Message }, batch)
  }

  /** A task that gave up begins again with a clean count; its idempotency key stays. */
  #replayTask(work: Work, batch: Batch, slot: Slot, { task: id }: { readonly task: string }): void {
    const task = slot.live?.tasks.get(id)
    if (task) {
      const { outcome: _, ...open } = task
      const event = JSON.stringify({ type: 'task.replayed', task: id })
      this.step(slot, batch, 'task', { event, path: task.path }, () => this.#live(slot).updateTask({ ...open, attempt: task.attempt + 1, failures: 0, crashes: 0, dueAt: this.#now }))
      this.parts.wake(slot.id)
    }
    this.#answer(work, batch, slot)
  }

  // ── wake: what is due, open or kept aside ─────────────────────────────────────────────────────────────────

  async #wake(work: Work, batch: Batch, slot: Slot): Promise<void> {
    const { env } = this.parts
    if (slot.status !== 'active') return
    if (slot.parked > 0) await this.#unpark(batch, slot)
    for (let due = slot.live?.dueTimer(this.#now); due && slot.status === 'active'; due = slot.live?.dueTimer(this.#now)) {
      await env.probe?.('timer')
      const { key, timer } = due
      env.counters.timersFired++
      const path = typeof timer.target === 'string' ? timer.target : undefined
      const body: Body = { kind: 'event', event: JSON.stringify(timer.event), ...(path !== undefined && path !== '' && { path }) }
      const message = this.#message(slot.id, slot.id, body, work.message)
      await this.#run({ message }, batch, slot, 'timer', { event: body.event, path }, () => this.#live(slot).fire({ key, timer }))
      // A timer whose event poisoned the actor is there again after the roll-back, and must not fire for ever.
      if (slot.live?.hasTimer(key, timer.generation)) this.step(slot, batch, 'timer', { event: '{"type":"timer.dropped"}' }, () => this.#live(slot).dropTimer(key))
    }
    await this.#wakeTasks(batch, slot, work)
    if (slot.cancelAt !== null && slot.cancelAt <= this.#now && slot.status === 'active') this.#stop({ message: this.#message(slot.id, null, { kind: 'stop' }, work.message) }, batch, slot, 'cancelled')
  }

  async #unpark(batch: Batch, slot: Slot): Promise<void> {
    const { env } = this.parts
    await env.probe?.('parked')
    const waiting = await env.store.parked(slot.id, UNPARK_MAX)
    for (const { position, ...stored } of waiting) {
      if (slot.status !== 'active') break
      if (batch.unpark.includes(position)) continue
      slot.parked--
      batch.unpark.push(position)
      batch.slots.add(slot)
      await this.handle({ message: unpackMessage(decodeMessage(stored, env.codec)), parkedPosition: position }, batch)
    }
    if (slot.parked > 0) this.parts.wake(slot.id)
  }

  /** Starts attempts that are due, and those that a crash has interrupted. */
  async #wakeTasks(batch: Batch, slot: Slot, work: Work): Promise<void> {
    for (const task of [...(slot.live?.tasks.values() ?? [])]) {
      if (slot.status !== 'active' || slot.live?.tasks.get(task.id) !== task) continue
      if (task.outcome) {
        await this.#settleTask(work, batch, slot, task, task.outcome.ok ? { output: task.outcome.output } : { error: task.outcome.error })
      } else if (task.dueAt !== null) {
        if (task.dueAt <= this.#now) this.#startTask(batch, slot, { ...task, dueAt: null })
      } else if (!this.parts.executor.isRunning(slot.id, task.id)) {
        if (batch.starting.has(taskKey(slot, task))) continue
        const crashes = task.crashes + 1
        if (crashes <= this.parts.env.limits.taskCrashesMax) this.#startTask(batch, slot, { ...task, attempt: task.attempt + 1, crashes })
        else await this.#settleTask(work, batch, slot, task, { error: new TroupeError('task/crashed', `the process died ${task.crashes} times while task ${task.id} of ${slot.address} ran`, { address: slot.address }) })
      }
    }
  }

  #startTask(batch: Batch, slot: Slot, task: TaskDocument): void {
    const event = JSON.stringify({ type: 'task.started', task: task.id, attempt: task.attempt })
    if (!this.step(slot, batch, 'task', { event, path: task.path }, () => this.#live(slot).updateTask(task))) this.#launch(batch, slot, task)
  }

  #launch(batch: Batch, slot: Slot, task: TaskDocument): void {
    batch.starting.add(taskKey(slot, task))
    batch.after.push(() => {
      const current = slot.live?.tasks.get(task.id)
      const ref = current && slot.live?.taskRef(current)
      if (ref && current.attempt === task.attempt && current.dueAt === null) this.parts.executor.start(slot.id, current, ref)
    })
  }

  #updateTask(batch: Batch, slot: Slot, { task: id, attempt }: { task: string; attempt: number }, change: (task: TaskDocument) => TaskDocument): void {
    const task = slot.live?.tasks.get(id)
    if (!task || task.attempt !== attempt || task.dueAt !== null) return void this.parts.env.counters.staleTasks++
    this.step(slot, batch, 'task', { event: JSON.stringify({ type: 'task.updated', task: id, attempt }), path: task.path }, () => this.#live(slot).updateTask(change(task)))
  }

  async #taskEnded(work: Work, batch: Batch, slot: Slot, { task: id, attempt, outcome, retryable, checkpoint }: Extract<LocalBody, { kind: 'task' }>): Promise<void> {
    const task = slot.live?.tasks.get(id)
    if (!task || task.attempt !== attempt || task.dueAt !== null || task.outcome) return void this.parts.env.counters.staleTasks++
    if (!outcome.ok && retryable) {
      this.parts.env.counters.taskRetries++
      const dueAt = this.#now + backoffMs(taskDefinition(slot, task).retry, task.failures + 1, this.parts.env.random.next())
      const next: TaskDocument = { ...task, attempt: attempt + 1, failures: task.failures + 1, dueAt, checkpoint: checkpoint ?? null }
      const event = JSON.stringify({ type: 'task.retry', task: id, attempt, dueAt })
      this.step(slot, batch, 'task', { event, path: task.path, error: toErrorInfo(outcome.error) }, () => this.#live(slot).updateTask(next))
    } else if (slot.status === 'paused') this.#updateTask(batch, slot, { task: id, attempt }, known => ({ ...known, outcome }))
    else await this.#settleTask(work, batch, slot, task, outcome.ok ? { output: outcome.output } : { error: outcome.error })
  }

  async #settleTask(work: Work, batch: Batch, slot: Slot, task: TaskDocument, outcome: { readonly output: unknown } | { readonly error: unknown }): Promise<void> {
    const failed = 'error' in outcome
    const event = JSON.stringify({ type: failed ? 'task.failed' : 'task.done', task: task.id, attempt: task.attempt })
    const error = failed ? { error: toErrorInfo(outcome.error) } : {}
    const body = { kind: 'task', task: task.id, attempt: task.attempt, outcome: failed ? { ok: false, error: outcome.error } : { ok: true, output: outcome.output } } as unknown as Body
    const message = this.#message(slot.id, null, body, work.message)
    await this.#run({ message }, batch, slot, 'task', { event, path: task.path, ...error }, () => this.#live(slot).settleTask(task, outcome))
  }

  // ── one step ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs a step; when it fails, the actor is rolled back and supervision decides. */
  #run(work: Work, batch: Batch, slot: Slot, kind: EntryKind, facts: EntryFacts, run: () => Step): Promise<void> | undefined {
    const failure = this.step(slot, batch, kind, facts, run, work)
    if (failure) return this.#fail({ work, batch, slot, kind, facts, error: failure.error }, run)
    this.#answer(work, batch, slot)
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
      slot.record(kind, this.#now, facts, step)
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
  #note(work: Work | undefined, batch: Batch, slot: Slot, kind: EntryKind): void {
    this.step(slot, batch, kind, work ? { message: work.message } : {}, () => noStep())
    if (work) this.#answer(work, batch, slot)
  }

  /** Puts into the batch what a step wants to let out. */
  #effects(slot: Slot, batch: Batch, cause: Work | undefined, { effects, delta }: Step): void {
    const { parent } = slot
    if (effects === QUIET && !parent) return
    const work = cause ?? { message: this.#message(slot.id, null, { kind: 'stop' }) }
    for (const { to, path, event } of effects.sends) this.emit(work, batch, to, slot.id, { kind: 'event', event, ...(path !== undefined && { path }) })
    for (const { id, input, path, sync } of effects.spawns) this.emit(work, batch, id, slot.id, { kind: 'spawn', input, parent: { id: slot.id, path, sync } })
    for (const id of effects.stops) this.emit(work, batch, id, slot.id, { kind: 'stop' })
    for (const task of effects.cancelled) batch.after.push(() => this.parts.executor.abort(slot.id, task))
    for (const run of effects.after) batch.after.push(run)
    for (const task of effects.tasks) this.#launch(batch, slot, task)
    for (const value of effects.replies) this.#reply(slot, batch, value)
    const { live } = slot
    if (!parent) return
    const above = parent.path.slice(0, parent.path.lastIndexOf('/'))
    for (const event of effects.toParent) this.emit(work, batch, parent.id, slot.id, { kind: 'event', event, ...(above !== '' && { path: above }) })
    if (live?.status === 'done') this.tellParent(work, batch, slot, { type: 'done', output: live.output })
    else if (parent.sync && delta !== undefined && live && slot.status === 'active') {
      const { value, context } = live.persisted()()
      this.tellParent(work, batch, slot, { type: 'snapshot', snapshot: { value, context } })
    }
  }

  #reply(slot: Slot, batch: Batch, value: unknown): void {
    const [ask, ...rest] = slot.asks
    if (!ask) return
    slot.set('asks', rest)
    this.#note(undefined, batch, slot, 'event')
    const { env } = this.parts
    const { seq } = slot
    if (ask.node === env.node) batch.after.push(() => env.settle(ask.request, { seq, value }))
    else batch.replies.push({ node: ask.node, request: ask.request, data: JSON.stringify({ seq, value }) })
  }

  tellParent(work: Work, batch: Batch, slot: Slot, outcome: ChildOutcome): void {
    const { parent } = slot
    if (parent) this.emit(work, batch, parent.id, slot.id, { kind: 'child', path: parent.path, child: slot.id, outcome })
  }

  /** Sends a message on behalf of an actor: handled in this batch when it stays in the partition, else after the commit. */
  emit(cause: Work, batch: Batch, to: ActorId, from: ActorId, body: Body): void {
    const message = this.#message(to, from, body, cause.message)
    if (batch.chains(to)) batch.chained.push({ message })
    else batch.outbox.push(message)
  }

  #message(to: ActorId, from: ActorId | null, body: Body, cause?: Message): Message<Body> {
    const { env } = this.parts
    const id = env.nextMessageId()
    return { id, to, from, at: env.clock.now(), body, correlation: cause?.correlation ?? id, causation: cause?.id ?? null, ...(cause?.traceparent !== undefined && { traceparent: cause.traceparent }) }
  }

  /** A work that was not carried out: told to its sender, or kept as a dead letter when nobody waits. */
  refuse(work: Work, batch: Batch, error: unknown): void {
    if (work.waiter || work.message.reply) return batch.answer(work, { seq: 0, error })
    const { kind } = work.message.body
    if (kind === 'event' || kind === 'start' || kind === 'fork') this.bury(work, batch, error)
  }

  bury(work: Work, batch: Batch, error: unknown): string {
    const { env, partition } = this.parts
    const packed = packMessage(work.message as Message<Body>, env.store.partitions)
    const { tenant, machine, key } = parseActorId(packed.to)
    env.counters.deadLetters++
    // Sorts by time, so that lists page from old to new.
    const id = `${this.#now.toString(36).padStart(9, '0')}.${env.nextMessageId()}`
    batch.letters.push({ id, actor: packed.to, partition, at: this.#now, data: env.codec.encode(packed.data, { tenant, machine, key, seq: 0 }), cause: JSON.stringify(toErrorInfo(error)), state: 'present', resolvedAt: null, reason: null })
    return id
  }

  /** Tells whoever asked that the work is done, with the actor's state now. */
  #answer(work: Work, batch: Batch, slot: Slot): void {
    const { waiter, message } = work
    if (!waiter && !message.reply) return
    const { definition, seq } = slot
    if (!waiter?.wantsSnapshot || !definition) return batch.answer(work, { seq })
    const view = slot.view()
    batch.answer(work, { seq, snapshot: () => new ActorSnapshot(definition, view()) })
  }

  #live(slot: Slot) {
    if (!slot.live) throw new TroupeError('actor/held', `${slot.address} is ${slot.status}`, { address: slot.address })
    return slot.live
  }
}

const taskDefinition = (slot: Slot, task: TaskDocument) => taskOf((slot.live?.taskRef(task) as unknown as { logic: Parameters<typeof taskOf>[0] }).logic)

const taskKey = (slot: Slot, { id, attempt }: TaskDocument): string => `${slot.id}:${id}:${attempt}`

const fingerprintOf = (event: string): string => createHash('sha256').update(event).digest('base64url').slice(0, 22)

export const unknownActor = (id: ActorId): TroupeError => new TroupeError('actor/unknown', `there is no actor ${addressOf(id)}`, { address: addressOf(id) })

export const unknownMachine = (machine: string, { definitions }: HostEnv): TroupeError =>
  new TroupeError('machine/unknown', `no machine '${machine}' is registered; registered are ${[...definitions.keys()].join(', ') || 'none'}`)
