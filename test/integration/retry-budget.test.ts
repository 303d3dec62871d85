import { retryBudget } from 'troupe/machines'
import type { RetryAnswer } from 'troupe/machines'
import { expect, test } from 'vitest'
import { assign, sendTo, setup } from 'xstate'
import { actorAt } from 'troupe'
import { createSqliteWorld } from '../support/sqlite-world.ts'

const caller = setup({ types: { context: {} as { readonly answers: readonly string[] }, events: {} as { readonly type: 'fail' } | RetryAnswer } }).createMachine({
  id: 'caller',
  context: { answers: [] },
  on: {
    fail: { actions: sendTo(actorAt('budget/model'), ({ self }) => ({ type: 'budget.retry', id: 'call-2', from: self })) },
    'budget.*': { actions: assign({ answers: ({ context, event }) => [...context.answers, event.type] }) },
  },
})

test('callers share one budget: by ask, by event, and over a restart in the middle of its window', async () => {
  const world = await createSqliteWorld({ budget: retryBudget, caller })
  const budget = () => world.runtime.actor('budget', 'model')
  const mayRetry = async () => (await budget().ask({ type: 'budget.retry', id: 'call-1' }, { until: 'reply' })).reply as RetryAnswer
  await budget().start({ retriesMin: 1, windowMs: 10_000 })
  await world.runtime.actor('caller', '1').start()
  await budget().send({ type: 'budget.called', count: 10 })
  expect(await mayRetry()).toEqual({ type: 'budget.granted', id: 'call-1', left: 2 })
  await world.advance(5_000)
  await world.crash()
  await world.restart()
  for (const _ of [1, 2, 3]) await world.runtime.actor('caller', '1').send({ type: 'fail' })
  await world.settle()
  expect((await world.runtime.actor('caller', '1').snapshot()).context.answers).toEqual(['budget.granted', 'budget.granted', 'budget.refused'])
  expect(await mayRetry()).toEqual({ type: 'budget.refused', id: 'call-1', left: 0 })
  // What the calls earned and the first retry cost is forgotten; the two later retries still count.
  await world.advance(5_000)
  expect(await mayRetry()).toEqual({ type: 'budget.refused', id: 'call-1', left: 0 })
  await world.advance(5_000)
  expect(await mayRetry()).toEqual({ type: 'budget.granted', id: 'call-1', left: 0 })
})

test('a malformed event is refused by its schema', async () => {
  const world = await createSqliteWorld({ budget: retryBudget })
  await world.runtime.actor('budget', 'model').start()
  await expect(world.runtime.actor('budget', 'model').send({ type: 'budget.called', count: -5 })).rejects.toMatchObject({ code: 'event/invalid' })
})
