import { request } from 'node:http'
import { connect } from 'node:net'
import { createRuntime } from 'troupe'
import type { Runtime } from 'troupe'
import { createServer } from 'troupe/server'
import type { RunningServer, ServerOptions } from 'troupe/server'
import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { approval, circuitBreaker } from '../../../machines/index.ts'

const amount = z.object({ type: z.literal('put'), cents: z.number() })

/** Takes money while it is open, and can wait long for nothing. */
export const purse = setup({
  types: { context: {} as { cents: number }, events: {} as { type: 'put'; cents: number } | { type: 'close' } | { type: 'break' } | { type: 'wait' } },
  schemas: { events: { put: amount } },
  actors: { wait: fromPromise(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject))) },
}).createMachine({
  id: 'purse',
  context: { cents: 0 },
  initial: 'open',
  states: {
    open: {
      on: { put: { actions: assign({ cents: ({ context, event }) => context.cents + event.cents }) }, close: 'closed', break: { actions: () => { throw new Error('torn') } }, wait: 'waiting' },
    },
    waiting: { tags: 'waiting', invoke: { src: 'wait', id: 'wait' }, on: { close: 'closed' } },
    closed: { type: 'final' },
  },
})

const machines = { purse, breaker: circuitBreaker, approval }

export interface Served extends AsyncDisposable {
  readonly runtime: Runtime<typeof machines>
  readonly server: RunningServer
  readonly url: string
  /** A request with a JSON body, and what comes of it. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // eslint-disable-next-line typescript/no-explicit-any -- JSON of any operation, compared as it is
  readonly body: any
}

/** A runtime in memory behind a server on a free port. */
export async function serve(options: Partial<Omit<ServerOptions, 'runtime'>> = {}): Promise<Served> {
  const runtime = await createRuntime({ machines, store: 'memory:', onError: () => {} })
  const server = await createServer({ runtime, port: 0, ui: false, ...options })
  const call: Served['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(server.url + path, { method, headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers }, ...(body !== undefined && { body: JSON.stringify(body) }) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: response.headers.get('content-type')?.includes('json') && text ? JSON.parse(text) : undefined }
  }
  return {
    runtime, server, url: server.url, call,
    async [Symbol.asyncDispose]() {
      await server.close()
      await runtime.close()
    },
  }
}

/** A request by Node's own client, which sends headers that `fetch` keeps to itself: Host, Origin. */
export function rawRequest(url: string, { method = 'GET', headers = {}, body }: { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer } = {}): Promise<{ readonly status: number; readonly headers: NodeJS.Dict<string | string[]>; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Sends bytes as they are; gives what comes until the server closes the connection. */
export function sendBytes(url: string, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      for (const part of parts) socket.write(part)
    })
    const chunks: Buffer[] = []
    const end = (): void => resolve(Buffer.concat(chunks).toString())
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('close', end)
    // What was answered before the connection broke counts.
    socket.on('error', error => (chunks.length > 0 ? end() : reject(error)))
  })
}
