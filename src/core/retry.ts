import { TroupeError } from './errors.ts'

/** When and how often a failed task is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  readonly attempts: number
  /** Delay before the second attempt, in milliseconds. */
  readonly baseMs: number
  /** Factor from one delay to the next. */
  readonly factor: number
  /** Longest delay, in milliseconds. */
  readonly maxMs: number
  /** Share of the delay that is random, 0 to 1: 0.1 spreads it over ±10 %. */
  readonly jitter: number
}

export const defaultRetry: RetryPolicy = { attempts: 5, baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.1 }

export const noRetry: RetryPolicy = { ...defaultRetry, attempts: 1 }

/** Fills in the defaults. Throws `config/invalid` for values that make no schedule. */
export function resolveRetry(retry: Partial<RetryPolicy> | number | undefined): RetryPolicy {
  const policy = { ...defaultRetry, ...(typeof retry === 'number' ? { attempts: retry } : retry) }
  const sound = Number.isInteger(policy.attempts) && policy.attempts >= 1 && policy.baseMs >= 0 && policy.factor >= 1 && policy.maxMs >= 0 && policy.jitter >= 0 && policy.jitter <= 1
  if (!sound) throw new TroupeError('config/invalid', `retry ${JSON.stringify(policy)} needs attempts ≥ 1, baseMs ≥ 0, factor ≥ 1, maxMs ≥ 0 and jitter from 0 to 1`)
  return policy
}

/** Milliseconds to wait after `attempt` (1 is the first) has failed; `random` is uniform in [0, 1). */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const plain = Math.min(policy.baseMs * policy.factor ** (attempt - 1), policy.maxMs)
  return Math.round(plain * (1 + policy.jitter * (2 * random - 1)))
}
