import { createActor } from 'xstate'
import type { AnyActorLogic, AnyActorRef } from 'xstate'
import { pathOf } from './internals.ts'

/**
 * References to actors inside a checkpoint. XState restores only those that a machine keeps to its own children; a child
 * that was given its parent as input would be left with `undefined`, to which `sendTo` means itself. Here a reference is
 * kept as its path in the tree and found again wherever it stands.
 */
export interface StoredRef {
  readonly xstate$$type: 1
  readonly id: string
  readonly path: string
}

export interface RefSlot {
  readonly holder: Record<string, unknown>
  readonly key: string
  readonly ref: StoredRef
}

const isStoredRef = (value: object): value is StoredRef => (value as Partial<StoredRef>).xstate$$type === 1 && typeof (value as Partial<StoredRef>).path === 'string'

/** All places in plain data that hold a stored reference. */
export function findRefs(data: unknown, slots: RefSlot[] = []): readonly RefSlot[] {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return slots
  const holder = data as Record<string, unknown>
  for (const key in holder) {
    const value = holder[key]
    if (typeof value !== 'object' || value === null) continue
    if (isStoredRef(value)) slots.push({ holder, key, ref: value })
    else findRefs(value, slots)
  }
  return slots
}

/** Logic of what stands for an actor that is gone: it takes no event. */
const gone = { getInitialSnapshot: () => ({ status: 'stopped', output: undefined, error: undefined }) } as unknown as AnyActorLogic

/** A reference to an actor that is gone: sends to it are ignored, as they were before the restart. */
export function goneRef(ref: StoredRef, parent: AnyActorRef): AnyActorRef {
  const actor = createActor(gone, { id: ref.id, parent })
  ;(actor as unknown as { _stop(): void })._stop()
  return Object.assign(actor, { toJSON: () => ref })
}

/** How a reference stands in a checkpoint; given to each actor as its `toJSON`. */
export function storedForm(this: AnyActorRef): StoredRef {
  return { xstate$$type: 1, id: this.id, path: pathOf(this) }
}
