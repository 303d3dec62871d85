import { TroupeError } from '../../core/errors.ts'
import type { ActorRecord } from '../../core/store.ts'
import { conditionsOf } from '../actor-query.ts'
import type { ActorSelection } from '../actor-query.ts'
import { takeTurns } from '../turns.ts'
import type { ClientParts } from './parts.ts'

/** Characters of user data after which a page ends early: what one answer may weigh. */
export const PAGE_CHARS_MAX = 8 << 20
/** Actors looked at between two questions whether that is enough. */
const STRIDE = 50
/** Actors that one page looks at, however little it has found. */
const SCAN_MAX = 10_000


/**
 * Looks at the actors of a selection one after the other until as many entries as `limit` are found, or as many characters as an
 * answer may have. Gives the cursor of what was not looked at.
 */
export async function scan({ reader, env }: ClientParts, selection: ActorSelection, limit: number, from: string | undefined, look: (record: ActorRecord) => Promise<readonly unknown[]>): Promise<string | undefined> {
  const conditions = conditionsOf(selection)
  const turn = takeTurns(env.clock)
  let found = { count: 0, chars: 0 }
  let scanned = 0
  let cursor = from
  do {
    const page = await reader.store.list({ ...conditions, limit: Math.min(limit, STRIDE), ...(cursor !== undefined && { cursor }) })
    for (const record of page.records) {
      const entries = (await unlessGone(look(record))) ?? []
      found = { count: found.count + entries.length, chars: entries.reduce<number>((sum, entry) => sum + JSON.stringify(entry).length, found.chars) }
      await turn()
    }
    scanned += page.records.length
    cursor = page.cursor
  } while (cursor !== undefined && found.count < limit && found.chars < PAGE_CHARS_MAX && scanned < SCAN_MAX)
  return cursor
}

/** An actor of a list may be gone a moment later, or of a machine that only other processes know. */
export const unlessGone = <T>(read: Promise<T>): Promise<T | undefined> =>
  read.catch((error: unknown) => {
    if (error instanceof TroupeError && (error.code === 'actor/unknown' || error.code === 'machine/unknown')) return undefined
    throw error
  })
