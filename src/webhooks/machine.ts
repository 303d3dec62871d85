import { assign, emit, not, setup } from 'xstate'
import { toErrorInfo } from '../core/errors.ts'
import { task } from '../core/task.ts'
import type { TaskScope } from '../core/task.ts'
import { tell } from './event.ts'
import type { ToldError } from './event.ts'
import { WEBHOOK, begin, keepDelivery, keepTaken } from './state.ts'
import type { Change, Delivery, WebhookContext, WebhookInput } from './state.ts'
import type { Taken } from './take.ts'

/**
 * One webhook as a durable actor: it takes steps from the journals and delivers each, in order.
 *
 * Invariants
 * W1  An event is taken in the commit that moves the cursor, and left in the commit that logs what came of it: at least once.
 * W2  Inputs of tasks name the webhook and nothing else: its secret stands in its own input and context alone.
 * W3  The log has a place for each of the latest deliveries, so that a delivery costs one place, however many there are.
 */

/** What came of one attempt. */
export interface Attempted {
  readonly at: number
  readonly status: number | null
  readonly ms: number
  readonly error: ToldError | null
  /** Milliseconds until the next attempt; null when there is none. */
  readonly retryMs: number | null
}

/** What the machine does beyond itself. */
export interface WebhookEffects {
  take(context: WebhookContext, signal: AbortSignal): Promise<Taken>
  attempt(context: WebhookContext, signal: AbortSignal): Promise<Attempted>
  /** Tells whoever runs this that a webhook was disabled. */
  notify(context: WebhookContext): void
  /** The webhook as it stands in the store. */
  read(id: string): Promise<WebhookContext>
  now(): number
}

export type WebhookMessage =
  | { readonly type: 'webhook.change'; readonly change: Change; readonly isEnabled?: boolean }
  /** A delivery that was made beside the order: a test, or once more. */
  | { readonly type: 'webhook.delivered'; readonly delivery: Omit<Delivery, 'id'> }

interface Named {
  readonly id: string
}

/** Tasks that wait take no place from tasks of others; what is tried again is the machine's to say. */
const own = { queue: WEBHOOK, retry: 1 }
/** Milliseconds after which it goes on where it could not read the journals. */
const REST_MS = 5_000

