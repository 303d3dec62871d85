import { assign, enqueueActions, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { addressSchema, handOn } from './hand-on.ts'
import { inputOf } from './input.ts'

const inputSchema = z.strictObject({
  /** Address of the actor that gets the batches. Default: the parent. */
  to: addressSchema.optional(),
  /** What it gets: this event with `items`. */
  event: z.looseObject({ type: z.string() }),
  /** Items of one batch. Default 100. */
  countMax: z.int().positive().default(100),
  /** UTF-8 bytes of the items of one batch as JSON; a larger item goes alone. Default 256 KB, a quarter of what an event may have. */
  bytesMax: z.int().positive().default(256 << 10),
  /** Milliseconds that an item waits at most. Default 1,000. */
  waitMs: z.number().nonnegative().default(1_000),
})

export type BatchInput = z.input<typeof inputSchema>

interface BatchContext extends z.output<typeof inputSchema> {
  readonly items: readonly unknown[]
  readonly bytes: number
  /** Batches handed on so far. */
  readonly batches: number
}

const events = {
  'batch.add': z.object({ type: z.literal('batch.add'), item: z.unknown() }),
  'batch.flush': z.object({ type: z.literal('batch.flush') }),
  'batch.end': z.object({ type: z.literal('batch.end') }),
}

const bytesOf = (item: unknown): number => Buffer.byteLength(JSON.stringify(item) ?? 'null')

/**
 * Collects items until there are enough of them, or the first one has waited long enough, and hands them on as one event.
 * `batch.flush` hands on what there is at once; `batch.end` does so too and ends it.
 *
 * @example
 * await runtime.actor(batch, 'index').start({ to: 'indexer/1', event: { type: 'index' }, countMax: 50 })
 * await runtime.actor(batch, 'index').send({ type: 'batch.add', item: { page: 7 } })
 */
export const batch = setup({
  types: { context: {} as BatchContext, events: {} as z.infer<(typeof events)[keyof typeof events]>, input: {} as BatchInput, output: {} as { readonly batches: number } },
  schemas: { events },
  delays: { patience: ({ context }) => context.waitMs },
  guards: {
    isFull: ({ context }) => context.items.length >= context.countMax || context.bytes >= context.bytesMax,
    isTooMuch: ({ context }, { item }: { readonly item: unknown }) => context.bytes + bytesOf(item) > context.bytesMax,
  },
  actions: {
    keep: assign(({ context }, { item }: { readonly item: unknown }) => ({ items: [...context.items, item ?? null], bytes: context.bytes + bytesOf(item) })),
    handOn: enqueueActions(({ context, enqueue }) => {
      handOn(enqueue, context.to, { ...context.event, items: context.items })
      enqueue.assign({ items: [], bytes: 0, batches: context.batches + 1 })
    }),
  },
}).createMachine({
  id: 'batch',
  meta: catalogued({ kind: 'machine', name: 'batch', description: 'Collects items and hands them on together.', capabilities: ['batch'] }),
  context: ({ input }) => ({ ...inputOf(inputSchema, input, 'batch'), items: [], bytes: 0, batches: 0 }),
  initial: 'empty',
  states: {
    empty: {
      on: {
        'batch.add': { target: 'collecting', actions: { type: 'keep', params: ({ event }) => ({ item: event.item }) } },
        'batch.end': 'ended',
      },
    },
    collecting: {
      always: { guard: 'isFull', target: 'empty', actions: 'handOn' },
      after: { patience: { target: 'empty', actions: 'handOn' } },
      on: {
        'batch.add': [
          // The earlier ones go, and the time of the new one begins.
          { guard: { type: 'isTooMuch', params: ({ event }) => ({ item: event.item }) }, target: 'collecting', reenter: true, actions: ['handOn', { type: 'keep', params: ({ event }) => ({ item: event.item }) }] },
          { actions: { type: 'keep', params: ({ event }) => ({ item: event.item }) } },
        ],
        'batch.flush': { target: 'empty', actions: 'handOn' },
        'batch.end': { target: 'ended', actions: 'handOn' },
      },
    },
    ended: { type: 'final' },
  },
  output: ({ context }) => ({ batches: context.batches }),
})
