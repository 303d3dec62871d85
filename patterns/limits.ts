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

/** Fills in the defaults. Throws `config/invalid` for a name that is no limit or a value that is no positive number. */
export function resolvePatternLimits(pattern: string, overrides: Partial<PatternLimits> = {}): PatternLimits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(defaultPatternLimits, name)) throw new TroupeError('config/invalid', `pattern '${pattern}': limits.${name} is not a limit; the limits are ${Object.keys(defaultPatternLimits).join(', ')}`)
    if (!(Number.isFinite(value) && value > 0)) throw new TroupeError('config/invalid', `pattern '${pattern}': limits.${name} must be a positive number, not ${String(value)}`)
  }
  return { ...defaultPatternLimits, ...overrides }
}
