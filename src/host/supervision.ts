import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { EntryKind } from '../core/journal.ts'
import { backoffMs } from '../core/retry.ts'
import type { Definition } from './definition.ts'
import type { EntryFacts } from './entry-text.ts'
import { escalate } from './escalate.ts'
import type { Escalation } from './escalate.ts'
import { recentRestarts, restart, waitForRestart } from './restart.ts'
import type { Stepper } from './stepper.ts'
import { noStep } from './xstate/effects.ts'

export interface Failure extends Escalation {
  readonly kind: EntryKind
}

/**
 * What becomes of an actor whose step threw. Owned by the partition's loop, as every step; `restart.ts` has the lives.
 *
 * Invariants
 * V1  One failure, one decision: in the commit that consumes the poisonous event it comes to the dead letters, and its actor
 *     is resumed, restarted, stopped or failed.
 * V2  A new life has the address and the input of the old one, and its ids go on. With the old one ends what that had started:
 *     its durable children are told to stop, its timers and tasks are gone, and nothing they still say is taken for the new life's.
 * V3  In any `windowMs` an actor begins at most `restartsMax` lives because it threw itself; the next failure escalates.
 * V4  Between two lives an actor has a due time in its document and no life: nothing is stepped, what comes waits in its order.
 * V5  For each life that a child begins because it threw, each sibling concerned begins one, once, unless it has ended or is
 *     between two lives. Each hop (child, parent, sibling) is a message of the very commit that caused it, so no crash comes between.
 * V6  A life begun because of a sibling is told to nobody and counts for nobody: restarts cause no restarts in a circle.
 * V7  Whatever ends an actor is told to its parent. When nothing is said a child escalates, and a root that does stands failed, with its reason.
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
    switch (decide(failure, stepper.now)) {
      case 'resume':
        stepper.step(slot, batch, 'failed', { ...facts, error }, () => noStep())
        break
      case 'restart':
        restartOrWait(stepper, failure, cause)
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

function decide({ slot, kind }: Failure, now: number): NonNullable<Definition['strategy']> {
  const rescuable = kind === 'event' || kind === 'timer' || kind === 'cancel'
  const strategy = slot.definition?.strategy ?? (rescuable && !slot.parent ? 'resume' : 'escalate')
  // Skipping the outcome of a task or a child would leave the machine waiting for it for ever.
  if (strategy === 'resume' && !rescuable) return 'escalate'
  if (strategy !== 'restart' || !slot.definition) return strategy
  return recentRestarts(slot, now).length < slot.definition.restartsMax ? 'restart' : 'escalate'
}

function restartOrWait(stepper: Stepper, failure: Failure, cause: TroupeError): void {
  const { slot, batch, work, facts, error } = failure
  const { env } = stepper.parts
  const backoff = slot.definition?.backoff
  const delayMs = backoff ? backoffMs(backoff, recentRestarts(slot, stepper.now).length + 1, env.random.next()) : 0
  if (delayMs > 0) waitForRestart(stepper, failure, toErrorInfo(cause), stepper.now + delayMs)
  else restart(stepper, { work, batch, slot, facts: { ...facts, error: toErrorInfo(error) }, isOwn: true })
}

const describe = ({ event, path }: EntryFacts): string => {
  const type = event === undefined ? 'its start' : (JSON.parse(event) as { type: string }).type
  return path === undefined || path === '' ? type : `${type} at ${path}`
}
