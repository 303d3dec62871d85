import { assign, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { inputOf } from './input.ts'

const inputSchema = z.strictObject({
  /** Names that may arrive. */
  expected: z.array(z.string()).readonly(),
  /** How many of them are enough. Default: all. */
  enough: z.int().nonnegative().optional(),
  /** Milliseconds to wait for them. */
  timeoutMs: z.number().nonnegative(),
})

export type BarrierInput = z.input<typeof inputSchema>

export interface BarrierOutput {
  /** Whether enough came in time. */
  readonly complete: boolean
  /** What each one brought, by name. */
  readonly arrived: Readonly<Record<string, unknown>>
  /** Who had not come when it ended. */
  readonly missing: readonly string[]
}

interface BarrierContext extends z.output<typeof inputSchema> {
  readonly enough: number
  readonly arrived: Readonly<Record<string, unknown>>
}

const events = { 'barrier.arrive': z.object({ type: z.literal('barrier.arrive'), name: z.string(), value: z.unknown().optional() }) }

function begin(input: unknown): BarrierContext {
  const { expected, enough, timeoutMs } = inputOf(inputSchema, input, 'barrier')
  const names = [...new Set(expected)]
  return { expected: names, enough: Math.min(enough ?? names.length, names.length), timeoutMs, arrived: {} }
}

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
  context: ({ input }) => begin(input),
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
