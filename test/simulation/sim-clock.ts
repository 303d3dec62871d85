import type { Clock, TimerHandle } from 'troupe'
import type { Scheduler, SimEvent, SimProcess } from './scheduler.ts'

/** Midnight of the first day of every simulated world. */
const START = Date.UTC(2026, 0, 1)

/** What one machine shows for the time: set wrong, too fast or too slow. Its timers run by the same bad quartz, but nobody sets them. */
export class SimClock {
  readonly #scheduler: Scheduler
  #rate: number
  /** What it showed, and the time it really was, when it was last set. */
  #shown: number
  #since: number

  constructor(scheduler: Scheduler, { offsetMs = 0, rate = 1 }: { readonly offsetMs?: number; readonly rate?: number } = {}) {
    this.#scheduler = scheduler
    this.#rate = rate
    this.#since = scheduler.now
    this.#shown = START + scheduler.now + offsetMs
  }

  /** Whole milliseconds, as `Date.now` has them. */
  now(): number {
    return Math.floor(this.#exact())
  }

  /** How far it is ahead of the true time, in milliseconds. */
  get offsetMs(): number {
    return this.#exact() - START - this.#scheduler.now
  }

  step(ms: number): void {
    this.set(this.offsetMs + ms, this.#rate)
  }

  set(offsetMs: number, rate = 1): void {
    this.#shown = START + this.#scheduler.now + offsetMs
    this.#since = this.#scheduler.now
    this.#rate = rate
  }

  /** The clock port of one process on this machine. */
  portOf(process: SimProcess): Clock {
    const scheduler = this.#scheduler
    return {
      now: () => this.now(),
      setTimer: (fn, ms) => ({ timer: scheduler.after(Math.max(0, ms) / this.#rate, process, 'timer', fn) }),
      clearTimer: ({ timer }: TimerHandle) => scheduler.cancel(timer as SimEvent),
      soon: fn => void scheduler.after(0, process, 'soon', fn),
    }
  }

  #exact(): number {
    // The smallest part of a millisecond more, or what was added up would now and then fall short of the whole it stands for.
    return this.#shown + (this.#scheduler.now - this.#since) * this.#rate + 1e-6
  }
}
