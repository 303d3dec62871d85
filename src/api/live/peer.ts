import type { RawData, WebSocket } from 'ws'
import type { Client } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import { problemOf } from '../problem.ts'
import { parseStrictJson } from '../strict-json.ts'
import { closeCodes } from './limits.ts'
import type { LiveLimits } from './limits.ts'
import { clientMessage } from './messages.ts'
import type { ClientMessage, ServerMessage } from './messages.ts'
import { openStream } from './open-stream.ts'
import type { StreamName } from './open-stream.ts'
import { Pulse } from './pulse.ts'
import { sendText } from './send-text.ts'

/** The stream of `/ws/workflows/{id}`. */
const WORKFLOW = 'workflow'

export interface PeerOptions {
  readonly client: Client
  readonly limits: LiveLimits
  /** Path of the connection, for problems. */
  readonly path: string
  /** Of `/ws/workflows/{id}`: the one actor that it is about. */
  readonly address: string | undefined
}

/**
 * The server's end of a WebSocket.
 *
 * Rules
 * L1  A stream gives its next item only while less than `waitingBytesMax` waits for the client: one that stands still is caught up from
 *     the journal later, and costs no more than that.
 * L2  A message that cannot be understood or done is answered with `error`, and changes nothing; too many of them end the connection.
 * L3  Whoever is silent for `silenceMs` is dropped; what it missed it gets when it comes again and says where it was.
 */
export class Peer {
  readonly #socket: WebSocket
  readonly #options: PeerOptions
  readonly #streams = new Map<string, AbortController>()
  readonly #pulse: Pulse

  constructor(socket: WebSocket, options: PeerOptions) {
    this.#socket = socket
    this.#options = options
    this.#pulse = new Pulse(socket, options.limits, () => void this.#send({ type: 'ping' }))
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary))
    socket.on('close', () => this.#end())
    if (options.address !== undefined) this.#subscribe(WORKFLOW, 'watch', { address: options.address })
  }

  #end(): void {
    for (const stream of this.#streams.values()) stream.abort()
    this.#streams.clear()
  }

  #send(message: ServerMessage): Promise<void> {
    return sendText(this.#socket, JSON.stringify(message), this.#options.limits.waitingBytesMax)
  }

  #refuse(id: string | null, error: unknown): void {
    void this.#send({ type: 'error', id, problem: { ...problemOf(error, this.#options.path, '') } })
  }

  #hear(data: RawData, isBinary: boolean): void {
    if (!this.#pulse.count()) return
    if (isBinary) return this.#socket.close(closeCodes.binary, 'send text')
    try {
      this.#act(readMessage(data as Buffer))
    } catch (error) {
      this.#refuse(null, error)
    }
  }

  #act(message: ClientMessage): void {
    if ('resumeFrom' in message && message.type !== 'subscribe') {
      const { address } = this.#options
      if (address === undefined) throw new TroupeError('request/invalid', 'resumeFrom without a subscription is for /ws/workflows/{id}; here it stands in a subscribe message')
      this.#leave(WORKFLOW)
      return this.#subscribe(WORKFLOW, 'watch', { address, from: message.resumeFrom })
    }
    switch (message.type) {
      case 'subscribe': {
        const { id, operation, input, resumeFrom } = message
        return this.#subscribe(id, operation as StreamName, { ...input, ...(resumeFrom !== undefined && { from: resumeFrom }) })
      }
      case 'unsubscribe':
        return this.#leave(message.id)
      default:
    }
  }

  #leave(id: string): void {
    this.#streams.get(id)?.abort()
    this.#streams.delete(id)
  }

  #subscribe(id: string, operation: StreamName, input: Readonly<Record<string, unknown>>): void {
    const { subscriptionsMax } = this.#options.limits
    if (this.#streams.has(id)) return this.#refuse(null, new TroupeError('request/invalid', `the id ${JSON.stringify(id)} is in use: unsubscribe it first, or take another`))
    if (this.#streams.size >= subscriptionsMax) return this.#refuse(id, new TroupeError('access/limited', `a connection has at most ${subscriptionsMax} subscriptions`, { details: { subscriptionsMax } }))
    const stream = new AbortController()
    this.#streams.set(id, stream)
    void this.#run(id, operation, input, stream.signal)
  }

  async #run(id: string, operation: StreamName, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
    try {
      const { from, items } = await openStream(this.#options.client, operation, input, { signal })
      if (!signal.aborted) await this.#send({ type: 'open', id, from })
      for await (const item of items) {
        if (signal.aborted) return
        await this.#send({ type: 'item', id, item })
      }
      if (!signal.aborted) await this.#send({ type: 'end', id })
    } catch (error) {
      if (!signal.aborted) this.#refuse(id, error)
    } finally {
      if (!signal.aborted) this.#streams.delete(id)
    }
  }
}

function readMessage(data: Buffer): ClientMessage {
  const message = clientMessage.safeParse(parseStrictJson(new Uint8Array(data).buffer))
  if (!message.success) throw new TroupeError('request/invalid', `the message is none of subscribe, unsubscribe and pong: ${message.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`).join('; ').slice(0, 500)}`)
  return message.data
}
