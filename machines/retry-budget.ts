import { assign, enqueueActions, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { reply } from '../src/core/targets.ts'
import { actorOf, askerSchema, tell } from './asker.ts'
import { inputOf } from './input.ts'

/** Parts of the window that are forgotten one after the other. */
const SLICES = 10

const inputSchema = z.strictObject({
  /** Retries that each call pays for. Default 0.2: one retry for five calls. */
  ratio: z.number().nonnegative().default(0.2),
  /** Retries that are free in each window, for callers with few calls. Default 100. */
  retriesMin: z.int().nonnegative().default(100),
  /** Milliseconds that calls and retries count. Default 10,000. */
  windowMs: z.number().positive().default(10_000),
})

export type RetryBudgetInput = z.input<typeof inputSchema>

interface RetryBudgetContext extends z.output<typeof inputSchema> {
  /** Retries earned less retries granted, the running slice first. */
  readonly slices: readonly number[]
  readonly granted: number
  readonly refused: number
}

/** What `budget.retry` is answered with: to `from`, or as the `reply` of an `ask`; `left` retries are left. */
export interface RetryAnswer {
  readonly type: 'budget.granted' | 'budget.refused'
  readonly id: string
  readonly left: number
}

const id = z.string().min(1)
const schemas = {
  /** So many calls that are no retries. Default 1. */
  'budget.called': z.object({ type: z.literal('budget.called'), count: z.int().positive().optional() }),
  'budget.retry': z.object({ type: z.literal('budget.retry'), id, from: askerSchema.optional() }),
}

type RetryBudgetEvent = z.infer<(typeof schemas)[keyof typeof schemas]>

const leftOf = ({ slices, retriesMin }: RetryBudgetContext): number => Math.max(0, Math.floor(slices.reduce((sum, slice) => sum + slice, retriesMin) + ROUNDING))
const added = ([running = 0, ...older]: readonly number[], retries: number): readonly number[] => [running + retries, ...older]
/** A tenth added ten times is a little less than one. */
const ROUNDING = 1e-6
const EMPTY: readonly number[] = Array.from({ length: SLICES }, () => 0)

interface Asked {
  readonly context: RetryBudgetContext
  readonly event: { readonly id: string }
}

const tellGranted = tell(({ context, event }: Asked): RetryAnswer => ({ type: 'budget.granted', id: event.id, left: leftOf(context) }))
const tellRefused = tell(({ context, event }: Asked): RetryAnswer => ({ type: 'budget.refused', id: event.id, left: leftOf(context) }))

/**
 * Bounds the retries of all who share it to a share of their calls, so that retries do not multiply the load on what already
 * fails: one durable actor for all nodes. Who wants to try again asks first.
 *
 * After Finagle's RetryBudget (a leaky token bucket: ttl 10 s, 20 % of calls, 10 retries per second free),
 * https://twitter.github.io/finagle/guide/Clients.html#retry-budget. Calls and retries are forgotten in steps of a tenth of the window.
 *
 * @example
 * await runtime.actor(retryBudget, 'search').send({ type: 'budget.called' })
 * sendTo(actorAt('budget/search'), ({ self }) => ({ type: 'budget.retry', id: 'call-1', from: self }))
 */
export const retryBudget = setup({
  types: { context: {} as RetryBudgetContext, events: {} as RetryBudgetEvent, input: {} as RetryBudgetInput | undefined },
  schemas: { events: schemas },
  delays: { slice: ({ context }) => context.windowMs / SLICES },
  guards: {
    mayRetry: ({ context }) => leftOf(context) >= 1,
    /** Nothing left to forget after the oldest slice. */
    isForgotten: ({ context }) => context.slices.slice(0, -1).every(slice => slice === 0),
  },
  actions: {
    earn: assign(({ context, event }) => ({ slices: added(context.slices, ('count' in event ? (event.count ?? 1) : 1) * context.ratio) })),
    grant: assign(({ context }) => ({ slices: added(context.slices, -1), granted: context.granted + 1 })),
    refuse: assign(({ context }) => ({ refused: context.refused + 1 })),
    forget: assign(({ context }) => ({ slices: [0, ...context.slices.slice(0, -1)] })),
    answer: enqueueActions(({ enqueue, event }, { answer }: { readonly answer: RetryAnswer }) => {
      const from = 'from' in event ? event.from : undefined
      if (from) enqueue.sendTo(actorOf(from), answer)
      else enqueue(reply(() => answer))
    }),
  },
}).createMachine({
  id: 'retryBudget',
  meta: catalogued({ kind: 'machine', name: 'retryBudget', description: 'bounds retries to a share of the calls', capabilities: ['retry-budget'] }),
  context: ({ input }) => ({ ...inputOf(inputSchema, input ?? {}, 'retry budget'), slices: EMPTY, granted: 0, refused: 0 }),
  initial: 'quiet',
  states: {
    quiet: {
      on: {
        'budget.called': { target: 'counting', actions: 'earn' },
        'budget.retry': [{ guard: 'mayRetry', target: 'counting', actions: ['grant', tellGranted] }, { actions: ['refuse', tellRefused] }],
      },
    },
    counting: {
      after: { slice: [{ guard: 'isForgotten', target: 'quiet', actions: 'forget' }, { target: 'counting', reenter: true, actions: 'forget' }] },
      on: {
        'budget.called': { actions: 'earn' },
        'budget.retry': [{ guard: 'mayRetry', actions: ['grant', tellGranted] }, { actions: ['refuse', tellRefused] }],
      },
    },
  },
})
