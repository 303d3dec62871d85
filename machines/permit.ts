import { assign, enqueueActions, setup } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { TroupeError } from '../src/core/errors.ts'
import { actorAt } from '../src/core/targets.ts'
import type { BreakerAnswer } from './circuit-breaker.ts'

/** A durable circuit breaker (`circuitBreaker` of `troupe/machines`), as those name it who ask it before each call. */
export interface BreakerUse {
  /** `machine/key` */
  readonly address: string
  /** Whether work waits while the breaker is open, or fails. Default `wait`. */
  readonly refused?: 'wait' | 'fail'
  /** Milliseconds to wait for its answer before the work fails. Default 30,000. */
  readonly answerMs?: number
}

const BREAKER_ANSWER_MS = 30_000

/** Fills in the defaults. Throws `config/invalid` naming whose breaker it is. */
export function readBreakerUse(whose: string, breaker: string | BreakerUse): Required<BreakerUse> {
  const use = { refused: 'wait', answerMs: BREAKER_ANSWER_MS, ...(typeof breaker === 'string' ? { address: breaker } : breaker) } as const
  if (!(use.answerMs > 0)) throw new TroupeError('config/invalid', `${whose}: breaker.answerMs must be a positive number, not ${use.answerMs}`)
  try {
    actorAt(use.address)
    return use
  } catch (cause) {
    throw new TroupeError('config/invalid', `${whose}: its breaker is no address: ${(cause as Error).message}`, { cause })
  }
}

/** The id of a caller's request: no other actor has it, and a new number makes it a new one. */
export const permitOf = (caller: AnyActorRef, number: number): string => `${fullNameOf(caller)}:${number}`

/** Its id and those above it, of which the last is an address. */
function fullNameOf({ id, _parent }: AnyActorRef): string {
  return _parent && 'id' in _parent ? `${fullNameOf(_parent)}/${id}` : id
}

/** How a permitted call went, for the breaker. */
export const callEnded = (id: string, ok: boolean) => ({ type: ok ? 'breaker.succeeded' : 'breaker.failed', id }) as const

export interface PermitInput extends Required<BreakerUse> {
  readonly id: string
}

export interface PermitContext extends PermitInput {
  readonly retryInMs: number
  readonly reason: string | null
}

/** Asks a circuit breaker, again and again if need be, and puts out the reason why there is no permit; null when there is one. */
export const permit = setup({
  types: { context: {} as PermitContext, input: {} as PermitInput, events: {} as BreakerAnswer, output: {} as string | null },
  delays: { answer: ({ context }) => context.answerMs, retry: ({ context }) => context.retryInMs },
  guards: {
    isMine: ({ context, event }) => event.id === context.id,
    mayWait: ({ context, event }) => event.id === context.id && context.refused === 'wait',
  },
  actions: {
    ask: enqueueActions(({ context: { address, id }, self, enqueue }) => enqueue.sendTo(actorAt(address), { type: 'breaker.request', id, from: self })),
    keepDelay: assign(({ event }) => (event.type === 'breaker.refused' ? { retryInMs: event.retryInMs } : {})),
    deny: assign((_scope, reason: string) => ({ reason })),
  },
}).createMachine({
  id: 'permit',
  context: ({ input }) => ({ ...input, retryInMs: 0, reason: null }),
  initial: 'asking',
  states: {
    asking: {
      entry: 'ask',
      on: {
        'breaker.allowed': { guard: 'isMine', target: 'ended' },
        'breaker.refused': [
          { guard: 'mayWait', target: 'waiting', actions: 'keepDelay' },
          { guard: 'isMine', target: 'ended', actions: { type: 'deny', params: 'its circuit breaker is open' } },
        ],
      },
      after: { answer: { target: 'ended', actions: { type: 'deny', params: ({ context }) => `the circuit breaker ${context.address} has not answered` } } },
    },
    waiting: { after: { retry: 'asking' } },
    ended: { type: 'final' },
  },
  output: ({ context }) => context.reason,
})
