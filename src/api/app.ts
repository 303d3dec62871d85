import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { Context, Handler } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import type { Client } from '../core/client/client.ts'
import type { Caller } from '../core/client/operation.ts'
import { TroupeError } from '../core/errors.ts'
import { answer, refuse } from './answer.ts'
import type { Env } from './answer.ts'
import { mountDocs } from './docs.ts'
import type { Gate } from './gate.ts'
import { inputReader } from './input.ts'
import type { Live } from './live/live.ts'
import type { StreamName } from './live/open-stream.ts'
import { serverLimits } from './limits.ts'
import { Refusal } from './problem.ts'
import { fieldsOf, operationRoutes } from './route.ts'
import type { Route } from './route.ts'
import { workflowRoutes } from './workflows.ts'

/** Files that stand beside the API, by their path. */
export interface Pages {
  find(path: string): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly headers: Readonly<Record<string, string>> } | undefined>
}

export interface AppOptions {
  readonly clientOf: (caller: Caller) => Client
  readonly gate: Gate
  readonly live: Live
  /** Set while the server closes. */
  readonly closing: AbortSignal
  /** Text for Prometheus. */
  readonly metrics: (() => string | Promise<string>) | undefined
  /** The inspector. */
  readonly ui: Pages | undefined
  /** Of Troupe. */
  readonly version: string
  /** Hears of errors that are not ours. */
  readonly report: (error: unknown) => void
}

/** All routes, in the order of the API document. */
export const routes: readonly Route[] = [...operationRoutes, ...workflowRoutes]

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
  const { gate, live, clientOf, metrics, ui, version, closing, report } = options
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
    checkPath(incoming.url ?? '')
    return next()
  })

  app.get('/healthz', context => context.json({ alive: true }))
  app.get('/readyz', async context => {
    const { ready, reasons } = await clientOf(PROBE).health({})
    return context.json({ ready, reasons }, ready ? 200 : 503)
  })
  // Before the key is asked for: they say what there is, and nothing of what is in it.
  mountDocs(app, routes, version)

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
  mount(app, live)
  if (ui) {
    app.get('*', async (context, next) => {
      const { path } = context.req
      const page = path.startsWith('/api/') ? undefined : await ui.find(path)
      return page ? context.body(page.body, 200, page.headers) : next()
    })
  }

  app.notFound(context => refuse(context, new TroupeError('request/unknown', `there is no ${context.req.method} ${context.req.path.slice(0, 200)}`)))
  app.onError((error, context) => {
    const isOurs = error instanceof TroupeError || context.req.raw.signal.aborted
    if (!isOurs) report(error)
    return refuse(context, error)
  })
  return app
}

function mount(app: Hono<Env>, live: Live): void {
  const paths = Map.groupBy(routes, ({ path }) => path.replaceAll(/\{(\w+)\}/g, ':$1'))
  for (const [path, ofPath] of paths) {
    for (const route of ofPath) app.on(route.method, path, route.stream ? streamHandler(route, live) : callHandler(route))
    const methods = ofPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
    app.all(path, context => refuse(context, new Refusal(405, 'request/unknown', `${context.req.path.slice(0, 200)} takes ${methods}, not ${context.req.method}`, { allow: methods })))
  }
}

function callHandler(route: Route): Handler<Env> {
  const readInput = inputReader(route)
  const waits = 'timeoutMs' in fieldsOf(route)
  const isRead = route.method === 'GET'
  return async context => {
    // Compared only when the event's turn comes, this could not keep what it promises.
    if (!isRead && context.env.incoming.headers['if-match'] !== undefined) throw new Refusal(400, 'request/invalid', 'If-Match is not for this API: other events may come between the look and the change. Let the machine decide, by a guard')
    const input = await readInput(context)
    return answer(context, await route.call(context.var, input, waits ? { signal: context.req.raw.signal } : undefined), isRead)
  }
}

function streamHandler(route: Route, live: Live): Handler<Env> {
  const readInput = inputReader(route)
  return async context => {
    const { caller, client, requestId } = context.var
    const { path: instance, raw, method } = context.req
    if (method === 'HEAD') return context.body(null, 200, { 'content-type': 'text/event-stream' })
    const { body, status, headers } = await live.events({ caller, client, operation: route.name as StreamName, input: await readInput(context), lastEventId: context.req.header('last-event-id'), instance, requestId, signal: raw.signal })
    return context.newResponse(body, status as StatusCode, Object.fromEntries(headers))
  }
}

/** A part of the path that cannot be decoded would be taken as it stands, and name something else than was meant. */
function checkPath(url: string): void {
  if (!url.includes('%')) return
  try {
    decodeURIComponent(url.split('?', 1)[0] ?? '')
  } catch {
    throw new TroupeError('request/invalid', 'the path holds a percent sign that begins no UTF-8 character')
  }
}

function allowOrigin(context: Context, origin: string): void {
  context.header('access-control-allow-origin', origin)
  context.header('access-control-expose-headers', EXPOSED_HEADERS)
  context.header('vary', 'Origin')
  context.header('cross-origin-resource-policy', 'cross-origin')
}

function preflight(context: Context): Response {
  return context.body(null, 204, { 'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE', 'access-control-allow-headers': ALLOWED_HEADERS, 'access-control-max-age': '600' })
}
