import type { Clock, TimerHandle } from '../../core/clock.ts'
import type { Connection } from './connection.ts'

export type PollClock = Pick<Clock, 'setTimer' | 'clearTimer'>

/** Real timers that keep no process alive. */
export const unrefClock: PollClock = {
  setTimer: (fn, ms) => ({ timer: setTimeout(fn, ms).unref() }),
  clearTimer: ({ timer }) => clearTimeout(timer as NodeJS.Timeout),
}

/**
 * Tells listeners that another handle has committed, by asking SQLite's `data_version` (about 2 us) while there are any.
 * The commits of this handle do not count.
 */
export class ChangePoll {
  readonly #connection: Connection
  readonly #clock: PollClock
  readonly #pollMs: number
  readonly #listeners = new Set<() => void>()
  #version: number | undefined
  #timer: TimerHandle | undefined
  #closed = false

  constructor(connection: Connection, { clock, pollMs }: { readonly clock: PollClock; readonly pollMs: number }) {
    this.#connection = connection
    this.#clock = clock
    this.#pollMs = pollMs
  }

  subscribe(listener: () => void): () => void {
    // A wrapper of its own per subscription: the same function may subscribe twice.
    const entry = () => listener()
    this.#listeners.add(entry)
    if (this.#timer === undefined && !this.#closed) {
      this.#version = this.#connection.dataVersion()
      this.#schedule()
    }
    return () => {
      this.#listeners.delete(entry)
      if (this.#listeners.size === 0) this.#stop()
    }
  }

  close(): void {
    this.#closed = true
    this.#listeners.clear()
    this.#stop()
  }

  #stop(): void {
    if (this.#timer) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimer(() => {
      const version = this.#connection.dataVersion()
      const changed = version === undefined || version !== this.#version
      this.#version = version
      this.#schedule()
      if (changed) for (const listener of this.#listeners) listener()
    }, this.#pollMs, 'upkeep')
  }
}
