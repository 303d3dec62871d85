import type { z } from 'zod'
import type { Client } from '../core/client/client.ts'
import type { stepFilter } from '../core/client/webhooks.ts'
import type { Clock } from '../core/clock.ts'
import { TroupeError } from '../core/errors.ts'
import { isSystemMachine } from '../core/system-machine.ts'
import { eventOf, sizeOf, tell } from './event.ts'
import type { ToldError, WebhookEvent } from './event.ts'

/** Where steps come from: `follow` of the client of this process. */
export type Follow = Client['follow']

export interface TakePorts {
  readonly follow: Follow
  readonly clock: Clock
}

export interface Wanted {
  readonly id: string
  readonly filter: z.output<typeof stepFilter>
  readonly cursor: string
  /** Milliseconds after which a position without an event is worth a commit. */
  readonly idleMs: number
}

export interface Taken {
  readonly events: readonly WebhookEvent[]
  /** Where to go on. */
  readonly cursor: string
  /** Why events before the first one are lost; null when none are. */
  readonly gap: ToldError | null
}

/** Events and bytes that are taken at once. */
const EVENTS_MAX = 100
const BYTES_MAX = 256 << 10

/**
 * Waits for the next steps, and takes those that are there. Steps of webhooks are not told: each would cause the next. What the
 * journals have lost is passed over.
 */
export async function take(ports: TakePorts, wanted: Wanted, signal: AbortSignal): Promise<Taken> {
  let gap: ToldError | null = null
  for (let from = wanted.cursor; ; ) {
    try {
      return { ...(await takeFrom(ports, { ...wanted, cursor: from }, gap !== null, signal)), gap }
    } catch (error) {
      if (isGap(error)) from = error.details.cursor
      else if (isForeign(error) && from === wanted.cursor) from = await present(ports.follow)
      else throw error
      gap ??= tell(error)
    }
  }
}

async function takeFrom({ follow, clock }: TakePorts, { id, filter, cursor: from, idleMs }: Wanted, isHurried: boolean, signal: AbortSignal): Promise<Omit<Taken, 'gap'>> {
  const events: WebhookEvent[] = []
  const enough = new AbortController()
  let cursor = from
  let bytes = 0
  // What is there already comes before the next turn of the event loop: nothing waits for more.
  const hurry = () => clock.soon(() => enough.abort())
  const rest = () => clock.setTimer(() => (cursor === from ? (idle = rest()) : enough.abort()), idleMs, 'upkeep')
  let idle = rest()
  if (isHurried) hurry()
  try {
    for await (const item of follow({ ...filter, from }, { signal: AbortSignal.any([signal, enough.signal]) })) {
      cursor = item.type === 'cursor' ? item.cursor : item.step.cursor
      if (item.type === 'cursor' || isSystemMachine(item.step.machine)) continue
      const event = eventOf(id, item.step)
      bytes += sizeOf(event)
      if (events.push(event) === 1) hurry()
      if (events.length >= EVENTS_MAX || bytes >= BYTES_MAX) enough.abort()
      if (enough.signal.aborted) break
    }
  } catch (error) {
    // What came before the gap is told first.
    if (!enough.signal.aborted && !(isGap(error) && events.length > 0)) throw error
    enough.abort()
  } finally {
    clock.clearTimer(idle)
  }
  signal.throwIfAborted()
  if (!enough.signal.aborted) throw closing()
  return { events, cursor }
}

/** What comes next is lost or cannot be read, and never will be; the cursor goes on after it. */
const isGap = (error: unknown): error is TroupeError & { readonly details: { readonly cursor: string } } => error instanceof TroupeError && !error.retryable && typeof error.details['cursor'] === 'string'

/** The store has lost the position itself, in a failover or a restored backup. */
const isForeign = (error: unknown): error is TroupeError => error instanceof TroupeError && error.code === 'config/invalid'

const closing = (): TroupeError => new TroupeError('runtime/closed', 'the runtime is shutting down')

/** The end of all journals now. */
export async function present(follow: Follow): Promise<string> {
  const over = new AbortController()
  for await (const item of follow({}, { signal: over.signal })) {
    over.abort()
    return item.type === 'cursor' ? item.cursor : item.step.cursor
  }
  throw closing()
}
