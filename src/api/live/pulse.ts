import type { WebSocket } from 'ws'
import { closeCodes } from './limits.ts'
import type { LiveLimits } from './limits.ts'

/** How alive a WebSocket is: pings it, drops it when it is silent, and ends it when it says too much. */
export class Pulse {
  readonly #socket: WebSocket
  readonly #limits: LiveLimits
  #heardAt = performance.now()
  /** Messages that it may still send at once; fills up with time. */
  #allowance: number
  #countedAt = performance.now()

  constructor(socket: WebSocket, limits: LiveLimits, ping: () => void) {
    this.#socket = socket
    this.#limits = limits
    this.#allowance = limits.messagesBurstMax
    const timer = setInterval(() => {
      if (performance.now() - this.#heardAt > limits.silenceMs) return this.#drop()
      socket.ping()
      ping()
    }, limits.heartbeatMs)
    socket.on('ping', data => this.count() && socket.pong(data))
    socket.on('pong', () => this.count())
    socket.on('close', () => clearInterval(timer))
  }

  /** Counts a message, and says whether it may be heard. */
  count(): boolean {
    const now = performance.now()
    const { messagesBurstMax, messagesPerSecondMax } = this.#limits
    this.#allowance = Math.min(messagesBurstMax, this.#allowance + ((now - this.#countedAt) * messagesPerSecondMax) / 1_000) - 1
    this.#countedAt = this.#heardAt = now
    if (this.#allowance >= 0) return this.#socket.readyState === this.#socket.OPEN
    this.#socket.close(closeCodes.tooMany, 'too many messages')
    // What it still sends is not read any more; it has a moment to hear why.
    this.#socket.pause()
    setTimeout(() => this.#socket.terminate(), this.#limits.farewellMs)
    return false
  }

  #drop(): void {
    this.#socket.close(closeCodes.silent, 'nothing heard')
    this.#socket.terminate()
  }
}
