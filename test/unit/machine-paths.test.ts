import { assign, enqueueActions, fromPromise, sendParent, setup } from 'xstate'
import { expect, test } from 'vitest'
import { doneEvent, errorEvent, expectEveryTransition } from '../support/machine-paths.ts'

const logic = setup({
  types: { context: {} as { readonly count: number }, input: {} as { readonly count: number }, events: {} as { readonly type: 'go'; readonly by: number } | { readonly type: 'stop' } | { readonly type: 'xstate.done.actor.*' } | { readonly type: 'xstate.error.actor.ghost' } },
  actors: { work: fromPromise(async () => 1) },
  guards: { isMuch: ({ context }) => context.count > 1, never: () => false },
})

const machine = logic.createMachine({
  id: 'walk',
  context: ({ input }) => input,
  initial: 'resting',
  on: { stop: '.over' },
  states: {
    resting: { on: { go: [{ guard: ({ event }) => event.by > 1, target: 'working' }, { actions: sendParent({ type: 'too-little' }) }] } },
    working: {
      invoke: { id: 'work', src: 'work', onDone: { target: 'counting', actions: assign({ count: ({ context }) => context.count + 1 }) }, onError: 'over' },
      after: { 100: 'resting' },
    },
    counting: { always: [{ guard: 'isMuch', target: 'over' }, 'spawning'] },
    spawning: {
      entry: enqueueActions(({ enqueue }) => enqueue.spawnChild('work', { id: 'w-0' })),
      on: { 'xstate.done.actor.*': 'over' },
    },
    over: { type: 'final' },
  },
})

const events = [{ type: 'go', by: 1 }, { type: 'go', by: 2 }, { type: 'stop' }, doneEvent('w-0', 1)]

test('every transition is taken: events, guards, delays, always, ends of children', () => {
  expectEveryTransition(machine, { input: { count: 0 }, events }, { input: { count: 1 }, events })
})

test('what is taken at the very start counts', () => {
  expectEveryTransition(logic.createMachine({ id: 'hasty', context: ({ input }) => input, initial: 'a', states: { a: { always: 'b' }, b: {} } }), { input: { count: 0 } })
})

test('transitions that no path takes are named', () => {
  expect(() => expectEveryTransition(machine, { input: { count: 0 }, events: [{ type: 'go', by: 2 }] })).toThrow(/^walk: no path takes\n {2}walk --stop--> walk\.over\n {2}walk\.resting --go--> itself\n {2}walk\.counting --always \[isMuch\]--> walk\.over\n {2}walk\.spawning --xstate\.done\.actor\.\*--> walk\.over$/)
})

test('a planted transition that nothing can reach is caught', () => {
  const planted = logic.createMachine({ id: 'planted', context: ({ input }) => input, initial: 'a', states: { a: { on: { go: { guard: 'never', target: 'b' } } }, b: { on: { stop: 'a' } } } })
  expect(() => expectEveryTransition(planted, { input: { count: 0 }, events })).toThrow('planted.a --go [never]--> planted.b\n  planted.b --stop--> planted.a')
})

test('the end of a child that is not there is no path', () => {
  const childless = logic.createMachine({ id: 'childless', context: ({ input }) => input, initial: 'a', states: { a: { on: { 'xstate.error.actor.ghost': 'b' } }, b: {} } })
  expect(() => expectEveryTransition(childless, { input: { count: 0 }, events: [errorEvent('ghost')] })).toThrow('xstate.error.actor.ghost')
})

test('a machine that throws on the way says after what', () => {
  const throwing = logic.createMachine({ id: 'throwing', context: ({ input }) => input, on: { stop: { actions: () => { throw new Error('no') } } } })
  expect(() => expectEveryTransition(throwing, { input: { count: 0 }, events: [{ type: 'stop' }] })).toThrow('throwing throws after {"type":"stop"}')
})
