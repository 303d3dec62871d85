import { reply, task } from 'troupe'
import type { Runtime, TaskScope } from 'troupe'
import { assign, setup } from 'xstate'

type Event = { readonly type: 'GO' } | { readonly type: 'QUESTION' } | { readonly type: 'TELL' }

/** More questions than any actor is asked at once. */
const QUESTIONS_MAX = 64

/** What an actor does before it answers: rests, asks others, all at once, and works. */
export interface Plan {
  /** Addresses. */
  readonly asks?: readonly string[]
  readonly restMs?: number
  readonly workMs?: number
  /** Whether it could still be told from outside, while it asks. */
  readonly mayBeTold?: boolean
  /** Gives up asking after this time. */
  readonly patienceMs?: number
  /** Does not wait for `GO`. */
  readonly startsAtOnce?: boolean
  /** Answers questions at once, while it asks. */
  readonly answersAtOnce?: boolean
}

export interface AskersParts {
  /** The runtime of the node that runs the code. */
  runtime(): Runtime
  sleep(ms: number): Promise<void>
  /** How one actor waits for another one. Default: it asks for a reply. */
  wait?(runtime: Runtime, address: string): Promise<unknown>
}

const question = { type: 'QUESTION' } as const

/**
 * A machine whose actors ask each other in tasks. Each goes to work at `GO`, and answers all questions when it is done, be
 * it with an error. Tagged `over` then.
 */
export function createAsker({ runtime, sleep, wait = (from, address) => from.at(address).ask(question, { until: 'reply', timeout: 600_000 }) }: AskersParts) {
  const ask = task({
    run: async ({ input }: TaskScope<Plan>) => {
      if (input.restMs !== undefined) await sleep(input.restMs)
      await Promise.all((input.asks ?? []).map(address => wait(runtime(), address)))
      if (input.workMs !== undefined) await sleep(input.workMs)
      return 'answered'
    },
  })
  return setup({
    types: { context: {} as { readonly plan: Plan; readonly outcome: string }, input: {} as Plan, events: {} as Event, output: {} as string, tags: {} as 'over' },
    actors: { ask },
    actions: { answer: reply(({ context }) => context.outcome) },
    guards: {
      'starts at once': ({ context }) => context.plan.startsAtOnce === true,
      'may be told': ({ context }) => context.plan.mayBeTold === true,
      'has patience': ({ context }) => context.plan.patienceMs !== undefined,
      'answers at once': ({ context }) => context.plan.answersAtOnce === true,
    },
    delays: { patience: ({ context }) => context.plan.patienceMs ?? 0 },
  }).createMachine({
    context: ({ input }) => ({ plan: input, outcome: '' }),
    initial: 'idle',
    states: {
      idle: { always: { guard: 'starts at once', target: 'choosing' }, on: { GO: 'choosing' } },
      choosing: { always: [{ guard: 'may be told', target: 'asking.open' }, { guard: 'has patience', target: 'asking.patient' }, { guard: 'answers at once', target: 'asking.answering' }, { target: 'asking.alone' }] },
      asking: {
        invoke: {
          src: 'ask',
          id: 'ask',
          input: ({ context }) => context.plan,
          onDone: { target: 'over', actions: assign({ outcome: ({ event }) => event.output }) },
          onError: { target: 'over', actions: assign({ outcome: ({ event }) => `${(event.error as { code?: string }).code}: ${(event.error as Error).message}` }) },
        },
        initial: 'alone',
        states: {
          alone: {},
          answering: { on: { QUESTION: { actions: 'answer' } } },
          open: { on: { TELL: { target: '#asker.over', actions: assign({ outcome: 'told' }) } } },
          patient: { after: { patience: { target: '#asker.over', actions: assign({ outcome: 'out of patience' }) } } },
        },
      },
      // Each reply answers the oldest question; without one it does nothing.
      over: { tags: 'over', entry: Array.from({ length: QUESTIONS_MAX }, () => 'answer' as const), on: { QUESTION: { actions: 'answer' } } },
    },
    id: 'asker',
  })
}
