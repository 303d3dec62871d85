import { SimulatedClock, createActor, setup } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { expect, test } from 'vitest'
import { permit, permitOf, readBreakerUse } from '../../machines/permit.ts'
import type { BreakerUse } from '../../machines/permit.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

const input = (use: Partial<BreakerUse> = {}) => ({ ...readBreakerUse('a test', { address: 'breaker/a', ...use }), id: 'a:1' })
const refused = { type: 'breaker.refused', id: 'a:1', retryInMs: 100 } as const

function ask(use: Partial<BreakerUse> = {}) {
  const clock = new SimulatedClock()
  const actor = createActor(permit, { clock, input: input(use) }).start()
  return { actor, clock, now: () => actor.getSnapshot() }
}

test('every transition of a permit is taken by some path', () => {
  const events = [{ type: 'breaker.allowed', id: 'a:1' }, refused]
  expectEveryTransition(permit, { input: input(), events }, { input: input({ refused: 'fail' }), events })
})

test('a refusal is waited out as long as the breaker says, then it is asked again', () => {
  const { actor, clock, now } = ask()
  actor.send(refused)
  clock.increment(99)
  expect(now().value).toBe('waiting')
  clock.increment(1)
  expect(now().value).toBe('asking')
  actor.send({ type: 'breaker.allowed', id: 'a:1' })
  expect(now()).toMatchObject({ status: 'done', output: null })
})

test('answers to others mean nothing', () => {
  const { actor, now } = ask({ refused: 'fail' })
  actor.send({ type: 'breaker.allowed', id: 'b:1' })
  actor.send({ ...refused, id: 'a:2' })
  expect(now().value).toBe('asking')
})

test('without an answer there is no permit, and the reason says whose', () => {
  const { clock, now } = ask({ answerMs: 50 })
  clock.increment(50)
  expect(now()).toMatchObject({ status: 'done', output: 'the circuit breaker breaker/a has not answered' })
})

test('a permit has the name of its caller and of all above it', () => {
  const line = setup({ actors: { permit } }).createMachine({ invoke: { id: 'work-0', src: 'permit', input: input() } })
  const { children } = createActor(line, { id: 'line/1' }).start().getSnapshot()
  expect(permitOf(children['work-0'] as AnyActorRef, 2)).toBe('line/1/work-0:2')
})

test.each([
  [{ address: 'nowhere' }, 'config/invalid', /^a test: its breaker is no address: .*nowhere/],
  [{ address: 'breaker/a', answerMs: 0 }, 'config/invalid', /^a test: breaker\.answerMs must be a positive number, not 0$/],
])('a breaker %j is refused', (use, code, message) => {
  expect(() => readBreakerUse('a test', use)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
})
