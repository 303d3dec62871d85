import type { Socket } from 'node:net'

/** What the network does to traffic at present: one object for all connections of a proxy. */
export interface Faults {
  delayMs: number
  /** The most bytes that are delivered at once. */
  pieceBytes: number
  isBlackhole: boolean
  /** Picks the request after which its connection is cut. */
  cutAfter: ((request: Buffer) => boolean) | undefined
}

/** How often each fault has hit: pieces delayed, split or swallowed, connections reset while they waited for an answer, or cut. */
export interface FaultHits {
  delay: number
  split: number
  blackhole: number
  reset: number
  cutAfterWrite: number
}

export interface LaneParts {
  readonly to: Socket
  readonly faults: Faults
  readonly hits: FaultHits
  readonly onDelivered: () => void
}

/**
 * One direction of a connection. Delivers in order, also when a delay is changed on the way, and holds what a slow
 * reader has not taken: tests are small.
 */
export class Lane {
  readonly #parts: LaneParts
  #last = Promise.resolve()
  #held = 0
  #hasLost = false

  constructor(parts: LaneParts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#held === 0
  }

  /** Whether something was swallowed: what would come after it belongs to nothing any more. */
  get hasLost(): boolean {
    return this.#hasLost
  }

  send(piece: Buffer): void {
    const { faults, hits } = this.#parts
    const dueAt = performance.now() + faults.delayMs
    if (faults.delayMs > 0) hits.delay++
    this.#held++
    this.#last = this.#last.then(() => this.#deliver(piece, dueAt)).finally(() => this.#held--)
  }

  end(): void {
    this.#last = this.#last.then(() => {
      if (this.#parts.faults.isBlackhole) this.#hasLost = true
      else this.#parts.to.end()
    })
  }

  async #deliver(piece: Buffer, dueAt: number): Promise<void> {
    const { to, faults, hits, onDelivered } = this.#parts
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, waitMs))
    if (faults.isBlackhole) {
      this.#hasLost = true
      hits.blackhole++
      return
    }
    if (piece.length > faults.pieceBytes) hits.split++
    for (let rest = piece; rest.length > 0 && to.writable; ) {
      to.write(rest.subarray(0, faults.pieceBytes))
      rest = rest.subarray(faults.pieceBytes)
      // The kernel would join two writes of one turn.
      if (rest.length > 0) await new Promise(resolve => setImmediate(resolve))
    }
    onDelivered()
  }
}
