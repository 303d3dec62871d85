import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { pickPort, PORT_PICKS_MAX } from './pick-port.ts'
import { ProxiedConnection } from './proxied-connection.ts'
import type { FaultHits, Faults } from './proxy-lane.ts'
import { pieceReader, RespReader } from './request-reader.ts'

export interface ProxyOptions {
  /** Of the server on 127.0.0.1 that it stands for. */
  readonly port: number
  /** How requests are told apart; `any` takes what comes together for one. */
  readonly protocol?: 'resp' | 'any'
}

/** A bad network between clients and a server. A fault holds for all connections, open and new, until it is taken back. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  readonly counts: {
    /** Accepted since the start. */
    readonly connections: number
    readonly open: number
    /** Faults that have met traffic; a fault that hits nothing counts nothing. */
    readonly hits: Readonly<FaultHits>
  }
  /** Each piece arrives so much later, each way. */
  delay(ms: number): void
  /** Resets all open connections (RST). */
  reset(): void
  /** Swallows everything both ways, and the news that a side has gone; new connections are accepted. What has lost something is reset in the end. */
  blackhole(isOn: boolean): void
  /** Refuses new connections; open ones go on. */
  refuse(isOn: boolean): Promise<void>
  /** Delivers in pieces of so many bytes. */
  split(bytes: number): void
  /**
   * Lets the next request with this text (in any case, as Redis reads commands) pass, and resets its connection when the server has done it, before the
   * client has the answer. Answers to earlier requests that are still to come are lost with it.
   */
  cutAfterWrite(match?: string | RegExp): void
  /** Takes all faults back. */
  heal(): Promise<void>
  stop(): Promise<void>
}

const HEALTHY: Faults = { delayMs: 0, pieceBytes: Infinity, isBlackhole: false, cutAfter: undefined }

export async function startProxy(options: ProxyOptions): Promise<TcpProxy> {
  for (let pick = 1; ; pick++) {
    const proxy = new FaultyProxy(options, pickPort())
    try {
      await proxy.refuse(false)
      return proxy
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || pick >= PORT_PICKS_MAX) throw error
    }
  }
}

class FaultyProxy implements TcpProxy {
  readonly port: number
  readonly #options: ProxyOptions
  readonly #faults: Faults = { ...HEALTHY }
  readonly #hits: FaultHits = { delay: 0, split: 0, blackhole: 0, reset: 0, cutAfterWrite: 0 }
  readonly #open = new Set<ProxiedConnection>()
  #connections = 0
  #listener: Server | undefined

  constructor(options: ProxyOptions, port: number) {
    this.#options = options
    this.port = port
  }

  get counts(): TcpProxy['counts'] {
    return { connections: this.#connections, open: this.#open.size, hits: { ...this.#hits } }
  }

  delay(ms: number): void {
    this.#faults.delayMs = ms
  }

  reset(): void {
    for (const connection of this.#open) {
      if (connection.isInFlight) this.#hits.reset++
      connection.reset()
    }
  }

  blackhole(isOn: boolean): void {
    this.#faults.isBlackhole = isOn
    if (isOn) return
    for (const connection of this.#open) if (connection.isUseless) connection.reset()
  }

  async refuse(isOn: boolean): Promise<void> {
    if (isOn === (this.#listener === undefined)) return
    if (isOn) {
      // It stops listening at once; it is `closed` only when the open connections are, which is not waited for.
      this.#listener?.close()
      this.#listener = undefined
      return
    }
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, client => this.#accept(client))
    await once(listener.listen(this.port, '127.0.0.1'), 'listening')
    this.#listener = listener
  }

  split(bytes: number): void {
    this.#faults.pieceBytes = bytes
  }

  cutAfterWrite(match: string | RegExp = ''): void {
    const [text, pattern] = typeof match === 'string' ? [match.toLowerCase()] : ['', match]
    this.#faults.cutAfter = request => {
      const sent = request.toString('latin1')
      return pattern === undefined ? sent.toLowerCase().includes(text) : pattern.test(sent)
    }
  }

  async heal(): Promise<void> {
    this.blackhole(false)
    Object.assign(this.#faults, HEALTHY)
    await this.refuse(false)
  }

  async stop(): Promise<void> {
    await this.refuse(true)
    this.#faults.isBlackhole = false
    for (const connection of this.#open) connection.reset()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #accept(client: Socket): void {
    this.#connections++
    const server = connect({ port: this.#options.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const requests = this.#options.protocol === 'any' ? pieceReader : new RespReader()
    const connection = new ProxiedConnection({ client, server, requests, faults: this.#faults, hits: this.#hits })
    this.#open.add(connection)
    const forget = (): void => void (client.closed && server.closed && this.#open.delete(connection))
    client.once('close', forget)
    server.once('close', forget)
  }
}
