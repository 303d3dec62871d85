import type { Clock, TimerHandle } from '../core/clock.ts'

interface VirtualTimer {
  readonly at: number
  readonly order: number
  readonly upkeep: boolean
  readonly fn: () => void
}

/** Turns of the event loop without any activity after which everything counts as settled. */
const QUIET_TURNS = 4

/**
 * A clock whose time moves only when told. Promises and I/O go on as ever; what waits for time waits for `advance`.
 *
 * @example
 * const clock = createVirtualClock()
 * await clock.advance(30 * 24 * 3600 * 1000)   // every timer, retry and child on the way runs, in order
 */
export interface VirtualClock extends Clock {
  /** Moves time forward by `ms`, stopping at each timer on the way until what it causes has settled. */
  advance(ms: number): Promise<void>
  /** Waits until nothing more happens without time moving. */
  settle(): Promise<void>
  /** Moves the wall clock without running anything, as an administrator or NTP may; negative moves go back. */
  step(ms: number): void
}

export function createVirtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers = new Map<TimerHandle, VirtualTimer>()
  let now = start
  let order = 0
  let activity = 0

  const settle = async (): Promise<void> => {
    for (let quiet = 0, seen = activity; quiet < QUIET_TURNS; ) {
      await new Promise<void>(resolve => setImmediate(resolve))
      quiet = seen === activity ? quiet + 1 : 0
      seen = activity
    }
  }
  const earliest = (until: number): [TimerHandle, VirtualTimer] | undefined => {
    let first: [TimerHandle, VirtualTimer] | undefined
    for (const entry of timers) {
      const [, { at, order: turn, upkeep }] = entry
      if (at > until || upkeep) continue
      if (!first || at < first[1].at || (at === first[1].at && turn < first[1].order)) first = entry
    }
    return first
  }
  const fire = async ([handle, { fn, at }]: [TimerHandle, VirtualTimer]): Promise<void> => {
    timers.delete(handle)
    now = Math.max(now, at)
    activity++
    fn()
    await settle()
  }

  return {
    now: () => now,
    setTimer(fn, ms, upkeep) {
      const handle: TimerHandle = { timer: order }
      timers.set(handle, { at: now + Math.max(0, ms), order: order++, upkeep: upkeep !== undefined, fn })
      activity++
      return handle
    },
    clearTimer: handle => void timers.delete(handle),
    soon(fn) {
      activity++
      setImmediate(fn)
    },
    settle,
    step(ms) {
      now += ms
    },
    async advance(ms) {
      await settle()
      const until = now + ms
      for (let next = earliest(until); next; next = earliest(until)) await fire(next)
      now = until
      for (const entry of [...timers].filter(([, { upkeep, at }]) => upkeep && at <= until)) await fire(entry)
      await settle()
    },
  }
}
