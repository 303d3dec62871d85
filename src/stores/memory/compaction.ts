import type { ActorId } from '../../core/address.ts'
import { parseActorId } from '../../core/address.ts'

/** When roots completed, by their ids. */
type Completed = ReadonlyMap<ActorId, number>

export const oldestFirst = (completed: Completed): readonly ActorId[] => [...completed].toSorted(([, a], [, b]) => a - b).map(([id]) => id)

/** The oldest of those that are more than may stay. */
export function surplusOf(completed: Completed, completedMax: Readonly<Record<string, number>>): readonly ActorId[] {
  const surplus: ActorId[] = []
  for (const [machine, ids] of Map.groupBy(oldestFirst(completed), id => parseActorId(id).machine)) {
    const max = Object.hasOwn(completedMax, machine) ? (completedMax[machine] ?? Infinity) : Infinity
    surplus.push(...ids.slice(0, Math.max(0, ids.length - max)))
  }
  return surplus
}
