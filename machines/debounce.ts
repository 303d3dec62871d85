import { assign, enqueueActions, setup } from 'xstate'
import type { AnyEventObject } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { handOn } from './hand-on.ts'

export interface DebounceInput {
  /** Address of the actor that gets the value. Default: the parent. */
  readonly to?: string
  /** What it gets: this event with `value`, and in `count` how many came since the last time. */
  readonly event: AnyEventObject
  /** Milliseconds without a new value after which the last one is handed on. Default 1,000. */
  readonly silenceMs?: number
  /** Milliseconds after the first value when the last one is handed on though more keep coming. Default: 10 times `silenceMs`. */
  readonly waitMaxMs?: number
}

interface DebounceContext extends Required<Omit<DebounceInput, 'to'>>, Pick<DebounceInput, 'to'> {
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
  delays: { silence: ({ context }) => context.silenceMs, longestWait: ({ context }) => context.waitMaxMs },
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
  context: ({ input: { silenceMs = 1_000, waitMaxMs = 10 * silenceMs, ...rest } }) => ({ ...rest, silenceMs, waitMaxMs, value: null, count: 0 }),
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
