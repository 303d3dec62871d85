import { TroupeError } from '../core/errors.ts'
import { isContainer } from '../core/json.ts'
import type { Slot } from './slot.ts'
import type { Slots } from './slots.ts'

/** What V8 says when something frozen is written to. */
const FROZEN = /object is not extensible|read only property|Cannot delete property|Cannot redefine property/

/**
 * Whether a step failed because the machine changed its context in place, and where. V8's message names the
 * property but not the path, so the step is run once more on a copy that may be changed.
 */
export async function mutationIn(slots: Slots, slot: Slot, error: unknown, run: () => unknown): Promise<TroupeError | undefined> {
  if (!(error instanceof TypeError) || !FROZEN.test(error.message)) return undefined
  const states = await slots.rehearse(slot, run)
  const path = states && changedPath(states.before, states.after, 'context')
  if (path === undefined) return undefined
  return new TroupeError('context/mutated', `the machine of ${slot.address} changed its context in place at ${path}`, { address: slot.address, details: { path }, cause: error })
}

/** The first path at which a value differs from what it was. */
export function changedPath(before: unknown, after: unknown, path: string): string | undefined {
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) return Object.is(before, after) ? undefined : path
  const [old, now] = [before as Record<string, unknown>, after as Record<string, unknown>]
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (!(key in old) && now[key] === undefined) continue
    const at = Array.isArray(before) ? `${path}[${key}]` : `${path}.${key}`
    const found = key in old && key in now ? changedPath(old[key], now[key], at) : at
    if (found !== undefined) return found
  }
  return undefined
}
