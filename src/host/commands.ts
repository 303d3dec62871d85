import { addressOf } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import type { Body, LocalBody, Message } from '../core/message.ts'
import { readMessage } from './batch.ts'
import type { Batch } from './batch.ts'
import { followProbe } from './follow-probe.ts'
import { restartForSibling, restartSiblings } from './restart.ts'
import type { Slot } from './slot.ts'
import { endedError, unknownActor } from './status.ts'
import type { Stepper } from './stepper.ts'
import { stopActor } from './stop.ts'
import { endTask, replayTask, updateTask } from './task-steps.ts'
import { wakeActor } from './wake.ts'
import type { Settled, Waiter, Work } from './work.ts'

/** What is not an event: what people and parents ask of an actor, and what the engine tells itself. */
export function obey(stepper: Stepper, work: Work, batch: Batch, slot: Slot): Promise<void> | undefined {
  const body = work.message.body as Exclude<Body, { kind: 'start' | 'spawn' | 'fork' | 'event' }> | Exclude<LocalBody, { kind: 'damaged' }>
  switch (body.kind) {
    case 'child':
      return settleChild(stepper, work, batch, slot, body)
    case 'restarted':
      restartSiblings(stepper, work, batch, slot)
      return undefined
    case 'restart':
      restartForSibling(stepper, work, batch, slot, body.sibling)
      return undefined
    case 'stop':
      if (slot.isLive || slot.isMendable) stopActor(stepper, work, batch, slot, 'stopped')
      else stepper.answer(work, batch, slot)
      return undefined
    case 'cancel':
      return cancel(stepper, work, batch, slot, body.graceMs)
    case 'pause':
      pause(stepper, work, batch, slot)
      return undefined
    case 'resume':
      return resume(stepper, work, batch, slot)
    case 'replay':
    case 'discard':
      return resolveLetter(stepper, work, batch, slot, body)
    case 'probe':
      followProbe(stepper, work, batch, slot, body.probe)
      return undefined
    case 'wake':
      return wakeActor(stepper, work, batch, slot)
    case 'task':
      batch.after.push(() => stepper.parts.executor.handled(slot.id, body.task, body.attempt))
      return endTask(stepper, work, batch, slot, body)
    case 'heartbeat':
      updateTask(stepper, batch, slot, body, task => ({ ...task, checkpoint: body.details }))
      return undefined
    case 'interrupt':
      batch.after.push(() => stepper.parts.executor.handled(slot.id, body.task, body.attempt))
      updateTask(stepper, batch, slot, body, task => ({ ...task, attempt: task.attempt + 1, dueAt: stepper.now }))
      return undefined
  }
}

function settleChild(stepper: Stepper, work: Work, batch: Batch, slot: Slot, { path, child, outcome }: Extract<Body, { kind: 'child' }>): Promise<void> | undefined {
  if (stepper.mustWait(work, slot)) {
    stepper.park(work, batch, slot)
    return undefined
  }
  if (slot.status !== 'active') return undefined
  const event = JSON.stringify({ type: `child.${outcome.type}`, child: addressOf(child) })
  return stepper.run(work, batch, slot, 'child', { message: work.message, event, path }, () => stepper.live(slot).settleChild(path, child, outcome))
}

/** Gives a machine that knows `CANCEL` its grace to clean up, then stops what is left. */
async function cancel(stepper: Stepper, work: Work, batch: Batch, slot: Slot, graceMs: number): Promise<void> {
  if (!slot.isLive && !slot.isMendable) return stepper.answer(work, batch, slot)
  if (slot.cancelAt !== null && graceMs > 0) return stepper.answer(work, batch, slot)
  const snapshot = slot.live?.snapshot as { can?: (event: { type: string }) => boolean } | undefined
  if (slot.status !== 'active' || graceMs <= 0 || !snapshot?.can?.({ type: 'CANCEL' })) return stopActor(stepper, work, batch, slot, 'cancelled')
  await stepper.run(work, batch, slot, 'cancel', { message: work.message, event: '{"type":"CANCEL"}' }, () => {
    slot.set('cancelAt', stepper.now + graceMs)
    return stepper.live(slot).send({ type: 'CANCEL' })
  })
  // It threw on CANCEL and was rolled back: there will be no cleaning up.
  if (slot.status === 'active' && slot.cancelAt === null) stopActor(stepper, { message: stepper.message(slot.id, null, { kind: 'stop' }, work.message) }, batch, slot, 'cancelled')
}

