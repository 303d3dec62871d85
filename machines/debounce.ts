import { assign, enqueueActions, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { addressSchema, handOn } from './hand-on.ts'
import { inputOf } from './input.ts'

const inputSchema = z.strictObject({
  /** Address of the actor that gets the value. Default: the parent. */
  to: addressSchema.optional(),
  /** What it gets: this event with `value`, and in `count` how many came since the last time. */
  event: z.looseObject({ type: z.string() }),
  /** Milliseconds without a new value after which the last one is handed on. Default 1,000. */
  silenceMs: z.number().nonnegative().default(1_000),
  /** Milliseconds after the first value when the last one is handed on though more keep coming. Default: 10 times `silenceMs`. */
  waitMaxMs: z.number().nonnegative().optional(),
})

export type DebounceInput = z.input<typeof inputSchema>

interface DebounceContext extends z.output<typeof inputSchema> {
  readonly value: unknown
  readonly count: number
}

const events = {
  'debounce.put': z.object({ type: z.literal('debounce.put'), value: z.unknown() }),
  'debounce.flush': z.object({ type: z.literal('debounce.flush') }),
  'debounce.end': z.object({ type: z.literal('debounce.end') }),
}

/**
 * Of values that come in quick succession hands on the last one, once there is silence, or after the longest wait.
 * `debounce.flush` hands it on at once; `debounce.end` does so too and ends it.
 *
 * @example
 * await runtime.actor(debounce, 'draft').start({ to: 'editor/1', event: { type: 'save' }, silenceMs: 2_000 })
 * await runtime.actor(debounce, 'draft').send({ type: 'debounce.put', value: 'Dear Ann' })
 */
export const debounce = setup({
  types: { context: {} as DebounceContext, events: {} as z.infer<(typeof events)[keyof typeof events]>, input: {} as DebounceInput },
  schemas: { events },
  delays: { silence: ({ context }) => context.silenceMs, longestWait: ({ context: { silenceMs, waitMaxMs = 10 * silenceMs } }) => waitMaxMs },
  actions: {
    keep: assign(({ context }, { value }: { readonly value: unknown }) => ({ value: value ?? null, count: context.count + 1 })),
    handOn: enqueueActions(({ context: { to, event, value, count }, enqueue }) => {
      handOn(enqueue, to, { ...event, value, count })
      enqueue.assign({ value: null, count: 0 })
    }),
  },
}).createMachine({
  id: 'debounce',
  meta: catalogued({ kind: 'machine', name: 'debounce', description: 'Hands on the last of values that come in quick succession.', capabilities: ['debounce'] }),
  context: ({ input }) => ({ ...inputOf(inputSchema, input, 'debounce'), value: null, count: 0 }),
  initial: 'quiet',
  states: {
    quiet: {
      on: {
        'debounce.put': { target: 'holding', actions: { type: 'keep', params: ({ event }) => ({ value: event.value }) } },
        'debounce.end': 'ended',
      },
    },
    holding: {
      after: { longestWait: { target: 'quiet', actions: 'handOn' } },
      on: { 'debounce.flush': { target: 'quiet', actions: 'handOn' }, 'debounce.end': { target: 'ended', actions: 'handOn' } },
      initial: 'listening',
      states: {
        listening: {
          after: { silence: { target: '#debounce.quiet', actions: 'handOn' } },
          on: { 'debounce.put': { target: 'listening', reenter: true, actions: { type: 'keep', params: ({ event }) => ({ value: event.value }) } } },
        },
      },
    },
    ended: { type: 'final' },
  },
})
