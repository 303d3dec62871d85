import type { ActorId } from './address.ts'
import type { Op } from './delta.ts'
import { TroupeError } from './errors.ts'
import type { ErrorInfo } from './errors.ts'
import { decodeJson } from './json.ts'

/** Version of a journal row's text. */
const JOURNAL_FORMAT = 1

export type EntryKind = 'start' | 'event' | 'timer' | 'task' | 'child' | 'reply' | 'failed' | 'restart' | 'stop' | 'cancel' | 'pause' | 'resume' | 'migrated' | 'fork'

/** One step of one actor, as the journal keeps it. */
export interface JournalEntry {
  readonly seq: number
  /** When the step ran, by the owner's clock. */
  readonly at: number
  readonly kind: EntryKind
  /** Id of the message that caused the step. */
  readonly id?: string
  readonly from?: ActorId
  readonly causation?: string
  /** Id of the first message of the chain of causes, when that is another one. */
  readonly correlation?: string
  readonly event?: { readonly type: string; readonly [key: string]: unknown }
  /** Path inside the actor's tree, when the event was for a child. */
  readonly path?: string
  readonly delta?: readonly Op[]
  readonly error?: ErrorInfo
  readonly emitted?: readonly unknown[]
  readonly sent?: readonly { readonly to: ActorId; readonly type: string }[]
}

/** Text of a row from the texts of its entries. */
export const packRow = (entries: readonly string[]): string => `{"v":${JOURNAL_FORMAT},"steps":[${entries.join(',')}]}`

/** Throws `store/newer-format` for a row that a newer Troupe has written. */
export function unpackRow(text: string): readonly JournalEntry[] {
  const { v, steps } = decodeJson<{ readonly v: number; readonly steps: readonly JournalEntry[] }>(text)
  if (v > JOURNAL_FORMAT) throw new TroupeError('store/newer-format', `a journal row has format ${v}; this runtime reads up to ${JOURNAL_FORMAT}`)
  return steps
}
