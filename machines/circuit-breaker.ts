import { and, assign, enqueueActions, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { reply } from '../src/core/targets.ts'
import { actorOf, askerSchema, tell } from './asker.ts'
import { inputOf } from './input.ts'

/** A machine knows no time, so an open breaker counts it in parts of `openMs`: what it says of the rest is at most one part too much. */
const TICKS = 10

const positive = z.number().positive()
const inputSchema = z.strictObject({
  /** So many failures … Default 5. */
  failuresMax: z.int().positive().default(5),
  /** … within this time open it, in milliseconds. Default 60,000. */
  windowMs: positive.default(60_000),
  /** How long it stays open before it lets somebody try, in milliseconds. Default 30,000. */
  openMs: positive.default(30_000),
  /** How many may try at once when it is half open. Default 1. */
  probesMax: z.int().positive().default(1),
  /** Successes in a row that close it then. Default 1. */
  successesMin: z.int().positive().default(1),
  /** How long an allowed request is waited for, in milliseconds: then it is forgotten, and a probe has failed. Default 300,000. */
  answerMs: positive.default(300_000),
  /** Allowed requests that have not reported back; further ones are refused. Default 1,000. */
  pendingMax: z.int().positive().default(1_000),
})

export type CircuitBreakerInput = z.input<typeof inputSchema>

export interface CircuitBreakerContext extends z.output<typeof inputSchema> {
  /** Failures in the window, by number. */
  readonly failures: readonly number[]
  readonly nextFailure: number
  /** Allowed requests that have not reported back. */
  readonly pending: readonly string[]
  readonly successes: number
  readonly ticksLeft: number
  /** How often it has opened. */
  readonly activations: number
  /** How many requests it has refused. */
  readonly refusals: number
}

/** What `breaker.request` is answered with: to `from`, or as the `reply` of an `ask`. */
export type BreakerAnswer = { readonly type: 'breaker.allowed'; readonly id: string } | { readonly type: 'breaker.refused'; readonly id: string; readonly retryInMs: number }

/** What `breaker.status` is answered with. */
export interface BreakerStatus {
  readonly type: 'breaker.state'
  readonly state: 'closed' | 'open' | 'halfOpen'
  readonly failures: number
  readonly pending: number
  readonly activations: number
  readonly refusals: number
  readonly retryInMs: number
}

const id = z.string().min(1)
const schemas = {
  'breaker.request': z.object({ type: z.literal('breaker.request'), id, from: askerSchema.optional() }),
  'breaker.succeeded': z.object({ type: z.literal('breaker.succeeded'), id }),
  'breaker.failed': z.object({ type: z.literal('breaker.failed'), id }),
  'breaker.status': z.object({ type: z.literal('breaker.status'), from: askerSchema.optional() }),
}

type BreakerEvent = { [Type in keyof typeof schemas]: z.infer<(typeof schemas)[Type]> }[keyof typeof schemas] | { readonly type: 'troupe.breaker.expired'; readonly id: string } | { readonly type: 'troupe.breaker.forgotten'; readonly failure: number }

const begin = (input: unknown): CircuitBreakerContext => ({ ...inputOf(inputSchema, input ?? {}, 'circuit breaker'), failures: [], nextFailure: 0, pending: [], successes: 0, ticksLeft: 0, activations: 0, refusals: 0 })

/** At most this long until it may be worth to ask again. */
const retryInMs = ({ openMs, ticksLeft }: CircuitBreakerContext): number => (openMs / TICKS) * Math.max(1, ticksLeft)

function statusOf(context: CircuitBreakerContext, state: BreakerStatus['state']): BreakerStatus {
  const { failures, pending, activations, refusals } = context
  return { type: 'breaker.state', state, failures: failures.length, pending: pending.length, activations, refusals, retryInMs: state === 'open' ? retryInMs(context) : 0 }
}

interface Asked {
  readonly context: CircuitBreakerContext
  readonly event: BreakerEvent
}

const tellAllowed = tell(({ event }: Asked): BreakerAnswer => ({ type: 'breaker.allowed', id: idOf(event) }))
const tellRefused = tell(({ context, event }: Asked): BreakerAnswer => ({ type: 'breaker.refused', id: idOf(event), retryInMs: retryInMs(context) }))
const tellStatus = (state: BreakerStatus['state']) => tell(({ context }: Asked) => statusOf(context, state))

const answerTimer = (request: string): string => `answer ${request}`
const failureTimer = (failure: number): string => `failure ${failure}`
const idOf = (event: BreakerEvent): string => ('id' in event ? event.id : '')

/**
 * Keeps callers from what keeps failing: one durable actor for all nodes. Who wants to call asks first
 * (`breaker.request`), and says how it went. Closed it allows all, open none, half open a few to try.
 *
 * @example
 * await runtime.actor(circuitBreaker, 'nlp').start({ failuresMax: 5, windowMs: 60_000 })
 * sendTo(actorAt('breaker/nlp'), ({ self }) => ({ type: 'breaker.request', id: 'call-1', from: self }))
 */
export const circuitBreaker = setup({
  types: { context: {} as CircuitBreakerContext, events: {} as BreakerEvent, input: {} as CircuitBreakerInput | undefined },
  schemas: { events: schemas },
  delays: { tick: ({ context }) => context.openMs / TICKS },
  guards: {
    isPending: ({ context, event }) => context.pending.includes(idOf(event)),
    hasRoom: ({ context, event }) => context.pending.length < context.pendingMax || context.pending.includes(idOf(event)),
    hasProbe: ({ context, event }) => context.pending.length < context.probesMax || context.pending.includes(idOf(event)),
    isLastFailure: ({ context }) => context.failures.length + 1 >= context.failuresMax,
    isLastSuccess: ({ context }) => context.successes + 1 >= context.successesMin,
    isLastTick: ({ context }) => context.ticksLeft <= 1,
  },
  actions: {
    answer: enqueueActions(({ enqueue, event }, { answer }: { readonly answer: BreakerAnswer | BreakerStatus }) => {
      const from = 'from' in event ? event.from : undefined
      if (from) enqueue.sendTo(actorOf(from), answer)
      else enqueue(reply(() => answer))
    }),
    admit: enqueueActions(({ context, event, enqueue }) => {
      const request = idOf(event)
      if (context.pending.includes(request)) return
      enqueue.assign({ pending: [...context.pending, request] })
      enqueue.raise({ type: 'troupe.breaker.expired', id: request }, { id: answerTimer(request), delay: context.answerMs })
    }),
    countRefusal: assign({ refusals: ({ context }) => context.refusals + 1 }),
    settle: enqueueActions(({ context, event, enqueue }) => {
      enqueue.cancel(answerTimer(idOf(event)))
      enqueue.assign({ pending: context.pending.filter(request => request !== idOf(event)) })
    }),
    countFailure: enqueueActions(({ context, enqueue }) => {
      const failure = context.nextFailure
      enqueue.assign({ failures: [...context.failures, failure], nextFailure: failure + 1 })
      enqueue.raise({ type: 'troupe.breaker.forgotten', failure }, { id: failureTimer(failure), delay: context.windowMs })
    }),
    forgetFailure: assign(({ context, event }) => ({ failures: context.failures.filter(failure => event.type !== 'troupe.breaker.forgotten' || failure !== event.failure) })),
    countSuccess: assign({ successes: ({ context }) => context.successes + 1 }),
    countTick: assign({ ticksLeft: ({ context }) => context.ticksLeft - 1 }),
    clear: enqueueActions(({ context, enqueue }) => {
      for (const request of context.pending) enqueue.cancel(answerTimer(request))
      for (const failure of context.failures) enqueue.cancel(failureTimer(failure))
      enqueue.assign({ pending: [], failures: [], successes: 0 })
    }),
    trip: assign({ activations: ({ context }) => context.activations + 1, ticksLeft: TICKS }),
  },
}).createMachine({
  id: 'circuitBreaker',
  meta: catalogued({ kind: 'machine', name: 'circuitBreaker', description: 'keeps callers from what keeps failing', capabilities: ['circuit-breaker'] }),
  context: ({ input }) => begin(input),
  initial: 'closed',
  states: {
    closed: {
      on: {
        'breaker.status': { actions: tellStatus('closed') },
        'breaker.request': [{ guard: 'hasRoom', actions: ['admit', tellAllowed] }, { actions: ['countRefusal', tellRefused] }],
        'breaker.succeeded': { guard: 'isPending', actions: 'settle' },
        'breaker.failed': [
          { guard: and(['isPending', 'isLastFailure']), target: 'open', actions: 'trip' },
          { guard: 'isPending', actions: ['settle', 'countFailure'] },
        ],
        'troupe.breaker.expired': { actions: 'settle' },
        'troupe.breaker.forgotten': { actions: 'forgetFailure' },
      },
    },
    open: {
      entry: 'clear',
      on: { 'breaker.status': { actions: tellStatus('open') }, 'breaker.request': { actions: ['countRefusal', tellRefused] } },
      after: {
        tick: [
          { guard: 'isLastTick', target: 'halfOpen', actions: 'countTick' },
          { target: 'open', reenter: true, actions: 'countTick' },
        ],
      },
    },
    halfOpen: {
      exit: 'clear',
      on: {
        'breaker.status': { actions: tellStatus('halfOpen') },
        'breaker.request': [{ guard: 'hasProbe', actions: ['admit', tellAllowed] }, { actions: ['countRefusal', tellRefused] }],
        'breaker.succeeded': [
          { guard: and(['isPending', 'isLastSuccess']), target: 'closed' },
          { guard: 'isPending', actions: ['settle', 'countSuccess'] },
        ],
        'breaker.failed': { guard: 'isPending', target: 'open', actions: 'trip' },
        'troupe.breaker.expired': { target: 'open', actions: 'trip' },
      },
    },
  },
})
