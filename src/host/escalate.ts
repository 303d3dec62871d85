import { toErrorInfo } from '../core/errors.ts'
import type { Batch } from './batch.ts'
import type { EntryFacts } from './entry-text.ts'
import type { Slot } from './slot.ts'
import type { Stepper } from './stepper.ts'
import type { Work } from './work.ts'
import { noStep } from './xstate/effects.ts'

export interface Escalation {
  readonly work: Work
  readonly batch: Batch
  readonly slot: Slot
  readonly facts: EntryFacts
  /** What was thrown. */
  readonly error: unknown
}

/** A child fails for its parent to handle; a root stays as it is, failed, until somebody replays or discards. */
export function escalate(stepper: Stepper, { work, batch, slot, facts, error: thrown }: Escalation, cause: unknown): void {
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
