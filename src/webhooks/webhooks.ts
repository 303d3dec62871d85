import { TroupeError } from '../core/errors.ts'
import { backoffMs, resolveRetry } from '../core/retry.ts'
import type { RetryPolicy } from '../core/retry.ts'
import type { Clock, Random } from '../core/clock.ts'
import { webhookMachine } from './machine.ts'
import type { WebhookEffects, WebhookMessage } from './machine.ts'
import type { Post } from './post.ts'
import type { WebhookContext, WebhookInput } from './state.ts'
import { take } from './take.ts'
import type { Follow } from './take.ts'

export interface WebhooksOptions {
  /** Hosts, as they stand in URLs (`localhost`, `127.0.0.1`), that webhooks may go to though they are private. For development. */
  readonly allowPrivate?: readonly string[]
  /** Milliseconds that a receiver has to answer. Default 10,000, at most 300,000. */
  readonly timeoutMs?: number
  /** Attempts of one delivery. Default: 8, after 1 s, 2 s, 4 s … up to 60 s, 10 % jitter; what `Retry-After` asks for counts, up to an hour. */
  readonly retry?: Partial<RetryPolicy> | number
  /** Webhooks that there may be: each keeps a task waiting. Default 100, at most 1,000. */
  readonly webhooksMax?: number
}

/** The actors behind webhooks, by id. */
export interface WebhookActors {
  /** Throws `actor/exists`. */
  start(id: string, input: WebhookInput): Promise<void>
  /** The state after the message is processed; without one the last state. Throws `actor/unknown`. */
  state(id: string, message?: WebhookMessage): Promise<WebhookContext>
  /** A page of ids, oldest first. */
  list(page: { readonly cursor?: string; readonly limit?: number }): Promise<{ readonly ids: readonly string[]; readonly cursor: string | undefined }>
  stop(id: string): Promise<void>
}

/** What webhooks are made of, beside their options. */
export interface WebhookPorts {
  readonly clock: Clock
  readonly random: Random
  readonly follow: Follow
  readonly actors: WebhookActors
  /** Hears of webhooks that were disabled, and of journals that cannot be read. */
  report(error: unknown): void
}

const TIMEOUT_MS = 10_000
const ATTEMPTS = 8
const WEBHOOKS_MAX = 100
const TIMEOUT_MS_MAX = 300_000
const WEBHOOKS_MAX_MAX = 1_000

/** The webhooks of a runtime. What delivers is loaded with the first delivery. */
export class Webhooks implements AsyncDisposable {
  readonly ports: WebhookPorts
  readonly options: Required<WebhooksOptions> & { readonly retry: RetryPolicy }
  /** As it is registered. */
  readonly machine: ReturnType<typeof webhookMachine>
  #post: Promise<Post> | undefined

  /** Throws `config/invalid`. */
  constructor(ports: WebhookPorts, { allowPrivate = [], timeoutMs = TIMEOUT_MS, retry, webhooksMax = WEBHOOKS_MAX }: WebhooksOptions = {}) {
    for (const [name, value, most] of [['timeoutMs', timeoutMs, TIMEOUT_MS_MAX], ['webhooksMax', webhooksMax, WEBHOOKS_MAX_MAX]] as const) if (!(value >= 1 && value <= most)) throw new TroupeError('config/invalid', `webhooks.${name} must be a number from 1 to ${most}, not ${value}`)
    this.ports = ports
    this.options = { allowPrivate, timeoutMs, webhooksMax, retry: resolveRetry({ attempts: ATTEMPTS, ...(typeof retry === 'number' ? { attempts: retry } : retry) }) }
    this.machine = webhookMachine(this.#effects)
  }

  get #effects(): WebhookEffects {
    const { clock, random, actors, follow, report } = this.ports
    const { retry } = this.options
    return {
      take: async (context, signal) => {
        try {
          return await take({ follow, clock }, context, signal)
        } catch (error) {
          if (!signal.aborted) report(error)
          throw error
        }
      },
      attempt: async ({ events, position, attempts, ...target }, signal) => {
        const event = events[position]
        if (!event) throw new Error(`webhook ${target.id} has no event to deliver at ${position}`)
        const { retryAfterMs, ...answer } = await (await this.post()).deliver(target, event, signal)
        const isOver = answer.error === null || attempts + 1 >= retry.attempts
        return { ...answer, at: clock.now(), retryMs: isOver ? null : Math.max(retryAfterMs, backoffMs(retry, attempts + 1, random.next())) }
      },
      notify: ({ id, disabledReason }) => report(new TroupeError('webhook/disabled', `webhook ${id} was disabled: ${disabledReason}`)),
      read: id => actors.state(id),
      now: () => clock.now(),
    }
  }

  post(): Promise<Post> {
    const { clock } = this.ports
    return (this.#post ??= import('./post.ts').then(({ Post: Loaded }) => new Loaded({ ...this.options, clock })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#post)?.[Symbol.asyncDispose]()
  }
}
