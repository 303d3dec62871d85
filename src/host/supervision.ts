import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { EntryKind } from '../core/journal.ts'
import type { Batch } from './batch.ts'
import type { Supervision } from './definition.ts'
import type { EntryFacts } from './entry-text.ts'
import type { Slot } from './slot.ts'
import type { Stepper } from './stepper.ts'
import type { Work } from './work.ts'
import { noStep } from './xstate/effects.ts'

export interface Failure {
  readonly work: Work
  readonly batch: Batch
  readonly slot: Slot
  readonly kind: EntryKind
  readonly facts: EntryFacts
  readonly error: unknown
}

/**
 * After a step that threw: the actor goes back to its last good state, what poisoned it goes to the dead letters, and
 * its supervision decides what becomes of it.
 */
export async function superviseFailure(stepper: Stepper, failure: Failure): Promise<void> {
  const { work, batch, slot, facts, error } = failure
  await stepper.parts.slots.rollBack(slot)
  const letter = stepper.bury(work, batch, error)
  const cause = new TroupeError('event/poisoned', `${slot.address} threw on ${describe(facts)}: ${toErrorInfo(error).message}`, { address: slot.address, details: { letter }, cause: error })
  if (!slot.live) {
    // The last good state cannot be restored either: held, with the reason.
    batch.slots.add(slot)
  } else {
    const error = toErrorInfo(cause)
    switch (decide(failure, stepper.parts.env.clock.now())) {
      case 'resume':
        stepper.step(slot, batch, 'failed', { ...facts, error }, () => noStep())
        break
      case 'restart':
        restart(stepper, failure)
        break
      case 'stop':
        stepper.halt(slot, batch, 'stopped', 'failed', { ...facts, error }, work)
        stepper.tellParent(work, batch, slot, { type: 'stopped' })
        break
      case 'escalate':
        escalate(stepper, failure, cause)
    }
  }
  batch.answer(work, { seq: slot.seq, error: cause })
}

function decide({ slot, kind }: Failure, now: number): Supervision['strategy'] {
  const rescuable = kind === 'event' || kind === 'timer' || kind === 'cancel'
  const strategy = slot.definition?.supervision?.strategy ?? (rescuable && !slot.parent ? 'resume' : 'escalate')
  // Skipping the outcome of a task or a child would leave the machine waiting for it for ever.
  if (strategy === 'resume' && !rescuable) return 'escalate'
  if (strategy !== 'restart' || !slot.definition) return strategy
  const { restartsMax, windowMs } = slot.definition
  return slot.restarts.filter(at => at > now - windowMs).length < restartsMax ? 'restart' : 'escalate'
}

/** Ends what the old life had started and begins a new one with the same input. Ids go on, so nothing of the old life is taken for new. */
function restart(stepper: Stepper, failure: Failure): void {
  const { work, batch, slot, facts, error } = failure
  const { env, slots } = stepper.parts
  const { definition, live } = slot
  if (!definition || !live) return
  const now = env.clock.now()
  const { effects: farewell } = live.stop()
  const { ordinal } = live.parts()
  const failed = stepper.step(
    slot,
    batch,
    'restart',
    { ...facts, error: toErrorInfo(error) },
    () => {
      slot.set('restarts', [...slot.restarts.filter(at => at > now - definition.windowMs), now])
      slot.live = slots.open(definition, slot.id, { input: slot.input ?? undefined, ordinal })
      const { effects } = slot.live.start()
      return { delta: slot.wholeDelta(), effects: { ...effects, stops: [...farewell.stops, ...effects.stops], cancelled: [...farewell.cancelled, ...effects.cancelled], after: [...farewell.after, ...effects.after] } }
    },
    work,
  )
  if (!failed) return slot.rebase()
  slot.live?.dispose()
  slot.live = live
  escalate(stepper, { ...failure, error: failed.error }, failed.error)
}

/** A child fails for its parent to handle; a root stays as it is, failed, until somebody replays or discards. */
function escalate(stepper: Stepper, { work, batch, slot, facts, error: thrown }: Failure, cause: unknown): void {
  const error = toErrorInfo(cause)
  slot.set('failure', error)
  if (slot.parent) {
    stepper.halt(slot, batch, 'failed', 'failed', { ...facts, error }, work)
    // As in XState, the parent's `onError` gets what was thrown.
    stepper.tellParent(work, batch, slot, { type: 'error', error: toErrorInfo(thrown) })
    return
  }
  slot.set('status', 'failed')
  batch.after.push(() => stepper.parts.executor.abortActor(slot.id))
  stepper.step(slot, batch, 'failed', { ...facts, error }, () => noStep())
}

const describe = ({ event, path }: EntryFacts): string => {
  const type = event === undefined ? 'its start' : (JSON.parse(event) as { type: string }).type
  return path === undefined || path === '' ? type : `${type} at ${path}`
}
