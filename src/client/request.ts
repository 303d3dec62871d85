import type { OperationName } from '../core/client/client.ts'
import { TroupeError } from '../core/errors.ts'
import { errorOf, unreachable } from './problem.ts'
import { routes } from './routes.ts'

type Input = Readonly<Record<string, unknown>>

/** Whom to ask, and how. */
export interface Remote {
  /** Without a slash at its end. */
  readonly url: string
  readonly key: string | undefined
  readonly fetch: typeof fetch
}

/** `machine/key` is two segments, whatever slashes the key holds. */
function segments(name: string, value: string): string {
  const parts = name === 'address' ? [value.slice(0, value.indexOf('/')), value.slice(value.indexOf('/') + 1)] : [value]
  // Dots alone would be taken for a way up, percent-encoded too.
  if (name === 'address' && (!/^[^/]+\/[^]/.test(value) || /^\.\.?$/.test(parts[1] ?? ''))) throw new TroupeError('address/invalid', `${JSON.stringify(value.slice(0, 80))} is not of the form machine/key, or its key is dots that no URL can hold`)
  return parts.map(encodeURIComponent).join('/')
}

/** The request that an operation is by the table: path, then query or body; the idempotency key is a header. */
function requestOf(remote: Remote, operation: OperationName, input: Input): { readonly url: string; readonly init: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string } } {
  const [method = 'GET', path = ''] = routes[operation].split(' ')
  const rest = new Map(Object.entries(input).filter(([, value]) => value !== undefined))
  const take = (name: string): string => {
    const value = rest.get(name)
    rest.delete(name)
    return String(value)
  }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => segments(name, take(name)))
  const headers: Record<string, string> = { ...(remote.key !== undefined && { authorization: `Bearer ${remote.key}` }) }
  if (rest.has('idempotencyKey')) headers['idempotency-key'] = take('idempotencyKey')
  const url = `${remote.url}/api/v1${filled}`
  if (method === 'GET' || method === 'DELETE') {
    const query = new URLSearchParams([...rest].flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, String(one)]))).toString()
    return { url: query === '' ? url : `${url}?${query}`, init: { method, headers } }
  }
  return { url, init: { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(Object.fromEntries(rest)) } }
}

/** Asks once. Throws what the server says is wrong, `server/unreachable`, or the reason of an aborted signal. */
export async function send(remote: Remote, operation: OperationName, input: Input, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response> {
  const { url, init } = requestOf(remote, operation, input)
  const response = await remote.fetch(url, { ...init, headers: { ...init.headers, ...headers }, ...(signal && { signal }) }).catch((error: unknown) => {
    throw signal?.aborted ? signal.reason : unreachable(remote.url, error)
  })
  if (response.ok) return response
  throw errorOf(await response.json().catch(() => undefined), response.status, remote.url)
}

/** Whether asking twice is asking once. */
const isSafe = (operation: OperationName, input: Input): boolean => routes[operation].startsWith('GET') || input['idempotencyKey'] !== undefined

const wasCut = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'server/unreachable' && error.cause !== undefined

/** One call: asked again once when the connection was cut, if that does no harm. */
export async function call(remote: Remote, operation: OperationName, input: Input, signal?: AbortSignal): Promise<unknown> {
  const once = async (): Promise<unknown> => {
    const response = await send(remote, operation, input, { accept: 'application/json' }, signal)
    return response.json().catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : unreachable(remote.url, error)
    })
  }
  return once().catch((error: unknown) => {
    if (wasCut(error) && isSafe(operation, input)) return once()
    throw error
  })
}
