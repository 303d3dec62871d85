import { hash, randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Client } from '../core/client/client.ts'
import type { Caller } from '../core/client/operation.ts'
import { TroupeError } from '../core/errors.ts'
import type { Gate } from './gate.ts'
import { inputReader } from './input.ts'
import type { Live } from './live/live.ts'
import type { StreamName } from './live/open-stream.ts'
import { serverLimits } from './limits.ts'
import { PROBLEM_TYPE, Refusal, problemOf } from './problem.ts'
import { operationRoutes } from './route.ts'
import type { Route } from './route.ts'

export interface Env {
  readonly Bindings: HttpBindings
  readonly Variables: { requestId: string; caller: Caller; client: Client }
}

export interface AppOptions {
  readonly clientOf: (caller: Caller) => Client
  readonly gate: Gate
  readonly live: Live
  /** Set while the server closes. */
  readonly closing: AbortSignal
  /** Text for Prometheus. */
  readonly metrics: (() => string | Promise<string>) | undefined
  /** Hears of errors that are not ours. */
  readonly report: (error: unknown) => void
}

/** Probes bring no key, and see no more than whether all is well. */
const PROBE: Caller = { name: null, role: 'viewer' }
const REQUEST_ID = /^[\w.-]{1,128}$/
const ALLOWED_HEADERS = 'authorization, content-type, idempotency-key, if-none-match, last-event-id, traceparent, x-request-id'
const EXPOSED_HEADERS = 'etag, link, ratelimit, ratelimit-policy, retry-after, x-request-id'

const SECURITY_HEADERS = Object.entries({
  'content-security-policy': `default-src 'none'; frame-ancestors 'none'`,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
})

/** The server as a function from request to answer. */
export function createApp(options: AppOptions): Hono<Env> {
  const { gate, live, clientOf, metrics, closing, report } = options
  const app = new Hono<Env>()

  app.use(async (context, next) => {
    const { incoming } = context.env
    const asked = incoming.headers['x-request-id']
    const requestId = typeof asked === 'string' && REQUEST_ID.test(asked) ? asked : randomUUID()
    context.set('requestId', requestId)
    context.header('x-request-id', requestId)
    for (const [name, value] of SECURITY_HEADERS) context.header(name, value)
    const origin = gate.checkSource(incoming)
    if (origin !== undefined) allowOrigin(context, origin)
    if (context.req.method === 'OPTIONS') return preflight(context)
    if (closing.aborted) throw new Refusal(503, 'runtime/closed', 'the server is closing', { 'retry-after': String(serverLimits.retryAfterS), connection: 'close' })
    return next()
  })

  app.get('/healthz', context => context.json({ alive: true }))
  app.get('/readyz', async context => {
    const { ready, reasons } = await clientOf(PROBE).health({})
    return context.json({ ready, reasons }, ready ? 200 : 503)
  })

  app.use('/api/*', admit)
  app.use('/metrics', admit)
  async function admit(context: Context<Env>, next: () => Promise<void>): Promise<void> {
    const { caller, headers } = await gate.admit(context.env.incoming)
    for (const name in headers) context.header(name, headers[name])
    context.set('caller', caller)
    context.set('client', clientOf(caller))
    return next()
  }

  if (metrics) app.get('/metrics', async context => context.body(await metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }))
  mount(app, operationRoutes.filter(({ stream }) => !stream))
  mountStreams(app, live)

  app.notFound(context => refuse(context, new TroupeError('request/unknown', `there is no ${context.req.method} ${context.req.path.slice(0, 200)}`)))
  app.onError((error, context) => {
    if (!(error instanceof TroupeError)) report(error)
    return refuse(context, error)
  })
  return app
}

const honoPath = ({ path }: Route): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

function mount(app: Hono<Env>, routes: readonly Route[]): void {
  const paths = Map.groupBy(routes, honoPath)
  for (const [path, ofPath] of paths) {
    for (const route of ofPath) {
      const readInput = inputReader(route)
      app.on(route.method, path, async context => answer(context, await route.call(context.var.client, await readInput(context), { signal: context.req.raw.signal })))
    }
    const methods = ofPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
    app.all(path, context => refuse(context, new Refusal(405, 'request/unknown', `${context.req.path.slice(0, 200)} takes ${methods}, not ${context.req.method}`, { allow: methods })))
  }
}

function mountStreams(app: Hono<Env>, live: Live): void {
  for (const route of operationRoutes.filter(({ stream }) => stream)) {
    const readInput = inputReader(route)
    app.get(honoPath(route), async context => {
      const { caller, client, requestId } = context.var
      const { path: instance, raw } = context.req
      return live.events({ caller, client, operation: route.name as StreamName, input: await readInput(context), lastEventId: context.req.header('last-event-id'), instance, requestId, signal: raw.signal })
    })
  }
}

function answer(context: Context<Env>, result: unknown): Response {
  const text = JSON.stringify(result)
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-cache' }
  if (context.req.method !== 'GET') return context.body(text, 200, headers)
  const next = (result as { readonly cursor?: string }).cursor
  if (next !== undefined) headers['link'] = `<${nextPage(context.req.url, next)}>; rel="next"`
  const tag = `"${hash('sha1', text, 'base64url')}"`
  headers['etag'] = tag
  if (context.env.incoming.headers['if-none-match']?.includes(tag)) return context.body(null, 304, headers)
  return context.body(text, 200, headers)
}

function nextPage(url: string, cursor: string): string {
  const next = new URL(url)
  next.searchParams.set('cursor', cursor)
  return next.pathname + next.search
}

function refuse(context: Context<Env>, error: unknown): Response {
  const problem = problemOf(error, context.req.path.slice(0, 1_000), context.var.requestId)
  const headers = { ...(error instanceof Refusal && error.headers), 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...(problem.status === 401 && { 'www-authenticate': 'Bearer' }) }
  return context.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, headers)
}

function allowOrigin(context: Context, origin: string): void {
  context.header('access-control-allow-origin', origin)
  context.header('access-control-expose-headers', EXPOSED_HEADERS)
  context.header('vary', 'Origin')
}

function preflight(context: Context): Response {
  return context.body(null, 204, { 'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE', 'access-control-allow-headers': ALLOWED_HEADERS, 'access-control-max-age': '600' })
}
