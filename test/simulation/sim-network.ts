import type { Random } from 'troupe'
import type { Scheduler, SimEvent, SimProcess } from './scheduler.ts'

/** What messages between a process and the store go through. Shares are probabilities per message. */
export interface Weather {
  /** Mean of the time one way, in milliseconds. */
  readonly delayMs: number
  /** Nothing gets through, either way. */
  readonly isCut: boolean
  /** Messages may overtake each other. */
  readonly isUnordered: boolean
  readonly lostRequests: number
  readonly lostReplies: number
  /** Commits that arrive twice. */
  readonly doubled: number
  /** Hints that never arrive, and that arrive twice. */
  readonly lostHints: number
}

/** What the weather did to a call. */
export type Mishap = 'request lost' | 'reply lost' | 'doubled' | 'late' | 'hint lost' | 'hint doubled'

/**
 * The way between one process and the store. Without bad weather it behaves as one connection does: what was sent first
 * arrives first.
 */
export class Line {
  weather: Weather
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #onMishap: (mishap: Mishap) => void
  #lastUp = 0
  #lastDown = 0

  constructor(scheduler: Scheduler, random: Random, weather: Weather, onMishap: (mishap: Mishap) => void) {
    this.#scheduler = scheduler
    this.#random = random
    this.weather = weather
    this.#onMishap = onMishap
  }

  /** A request on its way: gives back the events of its arrivals, none when it is lost. */
  up(label: string, canDouble: boolean, arrive: () => void): readonly SimEvent[] {
    const { lostRequests, isCut, doubled } = this.weather
    if (isCut || this.#strikes(lostRequests, 'request lost')) return []
    const first = this.#scheduler.at((this.#lastUp = this.#arrival(this.#lastUp)), undefined, label, arrive)
    if (!canDouble || !this.#strikes(doubled, 'doubled')) return [first]
    return [first, this.#scheduler.after(this.#delay() + this.#random.next() * DOUBLE_LATE_MS, undefined, label, arrive)]
  }

  /** A reply on its way. Undefined when it is lost. */
  down(label: string, to: SimProcess, arrive: () => void): SimEvent | undefined {
    const { lostReplies, isCut } = this.weather
    if (isCut || this.#strikes(lostReplies, 'reply lost')) return undefined
    return this.#scheduler.at((this.#lastDown = this.#arrival(this.#lastDown)), to, label, arrive)
  }

  /** A hint: it may come twice, or not at all. False when it is lost. */
  hint(to: SimProcess, arrive: () => void): boolean {
    const { lostHints, isCut } = this.weather
    if (isCut || this.#strikes(lostHints, 'hint lost')) return false
    this.#scheduler.after(this.#delay(), to, 'hint', arrive)
    if (this.#strikes(lostHints, 'hint doubled')) this.#scheduler.after(this.#delay() + this.#random.next() * DOUBLE_LATE_MS, to, 'hint', arrive)
    return true
  }

  #strikes(share: number, mishap: Mishap): boolean {
    if (share === 0 || this.#random.next() >= share) return false
    this.#onMishap(mishap)
    return true
  }

  #delay(): number {
    return this.weather.delayMs * 2 * this.#random.next()
  }

  #arrival(last: number): number {
    const at = this.#scheduler.now + this.#delay()
    return this.weather.isUnordered || at > last ? at : last + NEXT_MS
  }
}

/** The shortest time between two messages of one connection, in milliseconds. */
const NEXT_MS = 1e-6

/** A repeated packet may come so much later than the first one, in milliseconds. */
const DOUBLE_LATE_MS = 400
