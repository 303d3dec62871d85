import { setup } from 'xstate'

/** Takes its events and counts nothing: what matters is what is told of it. */
export const order = setup({ types: { events: {} as { readonly type: 'PAY' | 'SHIP' | 'DONE' | 'BREAK'; readonly cents?: number } } }).createMachine({
  id: 'order',
  initial: 'open',
  states: { open: { on: { PAY: 'paid' } }, paid: { on: { SHIP: 'shipped' } }, shipped: {}, done: { type: 'final' } },
  on: {
    DONE: '.done',
    BREAK: {
      actions: () => {
        throw new Error('broken on purpose')
      },
    },
  },
})
