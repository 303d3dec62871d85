import type { InboxMessage, Reply } from 'troupe'
import type { Scheduler, SimProcess } from './scheduler.ts'

/** Messages between partitions are carried by their sender's process, which takes up to so many milliseconds. */
const CARRY_MS = 20

export interface CarrierOptions {
  readonly scheduler: Scheduler
  isDown(): boolean
  /** Messages have come to their partitions, replies to their nodes. */
  arrive(messages: readonly InboxMessage[], replies: readonly Reply[]): Promise<void>
}

/**
 * What has left a partition and not arrived yet. The process of the partition's owner carries it; when that one dies
 * before, the next owner's does. Each thing arrives once, and of each partition in order.
 */
export class Carrier {
  readonly #options: CarrierOptions
  readonly #messages = new Map<number, InboxMessage[]>()
  readonly #replies = new Map<number, Reply[]>()
  #turn = 0

  constructor(options: CarrierOptions) {
    this.#options = options
  }

  /** Messages that have not arrived. */
  get size(): number {
    return [...this.#messages.values()].reduce((sum, { length }) => sum + length, 0)
  }

  take(partition: number, messages: readonly InboxMessage[], replies: readonly Reply[]): void {
    queueOf(this.#messages, partition).push(...messages)
    queueOf(this.#replies, partition).push(...replies)
  }

  /** A process sets out with all that waits. */
  carry(partition: number, process: SimProcess | undefined): void {
    const [messages, replies] = [queueOf(this.#messages, partition), queueOf(this.#replies, partition)]
    if (messages.length + replies.length === 0) return
    this.#options.scheduler.after(1 + (++this.#turn % CARRY_MS), process, 'carry', () => {
      if (this.#options.isDown()) this.carry(partition, process)
      else void this.#options.arrive(messages.splice(0), replies.splice(0))
    })
  }
}

function queueOf<T>(queues: Map<number, T[]>, partition: number): T[] {
  const queue = queues.get(partition) ?? []
  queues.set(partition, queue)
  return queue
}
