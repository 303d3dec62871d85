import type { Socket } from 'node:net'
import { Lane } from './proxy-lane.ts'
import type { FaultHits, Faults } from './proxy-lane.ts'
import type { RequestReader } from './request-reader.ts'

export interface ConnectionParts {
  readonly client: Socket
  /** Ours to the server, in the client's name. */
  readonly server: Socket
  readonly requests: RequestReader
  readonly faults: Faults
  readonly hits: FaultHits
}

/**
 * One connection through the proxy.
 *
 * C1  After a cut the server has got the requests up to the one that matched, each of them whole, and nothing after it.
 * C2  After a cut nothing that the server says reaches the client.
 * C3  A connection of which something was swallowed is of no use any more: an answer would go to another request.
 */
export class ProxiedConnection {
  readonly #parts: ConnectionParts
  readonly #toServer: Lane
  readonly #toClient: Lane
  #isUnanswered = false
  #isCut = false

  constructor(parts: ConnectionParts) {
    const { client, server, faults, hits } = parts
    this.#parts = parts
    this.#toServer = new Lane({ to: server, faults, hits, onDelivered: () => undefined })
    this.#toClient = new Lane({ to: client, faults, hits, onDelivered: () => (this.#isUnanswered = false) })
    client.on('data', (piece: Buffer) => this.#hear(piece))
    client.once('end', () => this.#isCut || this.#toServer.end())
    server.on('data', (piece: Buffer) => this.#isCut || this.#toClient.send(piece))
    server.once('end', () => (this.#isCut ? this.#completeCut() : this.#toClient.end()))
    this.#closeTogether(client, server)
    this.#closeTogether(server, client)
  }

  /** Whether the client waits for an answer, as far as one can tell without reading answers. */
  get isInFlight(): boolean {
    return this.#isUnanswered || !this.#toServer.isEmpty || !this.#toClient.isEmpty
  }

  get isUseless(): boolean {
    return this.#toServer.hasLost || this.#toClient.hasLost || this.#parts.client.destroyed || this.#parts.server.destroyed
  }

  /** Ends it for both sides, as the crash of a machine between them would. */
  reset(): void {
    this.#parts.client.resetAndDestroy()
    this.#parts.server.resetAndDestroy()
  }

  #hear(piece: Buffer): void {
    if (this.#isCut) return
    this.#isUnanswered = true
    const { requests, faults } = this.#parts
    const last = requests.read(piece).find(({ bytes }) => faults.cutAfter?.(bytes))
    this.#toServer.send(last === undefined ? piece : piece.subarray(0, last.end))
    if (last === undefined) return
    faults.cutAfter = undefined
    this.#isCut = true
    // Not a reset: it would throw away what the server has not read yet. An orderly end lets it do all it has got first.
    this.#toServer.end()
  }

  #completeCut(): void {
    this.#parts.hits.cutAfterWrite++
    this.#parts.client.resetAndDestroy()
    this.#parts.server.destroy()
  }

  /** When one side is gone the other learns it, except through a black hole. */
  #closeTogether(one: Socket, other: Socket): void {
    // A reset is what tests are about; the `close` after it is enough.
    one.on('error', () => undefined)
    one.once('close', hadError => {
      if (this.#parts.faults.isBlackhole) return
      if (hadError) other.resetAndDestroy()
      else other.destroySoon()
    })
  }
}
