import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, setup } from 'xstate'
import type { Deed, Shop } from './shop.ts'

export interface OrderInput {
  readonly item: string
  readonly cents: number
  /** How long the item is kept for a customer who has not paid. */
  readonly reservationMs: number
}

/** Something to be done in the world, tried again until it is; the key keeps it from being done twice. */
const deed = (shop: Shop, name: Deed) =>
  task({
    run: async ({ input, idempotencyKey }: TaskScope<OrderInput>) => shop.do(name, idempotencyKey, input),
    retry: { attempts: 3, baseMs: 100 },
    timeout: 10_000,
  })

/** Reserve, wait for the customer, charge, ship. What goes wrong is undone, the last deed first. */
export const createOrder = (shop: Shop) =>
  setup({
    types: {
      input: {} as OrderInput,
      context: {} as { readonly order: OrderInput; readonly problem: string | null },
      events: {} as { readonly type: 'CHECKOUT' } | { readonly type: 'PAY' },
      output: {} as { readonly problem: string | null },
    },
    actors: {
      reserve: deed(shop, 'reserve'),
      charge: deed(shop, 'charge'),
      ship: deed(shop, 'ship'),
      refund: deed(shop, 'refund'),
      release: deed(shop, 'release'),
    },
    actions: {
      note: assign({ problem: (_, problem: string) => problem }),
    },
    delays: {
      reservation: ({ context }) => context.order.reservationMs,
    },
  }).createMachine({
    id: 'order',
    context: ({ input }) => ({ order: input, problem: null }),
    initial: 'cart',
    states: {
      cart: { on: { CHECKOUT: 'reserving' } },
      reserving: {
        invoke: {
          src: 'reserve',
          input: ({ context }) => context.order,
          onDone: 'unpaid',
          onError: { target: 'cancelled', actions: { type: 'note', params: ({ event }) => reasonOf(event.error) } },
        },
      },
      unpaid: {
        after: { reservation: { target: 'releasing', actions: { type: 'note', params: 'nobody paid in time' } } },
        on: { PAY: 'charging' },
      },
      charging: {
        invoke: {
          src: 'charge',
          input: ({ context }) => context.order,
          onDone: 'shipping',
          onError: { target: 'releasing', actions: { type: 'note', params: ({ event }) => reasonOf(event.error) } },
        },
      },
      shipping: {
        invoke: {
          src: 'ship',
          input: ({ context }) => context.order,
          onDone: 'shipped',
          onError: { target: 'refunding', actions: { type: 'note', params: ({ event }) => reasonOf(event.error) } },
        },
      },
      refunding: { invoke: { src: 'refund', input: ({ context }) => context.order, onDone: 'releasing' } },
      releasing: { invoke: { src: 'release', input: ({ context }) => context.order, onDone: 'cancelled' } },
      cancelled: { type: 'final' },
      shipped: { type: 'final' },
    },
    output: ({ context: { problem } }) => ({ problem }),
  })

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
