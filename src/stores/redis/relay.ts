import { setTimeout as sleep } from 'node:timers/promises'
import type { Argument } from './connection.ts'
import { blobHash } from './deployment.ts'
import type { Deployment } from './deployment.ts'
import { channels, replyKeys } from './keys.ts'

/** Entries of an outbox read in one go. */
const PAGE = 500
/** Pause after a failure, growing to the last. */
const PAUSES_MS = [10, 50, 200, 1_000]
/** Replies nobody fetched go after an hour. */
const REPLY_KEPT_SECONDS = 60 * 60

/** One entry of an outbox, as `outbox.lua` gives it. */
export interface Outgoing {
  readonly number: number
  /** A partition, or `@` and the name of a node. */
  readonly target: string
  readonly id: string
  readonly to: string
  readonly at: string
  readonly data: string
}

const WIDTH = 7

/**
 * Carries what commits have put into a partition's outbox to the partitions and nodes it is for.
 *
 * Owned by one store handle. Invariants
 * R1  An entry leaves the outbox only after it has arrived; arriving twice counts once (each target has a high-water mark per source).
 * R2  Of one source one relay runs at a time in this handle; those of other handles are harmless because of R1.
 * R3  What a dead handle has left is relayed by whoever claims its partition.
 * R4  Nothing is carried on that a failover may still take back: what is read has reached the replicas that a write must reach,
 *     and so has what a commit that has resolved has written.
 * R5  Entries are carried in the order of their numbers: a target takes nothing below its mark.
 */
export class Relay {
  readonly #deployment: Deployment
  readonly #running = new Map<number, Promise<void>>()
  readonly #again = new Set<number>()
  #closed = false

  constructor(deployment: Deployment) {
    this.#deployment = deployment
  }

  /** Something waits in the outbox of a partition. If its writer knows all that does, it need not be read first. */
  start(partition: number, known: readonly Outgoing[] = []): void {
    if (this.#closed) return
    if (this.#running.has(partition)) {
      this.#again.add(partition)
      return
    }
    this.#running.set(partition, this.#empty(partition, known).finally(() => {
      this.#running.delete(partition)
      if (this.#again.delete(partition)) this.start(partition)
    }))
  }

  /** Ends after what is under way; the rest stays in the outbox for the next owner. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#running.values())
  }

  async #empty(partition: number, known: readonly Outgoing[]): Promise<void> {
    let arrived = 0
    let page = known
    for (let failures = 0; ; ) {
      try {
        if (page.length === 0) page = await this.#read(partition, arrived)
        failures = 0
        if (page.length === 0 || this.#closed) return
        await Promise.all([...Map.groupBy(page, ({ target }) => target)].map(([target, entries]) => this.#carry(partition, target, entries)))
        arrived = page.at(-1)?.number ?? arrived
        page = []
      } catch {
        page = []
        // Whatever failed is still in the outbox. It is tried again until it arrives or this handle is closed.
        if (this.#closed) return
        await sleep(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)])
      }
    }
  }

  async #read(partition: number, arrived: number): Promise<readonly Outgoing[]> {
    const { connection, keysOf } = this.#deployment
    const flat = (await connection.write('outbox', keysOf(partition).all('meta', 'out', 'blobs', 'blobrefs'), [arrived, PAGE])) as readonly string[]
    const page: Outgoing[] = []
    for (let at = 0; at < flat.length; at += WIDTH) {
      const [number, target = '', id = '', to = '', sent = '', data = ''] = flat.slice(at, at + WIDTH)
      page.push({ number: Number(number), target, id, to, at: sent, data })
    }
    return page
  }

  async #carry(source: number, target: string, entries: readonly Outgoing[]): Promise<void> {
    const { connection, prefix, blobBytes, keysOf } = this.#deployment
    if (target.startsWith('@')) {
      const node = target.slice(1)
      const replies = entries.flatMap(({ number, id, data }): Argument[] => [number, id, data])
      await connection.write('answer', replyKeys(prefix, node), [source, channels.node(prefix, node), REPLY_KEPT_SECONDS, ...replies])
      return
    }
    const messages = entries.flatMap(({ number, id, to, at, data }): Argument[] => [number, id, to, at, data, blobHash(data, blobBytes)])
    await connection.write('accept', keysOf(Number(target)).inbox('relayed'), [source, channels.node(prefix), target, ...messages])
  }
}
