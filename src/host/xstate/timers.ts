import type { AnyActorRef } from 'xstate'
import type { Op } from '../../core/delta.ts'
import type { TimerDocument } from '../../core/document.ts'

/** The actors behind the paths of a timer: while a child stops, its successor may have its path already. */
interface TimerRefs {
  readonly source: AnyActorRef | undefined
  readonly target: AnyActorRef | undefined
}

export interface DueTimer {
  readonly key: string
  readonly timer: TimerDocument
}

export const timerKey = (source: string, id: string): string => `${source}|${id}`

/** The timers of one actor tree, by source and send id; each change is noted for the step's delta. */
export class Timers {
  readonly #timers: Map<string, TimerDocument>
  readonly #refs = new Map<string, TimerRefs>()
  readonly #note: (op: Op) => void

  constructor(saved: Readonly<Record<string, TimerDocument>>, note: (op: Op) => void) {
    this.#timers = new Map(Object.entries(saved))
    this.#note = note
  }

  /** Finds the actors of saved timers in a restored tree. */
  bind(find: (path: string) => AnyActorRef | undefined): void {
    for (const [key, { source, target }] of this.#timers) this.#refs.set(key, { source: find(source), target: typeof target === 'string' ? find(target) : undefined })
  }

  has(key: string, generation: number): boolean {
    return this.#timers.get(key)?.generation === generation
  }

  /** The earliest due timer at `now`; of several, the one that was scheduled first. */
  due(now: number): DueTimer | undefined {
    let first: DueTimer | undefined
    for (const [key, timer] of this.#timers) {
      if (timer.dueAt > now) continue
      if (!first || timer.dueAt < first.timer.dueAt || (timer.dueAt === first.timer.dueAt && timer.generation < first.timer.generation)) first = { key, timer }
    }
    return first
  }

  get earliest(): number | null {
    let due: number | null = null
    for (const { dueAt } of this.#timers.values()) if (due === null || dueAt < due) due = dueAt
    return due
  }

  schedule(timer: TimerDocument, refs: TimerRefs): void {
    const key = timerKey(timer.source, timer.id)
    this.loosen(key)
    this.#put(key, timer, refs)
  }

  drop(key: string): void {
    this.#refs.delete(key)
    if (this.#timers.delete(key)) this.#note([['timers', key]])
  }

  /** When an actor of the tree stops, so do its timers, and those of others that aim at it: a new child of that id is another actor. */
  dropOf(ref: AnyActorRef): void {
    for (const [key, { source, target }] of this.#refs) if (source === ref || target === ref) this.drop(key)
  }

  /** As in XState, a timer whose id is used again runs on, but `cancel` cannot reach it any more; nor the newer one once the older has fired. */
  loosen(key: string): void {
    const timer = this.#timers.get(key)
    if (!timer) return
    const refs = this.#refs.get(key) ?? { source: undefined, target: undefined }
    this.drop(key)
    this.#put(`${key}|${timer.generation}`, timer, refs)
  }

  toJSON(): Record<string, TimerDocument> {
    return Object.fromEntries(this.#timers)
  }

  #put(key: string, timer: TimerDocument, refs: TimerRefs): void {
    this.#timers.set(key, timer)
    this.#refs.set(key, refs)
    this.#note([['timers', key], timer])
  }
}
