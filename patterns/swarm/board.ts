import { whyUnfit } from '../../machines/storable.ts'

/** What stands on the blackboard under a topic. */
export interface BoardEntry {
  readonly value: unknown
  /** 1 for the first; one more with each change. */
  readonly version: number
  /** The peer that wrote it. */
  readonly by: number
}

export type Board = Readonly<Record<string, BoardEntry>>

export interface Write {
  readonly topic: string
  readonly value: unknown
  /** Refused unless the topic has this version; 0: unless there is nothing yet. */
  readonly ifVersion?: number
}

export interface SignedWrite extends Write {
  readonly peer: number
}

export interface BoardRules {
  readonly topicsMax: number
  readonly valueCharsMax: number
  /** What becomes of a topic when something is written to it. */
  merge(current: unknown, proposed: unknown, topic: string): unknown
}

/** Topics become keys of stored documents, and models make them up: nothing that means something else there may be one. */
const TOPIC = /^[A-Za-z0-9][\w./:-]{0,99}$/
const RESERVED = new Set(['constructor', 'prototype'])

export const isTopic = (topic: unknown): topic is string => typeof topic === 'string' && TOPIC.test(topic) && !RESERVED.has(topic)

export const isSame = (a: unknown, b: unknown): boolean => Object.is(a, b) || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b))

export function fits(value: unknown, charsMax: number): boolean {
  if (value === undefined) return false
  return (typeof value === 'string' ? value.length : typeof value === 'object' ? JSON.stringify(value).length : 0) <= charsMax
}

/** Carries out writes in their order. What changes nothing makes no new version. Throws what `merge` throws, and for what it gives that is no JSON. */
export function writeAll(board: Board, writes: readonly SignedWrite[], { topicsMax, valueCharsMax, merge }: BoardRules): { readonly changed: Board; readonly refused: number } {
  const changed: Record<string, BoardEntry> = {}
  let refused = 0
  let room = topicsMax - Object.keys(board).length
  for (const { topic, value, ifVersion, peer } of writes) {
    const entry = changed[topic] ?? (Object.hasOwn(board, topic) ? board[topic] : undefined)
    const version = entry?.version ?? 0
    if ((ifVersion !== undefined && ifVersion !== version) || (!entry && room === 0)) {
      refused++
      continue
    }
    const merged = entry ? merge(entry.value, value, topic) : value
    const why = whyUnfit(merged, `what was merged under '${topic}'`)
    if (why !== null) throw new TypeError(why)
    if (!fits(merged, valueCharsMax)) {
      refused++
      continue
    }
    if (entry && isSame(entry.value, merged)) continue
    if (!entry) room--
    changed[topic] = { value: merged, version: version + 1, by: peer }
  }
  return { changed, refused }
}
