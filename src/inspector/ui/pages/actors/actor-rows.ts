import type { ActorInfo, LiveStep } from '../../../protocol.ts'
import { keyOf, passes } from './filter.ts'
import type { ActorFilter } from './filter.ts'

export interface ActorRow {
  readonly info: ActorInfo
  /** False once a change has taken it out of the filter: it stays where it is, so that nothing jumps away below the pointer. */
  readonly passes: boolean
}

/** Actors that came while the list was open; with more, it is better read again. */
export const FRESH_MAX = 5_000

/**
 * The rows of a list that is read page by page and kept up to date by live steps. Rows are replaced, never changed, so that
 * only those that a step concerns are drawn again; the lists themselves are changed in place, for there may be 100,000.
 */
export class ActorRows {
  readonly #paged: ActorRow[] = []
  /** Newest last; shown in the other direction above the pages. */
  readonly #fresh: ActorRow[] = []
  readonly #places = new Map<string, { readonly list: ActorRow[]; readonly index: number }>()
  readonly #filter: ActorFilter

  constructor(filter: ActorFilter) {
    this.#filter = filter
  }

  get length(): number {
    return this.#fresh.length + this.#paged.length
  }

  get isOverfull(): boolean {
    return this.#fresh.length >= FRESH_MAX
  }

  at(index: number): ActorRow | undefined {
    return index < this.#fresh.length ? this.#fresh[this.#fresh.length - 1 - index] : this.#paged[index - this.#fresh.length]
  }

  add(page: readonly ActorInfo[]): void {
    for (const info of page) this.#put(this.#paged, info)
  }

  /** Whether any row has changed. */
  apply(steps: readonly LiveStep[]): boolean {
    let isChanged = false
    for (const step of steps) {
      const place = this.#places.get(step.address)
      const row = place?.list[place.index]
      if (place && row) {
        if (step.seq <= row.info.seq) continue
        place.list[place.index] = { info: after(row.info, step), passes: passes(this.#filter, step) }
      } else if (this.#isArrival(step) && !this.isOverfull) this.#put(this.#fresh, bornBy(step))
      else continue
      isChanged = true
    }
    return isChanged
  }

  /** New ones, and with a filter of states those that have come into it; all others stand on a page that is still to be read. */
  #isArrival(step: LiveStep): boolean {
    const { state, status, tag } = this.#filter
    return passes(this.#filter, step) && (step.seq === 1 || (state ?? status ?? tag) !== undefined)
  }

  #put(list: ActorRow[], info: ActorInfo): void {
    if (this.#places.has(info.address)) return
    this.#places.set(info.address, { list, index: list.push({ info, passes: true }) - 1 })
  }
}

const after = (info: ActorInfo, { seq, at, status, states, tags }: LiveStep): ActorInfo => ({ ...info, seq, status, states, tags, updatedAt: at })

const bornBy = ({ address, machine, run, seq, at, status, states, tags, error }: LiveStep): ActorInfo => ({
  address, machine, key: keyOf(address), run, parent: null, status, states, tags, seq, version: '',
  waiting: 0, openTasks: 0, dueAt: null, createdAt: at, updatedAt: at, completedAt: null, failure: status === 'failed' ? (error ?? null) : null,
})
