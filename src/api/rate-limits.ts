import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { serverLimits } from './limits.ts'
import { Refusal } from './problem.ts'

/** Requests that one key, or one address where there are no keys, may make within a time. */
export interface RateLimit {
  readonly requests: number
  readonly seconds: number
}

type Headers = Readonly<Record<string, string>>
const MINUTE_S = 60

/** Counts requests by caller, and wrong keys by address, in this process. */
export class RateLimits {
  readonly #rate: RateLimit | undefined
  readonly #requests: RateLimiterMemory | undefined
  readonly #failures = new RateLimiterMemory({ points: serverLimits.failuresPerMinute, duration: MINUTE_S })

  constructor(rate: RateLimit | undefined) {
    this.#rate = rate
    this.#requests = rate && new RateLimiterMemory({ points: rate.requests, duration: rate.seconds })
  }

  /** Counts a request; gives back what the caller is told of the limit. Throws `access/limited`. */
  async use(caller: string): Promise<Headers> {
    if (!this.#requests || !this.#rate) return {}
    const { requests, seconds } = this.#rate
    const policy = { 'ratelimit-policy': `"requests";q=${requests};w=${seconds}` }
    const told = await consume(this.#requests, caller, left => new Refusal(429, 'access/limited', `more than ${requests} requests within ${seconds} s`, { ...policy, ...waitFor(left) }))
    return { ...policy, ratelimit: `"requests";r=${told.remainingPoints};t=${secondsOf(told)}` }
  }

  /** Counts a wrong key: who has the right one is let in all the same. Throws `access/limited`. */
  async fail(address: string): Promise<void> {
    await consume(this.#failures, address, left => new Refusal(429, 'access/limited', 'too many wrong API keys from your address', waitFor(left)))
  }
}

const secondsOf = ({ msBeforeNext }: RateLimiterRes): number => Math.max(1, Math.ceil(msBeforeNext / 1_000))
const waitFor = (left: RateLimiterRes): Headers => ({ 'retry-after': String(secondsOf(left)) })

async function consume(limiter: RateLimiterMemory, key: string, refuse: (left: RateLimiterRes) => Refusal): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(key)
  } catch (thrown) {
    throw thrown instanceof RateLimiterRes ? refuse(thrown) : thrown
  }
}
