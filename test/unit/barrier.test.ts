import { SimulatedClock, createActor } from 'xstate'
import { expect, test } from 'vitest'
import { barrier } from '../../machines/index.ts'
import type { BarrierInput } from '../../machines/index.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

function open(input: Partial<BarrierInput> = {}) {
  const clock = new SimulatedClock()
  const actor = createActor(barrier, { clock, input: { expected: ['a', 'b', 'c'], timeoutMs: 1_000, ...input } }).start()
  const arrive = (name: string, value?: unknown): void => actor.send({ type: 'barrier.arrive', name, value })
  return { clock, actor, arrive, output: () => actor.getSnapshot().output }
}

test('every transition of a barrier is taken', () => {
  expectEveryTransition(barrier, { input: { expected: ['a'], timeoutMs: 1_000 }, events: [{ type: 'barrier.arrive', name: 'a' }] })
})

test('a barrier is complete when all have arrived, and says what they brought', () => {
  const { arrive, output } = open()
  arrive('b', 2)
  arrive('a')
  expect(output()).toBeUndefined()
  arrive('c')
  expect(output()).toEqual({ complete: true, arrived: { a: null, b: 2, c: null }, missing: [] })
})

test('a second arrival and a stranger change nothing', () => {
  const { actor, arrive } = open()
  arrive('a', 1)
  arrive('a', 9)
  arrive('toString', 9)
  expect(actor.getSnapshot().context.arrived).toEqual({ a: 1 })
})

test('enough of them complete it; who is missing is named', () => {
  const { arrive, output } = open({ enough: 2 })
  arrive('c')
  arrive('a')
  expect(output()).toEqual({ complete: true, arrived: { a: null, c: null }, missing: ['b'] })
})

test('when the time is over a barrier names who is missing', () => {
  const { clock, arrive, output } = open()
  arrive('a', 1)
  clock.increment(1_000)
  expect(output()).toEqual({ complete: false, arrived: { a: 1 }, missing: ['b', 'c'] })
})

test('names given twice count once, and no more than all can be asked for', () => {
  const { arrive, output } = open({ expected: ['a', 'a'], enough: 5 })
  arrive('a')
  expect(output()).toMatchObject({ complete: true })
})

test('a barrier that waits for nobody is complete at once', () => {
  expect(open({ expected: [] }).output()).toEqual({ complete: true, arrived: {}, missing: [] })
  expect(open({ enough: 0 }).output()).toMatchObject({ complete: true, missing: ['a', 'b', 'c'] })
})
