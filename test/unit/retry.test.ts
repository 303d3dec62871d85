import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs, defaultRetry, noRetry, resolveRetry } from '../../src/core/retry.ts'

const policies = fc.record({
  attempts: fc.integer({ min: 1, max: 20 }), baseMs: fc.integer({ min: 0, max: 10_000 }), factor: fc.double({ min: 1, max: 4, noNaN: true }), maxMs: fc.integer({ min: 0, max: 600_000 }), jitter: fc.double({ min: 0, max: 1, noNaN: true }),
})
const unit = fc.double({ min: 0, max: 0.999999, noNaN: true })

describe('the wait before another attempt', () => {
  test('grows by the factor from the base to the cap, and jitter moves it by its share at most', () => {
    fc.assert(fc.property(policies, fc.integer({ min: 1, max: 30 }), unit, (policy, attempt, random) => {
      const plain = Math.min(policy.baseMs * policy.factor ** (attempt - 1), policy.maxMs)
      const wait = backoffMs(policy, attempt, random)
      expect(Number.isInteger(wait)).toBe(true)
      expect(wait).toBeGreaterThanOrEqual(Math.floor(plain * (1 - policy.jitter)))
      expect(wait).toBeLessThanOrEqual(Math.ceil(plain * (1 + policy.jitter)))
    }))
  })

  test('never shrinks from one attempt to the next without jitter', () => {
    fc.assert(fc.property(policies, unit, (policy, random) => {
      const calm = { ...policy, jitter: 0 }
      for (let attempt = 1; attempt < 20; attempt++) expect(backoffMs(calm, attempt + 1, random)).toBeGreaterThanOrEqual(backoffMs(calm, attempt, random))
    }))
  })

  test('is by default 1, 2, 4, 8 … 60 s, give or take a tenth', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8].map(attempt => backoffMs(defaultRetry, attempt, 0.5))).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    expect([backoffMs(defaultRetry, 1, 0), backoffMs(defaultRetry, 1, 0.999_999)]).toEqual([900, 1_100])
  })
})

describe('a retry policy', () => {
  test('fills in what is left out; a number sets the attempts', () => {
    expect(resolveRetry(undefined)).toEqual({ attempts: 5, baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.1 })
    expect(resolveRetry(3)).toEqual({ ...defaultRetry, attempts: 3 })
    expect(resolveRetry({ baseMs: 5, jitter: 0 })).toEqual({ ...defaultRetry, baseMs: 5, jitter: 0 })
    expect(noRetry.attempts).toBe(1)
  })

  test.each([0, -1, 1.5, Number.NaN, { attempts: 0 }, { baseMs: -1 }, { baseMs: Number.NaN }, { factor: 0.9 }, { maxMs: -1 }, { jitter: -0.1 }, { jitter: 1.1 }])('without sense is refused: %j', (retry) => {
    expect(() => resolveRetry(retry)).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  })
})
