import { addressOf, ordinalOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { PersistedSnapshot } from '../core/document.ts'
import type { ErrorInfo } from '../core/errors.ts'
import type { Batch } from './batch.ts'
import type { Definition } from './definition.ts'
import type { EntryFacts } from './entry-text.ts'
import { escalate } from './escalate.ts'
import type { Slot } from './slot.ts'
import type { Stepper } from './stepper.ts'
import type { Work } from './work.ts'
import { QUIET, noStep } from './xstate/effects.ts'
import type { Effects } from './xstate/effects.ts'

/** The lives of an actor, and those of its siblings; the invariants are in `supervision.ts`. */

interface Restart {
  readonly work: Work
  readonly batch: Batch
  readonly slot: Slot
  readonly facts: EntryFacts
  /** Because it threw itself: that counts, and its siblings may have to follow. */
  readonly isOwn: boolean
}

/** Times of the restarts that count at `now`. */
export function recentRestarts({ definition, restarts }: Slot, now: number): readonly number[] {
  const since = now - (definition?.windowMs ?? 0)
  return restarts.filter(at => at > since)
}

/** Ends the life of an actor; the next one begins when it is due. */
export function waitForRestart(stepper: Stepper, { work, batch, slot, facts }: Omit<Restart, 'isOwn'>, error: ErrorInfo, dueAt: number): void {
  const { live } = slot
  const end = () => {
    slot.set('restartAt', dueAt)
    slot.set('failure', error)
    return live?.stop() ?? noStep()
  }
  stepper.step(slot, batch, 'failed', { ...facts, error }, end, work)
  if (live) slot.rest(live.parts())
  slot.live = undefined
}

/** The time between two lives is over. */
export function beginNextLife(stepper: Stepper, work: Work, batch: Batch, slot: Slot): void {
  restart(stepper, { work, batch, slot, facts: { message: work.message, event: '{"type":"restart.due"}' }, isOwn: true })
}

/** Ends what the old life had started, if that has not been done yet, and begins a new one with the same input. */
export function restart(stepper: Stepper, { work, batch, slot, facts, isOwn }: Restart): void {
  const { definition, live } = slot
  if (!definition) return
  const farewell = live?.stop().effects ?? QUIET
  const begin = () => {
    if (isOwn) slot.set('restarts', [...recentRestarts(slot, stepper.now), stepper.now])
    if (slot.restartAt !== null) {
      slot.set('restartAt', null)
      slot.set('failure', null)
    }
    slot.live = stepper.parts.slots.open(definition, slot.id, { input: slot.input ?? undefined, ordinal: slot.ordinal })
    const { effects } = slot.live.start()
    return { delta: slot.wholeDelta(), effects: joined(farewell, effects) }
  }
  const failed = stepper.step(slot, batch, 'restart', facts, begin, work)
  if (failed) {
    slot.live?.dispose()
    slot.live = live
    return escalate(stepper, { work, batch, slot, facts, error: failed.error }, failed.error)
  }
  stepper.parts.env.counters.restarts++
  slot.rebase()
  if (isOwn && slot.parent) stepper.emit(work, batch, slot.parent.id, slot.id, { kind: 'restarted' })
}

const joined = (farewell: Effects, { stops, cancelled, after, ...effects }: Effects): Effects => ({ ...effects, stops: [...farewell.stops, ...stops], cancelled: [...farewell.cancelled, ...cancelled], after: [...farewell.after, ...after] })

// ── siblings ──────────────────────────────────────────────────────────────────────────────────────────────────

/** A child has begun a new life because it threw: its parent has those siblings follow whom its strategy names. */
export function restartSiblings(stepper: Stepper, work: Work, batch: Batch, slot: Slot): void {
  if (slot.held) return stepper.park(work, batch, slot)
  const { message } = work
  const child = message.from as ActorId
  const children = livingChildren(slot.view()().snapshot)
  // A child of an earlier life of the parent's, or one that it has let go.
  if (!slot.definition || !children.includes(child)) return
  const event = JSON.stringify({ type: 'child.restarted', child: addressOf(child) })
  stepper.step(slot, batch, 'child', { message, event }, () => noStep(), work)
  for (const id of followersOf(child, children, slot.definition)) stepper.emit(work, batch, id, slot.id, { kind: 'restart', sibling: child })
}

function followersOf(child: ActorId, children: readonly ActorId[], definition: Definition): readonly ActorId[] {
  switch (definition.children) {
    case 'one-for-one':
      return []
    case 'one-for-all':
      return children.filter(id => id !== child)
    case 'rest-for-one':
      return children.filter(id => ordinalOf(id) > ordinalOf(child))
  }
}

/** The durable children that the stand-ins of a tree take for alive, in the order in which they were spawned. */
function livingChildren(snapshot: PersistedSnapshot): readonly ActorId[] {
  const found: ActorId[] = []
  const look = ({ status, address, children = {} }: PersistedSnapshot & { readonly address?: ActorId }): void => {
    if (status !== 'active') return
    if (address !== undefined) found.push(address)
    for (const child of Object.values(children)) look(child.snapshot)
  }
  look(snapshot)
  return found.toSorted((a, b) => ordinalOf(a) - ordinalOf(b))
}

/** A sibling has begun a new life. What is ending is left to end, and what is between two lives begins a new one anyway. */
export function restartForSibling(stepper: Stepper, work: Work, batch: Batch, slot: Slot, sibling: ActorId): void {
  if (!slot.isLive || slot.restartAt !== null || slot.cancelAt !== null) return
  if (stepper.mustWait(work, slot)) return stepper.park(work, batch, slot)
  const event = JSON.stringify({ type: 'sibling.restarted', sibling: addressOf(sibling) })
  restart(stepper, { work, batch, slot, facts: { message: work.message, event }, isOwn: false })
}
