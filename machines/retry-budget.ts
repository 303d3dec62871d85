import { assign, enqueueActions, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { actorAt, reply } from '../src/core/targets.ts'

/** Parts of the window that are forgotten one after the other. */
const SLICES = 10

export interface RetryBudgetInput {
  /** Retries that each call pays for. Default 0.2: one retry for five calls. */
  readonly ratio?: number
  /** Retries that are free in each window, for callers with few calls. Default 100. */
  readonly retriesMin?: number
  /** Milliseconds that calls and retries count. Default 10,000. */
  readonly windowMs?: number
}

/** The answer to `budget.retry`. */
export interface RetryAnswer {
  readonly granted: boolean
  /** Retries that are left. */
  readonly left: number
}

type RetryBudgetContext = Required<RetryBudgetInput> & {
  /** Retries earned less retries granted, the running slice first. */
  readonly slices: readonly number[]
  readonly granted: number
  readonly refused: number
}

const events = {
  'budget.called': z.object({ type: z.literal('budget.called'), count: z.int().min(1).optional() }),
  'budget.retry': z.object({ type: z.literal('budget.retry'), answerTo: z.string().optional() }),
}

const leftOf = ({ slices, retriesMin }: RetryBudgetContext): number => Math.max(0, Math.floor(slices.reduce((sum, slice) => sum + slice, retriesMin) + ROUNDING))
const added = ([running = 0, ...older]: readonly number[], retries: number): readonly number[] => [running + retries, ...older]
/** A tenth added ten times is a little less than one. */
const ROUNDING = 1e-6
const EMPTY: readonly number[] = Array.from({ length: SLICES }, () => 0)

/**
 * Bounds the retries of all who share it to a share of their calls, so that retries do not multiply the load on what already fails.
 * `budget.called` tells of calls that are no retries; `budget.retry` asks for one retry and is answered with `RetryAnswer`: to
 * `ask(…, { until: 'reply' })`, and as an event `budget.answer` to the address in `answerTo`, if there is one.
 *
 * After Finagle's RetryBudget (a leaky token bucket: ttl 10 s, 20 % of calls, 10 retries per second free),
 * https://twitter.github.io/finagle/guide/Clients.html#retry-budget. Calls and retries are forgotten in steps of a tenth of the window.
 *
 * @example
 * await budget.send({ type: 'budget.called' })
 * const { reply } = await budget.ask({ type: 'budget.retry' }, { until: 'reply' })   // { granted: true, left: 19 }
 */
export const retryBudget = setup({
  types: { context: {} as RetryBudgetContext, events: {} as z.infer<(typeof events)[keyof typeof events]>, input: {} as RetryBudgetInput | undefined },
  schemas: { events },
  delays: { slice: ({ context }) => context.windowMs / SLICES },
  guards: {
    mayRetry: ({ context }) => leftOf(context) >= 1,
    /** Nothing left to forget after the oldest slice. */
    isForgotten: ({ context }) => context.slices.slice(0, -1).every(slice => slice === 0),
  },
  actions: {
    earn: assign(({ context }, { count = 1 }: { readonly count?: number | undefined }) => ({ slices: added(context.slices, count * context.ratio) })),
    grant: assign(({ context }) => ({ slices: added(context.slices, -1), granted: context.granted + 1 })),
    refuse: assign(({ context }) => ({ refused: context.refused + 1 })),
    forget: assign(({ context }) => ({ slices: [0, ...context.slices.slice(0, -1)] })),
    answer: enqueueActions(({ context, enqueue }, { granted, to }: { readonly granted: boolean; readonly to?: string | undefined }) => {
      const answer: RetryAnswer = { granted, left: leftOf(context) }
      enqueue(reply(() => answer) as never)
      if (to !== undefined) enqueue.sendTo(actorAt(to), { type: 'budget.answer', ...answer })
    }),
  },
}).createMachine({
  id: 'retry-budget',
  meta: catalogued({ kind: 'machine', name: 'retry-budget', description: 'Bounds retries to a share of the calls.', capabilities: ['retry-budget'] }),
  context: ({ input: { ratio = 0.2, retriesMin = 100, windowMs = 10_000 } = {} }) => ({ ratio, retriesMin, windowMs, slices: EMPTY, granted: 0, refused: 0 }),
  initial: 'quiet',
  states: {
    quiet: {
      on: {
        'budget.called': { target: 'counting', actions: { type: 'earn', params: ({ event }) => ({ count: event.count }) } },
        'budget.retry': [
          { guard: 'mayRetry', target: 'counting', actions: ['grant', { type: 'answer', params: ({ event }) => ({ granted: true, to: event.answerTo }) }] },
          { actions: ['refuse', { type: 'answer', params: ({ event }) => ({ granted: false, to: event.answerTo }) }] },
        ],
      },
    },
    counting: {
      after: { slice: [{ guard: 'isForgotten', target: 'quiet', actions: 'forget' }, { target: 'counting', reenter: true, actions: 'forget' }] },
      on: {
        'budget.called': { actions: { type: 'earn', params: ({ event }) => ({ count: event.count }) } },
        'budget.retry': [
          { guard: 'mayRetry', actions: ['grant', { type: 'answer', params: ({ event }) => ({ granted: true, to: event.answerTo }) }] },
          { actions: ['refuse', { type: 'answer', params: ({ event }) => ({ granted: false, to: event.answerTo }) }] },
        ],
      },
    },
  },
})
