import { TALLY_GROUPS_MAX } from './store.ts'
import type { ActorTally, TallyGroup } from './store.ts'

/** Kinds that are told apart while counting: what comes after counts in the total only. */
const HELD_MAX = 10 * TALLY_GROUPS_MAX

/** Counts actors by kind in bounded memory, for stores that cannot group by themselves. */
export class Tally {
  readonly #groups = new Map<string, TallyGroup>()
  #total = 0

  add(group: TallyGroup): void {
    this.#total += group.count
    const kind = JSON.stringify([group.machine, group.status, group.states])
    const known = this.#groups.get(kind)
    if (known || this.#groups.size < HELD_MAX) this.#groups.set(kind, { ...group, count: (known?.count ?? 0) + group.count })
  }

  result(): ActorTally {
    return { total: this.#total, groups: [...this.#groups.values()].toSorted((a, b) => b.count - a.count).slice(0, TALLY_GROUPS_MAX) }
  }
}
