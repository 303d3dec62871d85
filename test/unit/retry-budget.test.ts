import { SimulatedClock, createActor } from 'xstate'
import { expect, test } from 'vitest'
import { retryBudget } from '../../machines/index.ts'
import type { RetryBudgetInput } from '../../machines/index.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

const called = (count: number) => ({ type: 'budget.called', count }) as const
const retry = { type: 'budget.retry', id: 'call-1' } as const

function open(input: RetryBudgetInput) {
  const clock = new SimulatedClock()
  const actor = createActor(retryBudget, { clock, input }).start()
  /** Asks for so many retries, and says how many were granted. */
  const ask = (times: number): number => {
    const before = actor.getSnapshot().context.granted
    for (let n = 0; n < times; n++) actor.send(retry)
    return actor.getSnapshot().context.granted - before
  }
  /** In steps, for each timer starts the next one. */
  const pass = (seconds: number): void => {
    for (let n = 0; n < seconds; n++) clock.increment(1_000)
  }
  return { actor, ask, pass }
}

test('every transition of a retry budget is taken', () => {
  const events = [called(1), retry, { ...retry, from: { address: 'caller/1' } }]
  const explore = ({ context }: { readonly context: { readonly granted: number; readonly refused: number; readonly slices: readonly number[] } }): boolean => context.granted + context.refused < 2 && context.slices.filter(slice => slice !== 0).length < 2 && context.slices.every(slice => slice < 2)
  expectEveryTransition(retryBudget, { input: { retriesMin: 1, ratio: 1 }, events, explore }, { input: { retriesMin: 0 }, events, explore })
})

test('a fifth of the calls may be tried again', () => {
  const { actor, ask } = open({ retriesMin: 0 })
  for (let n = 0; n < 100; n++) actor.send(called(1))
  expect(ask(100)).toBe(20)
  expect(actor.getSnapshot().context.refused).toBe(80)
})

test('tenths are not lost to rounding', () => {
  const { actor, ask } = open({ retriesMin: 0, ratio: 0.1 })
  for (let n = 0; n < 10; n++) actor.send(called(1))
  expect(ask(2)).toBe(1)
})

test('a few retries are free, again in each window', () => {
  const { pass, ask } = open({ retriesMin: 3, windowMs: 10_000 })
  expect(ask(5)).toBe(3)
  pass(9)
  expect(ask(5)).toBe(0)
  pass(1)
  expect(ask(5)).toBe(3)
})

test('calls count for one window only, though more keep coming', () => {
  const { pass, actor, ask } = open({ retriesMin: 0, ratio: 1, windowMs: 10_000 })
  for (let second = 0; second < 30; second++) {
    actor.send(called(1))
    pass(1)
  }
  expect(ask(30)).toBe(9)
})

test('when nothing is left to forget no timer runs', () => {
  const { pass, actor } = open({ windowMs: 10_000 })
  actor.send(called(1))
  expect(actor.getSnapshot().value).toBe('counting')
  pass(10)
  expect(actor.getSnapshot().value).toBe('quiet')
})
