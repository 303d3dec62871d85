import type { EventObject } from 'xstate'
import type { ActorId } from '../../core/address.ts'
import type { TaskDocument } from '../../core/document.ts'

/** What a step wants to let out, once it is committed. */
export interface Effects {
  readonly sends: OutgoingEvent[]
  readonly spawns: SpawnRequest[]
  /** Durable children to stop. */
  readonly stops: ActorId[]
  readonly replies: unknown[]
  readonly emitted: EventObject[]
  /** Events for the parent, by `sendParent`. */
  readonly toParent: string[]
  readonly tasks: TaskDocument[]
  readonly cancelled: string[]
  /** What must run only after the commit. */
  readonly after: (() => void)[]
}

export interface OutgoingEvent {
  readonly to: ActorId
  readonly path: string | undefined
  readonly type: string
  /** JSON text. */
  readonly event: string
}

export interface SpawnRequest {
  readonly id: ActorId
  readonly machine: string
  /** JSON text. */
  readonly input: string
  readonly path: string
  readonly sync: boolean
}

/** What one step did. */
export interface Step {
  /** Delta of the whole document, as JSON text; undefined when nothing changed. */
  readonly delta: string | undefined
  readonly effects: Effects
}

/** Effects of a step that has none yet. */
export const emptyEffects = (): Effects => ({ sends: [], spawns: [], stops: [], replies: [], emitted: [], toParent: [], tasks: [], cancelled: [], after: [] })

/** A step in which nothing happened. */
export const noStep = (): Step => ({ delta: undefined, effects: QUIET })

/** The effects of every step that let nothing out. */
export const QUIET: Effects = emptyEffects()

export const isQuiet = ({ sends, spawns, stops, replies, emitted, toParent, tasks, cancelled, after }: Effects): boolean =>
  sends.length + spawns.length + stops.length + replies.length + emitted.length + toParent.length + tasks.length + cancelled.length + after.length === 0
