import { TroupeError } from '../../../src/core/errors.ts'
import { retryAfterMs } from './retry-after.ts'

/** Statuses below 500 that pass: request timeout, conflict, too early, too many requests. */
const PASSING = new Set([408, 409, 425, 429])

/** Errors of the SDK that come without a status and do not pass. */
const REFUSALS = new Set(['AI_LoadAPIKeyError', 'AI_LoadSettingError', 'AI_NoSuchModelError', 'AI_UnsupportedFunctionalityError', 'AI_UnsupportedModelVersionError', 'AI_InvalidArgumentError', 'AI_InvalidPromptError'])

const MESSAGE_CHARS_MAX = 500

/** What providers and the SDK throw, of whatever version, and what stands in the error events of streams. */
interface Thrown {
  readonly name?: string
  readonly message?: string
  readonly statusCode?: number
  readonly status?: number
  readonly code?: unknown
  readonly responseHeaders?: Readonly<Record<string, string>>
}

/**
 * The error of a call as ours, without its cause: those of the SDK hold whole answers, which may be large and of anything,
 * and an error is stored.
 * What says nothing of itself is tried again: dropped connections and broken answers come in many shapes.
 */
export function modelFailure(modelId: string, thrown: unknown): TroupeError {
  if (thrown instanceof TroupeError) return thrown
  const { name = '', message, statusCode, status: otherStatus, code, responseHeaders = {} } = (typeof thrown === 'object' && thrown !== null ? thrown : { message: String(thrown) }) as Thrown
  const status = [statusCode, otherStatus, code].find(value => typeof value === 'number')
  const isRefusal = status === undefined ? REFUSALS.has(name) : status >= 400 && status < 500 && !PASSING.has(status)
  const waitMs = retryAfterMs(responseHeaders)
  return new TroupeError(isRefusal ? 'model/refused' : 'model/failed', `model "${modelId}"${status === undefined ? '' : ` (HTTP ${status})`}: ${(message || name || JSON.stringify(thrown)).slice(0, MESSAGE_CHARS_MAX)}`, {
    details: { modelId, ...(status !== undefined && { status }), ...(waitMs !== undefined && { retryAfterMs: waitMs }) },
  })
}
