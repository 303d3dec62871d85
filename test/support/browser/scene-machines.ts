import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import type { Verdict, approval } from 'troupe/machines'
import { assign, setup } from 'xstate'

/** Machines of a scene as customers have it: people are asked, something fails, something computes. */

export interface Refund {
  readonly customer: string
  readonly cents: number
  readonly reason: string
  readonly items: readonly { readonly name: string; readonly cents: number }[]
}

const HOUR = 3_600_000

/** Money goes back only when two people have said yes. */
export const refund = setup({
  types: { input: {} as Refund, context: {} as { readonly refund: Refund; readonly verdict: Verdict | null } },
  actors: {
    approval: remote<typeof approval>('approval'),
    transfer: task({ run: ({ input }: TaskScope<Refund>) => `transfer of ${input.cents} to ${input.customer}` }),
  },
  guards: { isApproved: (_, { status }: { readonly status: string }) => status === 'done' },
}).createMachine({
  id: 'refund',
  context: ({ input }) => ({ refund: input, verdict: null }),
  initial: 'deciding',
  states: {
    deciding: {
      invoke: {
        id: 'gate', src: 'approval',
        input: ({ context: { refund: subject } }) => ({ subject, levels: [{ approvers: ['ann', 'ben'], timeoutMs: 8 * HOUR }, { approvers: ['boss'], timeoutMs: 24 * HOUR }] }),
        onDone: [
          { guard: { type: 'isApproved', params: ({ event }) => event.output }, target: 'paying', actions: assign({ verdict: ({ event }) => event.output.output }) },
          { target: 'refused', actions: assign({ verdict: ({ event }) => event.output.output }) },
        ],
      },
    },
    paying: { invoke: { src: 'transfer', input: ({ context }) => context.refund, onDone: 'paid' } },
    paid: { type: 'final' },
    refused: { type: 'final' },
  },
})

type InvoiceEvent = { readonly type: 'PAYMENT'; readonly cents: number; readonly currency?: string } | { readonly type: 'REMIND' }

/** Throws at a payment in a currency that it does not know: the event becomes a dead letter, and does no harm once it is mended. */
export const invoice = setup({
  types: { input: {} as { readonly cents: number }, context: {} as { readonly open: number; readonly reminders: number }, events: {} as InvoiceEvent },
  guards: { isPaid: ({ context }) => context.open <= 0 },
}).createMachine({
  id: 'invoice',
  context: ({ input }) => ({ open: input.cents, reminders: 0 }),
  initial: 'open',
  states: {
    open: {
      always: { guard: 'isPaid', target: 'paid' },
      on: {
        PAYMENT: { actions: assign({ open: ({ context, event }) => context.open - inCents(event) }) },
        REMIND: { target: 'reminded', actions: assign({ reminders: ({ context }) => context.reminders + 1 }) },
      },
    },
    reminded: {
      always: { guard: 'isPaid', target: 'paid' },
      on: { PAYMENT: { actions: assign({ open: ({ context, event }) => context.open - inCents(event) }) } },
      after: { 604_800_000: 'open' },
    },
    paid: { type: 'final' },
  },
})

function inCents({ cents, currency = 'EUR' }: { readonly cents: number; readonly currency?: string }): number {
  if (currency !== 'EUR') throw new Error(`there is no rate for the currency ${currency}`)
  return cents
}
