import { hash } from 'node:crypto'
import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Client } from '../core/client/client.ts'
import type { Caller } from '../core/client/operation.ts'
import { PROBLEM_TYPE, Refusal, problemOf } from './problem.ts'

export interface Env {
  readonly Bindings: HttpBindings
  readonly Variables: { requestId: string; caller: Caller; client: Client }
}

/** The result of a call. What was read has a tag made of its text, so that who has it already is not sent it again. */
export function answer(context: Context<Env>, result: unknown, isRead: boolean): Response {
  const text = JSON.stringify(result)
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-cache' }
  if (!isRead) return context.body(text, 200, headers)
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

export function refuse(context: Context<Env>, error: unknown): Response {
  const problem = problemOf(error, context.req.path.slice(0, 1_000), context.var.requestId)
  const headers = { ...(error instanceof Refusal && error.headers), 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...(problem.status === 401 && { 'www-authenticate': 'Bearer' }) }
  return context.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, headers)
}

const BROKEN: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in time'],
}

/** Answers what is no HTTP, so that nothing above ever sees it. */
export function refuseBroken(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    const [status, detail] = BROKEN[error.code ?? ''] ?? [400, `the request is not HTTP: ${error.message}`]
    const body = JSON.stringify(problemOf(new Refusal(status, 'request/invalid', detail), '/', ''))
    socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
  })
}
