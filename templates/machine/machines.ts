import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { approval } from 'troupe/machines'
import { assign, setup } from 'xstate'

interface Context {
  readonly cents: number
  readonly receipt: string | undefined
}

/** Effects are tasks: they run after the commit that asked for them, again after a crash, each time with the same key. */
const charge = task({ retry: 3, timeout: 10_000, run: ({ input, idempotencyKey }: TaskScope<{ cents: number }>) => `receipt ${idempotencyKey.length > 0 ? input.cents : 0}` })

const order = setup({
  types: { context: {} as Context, events: {} as { type: 'PAY' } | { type: 'CANCEL' }, input: {} as { cents: number } },
  actors: { charge, approval },
}).createMachine({
  id: 'order', initial: 'waiting', context: ({ input }) => ({ cents: input.cents, receipt: undefined }),
  states: {
    waiting: { on: { PAY: 'paying', CANCEL: 'cancelled' }, after: { 604_800_000: 'cancelled' } },
    paying: {
      invoke: { src: 'charge', input: ({ context }) => ({ cents: context.cents }), onDone: { target: 'checking', actions: assign({ receipt: ({ event }) => event.output }) }, onError: 'waiting' },
    },
    checking: {
      tags: ['approval'],
      invoke: {
        src: 'approval',
        input: ({ context }) => ({ subject: { ship: context.cents }, levels: [{ approvers: ['ann'], timeoutMs: 86_400_000 }] }),
        onDone: [{ guard: ({ event }) => event.output.status === 'done', target: 'shipped' }, { target: 'cancelled' }],
      },
    },
    shipped: { type: 'final' },
    cancelled: { type: 'final' },
  },
  output: ({ context }) => context.receipt ?? 'cancelled',
})

export const machines = { order }
