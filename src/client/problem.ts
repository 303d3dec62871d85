import { TroupeError, errorKinds, fromErrorInfo } from '../core/errors.ts'
import type { ErrorCode, ErrorInfo } from '../core/errors.ts'

/** Codes for answers that are no problem details: a proxy's, or of something that is no Troupe. */
const CODES: Readonly<Record<number, ErrorCode>> = { 400: 'request/invalid', 401: 'access/unauthenticated', 403: 'access/denied', 404: 'request/unknown', 413: 'payload/too-large', 429: 'access/limited' }

/** Problem details (RFC 9457) as the server writes them, turned back into the error that they were made of. */
export function errorOf(problem: unknown, status: number, where: string): Error {
  const { code, detail, address, details, cause } = (typeof problem === 'object' && problem !== null ? problem : {}) as Readonly<Record<string, unknown>>
  if (typeof code === 'string' && Object.hasOwn(errorKinds, code) && typeof detail === 'string') {
    return fromErrorInfo({
      name: 'TroupeError', message: detail, code,
      ...(typeof address === 'string' && { address }),
      ...(typeof details === 'object' && details !== null && { details }),
      ...(typeof cause === 'object' && cause !== null && { cause: cause as ErrorInfo }),
    })
  }
  return new TroupeError(CODES[status] ?? 'server/unreachable', `${where} answered ${status}${typeof detail === 'string' ? `: ${detail}` : ' and no problem details'}`, { details: { status } })
}

/** Nobody has answered, or the connection was cut before the answer had come. */
export const unreachable = (where: string, cause?: unknown): TroupeError => new TroupeError('server/unreachable', `${where} does not answer`, { cause, details: { url: where } })
