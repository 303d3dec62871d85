import { createActor } from 'xstate'
import type { AnyActor, EventObject } from 'xstate'
import { settlePromises } from './host.ts'
import type { Host, State } from './host.ts'
import { normalise, tagsOf } from './normalise.ts'
import type { Subject, TestEvent } from './subject.ts'

interface Timer {
  readonly due: number
  readonly fn: () => void
}

/**
 * Fires one timer at a time, each at its own due time. XState's `SimulatedClock` jumps: what a timer's handler schedules
 * counts from the end of the jump, as it would on a machine that slept.
 */
class StepClock {
  now = 0
  #next = 0
  readonly #timers = new Map<number, Timer>()

  setTimeout(fn: (...args: never[]) => void, ms: number): number {
    this.#timers.set(++this.#next, { due: this.now + Math.max(0, ms), fn: fn as () => void })
    return this.#next
  }

  clearTimeout(id: unknown): void {
    this.#timers.delete(id as number)
  }

  /** The earliest timer, the first scheduled of equals. */
  next(): { readonly id: number; readonly due: number } | undefined {
    let first: { id: number; due: number } | undefined
    for (const [id, { due }] of this.#timers) if (!first || due < first.due) first = { id, due }
    return first
  }

  fire(id: number): void {
    const timer = this.#timers.get(id)
    this.#timers.delete(id)
    timer?.fn()
  }
}

/** The reference: the machine under plain `createActor`, never crashed. */
export class PlainHost implements Host {
  readonly emitted: EventObject[] = []
  readonly #clock = new StepClock()
  readonly #actor: AnyActor
  #error: { readonly error: unknown } | undefined

  constructor(subject: Subject) {
    this.#actor = createActor(subject.machine, { id: 'subject/1', input: subject.input, clock: this.#clock, logger: () => undefined })
    this.#actor.subscribe({ error: error => (this.#error = { error }) })
    this.#actor.on('*', event => this.emitted.push(event))
  }

  async start(): Promise<void> {
    this.#actor.start()
    await this.#settle()
  }

  async send(events: readonly TestEvent[]): Promise<void> {
    for (const event of events) this.#actor.send(event)
    await this.#settle()
  }

  async advance(ms: number): Promise<void> {
    const end = this.#clock.now + ms
    for (let next = this.#clock.next(); next && next.due <= end; next = this.#clock.next()) {
      this.#clock.now = Math.max(this.#clock.now, next.due)
      await this.#settle()
    }
    this.#clock.now = end
  }

  crash(): Promise<void> {
    return Promise.resolve()
  }

  state(): Promise<State> {
    if (this.#error) throw new Error('the machine fails under plain XState', { cause: this.#error.error })
    return Promise.resolve({ snapshot: normalise(this.#actor.getPersistedSnapshot()), tags: tagsOf(this.#actor.getSnapshot() as object) })
  }

  close(): Promise<void> {
    this.#actor.stop()
    return Promise.resolve()
  }

  async #settle(): Promise<void> {
    await settlePromises()
    for (let next = this.#clock.next(); next && next.due <= this.#clock.now; next = this.#clock.next()) {
      this.#clock.fire(next.id)
      await settlePromises()
    }
  }
}
