import type { Op } from '../core/delta.ts'
import type { ErrorInfo } from '../core/errors.ts'
import type { EntryKind } from '../core/journal.ts'
import { encodeJson } from '../core/json.ts'
import type { Message } from '../core/message.ts'
import type { Effects } from './xstate/effects.ts'

interface EntryHead {
  readonly seq: number
  readonly at: number
  readonly kind: EntryKind
  /** False for machines whose journal keeps states only. */
  readonly keepsEvents: boolean
}

/** What an entry says beside its delta. */
export interface EntryFacts {
  readonly message?: Message
  /** JSON text of the event. */
  readonly event?: string | undefined
  readonly path?: string | undefined
  readonly error?: ErrorInfo
}

/** One delta of what the machine's step changed and what the host noted beside it. */
export function joinDeltas(delta: string | undefined, ops: readonly Op[]): string | undefined {
  if (ops.length === 0) return delta
  const text = encodeJson(ops, ops.some(([path]) => path[0] === 'snapshot'))
  return delta === undefined ? text : `${delta.slice(0, -1)},${text.slice(1)}`
}

/** Built by hand: the texts of event and delta are there already, and this runs once per step. */
export function entryText({ seq, at, kind, keepsEvents }: EntryHead, { message, event, path, error }: EntryFacts, delta: string | undefined, effects: Effects | undefined): string {
  let text = `{"seq":${seq},"at":${at},"kind":"${kind}"`
  if (keepsEvents) {
    // Ids are made by nodes and need no escaping.
    if (message) text += message.correlation === message.id ? `,"id":"${message.id}"` : `,"id":"${message.id}","correlation":"${message.correlation}"`
    if (message?.from) text += `,"from":${JSON.stringify(message.from)}`
    if (message?.causation) text += `,"causation":${JSON.stringify(message.causation)}`
    if (event !== undefined) text += `,"event":${event}`
    if (path !== undefined) text += `,"path":${JSON.stringify(path)}`
    if (effects && effects.sends.length > 0) text += `,"sent":${JSON.stringify(effects.sends.map(({ to, type }) => ({ to, type })))}`
  }
  if (effects && effects.emitted.length > 0) text += `,"emitted":${encodeJson(effects.emitted, true)}`
  if (error) text += `,"error":${JSON.stringify(error)}`
  if (delta !== undefined) text += `,"delta":${delta}`
  return `${text}}`
}
