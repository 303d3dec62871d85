import { assign, setup } from 'xstate'
import { createRuntime } from 'troupe'
import type { Limits, Runtime } from 'troupe'

type OrderEvent =
  | { readonly type: 'ADD'; readonly cents: number; readonly at: number }
  | { readonly type: 'CHECK'; readonly by: string }
  | { readonly type: 'ACCEPT'; readonly note: string }

interface OrderContext {
  readonly id: string
  readonly customer: { readonly name: string; readonly address: Readonly<Record<string, string>>; readonly tier: string }
  readonly lines: readonly { readonly sku: string; readonly count: number; readonly cents: number }[]
  readonly totals: { readonly cents: number; readonly count: number; readonly lastAt: number }
  readonly checkedBy: string | null
  readonly note: string
}

/** About 600 bytes of state, of which an event changes 20 to 60: half of the events change the state, all change the context. */
export const order = setup({
  types: { context: {} as OrderContext, events: {} as OrderEvent, input: {} as { readonly id: string } },
  guards: { isPositive: (_, { cents }: { readonly cents: number }) => cents > 0 },
}).createMachine({
  id: 'order',
  context: ({ input }) => ({
    id: input.id,
    customer: { name: 'Ada Lovelace', tier: 'gold', address: { street: '12 St James Square', city: 'London', postcode: 'SW1Y 4JH', country: 'United Kingdom' } },
    lines: [
      { sku: 'engine-gear-0042', count: 12, cents: 1250 },
      { sku: 'punched-card-deck', count: 3, cents: 480 },
      { sku: 'lubricant-fine-2l', count: 1, cents: 2199 },
    ],
    totals: { cents: 0, count: 0, lastAt: 0 },
    checkedBy: null,
    note: '',
  }),
  initial: 'collecting',
  states: {
    collecting: {
      on: {
        ADD: {
          guard: { type: 'isPositive', params: ({ event }) => ({ cents: event.cents }) },
          actions: assign({ totals: ({ context: { totals }, event }) => ({ cents: totals.cents + event.cents, count: totals.count + 1, lastAt: event.at }) }),
        },
        CHECK: { target: 'checking', actions: assign({ checkedBy: ({ event }) => event.by }) },
      },
    },
    checking: { on: { ACCEPT: { target: 'collecting', actions: assign({ note: ({ event }) => event.note }) } } },
  },
})

/** The event of a round: every event is legal when the rounds come in order. */
export function orderEvent(round: number): OrderEvent {
  switch (round % 4) {
    case 2:
      return { type: 'CHECK', by: `clerk-${round % 7}` }
    case 3:
      return { type: 'ACCEPT', note: `checked in round ${round}` }
    default:
      return { type: 'ADD', cents: 100 + round, at: 1_700_000_000_000 + round }
  }
}

export type Synchronous = 'FULL' | 'NORMAL'

export const openOrders = (file: string, synchronous: Synchronous, limits: Partial<Limits> = {}): Promise<Runtime<{ order: typeof order }>> =>
  createRuntime({ machines: { order }, store: `sqlite:${file}?synchronous=${synchronous}`, limits })
