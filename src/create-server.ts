import type { Server, ServerResponse } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { refuseBroken } from './api/answer.ts'
import { createApp } from './api/app.ts'
import { Gate, isLoopback } from './api/gate.ts'
import { KeyRing } from './api/keys.ts'
import { serverLimits } from './api/limits.ts'
import { Live } from './api/live/live.ts'
import type { LiveLimits } from './api/live/limits.ts'
import { RateLimits } from './api/rate-limits.ts'
import type { RateLimit } from './api/rate-limits.ts'
import type { Client } from './core/client/client.ts'
import type { Caller } from './core/client/operation.ts'
import { TroupeError } from './core/errors.ts'
import { openAssets } from './inspector/assets.ts'
import { VERSION } from './version.ts'

export { createKey, listKeys, revokeKey } from './api/keys.ts'
export type { KeyInfo } from './api/keys.ts'
export type { LiveLimits } from './api/live/limits.ts'
export type { RateLimit } from './api/rate-limits.ts'
export type { Role } from './core/client/operation.ts'

/** Requests of a key where nobody says how many. */
const RATE: RateLimit = { requests: 10_000, seconds: 10 }

export interface ServerOptions {
  readonly runtime: { client(caller?: Caller): Client }
  /** Default '127.0.0.1'. Any other than a loopback address needs `keys`. */
  readonly host?: string
  /** Default 4747; 0 takes a free one. */
  readonly port?: number
  /** File of API keys (`createKey`); with it every call needs one. */
  readonly keys?: string
  /** Origins of other sites whose pages may call, as `https://app.example`. */
  readonly origins?: readonly string[]
  /** Names under which the server is reached, beside `localhost` and IP addresses. */
  readonly hosts?: readonly string[]
  /** For each key, or each address where there are no keys. Default: 10,000 requests in 10 s with keys, none without. */
  readonly rateLimit?: RateLimit
  /** Whether the inspector is served at `/`. Default: true. */
  readonly ui?: boolean
  /** Bounds of live streams. */
  readonly live?: Partial<LiveLimits>
  /** What `/metrics` answers, in Prometheus' text format. */
  readonly metrics?: () => string | Promise<string>
  /** Hears of failures that nobody waits for. Default: console.error. */
  readonly onError?: (error: unknown) => void
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string
  /** Lets what is under way end, refuses what is new, then closes all connections. The runtime stays open. */
  close(): Promise<void>
}

/**
 * Serves a runtime over HTTP: its API at `/api/v1` (a page of it at `/api/docs`), live at `/ws` and as server-sent events, the
 * inspector at `/`, probes at `/healthz` and `/readyz`.
 *
 * Throws `config/invalid` for a host that is open to others without keys, a file of keys that is missing, empty or open to others,
 * and a port that cannot be had.
 *
 * @example
 * await using server = await createServer({ runtime, port: 4747 })
 * console.log(server.url)
 */
export async function createServer(options: ServerOptions): Promise<RunningServer> {
  // eslint-disable-next-line eslint/no-console -- the default is the console, as of the runtime
  const { runtime, host = '127.0.0.1', port = 4747, onError = error => console.error(error) } = options
  if (options.keys === undefined && !isLoopback(host)) throw new TroupeError('config/invalid', `the server would be open to everybody who reaches ${host}: give it API keys (\`keys: './keys.json'\`, made with \`troupe keys create\`), or bind it to 127.0.0.1`)
  const keys = options.keys === undefined ? undefined : await KeyRing.open(options.keys, onError)
  const rate = options.rateLimit ?? (keys && RATE)
  const gate = new Gate({ hosts: [host, ...(options.hosts ?? [])], origins: options.origins ?? [], keys, limits: new RateLimits(rate) })
  const clients = new WeakMap<Caller, Client>()
  const clientOf = (caller: Caller): Client => {
    const client = clients.get(caller) ?? runtime.client(caller)
    clients.set(caller, client)
    return client
  }
  const closing = new AbortController()
  const live = new Live(options.live)
  const app = createApp({ clientOf, gate, live, closing: closing.signal, metrics: options.metrics, ui: options.ui === false ? undefined : openAssets(), version: VERSION, report: onError })
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { maxHeaderSize: serverLimits.headerBytesMax, headersTimeout: serverLimits.headersMs, requestTimeout: serverLimits.requestMs, keepAliveTimeout: serverLimits.keepAliveMs, connectionsCheckingInterval: serverLimits.connectionsCheckMs },
  }) as Server
  refuseBroken(server)
  server.maxConnections = serverLimits.connectionsMax
  const drain = drainable(server)
  live.attach(server, { gate, clientOf })
  await listen(server, host, port)
  let closed: Promise<unknown> | undefined
  const close = async (): Promise<void> => {
    closing.abort()
    await (closed ??= Promise.all([live.close(), drain()]))
  }
  return { url: urlOf(server, host), close, [Symbol.asyncDispose]: close }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => reject(new TroupeError('config/invalid', `the server cannot listen at ${host}:${port}: ${cause.message}`, { cause })))
    server.listen({ host, port }, resolve)
  })
}

function urlOf(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Requests under way end; until then new ones are heard, and told to come again: a server that only stops listening refuses them without a word. */
function drainable(server: Server): () => Promise<void> {
  const open = new Set<ServerResponse>()
  let onEmpty = (): void => {}
  server.on('request', (_request, response: ServerResponse) => {
    open.add(response)
    response.once('close', () => {
      open.delete(response)
      if (open.size === 0) onEmpty()
    })
  })
  return async () => {
    const { promise: isEmpty, resolve } = Promise.withResolvers<void>()
    onEmpty = resolve
    if (open.size === 0) resolve()
    const timer = setTimeout(resolve, serverLimits.drainMs)
    await isEmpty
    clearTimeout(timer)
    await new Promise(resolveClosed => {
      server.close(resolveClosed)
      server.closeAllConnections()
    })
  }
}
