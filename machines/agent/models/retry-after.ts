import { TroupeError } from '../../../src/core/errors.ts'
import type { Model, ModelScope } from '../model.ts'

/** What a provider may ask for at most; the attempt holds its place in the queue of tasks meanwhile. */
const RETRY_AFTER_MS_MAX = 60_000

/** Backoff of tasks knows nothing of what a provider asks for, so the failed attempt itself lasts until then. */
export function heedRetryAfter(step: Model): Model {
  return async (request, scope) => {
    try {
      return await step(request, scope)
    } catch (error) {
      const askedMs = error instanceof TroupeError && error.retryable ? Number(error.details['retryAfterMs'] ?? 0) : 0
      if (askedMs > 0) await pause(Math.min(askedMs, RETRY_AFTER_MS_MAX), scope.signal)
      throw error
    }
  }
}

const pause = (ms: number, signal: ModelScope['signal']): Promise<void> => new Promise(resolve => {
  const end = (): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    resolve()
  }
  const timer = setTimeout(end, ms)
  if (signal.aborted) end()
  else signal.addEventListener('abort', end)
})

/** Milliseconds of `retry-after-ms` or `retry-after` (RFC 9110, 10.2.3: seconds, or a date that is compared with the server's own). */
export function retryAfterMs(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  const exact = Number(headers['retry-after-ms'] ?? NaN)
  if (exact >= 0) return exact
  const text = headers['retry-after']
  if (text === undefined) return undefined
  const seconds = Number(text)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - (headers['date'] === undefined ? Date.now() : Date.parse(headers['date']))
  return ms >= 0 ? Math.round(ms) : undefined
}