export const webhookMachine = (effects: WebhookEffects) => setup({
  types: {
    context: {} as WebhookContext,
    input: {} as WebhookInput,
    events: {} as WebhookMessage,
    emitted: {} as { readonly type: 'webhook.disabled'; readonly id: string; readonly reason: string },
  },
  actors: {
    take: task({ ...own, run: async ({ input, signal }: TaskScope<Named>) => effects.take(await effects.read(input.id), signal) }),
    attempt: task({ ...own, run: async ({ input, signal }: TaskScope<Named>) => effects.attempt(await effects.read(input.id), signal) }),
    notify: task({ ...own, run: async ({ input }: TaskScope<Named>) => effects.notify(await effects.read(input.id)) }),
  },
  delays: { retry: ({ context }) => context.waitMs, rest: REST_MS },
  guards: {
    hasMore: ({ context }) => context.position < context.events.length,
    failsTooOften: ({ context }) => context.statistics.failuresInARow >= context.failuresMax,
    isRetried: (_, { retryMs }: { readonly retryMs: number | null }) => retryMs !== null,
    enables: ({ event }) => event.type === 'webhook.change' && event.isEnabled === true,
    disables: ({ event }) => event.type === 'webhook.change' && event.isEnabled === false,
  },
  actions: {
    keepTaken: assign(({ context }, taken: Taken) => keepTaken(context, taken, effects.now())),
    keepAttempt: assign(({ context }, { retryMs }: { readonly retryMs: number | null }) => ({ attempts: context.attempts + 1, waitMs: retryMs ?? 0 })),
    leaveEvent: assign(({ context }, { at, status, ms, error }: Omit<Attempted, 'retryMs'>) => {
      const event = context.events[context.position]
      const next = { position: context.position + 1, attempts: 0 }
      if (!event) return next
      const { address, seq, type } = event
      return { ...next, ...keepDelivery(context, { at, address, seq, type, outcome: error ? 'failed' : 'delivered', attempts: context.attempts + 1, status, ms, error }) }
    }),
    // Whether a receiver is given up is for the order of deliveries to say.
    keepDelivery: assign(({ context, event }) => (event.type === 'webhook.delivered' ? keepDelivery(context, event.delivery, context.statistics.failuresInARow) : {})),
    change: assign(({ event }) => (event.type === 'webhook.change' ? event.change : {})),
    enable: assign(({ context }) => ({ disabledReason: null, attempts: 0, statistics: { ...context.statistics, failuresInARow: 0 } })),
    disable: assign((_, { reason }: { readonly reason: string }) => ({ disabledReason: reason })),
    announce: emit(({ context }) => ({ type: 'webhook.disabled' as const, id: context.id, reason: context.disabledReason ?? '' })),
  },
}).createMachine({
  id: 'webhook',
  context: ({ input }) => begin(input),
  initial: 'enabled',
  on: { 'webhook.delivered': { actions: 'keepDelivery' } },
  states: {
    enabled: {
      initial: 'choosing',
      on: {
        'webhook.change': [
          { guard: 'disables', target: 'disabled.known', actions: ['change', { type: 'disable', params: { reason: 'disabled by hand' } }] },
          // What is under way goes on with what it knows.
          { actions: 'change' },
        ],
      },
      states: {
        choosing: {
          always: [
            { guard: 'failsTooOften', target: '#webhook.disabled.notifying', actions: { type: 'disable', params: ({ context }) => ({ reason: tooOften(context) }) } },
            { guard: 'hasMore', target: 'delivering' },
            { target: 'taking' },
          ],
        },
        taking: {
          invoke: { src: 'take', input: idOf, onDone: { target: 'choosing', actions: { type: 'keepTaken', params: ({ event }) => event.output } }, onError: 'resting' },
          // With another filter the wait is another one.
          on: { 'webhook.change': { guard: not('disables'), target: 'taking', reenter: true, actions: 'change' } },
        },
        resting: { after: { rest: 'choosing' } },
        delivering: {
          invoke: {
            src: 'attempt', input: idOf,
            onDone: [
              { guard: { type: 'isRetried', params: ({ event }) => event.output }, target: 'waiting', actions: { type: 'keepAttempt', params: ({ event }) => event.output } },
              { target: 'choosing', actions: { type: 'leaveEvent', params: ({ event }) => event.output } },
            ],
            // It threw, or took the process down time and again: no attempt would fare better.
            onError: { target: 'choosing', actions: { type: 'leaveEvent', params: ({ event }) => ({ at: effects.now(), status: null, ms: 0, error: tell(toErrorInfo(event.error)) }) } },
          },
        },
        waiting: {
          after: { retry: 'delivering' },
          on: { 'webhook.change': { guard: not('disables'), target: 'delivering', actions: 'change' } },
        },
      },
    },
    disabled: {
      initial: 'known',
      on: {
        'webhook.change': [
          { guard: 'enables', target: 'enabled', actions: ['change', 'enable'] },
          { actions: 'change' },
        ],
      },
      states: {
        notifying: { entry: 'announce', invoke: { src: 'notify', input: idOf, onDone: 'known', onError: 'known' } },
        known: {},
      },
    },
  },
})

const idOf = ({ context }: { readonly context: WebhookContext }): Named => ({ id: context.id })

function tooOften({ statistics, log, logged }: WebhookContext): string {
  const last = Object.values(log).find(({ id }) => id === String(logged))
  return `${statistics.failuresInARow} deliveries in a row have failed${last?.error ? `, the last one because ${last.error.message}` : ''}`
}
