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

interface Entry {
  readonly timer: TimerDocument
  readonly refs: TimerRefs
}

const NO_REFS: TimerRefs = { source: undefined, target: undefined }

/** The timers of one actor tree, by source and send id; each change is noted for the step's delta. */
export class Timers {
  /** Made with the first timer: most actors have none. */
  #entries: Map<string, Entry> | undefined
  readonly #ops: Op[]

  constructor(saved: Readonly<Record<string, TimerDocument>>, ops: Op[]) {
    for (const key in saved) this.#set(key, saved[key] as TimerDocument, NO_REFS)
    this.#ops = ops
  }

  /** Finds the actors of saved timers in a restored tree. */
  bind(find: (path: string) => AnyActorRef | undefined): void {
    for (const [key, { timer }] of this.#entries ?? []) {
      const { source, target } = timer
      this.#set(key, timer, { source: find(source), target: typeof target === 'string' ? find(target) : undefined })
    }
  }

  has(key: string, generation: number): boolean {
    return this.#entries?.get(key)?.timer.generation === generation
  }

  /** The earliest due timer at `now`; of several, the one that was scheduled first. */
  due(now: number): DueTimer | undefined {
    let first: DueTimer | undefined
    for (const [key, { timer }] of this.#entries ?? []) {
      if (timer.dueAt > now) continue
      if (!first || timer.dueAt < first.timer.dueAt || (timer.dueAt === first.timer.dueAt && timer.generation < first.timer.generation)) first = { key, timer }
    }
    return first
  }

  get earliest(): number | null {
    if (!this.#entries) return null
    let due: number | null = null
    for (const { timer } of this.#entries.values()) if (due === null || timer.dueAt < due) due = timer.dueAt
    return due
  }

  schedule(timer: TimerDocument, refs: TimerRefs): void {
    const key = timerKey(timer.source, timer.id)
    this.loosen(key)
    this.#put(key, timer, refs)
  }

  drop(key: string): void {
    if (this.#entries?.delete(key)) this.#ops.push([['timers', key]])
  }

  /** When an actor of the tree stops, so do its timers, and those of others that aim at it: a new child of that id is another actor. */
  dropOf(ref: AnyActorRef): void {
    if (!this.#entries) return
    for (const [key, { refs }] of this.#entries) if (refs.source === ref || refs.target === ref) this.drop(key)
  }

  /** As in XState, a timer whose id is used again runs on, but `cancel` cannot reach it any more; nor the newer one once the older has fired. */
  loosen(key: string): void {
    const entry = this.#entries?.get(key)
    if (!entry) return
    this.drop(key)
    this.#put(`${key}|${entry.timer.generation}`, entry.timer, entry.refs)
  }

  toJSON(): Record<string, TimerDocument> {
    return Object.fromEntries(Array.from(this.#entries ?? [], ([key, { timer }]) => [key, timer]))
  }

  #put(key: string, timer: TimerDocument, refs: TimerRefs): void {
    this.#set(key, timer, refs)
    this.#ops.push([['timers', key], timer])
  }

  #set(key: string, timer: TimerDocument, refs: TimerRefs): void {
    this.#entries ??= new Map()
    this.#entries.set(key, { timer, refs })
  }
}
