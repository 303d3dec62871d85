import type { OutputOf } from '../core/client/client.ts'
import { guestLimits } from './limits.ts'

export type GuestEntry = OutputOf<'guest'>['entries'][number]

/** Without an entry: the guest is gone. */
export interface Change {
  readonly id: string
  readonly entry: GuestEntry | null
  readonly chars: number
}

/** What guests have told lately, numbered from 0: the oldest make room, by count and by size. */
export class GuestLog {
  readonly #changes = new Map<number, Change>()
  #first = 0
  #end = 0
  #chars = 0

  /** Number that the next change gets. */
  get end(): number {
    return this.#end
  }

  add(change: Change): void {
    this.#changes.set(this.#end++, change)
    this.#chars += change.chars
    while (this.#changes.size > guestLimits.entriesMax || this.#chars > guestLimits.entryCharsMax) {
      this.#chars -= this.#changes.get(this.#first)?.chars ?? 0
      this.#changes.delete(this.#first++)
    }
  }

  at(number: number): Change | undefined {
    return this.#changes.get(number)
  }

  /** Whether all from this number on is still there. */
  goesBackTo(number: number): boolean {
    return number >= this.#first && number <= this.#end
  }

  of(id: string): GuestEntry[] {
    return [...this.#changes.values()].flatMap(change => (change.id === id && change.entry ? [change.entry] : []))
  }
}
