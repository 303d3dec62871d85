import type { ActorId } from '../core/address.ts'
import type { Work } from './work.ts'

/** Steps one actor may take in a row before another actor's turn. */
const TURN_MAX = 64

/**
 * Work waiting in memory, a lane per actor. Batches take a few steps of each lane in turn: a busy actor cannot starve
 * the others, and the steps of one actor stand together, so that they share one checkpoint write.
 */
export class Lanes {
  readonly #lanes = new Map<ActorId, Work[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Gives back how many works now wait for the actor. */
  push(work: Work): number {
    this.#size++
    const lane = this.#lanes.get(work.message.to)
    if (lane) return lane.push(work)
    this.#lanes.set(work.message.to, [work])
    return 1
  }

  /** Undoes the last `push`. */
  takeBack(work: Work): void {
    const lane = this.#lanes.get(work.message.to)
    if (lane?.at(-1) !== work) return
    lane.pop()
    this.#size--
    if (lane.length === 0) this.#lanes.delete(work.message.to)
  }

  /** Up to `count` works, in order within each actor. */
  take(count: number): Work[] {
    const taken: Work[] = []
    for (const [id, lane] of this.#lanes) {
      if (taken.length >= count) break
      this.#lanes.delete(id)
      const turn = lane.splice(0, Math.min(TURN_MAX, count - taken.length))
      for (const work of turn) taken.push(work)
      // Goes to the end of the line.
      if (lane.length > 0) this.#lanes.set(id, lane)
    }
    this.#size -= taken.length
    return taken
  }

  /** Puts works back where they came from: before what waits, of their own actors and of the others. */
  putBack(works: readonly Work[]): void {
    if (works.length === 0) return
    const behind = [...this.#lanes]
    this.#lanes.clear()
    for (const [id, first] of Map.groupBy(works, ({ message }) => message.to)) this.#lanes.set(id, first)
    for (const [id, lane] of behind) {
      const first = this.#lanes.get(id)
      if (first) for (const work of lane) first.push(work)
      else this.#lanes.set(id, lane)
    }
    this.#size += works.length
  }

  /** Takes everything. */
  drain(): Work[] {
    const all = [...this.#lanes.values()].flat()
    this.#lanes.clear()
    this.#size = 0
    return all
  }

  /** When the oldest waiting work was sent. */
  oldestAt(): number | undefined {
    let oldest: number | undefined
    for (const [first] of this.#lanes.values()) if (first && (oldest === undefined || first.message.at < oldest)) oldest = first.message.at
    return oldest
  }
}
