import { Agent, request } from 'undici'
import type { Clock } from '../core/clock.ts'
import { TroupeError } from '../core/errors.ts'
import { tell } from './event.ts'
import type { ToldError, WebhookEvent } from './event.ts'
import { checkUrl, guardedLookup } from './guard.ts'
import type { GuardOptions } from './guard.ts'
import { sign } from './signature.ts'

/** What came of one attempt. */
export interface Answer {
  readonly status: number | null
  readonly ms: number
  /** Null when the receiver has taken it. */
  readonly error: ToldError | null
  /** What the receiver asked for. */
  readonly retryAfterMs: number
}

export interface Target {
  readonly url: string
  readonly secret: string
}

export interface PostOptions extends GuardOptions {
  readonly clock: Clock
  /** Milliseconds for one attempt. */
  readonly timeoutMs: number
}

/** Bytes of an answer that are read, so that the connection can be used again; more and it is cut. */
const ANSWER_BYTES_MAX = 4_096
/** The longest wait that a receiver may ask for. */
const RETRY_AFTER_MS_MAX = 3_600_000

/** Delivers events over connections that it keeps. */
export class Post implements AsyncDisposable {
  readonly #options: PostOptions
  readonly #agent: Agent

  constructor(options: PostOptions) {
    this.#options = options
    this.#agent = new Agent({ connect: { lookup: guardedLookup(options) } })
  }

  /** One attempt. Throws only what `signal` was aborted with. */
  async deliver({ url, secret }: Target, event: WebhookEvent, signal: AbortSignal): Promise<Answer> {
    const { clock, timeoutMs } = this.#options
    const from = clock.now()
    const late = new AbortController()
    const timer = clock.setTimer(() => late.abort(failed(`${originOf(url)} did not answer within ${timeoutMs} ms`)), timeoutMs)
    try {
      const body = JSON.stringify(event)
      const timestamp = Math.floor(from / 1000)
      const { statusCode, headers, body: answer } = await request(checkUrl(url, this.#options), {
        method: 'POST', body, dispatcher: this.#agent, signal: AbortSignal.any([signal, late.signal]),
        headers: { 'content-type': 'application/json', 'user-agent': 'troupe-webhooks', 'webhook-id': event.id, 'webhook-timestamp': String(timestamp), 'webhook-signature': await sign(secret, { id: event.id, timestamp, body }) },
      })
      // Its status counts, whatever becomes of the rest.
      await answer.dump({ limit: ANSWER_BYTES_MAX }).catch(() => undefined)
      const retryAfterMs = retryAfterOf(headers['retry-after'], clock.now())
      return { status: statusCode, ms: clock.now() - from, retryAfterMs, error: statusCode >= 200 && statusCode < 300 ? null : tell(refusal(url, statusCode)) }
    } catch (error) {
      signal.throwIfAborted()
      return { status: null, ms: clock.now() - from, retryAfterMs: 0, error: tell(error instanceof TroupeError ? error : failed(`${originOf(url)} is out of reach: ${(error as Error).message}`, error)) }
    } finally {
      clock.clearTimer(timer)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
  }
}

function refusal(url: string, status: number): TroupeError {
  return status >= 300 && status < 400 ? failed(`${originOf(url)} answered ${status}: redirects are not followed, name the final URL`) : failed(`${originOf(url)} answered ${status}`)
}

/** Seconds or a date. */
function retryAfterOf(header: string | string[] | undefined, now: number): number {
  if (typeof header !== 'string') return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MS_MAX) : 0
}

/** Without path and query, where receivers keep tokens. */
const originOf = (url: string): string => URL.parse(url)?.origin ?? 'the URL'

const failed = (message: string, cause?: unknown): TroupeError => new TroupeError('webhook/failed', message, { cause })
