import { assign, setup } from 'xstate'

export interface BarrierInput {
  /** Names that must arrive. */
  readonly expected: readonly string[]
  /** Milliseconds to wait for all of them. */
  readonly timeoutMs: number
}

export interface BarrierOutput {
  /** What each one brought, by name. */
  readonly arrived: Readonly<Record<string, unknown>>
  /** Who had not come when the time was over; empty when all came. */
  readonly missing: readonly string[]
}

/**
 * A join: waits until every expected name has arrived, or until the time is over, and says who came with what. A second
 * arrival of a name and arrivals nobody expects change nothing.
 */
export const barrier = setup({
  types: {
    context: {} as BarrierInput & { readonly arrived: Readonly<Record<string, unknown>> },
    events: {} as { readonly type: 'ARRIVE'; readonly name: string; readonly value?: unknown },
    input: {} as BarrierInput,
    output: {} as BarrierOutput,
  },
  delays: { patience: ({ context }) => context.timeoutMs },
  guards: {
    isAwaited: ({ context }, { name }: { readonly name: string }) => context.expected.includes(name) && !Object.hasOwn(context.arrived, name),
    isComplete: ({ context }) => context.expected.every(name => Object.hasOwn(context.arrived, name)),
  },
}).createMachine({
  id: 'barrier',
  context: ({ input }) => ({ ...input, arrived: {} }),
  initial: 'waiting',
  states: {
    waiting: {
      always: { guard: 'isComplete', target: 'complete' },
      after: { patience: 'late' },
      on: {
        ARRIVE: {
          guard: { type: 'isAwaited', params: ({ event }) => ({ name: event.name }) },
          actions: assign({ arrived: ({ context, event }) => ({ ...context.arrived, [event.name]: event.value ?? null }) }),
        },
      },
    },
    complete: { type: 'final' },
    late: { type: 'final' },
  },
  output: ({ context }) => ({ arrived: context.arrived, missing: context.expected.filter(name => !Object.hasOwn(context.arrived, name)) }),
})
