import type { EventObject } from 'xstate'
import type { ActorId } from '../../core/address.ts'
import type { TaskDocument } from '../../core/document.ts'

/** What a step wants to let out, once it is committed. */
export interface Effects {
  readonly sends: readonly OutgoingEvent[]
  readonly spawns: readonly SpawnRequest[]
  /** Durable children to stop. */
  readonly stops: readonly ActorId[]
  readonly replies: readonly Reply[]
  readonly letters: readonly OutgoingLetter[]
  readonly emitted: readonly EventObject[]
  /** Events for the parent, by `sendParent`. */
  readonly toParent: readonly string[]
  readonly tasks: readonly TaskDocument[]
  readonly cancelled: readonly string[]
  /** What must run only after the commit. */
  readonly after: readonly (() => void)[]
}

export interface OutgoingEvent {
  readonly to: ActorId
  readonly path: string | undefined
  readonly type: string
  /** JSON text. */
  readonly event: string
}

/** An event of the actor's own, for its dead letters. */
export interface OutgoingLetter {
  readonly path: string
  /** JSON text. */
  readonly event: string
  readonly error: unknown
}

export interface SpawnRequest {
  readonly id: ActorId
  readonly machine: string
  /** JSON text. */
  readonly input: string
  readonly path: string
  readonly sync: boolean
}

export interface Reply {
  readonly value: unknown
  /** The ask it answers; null: none; absent: the one at hand, or else the oldest. */
  readonly to?: string | null
}

/** What one step did. */
export interface Step {
  /** Delta of the whole document, as JSON text; undefined when nothing changed. */
  readonly delta: string | undefined
  readonly effects: Effects
}

const NONE: readonly never[] = Object.freeze([])

/** Effects while they are collected. Most steps have one or two, so a list is made with its first entry. */
export class EffectsBuffer implements Effects {
  sends: Effects['sends'] = NONE
  spawns: Effects['spawns'] = NONE
  stops: Effects['stops'] = NONE
  replies: Effects['replies'] = NONE
  letters: Effects['letters'] = NONE
  emitted: Effects['emitted'] = NONE
  toParent: Effects['toParent'] = NONE
  tasks: Effects['tasks'] = NONE
  cancelled: Effects['cancelled'] = NONE
  after: Effects['after'] = NONE
  isQuiet = true

  add<K extends keyof Effects>(kind: K, effect: Effects[K][number]): void {
    this.isQuiet = false
    const lists = this as unknown as Record<K, unknown[]>
    if (this[kind] === NONE) lists[kind] = [effect]
    else lists[kind].push(effect)
  }
}

/** The effects of every step that let nothing out. */
export const QUIET: Effects = new EffectsBuffer()

/** A step in which nothing happened. */
export const noStep = (): Step => ({ delta: undefined, effects: QUIET })
