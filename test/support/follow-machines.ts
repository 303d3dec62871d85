import { assign, setup } from 'xstate'

const counter = setup({ types: { context: {} as { n: number }, events: {} as { type: 'ADD' } | { type: 'OFF' } | { type: 'END' } } }).createMachine({
  context: { n: 0 },
  initial: 'on',
  states: {
    on: { tags: ['lit'], on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) }, OFF: 'off', END: 'ended' } },
    off: { on: { ADD: 'on', END: 'ended' } },
    ended: { type: 'final' },
  },
})

/** Machines of the tests of `follow`. */
export const counters = { counter, other: counter }
