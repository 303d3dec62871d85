import type { Body } from '../core/message.ts'
import { received } from './batch.ts'
import type { Batch } from './batch.ts'
import type { Slot } from './slot.ts'
import type { Stepper } from './stepper.ts'
import { beginNextLife } from './restart.ts'
import { stopActor } from './stop.ts'
import { wakeTasks } from './task-steps.ts'
import type { Work } from './work.ts'

/** Parked messages handled in one go when an actor takes events again. */
const UNPARK_MAX = 256

/** Does what is due for an actor: parked messages, timers, retries, tasks that a crash has interrupted, the next life, the end of a cancelled one. */
export async function wakeActor(stepper: Stepper, work: Work, batch: Batch, slot: Slot): Promise<void> {
  // Written again in any case: a due time in the store's index that the actor knows nothing of would wake it for ever.
  batch.slots.add(slot)
  if (slot.isBetweenLives && (slot.restartAt ?? 0) <= stepper.now) beginNextLife(stepper, work, batch, slot)
  if (slot.parked > 0 && !waits(slot)) await unpark(stepper, batch, slot)
  if (slot.status !== 'active') return
  await fireTimers(stepper, work, batch, slot)
  await wakeTasks(stepper, work, batch, slot)
  if (slot.cancelAt !== null && slot.cancelAt <= stepper.now && slot.status === 'active') {
    stopActor(stepper, { message: stepper.message(slot.id, null, { kind: 'stop' }, work.message) }, batch, slot, 'cancelled')
  }
}

async function fireTimers(stepper: Stepper, work: Work, batch: Batch, slot: Slot): Promise<void> {
  const { env } = stepper.parts
  for (let due = slot.live?.dueTimer(stepper.now); due && slot.status === 'active'; due = slot.live?.dueTimer(stepper.now)) {
    await env.probe?.('timer')
    const { key, timer } = due
    env.counters.timersFired++
    const path = typeof timer.target === 'string' ? timer.target : undefined
    const event = JSON.stringify(timer.event)
    const body: Body = { kind: 'event', event, ...(path !== undefined && path !== '' && { path }) }
    const message = stepper.message(slot.id, slot.id, body, work.message)
    await stepper.run({ message }, batch, slot, 'timer', { event, path }, () => stepper.live(slot).fire({ key, timer }))
    // A timer whose event poisoned the actor is there again after the roll-back, and must not fire for ever.
    if (slot.live?.hasTimer(key, timer.generation)) stepper.step(slot, batch, 'timer', { event: '{"type":"timer.dropped"}' }, () => stepper.live(slot).dropTimer(key))
  }
}

/** An actor that has ended does not wait: what was parked for it is refused, and so comes to the dead letters. */
const waits = ({ status, isMendable, isBetweenLives }: Slot): boolean => status === 'paused' || status === 'held' || isMendable || isBetweenLives

async function unpark(stepper: Stepper, batch: Batch, slot: Slot): Promise<void> {
  const { env } = stepper.parts
  if (batch.unparked.has(slot)) return
  batch.unparked.add(slot)
  await env.probe?.('parked')
  for (const { position, ...stored } of await env.store.parked(slot.id, UNPARK_MAX)) {
    if (waits(slot)) break
    slot.parked--
    batch.unpark.push({ actor: slot.id, position })
    batch.slots.add(slot)
    await stepper.handle({ message: received(stored, env.codec), parkedPosition: position }, batch)
  }
  if (slot.parked > 0) stepper.parts.wake(slot.id)
}