function pause(stepper: Stepper, work: Work, batch: Batch, slot: Slot): void {
  if (slot.status === 'paused') return stepper.answer(work, batch, slot)
  if (slot.status !== 'active') return stepper.refuse(work, batch, endedError(slot))
  slot.set('status', 'paused')
  stepper.note(work, batch, slot, 'pause')
}

async function resume(stepper: Stepper, work: Work, batch: Batch, slot: Slot): Promise<void> {
  if (slot.status === 'active') return stepper.answer(work, batch, slot)
  if (slot.status === 'paused') slot.set('status', 'active')
  else if (slot.isMendable) await revive(stepper, slot)
  else return stepper.refuse(work, batch, endedError(slot))
  stepper.note(work, batch, slot, 'resume')
  stepper.parts.wake(slot.id)
}

async function revive(stepper: Stepper, slot: Slot): Promise<void> {
  slot.revive()
  await stepper.parts.slots.rollBack(slot)
}

/** Replays or gives up a dead letter, in the same commit as what comes of it. The actor of a discarded one need not exist. */
export async function resolveLetter(stepper: Stepper, work: Work, batch: Batch, slot: Slot | undefined, body: Extract<Body, { kind: 'replay' | 'discard' }>): Promise<void> {
  const { store, codec } = stepper.parts.env
  const { to } = work.message
  const [letter] = await store.deadLetters({ id: body.letter, limit: 1 })
  if (!letter || letter.state !== 'present' || letter.actor !== to || batch.resolved.some(({ id }) => id === letter.id)) {
    return stepper.refuse(work, batch, new TroupeError('dead-letter/unknown', `there is no dead letter ${body.letter} to ${body.kind}`, { address: addressOf(to) }))
  }
  if (body.kind === 'discard') {
    batch.resolved.push({ id: letter.id, state: 'discarded', at: stepper.now, reason: body.reason })
    return slot ? stepper.answer(work, batch, slot) : batch.answer(work, { seq: 0 })
  }
  const original = readMessage({ id: work.message.id, to, at: letter.at, data: letter.data }, codec)
  if (body.event !== undefined && original.body.kind !== 'event') {
    return stepper.refuse(work, batch, new TroupeError('event/invalid', `dead letter ${body.letter} is no event (${original.body.kind}), so no other event can take its place`, { address: addressOf(to) }))
  }
  const handled = body.event === undefined ? original : { ...original, body: { ...original.body, event: body.event } as Body }
  const outcome = await replay(stepper, work, batch, slot, handled)
  // What was refused was not handled: its letter stays.
  if (outcome.error === undefined || isPoison(outcome.error)) batch.resolved.push({ id: letter.id, state: 'replayed', at: stepper.now, reason: null })
  batch.answer(work, outcome)
}

/** Handles a letter's message in this batch; gives back what its sender would be told. */
async function replay(stepper: Stepper, work: Work, batch: Batch, slot: Slot | undefined, original: Message<Body>): Promise<Settled> {
  if (slot?.isMendable) {
    await revive(stepper, slot)
    stepper.note(undefined, batch, slot, 'resume')
    stepper.parts.wake(slot.id)
  }
  const waiter: Waiter = { wantsOutcome: true, resolve: () => undefined, reject: () => undefined }
  const failed = original.body as Body | Extract<LocalBody, { kind: 'task' }>
  if (failed.kind !== 'task') await stepper.handle({ message: freshened(original), waiter }, batch)
  else if (slot?.live) replayTask(stepper, { ...work, waiter }, batch, slot, failed.task)
  const told = batch.settlements.findLastIndex(settlement => settlement.waiter === waiter)
  const [settlement] = told < 0 ? [] : batch.settlements.splice(told, 1)
  return settlement?.outcome ?? { seq: slot?.seq ?? 0, error: slot ? endedError(slot) : unknownActor(original.to) }
}

const isPoison = (error: unknown): boolean => error instanceof TroupeError && error.code === 'event/poisoned'

/** A letter's message without what tied it to its first sender: who waited, and the key under which it was counted. */
function freshened({ reply: _reply, ...message }: Message<Body>): Message<Body> {
  if (message.body.kind !== 'event') return message
  const { key: _key, ask: _ask, ...body } = message.body
  return { ...message, body }
}
