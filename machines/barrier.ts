import { assign, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'

export interface BarrierInput {
  /** Names that may arrive. */
  readonly expected: readonly string[]
  /** How many of them are enough. Default: all. */
  readonly enough?: number
  /** Milliseconds to wait for them. */
  readonly timeoutMs: number
}

export interface BarrierOutput {
  /** Whether enough came in time. */
  readonly complete: boolean
  /** What each one brought, by name. */
  readonly arrived: Readonly<Record<string, unknown>>
  /** Who had not come when it ended. */
  readonly missing: readonly string[]
}

type BarrierContext = Required<BarrierInput> & { readonly arrived: Readonly<Record<string, unknown>> }

const events = { 'barrier.arrive': z.object({ type: z.literal('barrier.arrive'), name: z.string(), value: z.unknown().optional() }) }

const isComplete = ({ arrived, enough }: BarrierContext): boolean => Object.keys(arrived).length >= enough

/**
 * A join: waits until enough of the expected names have arrived, or until the time is over, and says who came with what.
 * A second arrival of a name and arrivals nobody expects change nothing.
 *
 * @example
 * await runtime.actor(barrier, 'votes').start({ expected: ['ann', 'ben', 'eve'], enough: 2, timeoutMs: 60_000 })
 * await runtime.actor(barrier, 'votes').send({ type: 'barrier.arrive', name: 'ann', value: 'yes' })
 */
export const barrier = setup({
  types: { context: {} as BarrierContext, events: {} as z.infer<(typeof events)['barrier.arrive']>, input: {} as BarrierInput, output: {} as BarrierOutput },
  schemas: { events },
  delays: { patience: ({ context }) => context.timeoutMs },
  guards: {
    isAwaited: ({ context }, { name }: { readonly name: string }) => context.expected.includes(name) && !Object.hasOwn(context.arrived, name),
    isComplete: ({ context }) => isComplete(context),
  },
  actions: {
    keep: assign(({ context }, { name, value }: { readonly name: string; readonly value: unknown }) => ({ arrived: { ...context.arrived, [name]: value ?? null } })),
  },
}).createMachine({
  id: 'barrier',
  meta: catalogued({ kind: 'machine', name: 'barrier', description: 'Waits until enough of the expected have arrived.', capabilities: ['join'] }),
  context: ({ input: { expected, enough, timeoutMs } }) => {
    const names = [...new Set(expected)]
    return { expected: names, enough: Math.min(enough ?? names.length, names.length), timeoutMs, arrived: {} }
  },
  initial: 'waiting',
  states: {
    waiting: {
      always: { guard: 'isComplete', target: 'complete' },
      after: { patience: 'late' },
      on: {
        'barrier.arrive': {
          guard: { type: 'isAwaited', params: ({ event }) => ({ name: event.name }) },
          actions: { type: 'keep', params: ({ event }) => ({ name: event.name, value: event.value }) },
        },
      },
    },
    complete: { type: 'final' },
    late: { type: 'final' },
  },
  output: ({ context }) => ({ complete: isComplete(context), arrived: context.arrived, missing: context.expected.filter(name => !Object.hasOwn(context.arrived, name)) }),
})
