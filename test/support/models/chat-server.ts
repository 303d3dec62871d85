import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json as readJson } from 'node:stream/consumers'

/** How the server answers one request. */
export type ChatAnswer = (response: ServerResponse) => void

export interface ChatBody {
  readonly model: string
  readonly stream?: boolean
  readonly messages: readonly { readonly role: string; readonly content: unknown; readonly tool_calls?: unknown }[]
  readonly [more: string]: unknown
}

export interface ChatServer extends AsyncDisposable {
  readonly baseURL: string
  readonly requests: { readonly body: ChatBody; readonly headers: IncomingHttpHeaders }[]
  /** Resolves when a client has hung up. */
  readonly hungUp: Promise<void>
}

/** A real HTTP server that speaks the chat protocol of OpenAI: the first answer to the first request, the last to all after it. */
export async function chatServer(...answers: ChatAnswer[]): Promise<ChatServer> {
  const requests: ChatServer['requests'] = []
  const { promise: hungUp, resolve: hangUp } = Promise.withResolvers<void>()
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.on('close', () => {
      if (!response.writableFinished) hangUp()
    })
    requests.push({ body: (await readJson(request)) as ChatBody, headers: request.headers })
    answers[Math.min(requests.length, answers.length) - 1]?.(response)
  }
  const server = createServer((request, response) => void respond(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    hungUp,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** An answer in one piece. */
export const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): ChatAnswer => response => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

export const failure = (status: number, message: string, headers?: Readonly<Record<string, string>>): ChatAnswer => answer(status, { error: { message, type: 'error', code: null, param: null } }, headers)

/** A stream of events, strings as they are. It is ended well, broken off (`cut`), or stays open. */
export const stream = (events: readonly unknown[], end: 'well' | 'cut' | 'open' = 'well'): ChatAnswer => response => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) response.write(typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`)
  if (end === 'well') response.end('data: [DONE]\n\n')
  // Only when what was written is on its way: a reset would take it back.
  if (end === 'cut') setImmediate(() => response.socket?.end())
}

const chunk = (choice: object): object => ({ id: 'chat-1', object: 'chat.completion.chunk', created: 1, model: 'tiny', choices: [{ index: 0, delta: {}, finish_reason: null, ...choice }] })

export const says = (text: string): object => chunk({ delta: { role: 'assistant', content: text } })

export const calls = (index: number, { id, name, arguments: text, ...more }: { readonly id?: string; readonly name?: string; readonly arguments?: string; readonly [more: string]: unknown }): object =>
  chunk({ delta: { tool_calls: [{ index, id, type: 'function', function: { name, arguments: text }, ...more }] } })

export const ends = (reason: string): object => chunk({ finish_reason: reason })

export const used = (input: number, output: number): object => ({ ...chunk({}), choices: [], usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output } })
