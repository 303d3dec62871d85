import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { Batch } from './batch.ts'
import type { Slot } from './slot.ts'
import type { Stepper } from './stepper.ts'
import type { Work } from './work.ts'

/** Ends an actor and all that runs for it; a parent that did not ask for it hears of it as an error. */
export function stopActor(stepper: Stepper, work: Work, batch: Batch, slot: Slot, status: 'stopped' | 'cancelled'): void {
  const byParent = work.message.from !== null && work.message.from === slot.parent?.id
  stepper.halt(slot, batch, status, status === 'stopped' ? 'stop' : 'cancel', { message: work.message }, work)
  stepper.answer(work, batch, slot)
  if (byParent) return
  const error = new TroupeError('actor/ended', `${slot.address} was ${status}`, { address: slot.address })
  stepper.tellParent(work, batch, slot, { type: 'error', error: toErrorInfo(error) })
}
