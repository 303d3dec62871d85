import type { OutputOf } from '../../../protocol.ts'

type Group = OutputOf<'tallyActors'>['groups'][number]
type Counted = readonly (readonly [name: string, count: number])[]

/** Counts by a name, most first. */
export function sumBy(groups: readonly Group[], nameOf: (group: Group) => string): Counted {
  return [...addUp(groups.map(group => [nameOf(group), group.count]))].toSorted(([a, m], [b, n]) => n - m || a.localeCompare(b))
}

/** Counts by active state; an actor in several states counts in each. */
export function statesOf(groups: readonly Group[]): Counted {
  return [...addUp(groups.flatMap(({ states, count }) => states.map(state => [state, count] as const)))].toSorted(([a], [b]) => a.localeCompare(b))
}

export const statusCounts = (groups: readonly Group[]): ReadonlyMap<string, number> => addUp(groups.map(({ status, count }) => [status, count]))

function addUp(entries: readonly (readonly [string, number])[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const [name, count] of entries) sums.set(name, (sums.get(name) ?? 0) + count)
  return sums
}
