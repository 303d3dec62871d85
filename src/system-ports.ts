import { randomUUID } from 'node:crypto'
import type { Clock, Random } from './core/clock.ts'

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (fn, ms) => ({ timer: setTimeout(fn, ms) }),
  clearTimer: ({ timer }) => clearTimeout(timer as NodeJS.Timeout),
  soon: fn => void setImmediate(fn),
}

export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => randomUUID(),
}
