import { addressOf } from '../../core/address.ts'
import type { GivenInput, Handlers, ShownOutput } from '../../core/client/handler.ts'
import { TroupeError, toErrorInfo } from '../../core/errors.ts'
import { conditionsOf } from '../actor-query.ts'
import type { ActorSelection } from '../actor-query.ts'
import { takeTurns } from '../turns.ts'
import type { ClientParts } from './parts.ts'

/** Actors of one bulk. */
const BULK_MAX = 100_000
/** Those that are acted upon at once. */
const AT_ONCE = 64
/** Failures told one by one; the rest only counts. */
const FAILED_MAX = 1_000
const PAGE = 1_000

type Bulk = GivenInput<'bulk'>

export function bulkHandlers({ runtime, reader, env }: ClientParts) {
  /** All that match, before anything is done: what is done changes what matches. */
  const matching = async (filter: Bulk['filter'], signal: AbortSignal): Promise<readonly string[]> => {
    const conditions = conditionsOf(filter as ActorSelection)
    const found: string[] = []
    const turn = takeTurns(env.clock, 1)
    let cursor: string | undefined
    do {
      signal.throwIfAborted()
      await turn()
      const page = await reader.store.list({ ...conditions, limit: PAGE, ...(cursor !== undefined && { cursor }) })
      found.push(...page.records.map(({ id }) => addressOf(id)))
      cursor = page.cursor
      if (found.length > BULK_MAX) throw new TroupeError('request/invalid', `bulk: more than ${BULK_MAX} actors match, the most for one bulk: narrow the filter`, { details: { limit: BULK_MAX } })
    } while (cursor !== undefined)
    return found
  }
  const act = async (address: string, { action, event, idempotencyKey }: Bulk): Promise<void> => {
    const actor = runtime.at(address)
    if (action === 'send') await actor.send(event as never, { ...(idempotencyKey !== undefined && { idempotencyKey }) })
    else await actor[action]()
  }
  return {
    bulk: async (input, { signal }) => {
      const { filter, action, event, dryRun = false, expected } = input
      if ((action === 'send') !== (event !== undefined)) throw new TroupeError('request/invalid', 'bulk: event belongs to the action send, and to no other')
      const addresses = await matching(filter, signal)
      const matched = addresses.length
      if (dryRun) return { matched, done: 0, failed: [] }
      if (expected !== undefined && matched > expected) throw new TroupeError('request/invalid', `bulk: ${matched} actors match, expected were ${expected}: nothing was done`, { details: { matched, expected } })
      const failed: ShownOutput<'bulk'>['failed'][number][] = []
      let done = 0
      for (let from = 0; from < matched; from += AT_ONCE) {
        signal.throwIfAborted()
        const batch = addresses.slice(from, from + AT_ONCE)
        const outcomes = await Promise.allSettled(batch.map(address => act(address, input)))
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome.status === 'fulfilled') done++
          else if (failed.length < FAILED_MAX) failed.push({ address: batch[index] as string, error: toErrorInfo(outcome.reason) })
        }
      }
      return { matched, done, failed }
    },
  } satisfies Partial<Handlers>
}
