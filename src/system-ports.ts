import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
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

/** A name that no other process has, and people recognise. */
export const nameProcess = (random: Random): string => `${hostname().replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 40)}-${random.id().slice(0, 8)}`
