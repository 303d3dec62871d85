import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WebhookEvent } from '../../../src/webhooks/event.ts'

export interface Received {
  readonly event: WebhookEvent
  readonly body: string
  readonly headers: IncomingHttpHeaders
}

/** What a receiver answers: a status, with headers if need be, or nothing at all. */
export type Answer = number | 'silence' | { readonly status: number; readonly headers: Readonly<Record<string, string>> }

export interface Receiver extends AsyncDisposable {
  readonly url: string
  readonly received: Received[]
  /** By default all is well. */
  answer: (received: Received) => Answer | Promise<Answer>
  /** Types of the events inside, in the order in which they came. */
  readonly events: readonly (string | undefined)[]
}

/** A real HTTP server on loopback that keeps what it is told. */
export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = (await Array.fromAsync(request as AsyncIterable<Buffer>)).map(String).join('')
    const one: Received = { event: JSON.parse(body) as WebhookEvent, body, headers: request.headers }
    received.push(one)
    const answer = await receiver.answer(one)
    if (answer === 'silence') return
    const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer
    response.writeHead(status, headers).end()
  }
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=t0ken`,
    received,
    answer: () => 200,
    get events() {
      return received.map(({ event }) => event.event?.type)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return receiver
}
