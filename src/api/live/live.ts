import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import type { Client } from '../../core/client/client.ts'
import type { Caller } from '../../core/client/operation.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Gate } from '../gate.ts'
import { PROBLEM_TYPE, Refusal, problemOf } from '../problem.ts'
import type { Visitor } from '../route.ts'
import { eventStream } from './event-stream.ts'
import type { EventRequest } from './event-stream.ts'
import { closeCodes, defaultLiveLimits } from './limits.ts'
import type { LiveLimits } from './limits.ts'
import { Peer } from './peer.ts'
import { acceptStately } from '../stately/accept.ts'
import { exportStately } from '../stately/export.ts'

/** How those who connect are let in: as requests are. */
export interface Door {
  readonly gate: Gate
  readonly clientOf: (caller: Caller) => Client
}

/** What a path is for. */
export interface Place {
  readonly serve: (socket: WebSocket, visitor: Visitor & { readonly address: string | undefined }, url: URL) => void
  /** Of a message from a client. */
  readonly messageBytesMax: number
}

/** Beside `troupe.key.KEY`, so that a browser's WebSocket is answered with one of the subprotocols that it has offered. */
const PROTOCOL = 'troupe'
const WORKFLOWS = '/ws/workflows/{id}'

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new TroupeError('request/invalid', `${JSON.stringify(text.slice(0, 100))} is not percent-encoded`)
  }
}

/** Live connections of one server: event streams and WebSockets. */
export class Live {
  readonly #limits: LiveLimits
  readonly #places = new Map<string, { readonly serve: Place['serve']; readonly server: WebSocketServer }>()
  readonly #counts = new Map<string | null, number>()
  readonly #closing = new AbortController()

  constructor(limits: Partial<LiveLimits> = {}) {
    this.#limits = { ...defaultLiveLimits, ...limits }
    const serve: Place['serve'] = (socket, { client, address }, { pathname }) => new Peer(socket, { client, limits: this.#limits, path: pathname, address })
    const { messageBytesMax } = this.#limits
    this.#open('/ws', { serve, messageBytesMax })
    this.#open(WORKFLOWS, { serve, messageBytesMax })
    this.#open('/stately', { serve: acceptStately(this.#limits), messageBytesMax: this.#limits.guestMessageBytesMax })
    this.#open('/stately/export', { serve: exportStately(this.#limits), messageBytesMax })
  }

  #open(path: string, { serve, messageBytesMax }: Place): void {
    // Pings are counted before they are answered; compression would let in what is small on the wire only.
    const server = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax, perMessageDeflate: false, autoPong: false, handleProtocols: protocols => protocols.has(PROTOCOL) && PROTOCOL })
    this.#places.set(path, { serve, server })
  }

  /** Answers the upgrades of a server. */
  attach(server: Server, door: Door): void {
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      this.#upgrade(request, socket, head, door).catch((error: unknown) => refuse(socket, error, request.url ?? ''))
    })
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, { gate, clientOf }: Door): Promise<void> {
    const url = new URL(request.url ?? '/', 'ws://localhost')
    const [, id] = /^\/ws\/workflows\/([^/]+)$/.exec(url.pathname) ?? []
    const place = this.#places.get(id === undefined ? url.pathname : WORKFLOWS)
    const address = id === undefined ? undefined : decode(id)
    if (!place) throw new TroupeError('request/unknown', `there is no WebSocket at ${url.pathname}`)
    if (this.#closing.signal.aborted) throw new TroupeError('runtime/closed', 'the server closes')
    gate.checkSource(request)
    const { caller } = await gate.admit(request)
    const leave = this.#enter(caller)
    socket.on('close', leave)
    place.server.handleUpgrade(request, socket, head, opened => {
      // What is wrong with a connection is told to its client by a close code.
      opened.on('error', () => undefined)
      place.serve(opened, { caller, client: clientOf(caller), address }, url)
    })
  }

  #enter({ name }: Caller): () => void {
    const { connectionsPerKeyMax } = this.#limits
    const count = this.#counts.get(name) ?? 0
    if (count >= connectionsPerKeyMax) throw new TroupeError('access/limited', `${name ?? 'callers without a key'} have ${connectionsPerKeyMax} live connections, which is the limit`, { details: { connectionsPerKeyMax } })
    this.#counts.set(name, count + 1)
    let isHere = true
    return () => {
      if (isHere) this.#counts.set(name, (this.#counts.get(name) ?? 1) - 1)
      isHere = false
    }
  }

  /** Answers a request for a stream with server-sent events; see `eventStream`. */
  async events({ caller, ...request }: EventRequest & { readonly caller: Caller }): Promise<Response> {
    const leave = this.#enter(caller)
    try {
      const response = await eventStream({ ...request, signal: AbortSignal.any([request.signal, this.#closing.signal]), onEnd: leave }, this.#limits)
      if (!response.body) leave()
      return response
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Ends all connections; their clients come again, and go on where they were. */
  async close(): Promise<void> {
    this.#closing.abort()
    const farewells = [...this.#places.values()].flatMap(({ server }) => [...server.clients]).map(socket => new Promise<void>(resolve => {
      const timer = setTimeout(() => socket.terminate(), this.#limits.farewellMs)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.close(closeCodes.goingAway, 'the server closes')
    }))
    await Promise.all(farewells)
  }
}

function refuse(socket: Duplex, error: unknown, path: string): void {
  const problem = problemOf(error, path.split('?')[0] ?? path, '')
  const body = JSON.stringify(problem)
  const headers = { 'Content-Type': PROBLEM_TYPE, 'Content-Length': Buffer.byteLength(body), Connection: 'close', ...(error instanceof Refusal && error.headers) }
  socket.end(`HTTP/1.1 ${problem.status} Refused\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`, () => socket.destroy())
}
