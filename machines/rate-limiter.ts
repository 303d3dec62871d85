import { enqueueActions, setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { reply } from '../src/core/targets.ts'
import { actorOf, askerSchema, tell } from './asker.ts'
import type { Asker } from './asker.ts'
import { inputOf } from './input.ts'

/** A machine knows no time, so it counts by parts of the window: a request counts for the window and at most one part more. */
const PARTS = 10

const inputSchema = z.strictObject({
  /** So many requests per key … Default 100. */
  requestsMax: z.int().positive().default(100),
  /** … in any time as long as this, in milliseconds. Default 60,000. */
  windowMs: z.number().positive().default(60_000),
  /** Keys that have requests in their window; requests of further ones are refused. Default 1,000. */
  keysMax: z.int().positive().default(1_000),
  /** Requests per key that may wait for their turn, of actors that give their address; further ones are refused. Default 0. */
  waitingMax: z.int().nonnegative().default(0),
  /** How long they wait before they are refused, in milliseconds. Default 60,000. */
  waitMs: z.number().positive().default(60_000),
})

export type RateLimiterInput = z.input<typeof inputSchema>

interface Waiting {
  readonly id: string
  readonly from: Asker
}

/** Of one key: requests by part of the window, the running part first, and who waits, the longest first. */
interface Window {
  readonly parts: readonly number[]
  readonly waiting: readonly Waiting[]
}

export interface RateLimiterContext extends z.output<typeof inputSchema> {
  readonly windows: Readonly<Record<string, Window>>
}

/** What `limiter.request` is answered with: to `from`, or as the `reply` of an `ask`. */
export type LimiterAnswer = { readonly type: 'limiter.allowed'; readonly id: string } | { readonly type: 'limiter.refused'; readonly id: string; readonly retryInMs: number }

const schemas = {
  /** `key` is what is limited, such as `writer/report`: an agent and a type of work. */
  'limiter.request': z.object({ type: z.literal('limiter.request'), id: z.string().min(1), key: z.string().min(1), from: askerSchema.optional() }),
}

type Request = z.infer<(typeof schemas)['limiter.request']>
type LimiterEvent = Request | { readonly type: 'troupe.limiter.turned'; readonly key: string } | { readonly type: 'troupe.limiter.waited'; readonly key: string; readonly id: string }

const begin = (input: unknown): RateLimiterContext => ({ ...inputOf(inputSchema, input ?? {}, 'rate limiter'), windows: {} })

const EMPTY: Window = { parts: Array.from({ length: PARTS + 1 }, () => 0), waiting: [] }

const windowOf = ({ windows }: RateLimiterContext, key: string): Window => (Object.hasOwn(windows, key) ? windows[key] : undefined) ?? EMPTY
const totalOf = ({ parts }: Window): number => parts.reduce((sum, part) => sum + part, 0)
const isNew = ({ windows }: RateLimiterContext, key: string): boolean => !Object.hasOwn(windows, key)

const withWindow = ({ windows }: RateLimiterContext, key: string, window: Window): Pick<RateLimiterContext, 'windows'> => ({ windows: { ...windows, [key]: window } })

/** The same with so many requests more in the running part. */
const counted = ({ parts: [now = 0, ...earlier], waiting }: Window, requests: number): Window => ({ parts: [now + requests, ...earlier], waiting })

/** At most this long until a request of the key leaves its window. */
function retryInMs(context: RateLimiterContext, key: string): number {
  const oldest = windowOf(context, key).parts.findLastIndex(part => part > 0)
  return ((PARTS + 1 - Math.max(0, oldest)) * context.windowMs) / PARTS
}

interface Asked {
  readonly context: RateLimiterContext
  readonly event: Request
}

const tellAllowed = tell(({ event: { id } }: Asked): LimiterAnswer => ({ type: 'limiter.allowed', id }))
const tellRefused = tell(({ context, event: { id, key } }: Asked): LimiterAnswer => ({ type: 'limiter.refused', id, retryInMs: retryInMs(context, key) }))

const turnTimer = (key: string): string => `turn ${key}`
const waitTimer = (key: string, id: string): string => `wait ${id} ${key}`

/**
 * Allows so many requests per key in any time as long as the window: one durable actor for all nodes. Who wants to act
 * asks first; what is over the limit waits for its turn, or is refused with the time after which to ask again.
 *
 * @example
 * await runtime.actor(rateLimiter, 'calls').start({ requestsMax: 100, windowMs: 60_000 })
 * sendTo(actorAt('limiter/calls'), ({ self }) => ({ type: 'limiter.request', id: 'call-1', key: 'writer/report', from: self }))
 */
export const rateLimiter = setup({
  types: { context: {} as RateLimiterContext, events: {} as LimiterEvent, input: {} as RateLimiterInput | undefined },
  schemas: { events: schemas },
  guards: {
    hasRoom: ({ context, event: { key } }) => {
      const window = windowOf(context, key)
      return totalOf(window) < context.requestsMax && (!isNew(context, key) || Object.keys(context.windows).length < context.keysMax)
    },
    mayWait: ({ context, event }) => (event as Request).from !== undefined && !isNew(context, event.key) && windowOf(context, event.key).waiting.length < context.waitingMax,
    isWaiting: ({ context, event }) => event.type === 'troupe.limiter.waited' && windowOf(context, event.key).waiting.some(({ id }) => id === event.id),
  },
  actions: {
    answer: enqueueActions(({ enqueue, event }, { answer }: { readonly answer: LimiterAnswer }) => {
      const from = 'from' in event ? event.from : undefined
      if (from) enqueue.sendTo(actorOf(from), answer)
      else enqueue(reply(() => answer))
    }),
    count: enqueueActions(({ context, event: { key }, enqueue }) => {
      if (isNew(context, key)) enqueue.raise({ type: 'troupe.limiter.turned', key }, { id: turnTimer(key), delay: context.windowMs / PARTS })
      enqueue.assign(withWindow(context, key, counted(windowOf(context, key), 1)))
    }),
    wait: enqueueActions(({ context, event, enqueue }) => {
      const { key, id, from } = event as Request & { readonly from: Asker }
      const { parts, waiting } = windowOf(context, key)
      enqueue.assign(withWindow(context, key, { parts, waiting: [...waiting, { id, from }] }))
      enqueue.raise({ type: 'troupe.limiter.waited', key, id }, { id: waitTimer(key, id), delay: context.waitMs })
    }),
    giveUp: enqueueActions(({ context, event, enqueue }) => {
      const { key, id } = event as Extract<LimiterEvent, { type: 'troupe.limiter.waited' }>
      const { parts, waiting } = windowOf(context, key)
      const late = waiting.find(request => request.id === id)
      enqueue.assign(withWindow(context, key, { parts, waiting: waiting.filter(request => request !== late) }))
      if (late) enqueue.sendTo(actorOf(late.from), { type: 'limiter.refused', id, retryInMs: retryInMs(context, key) })
    }),
    turn: enqueueActions(({ context, event: { key }, enqueue }) => {
      const { parts, waiting } = windowOf(context, key)
      const turned = { parts: [0, ...parts.slice(0, PARTS)], waiting }
      const next = waiting.slice(0, context.requestsMax - totalOf(turned))
      for (const { id, from } of next) {
        enqueue.cancel(waitTimer(key, id))
        enqueue.sendTo(actorOf(from), { type: 'limiter.allowed', id })
      }
      const window = counted({ ...turned, waiting: waiting.slice(next.length) }, next.length)
      if (totalOf(window) > 0) {
        enqueue.assign(withWindow(context, key, window))
        enqueue.raise({ type: 'troupe.limiter.turned', key }, { id: turnTimer(key), delay: context.windowMs / PARTS })
      } else enqueue.assign({ windows: Object.fromEntries(Object.entries(context.windows).filter(([other]) => other !== key)) })
    }),
  },
}).createMachine({
  id: 'rateLimiter',
  meta: catalogued({ kind: 'machine', name: 'rateLimiter', description: 'allows so many requests per key and time', capabilities: ['rate-limit'] }),
  context: ({ input }) => begin(input),
  initial: 'ready',
  states: {
    ready: {
      on: {
        'limiter.request': [
          { guard: 'hasRoom', actions: ['count', tellAllowed] },
          { guard: 'mayWait', actions: 'wait' },
          { actions: tellRefused },
        ],
        'troupe.limiter.turned': { actions: 'turn' },
        'troupe.limiter.waited': { guard: 'isWaiting', actions: 'giveUp' },
      },
    },
  },
})
