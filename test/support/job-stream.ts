import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Jobs } from './job-rig.ts'
import { waitUntil } from './processes.ts'
import type { Order } from './queue-machines.ts'

/** Jobs that are started one after the other, so many at a time, until it is told to stop. */
export class JobStream {
  readonly keys: string[] = []
  ended = 0
  readonly #runtime: Jobs
  readonly #order: () => Order
  readonly #lanes: readonly Promise<void>[]
  #isOver = false

  constructor(runtime: Jobs, lanes: number, order: () => Order) {
    this.#runtime = runtime
    this.#order = order
    this.#lanes = Array.from({ length: lanes }, () => this.#lane())
  }

  async #lane(): Promise<void> {
    while (!this.#isOver) {
      const key = randomUUID()
      this.keys.push(key)
      const actor = this.#runtime.actor('job', key)
      // Drawn once: a start whose answer was lost is the same one only with the same input.
      const order = this.#order()
      await retried(() => actor.start(order))
      await retried(() => actor.waitFor(({ value }) => value !== 'working', { timeout: 30_000 }))
      this.ended++
    }
  }

  /** Waits until so many more have ended. */
  async goOn(count: number): Promise<void> {
    const from = this.ended
    await waitUntil(`${count} more jobs end`, () => this.ended >= from + count, 30_000)
  }

  async finish(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#lanes)
  }
}

/** What fails because the store is away is asked again. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error as { retryable?: boolean }).retryable) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

/** Each job has had one result, whatever happened to its workers. */
export async function expectOnce(runtime: Jobs, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const { value, context } = await runtime.actor('job', key).snapshot()
    expect({ key, value, error: context.error, results: context.results.length }).toEqual({ key, value: 'worked', error: null, results: 1 })
  }
}
