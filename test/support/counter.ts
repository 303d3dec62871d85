import { assign, setup } from 'xstate'

/** Counts what it is sent, and remembers the last number it was told. */
export const counter = setup({
  types: { context: {} as { count: number; last: number | null; note: string }, events: {} as { type: 'ADD'; n?: number; note?: string } | { type: 'END' } },
}).createMachine({
  context: { count: 0, last: null, note: '' },
  initial: 'counting',
  states: {
    counting: { on: { ADD: { actions: assign(({ context, event }) => ({ count: context.count + 1, last: event.n ?? null, note: event.note ?? '' })) }, END: 'ended' } },
    ended: { type: 'final' },
  },
})
