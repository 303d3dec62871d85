import { expect, test } from 'vitest'
import { costOf, defaultPrices } from 'troupe/agents'

test('tokens cost what the table says per million', () => {
  expect(costOf('gpt-5-mini', { inputTokens: 10_000, outputTokens: 500 })).toBeCloseTo(0.0035, 10)
  expect(costOf('mine', { inputTokens: 1_000_000, outputTokens: 2_000_000 }, { ...defaultPrices, mine: { input: 1, output: 4 } })).toBe(9)
})

test('a model without a price costs nothing', () => {
  expect(costOf('unnamed', { inputTokens: 1, outputTokens: 1 })).toBe(0)
  expect(costOf('constructor', { inputTokens: 1, outputTokens: 1 })).toBe(0)
})

test('a model has its price under a gateway name and with a date, and no other model has it', () => {
  const tokens = { inputTokens: 1_000_000, outputTokens: 0 }
  expect(costOf('anthropic/claude-sonnet-4.5', tokens)).toBe(3)
  expect(costOf('claude-sonnet-4-5-20250929', tokens)).toBe(3)
  expect(costOf('gpt-5.4-mini-2026-03-17', tokens)).toBe(0.75)
  expect(costOf('gpt-5.4-maxi', tokens)).toBe(0)
})
