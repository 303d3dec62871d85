import { createBorder, seal } from '../src/core/json.ts'

/** Levels of a value that code of users or a model has made: half of what a checkpoint has, in which it lies some levels deep. */
const DEPTH_MAX = 32

/** Why a value cannot be part of a checkpoint, with its path; null when it can. What nobody has checked would poison the actor. */
export function whyUnfit(value: unknown, name: string): string | null {
  try {
    seal(value, name, createBorder('context/unserializable', DEPTH_MAX, false))
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What JSON makes of a value, null where it makes nothing. Throws for what no checkpoint can hold. */
export function toStorable(value: unknown, name: string): unknown {
  const plain = JSON.parse(JSON.stringify(value) ?? 'null') as unknown
  const why = whyUnfit(plain, name)
  if (why !== null) throw new TypeError(why)
  return plain
}
