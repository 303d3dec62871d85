import { errorKinds, toErrorInfo, TroupeError } from '../core/errors.ts'
import type { ErrorCode, ErrorInfo } from '../core/errors.ts'

/** What HTTP itself refuses: its status is more exact than that of the code. */
export class Refusal extends TroupeError {
  readonly httpStatus: number
  readonly headers: Readonly<Record<string, string>>

  constructor(httpStatus: number, code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(code, message)
    this.httpStatus = httpStatus
    this.headers = headers
  }
}

/** Problem details (RFC 9457), and what makes a `TroupeError` of them again. */
export interface Problem {
  /** `urn:troupe:error:CODE`; docs/errors.md has a section for each code. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Path of the request. */
  readonly instance: string
  readonly code: ErrorCode
  readonly address?: string
  readonly details?: unknown
  readonly cause?: ErrorInfo
  readonly remedy: string
  readonly requestId: string
}

export const PROBLEM_TYPE = 'application/problem+json'

/** `actor/unknown` as people read it: `Actor unknown`. */
const titleOf = (code: ErrorCode): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll(/[/-]/g, ' ')

/** Stacks are for logs, not for callers. */
function withoutStacks(info: ErrorInfo): ErrorInfo {
  const { stack: _stack, cause, ...told } = info
  return { ...told, ...(cause && { cause: withoutStacks(cause) }) }
}

/** What a caller is told of an error. Of one that is not ours only that it happened: its text may hold what is nobody's business. */
export function problemOf(thrown: unknown, instance: string, requestId: string): Problem {
  const error = thrown instanceof TroupeError ? thrown : new TroupeError('server/failed', 'the server has failed to answer')
  const { address, details, cause } = withoutStacks(toErrorInfo(error))
  return {
    type: `urn:troupe:error:${error.code}`,
    title: titleOf(error.code),
    status: error instanceof Refusal ? error.httpStatus : error.status,
    detail: error.message,
    instance,
    code: error.code,
    ...(address !== undefined && { address }),
    ...(details !== undefined && { details }),
    ...(cause && { cause }),
    remedy: errorKinds[error.code].remedy,
    requestId,
  }
}
