import type { Effect } from '../support/faults/machines.ts'
import type { drawer } from './plan.ts'
import type { Scheduler } from './scheduler.ts'

export interface Deed {
  readonly at: number
  /** The idempotency key under which it was asked for. */
  readonly key: string
  readonly what: string
}

/** Time one way between a task and a service, in milliseconds. */
const DELAY_MAX_MS = 60

/**
 * The services that tasks call: they outlive every crash, know what was asked of them under which key, and now and then
 * their answer is lost.
 */
export class Outside {
  /** Attempts that have begun. */
  readonly effects: Effect[] = []
  /** What was done, in order. */
  readonly deeds: Deed[] = []
  readonly #scheduler: Scheduler
  readonly #draw: ReturnType<typeof drawer>
  readonly #lossShare: number

  constructor(scheduler: Scheduler, draw: ReturnType<typeof drawer>, lossShare: number) {
    this.#scheduler = scheduler
    this.#draw = draw
    this.#lossShare = lossShare
  }

  effect(effect: Effect): void {
    this.effects.push(effect)
  }

  /**
   * Asks a service, from the code of a task. `serve` runs there, in one event, and what it throws is thrown here.
   * Without an answer, where one of the two messages was lost, the task waits for ever.
   */
  call<T>(serve: () => T): Promise<T> {
    const process = this.#scheduler.current
    return new Promise((resolve, reject) => {
      const way = (arrive: () => void, to: typeof process): void => {
        if (!this.#draw.chance(this.#lossShare)) this.#scheduler.after(this.#draw.from(1, DELAY_MAX_MS), to, 'service', arrive)
      }
      way(() => {
        let settle: () => void
        try {
          const result = serve()
          settle = () => resolve(result)
        } catch (error) {
          settle = () => reject(error as Error)
        }
        way(settle, process)
      }, undefined)
    })
  }

  /** Writes down what a service has done. */
  note(key: string, what: string): void {
    this.deeds.push({ at: this.#scheduler.now, key, what })
  }
}
