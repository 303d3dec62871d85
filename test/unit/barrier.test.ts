import { SimulatedClock, createActor } from 'xstate'
import { expect, test } from 'vitest'
import { barrier } from '../../machines/index.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

function open() {
  const clock = new SimulatedClock()
  const actor = createActor(barrier, { clock, input: { expected: ['a', 'b'], timeoutMs: 1_000 } }).start()
  return { clock, actor }
}

test('a barrier is done when all have arrived, and says what they brought', () => {
  const { actor } = open()
  actor.send({ type: 'ARRIVE', name: 'b', value: 2 })
  expect(actor.getSnapshot().status).toBe('active')
  actor.send({ type: 'ARRIVE', name: 'a' })
  expect(actor.getSnapshot().output).toEqual({ arrived: { a: null, b: 2 }, missing: [] })
})

test('a second arrival and a stranger change nothing', () => {
  const { actor } = open()
  actor.send({ type: 'ARRIVE', name: 'a', value: 1 })
  actor.send({ type: 'ARRIVE', name: 'a', value: 9 })
  actor.send({ type: 'ARRIVE', name: 'toString', value: 9 })
  expect(actor.getSnapshot().context.arrived).toEqual({ a: 1 })
})

test('when the time is over a barrier names who is missing', () => {
  const { actor, clock } = open()
  actor.send({ type: 'ARRIVE', name: 'a', value: 1 })
  clock.increment(1_000)
  expect(actor.getSnapshot().output).toEqual({ arrived: { a: 1 }, missing: ['b'] })
})

test('every transition of a barrier is taken', () => {
  expectEveryTransition(barrier, { input: { expected: ['a'], timeoutMs: 1_000 }, events: [{ type: 'ARRIVE', name: 'a' }] })
})
