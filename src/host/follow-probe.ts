import type { ActorId } from '../core/address.ts'
import type { Probe } from '../core/message.ts'
import type { Batch } from './batch.ts'
import { moversOf, nameMover } from './movers.ts'
import type { Mover } from './movers.ts'
import type { Slot } from './slot.ts'
import type { Stepper } from './stepper.ts'
import type { Wait } from './wait.ts'
import type { Work } from './work.ts'

/** From an actor to one that it waits for: by the code of a task, or as the parent of a durable child. */
interface Edge {
  readonly mover: Mover
  readonly to: ActorId
  readonly wait?: Wait
}

/**
 * A probe has come to an actor that somebody waits for: it goes on along all that the actor itself waits for, or has come
 * home. It ends at an actor that does not run, has answered, or waits for nobody.
 */
export function followProbe(stepper: Stepper, work: Work, batch: Batch, slot: Slot, probe: Probe): void {
  stepper.answer(work, batch, slot)
  const { definition, live, cancelAt } = slot
  if (slot.status !== 'active' || !live || !definition || !owes(stepper, slot, probe)) return
  const { movers } = moversOf(definition, { ...live.parts(), cancelAt }, slot.parked)
  // That very event has been handled, and was no help.
  const helpful = movers.filter(({ kind, name }) => kind !== 'event' || name !== probe.question?.event)
  const path = [...probe.path, slot.id]
  const hopeBeside = (mover: Mover): string | null => {
    const other = helpful.find(each => each !== mover)
    return probe.hope ?? (other ? `${slot.address} might go on by ${nameMover(other)}` : null)
  }
  const edges = movers.flatMap(mover => edgesOf(stepper, slot, mover))
  const home = edges.find(({ wait }) => wait?.id === probe.wait)
  if (home) return void batch.after.push(() => home.wait?.close({ path, hope: hopeBeside(home.mover) }))
  if (probe.path.includes(slot.id) || path.length > stepper.parts.env.limits.askCycleMax) return
  for (const { mover, to, wait } of edges) {
    const onward: Probe = { ...probe, path, question: wait?.question ?? null, hope: hopeBeside(mover) }
    if (wait?.lets(onward) ?? true) stepper.emit(work, batch, to, slot.id, { kind: 'probe', probe: onward })
  }
}

/** Whether the actor has handled the question and not answered it yet. What waits for a state of it waits until it is told. */
const owes = ({ now }: Stepper, { asks }: Slot, { question }: Probe): boolean => !question || asks.some(({ request, expiresAt }) => request === question.request && expiresAt > now)

function edgesOf({ parts }: Stepper, { id }: Slot, mover: Mover): Edge[] {
  if (mover.kind === 'child') return [{ mover, to: mover.name as ActorId }]
  if (mover.kind !== 'task') return []
  return Array.from(parts.executor.waitsOf(id, mover.name), wait => ({ mover, to: wait.asked, wait }))
}
