import { TroupeError } from '../src/core/errors.ts'

/** Every bound of the patterns, with its unit in the name. Each pattern takes `limits` to override some. */
export interface PatternLimits {
  /** Pieces of work that one pattern gives out at one time, so also its members. */
  readonly fanOutMax: number
  /** Pieces of work that one actor of a pattern gives out in its life. */
  readonly spawnsMax: number
  /** Pieces of work under way at once; the rest waits for its turn. */
  readonly concurrencyMax: number
  /** Turns of those who take turns: rounds of a debate or a loop, decisions of a supervisor, handoffs. */
  readonly turnsMax: number
  /** Patterns inside patterns. */
  readonly depthMax: number
  /** Time of one attempt of a member, in milliseconds. */
  readonly memberTimeoutMs: number
  /** Time of the whole, in milliseconds. */
  readonly patternTimeoutMs: number
}

export const defaultPatternLimits: PatternLimits = {
  fanOutMax: 1_000,
  spawnsMax: 10_000,
  concurrencyMax: 16,
  turnsMax: 20,
  depthMax: 8,
  memberTimeoutMs: 15 * 60_000,
  patternTimeoutMs: 24 * 60 * 60_000,
}

export const resolvePatternLimits = (pattern: string, overrides?: Partial<PatternLimits>): PatternLimits => resolveLimits(`pattern '${pattern}'`, defaultPatternLimits, overrides)

/** Fills in the defaults. Throws `config/invalid` for a name that is no limit, a time that is not positive, or a number that is not a whole one from 1: half a piece of work would never begin. */
export function resolveLimits<TLimits extends object>(what: string, defaults: TLimits, overrides: Partial<TLimits> = {}): TLimits {
  for (const [name, value] of Object.entries<unknown>(overrides)) {
    if (!Object.hasOwn(defaults, name)) throw new TroupeError('config/invalid', `${what}: limits.${name} is not a limit; the limits are ${Object.keys(defaults).join(', ')}`)
    if (!(typeof value === 'number' && Number.isFinite(value) && value > 0 && (name.endsWith('Ms') || Number.isInteger(value)))) throw new TroupeError('config/invalid', `${what}: limits.${name} must be a positive ${name.endsWith('Ms') ? 'number of milliseconds' : 'whole number'}, not ${String(value)}`)
  }
  return { ...defaults, ...overrides }
}
