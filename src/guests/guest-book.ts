import type { Chart } from '../core/client/views.ts'
import type { InputOf, OutputOf } from '../core/client/client.ts'
import { TroupeError } from '../core/errors.ts'
import { statesOf } from '../core/states.ts'
import { GuestLog } from './guest-log.ts'
import { guestLimits } from './limits.ts'

type Message = NonNullable<InputOf<'reportGuest'>['message']>
type Info = OutputOf<'listGuests'>['guests'][number]
type Page = OutputOf<'guest'>
type Item = OutputOf<'followGuests'>
type Json = Page['value']

interface Guest {
  info: Info
  snapshot: Readonly<Record<string, unknown>>
  definition: string | undefined
  chart: Chart | null | undefined
  chars: number
}

export interface GuestBookOptions {
  readonly now: () => number
  /** Tells the positions of this book from those of another process. */
  readonly epoch: string
  /** Draws the config of a machine; null where it is none. */
  readonly chartOf: (definition: string) => Chart | null
}

const STATUSES: Readonly<Record<string, Info['status']>> = { done: 'done', error: 'failed', stopped: 'stopped' }
const isText = (value: unknown): value is string => typeof value === 'string'
const sizeOf = (value: unknown): number => JSON.stringify(value)?.length ?? 0

/**
 * The actors of other apps that report to this process, in memory only and within bounds: what they say is data, is shown and
 * never acted upon.
 */
export class GuestBook {
  readonly #options: GuestBookOptions
  /** Those that changed last stand last. */
  readonly #guests = new Map<string, Guest>()
  readonly #log = new GuestLog()
  readonly #readers = new Set<() => void>()
  #chars = 0

  constructor(options: GuestBookOptions) {
    this.#options = options
  }

  report(source: string, message: Message): void {
    const id = `${source}:${message.sessionId}`
    const guest = this.#guests.get(id) ?? this.#greet(id, source, message)
    const { info } = guest
    const at = this.#options.now()
    const idOf = (session: string | null | undefined): string | null => (isText(session) ? `${source}:${session}` : null)
    if (message.type === '@xstate.actor') {
      const { name, parentId, rootId, definition } = message
      guest.info = { ...info, name: name ?? info.name, parent: idOf(parentId), root: idOf(rootId) ?? info.root }
      guest.definition = isText(definition) && definition.length <= guestLimits.partCharsMax ? definition : undefined
      guest.chart = undefined
    }
    if (message.type !== '@xstate.event' && message.snapshot) guest.snapshot = within(message.snapshot)
    const { status, value, tags } = guest.snapshot
    guest.info = {
      ...guest.info, isConnected: true, updatedAt: at,
      status: STATUSES[String(status)] ?? 'active', states: [...statesOf(value)], tags: Array.isArray(tags) ? tags.filter(isText) : [],
      events: info.events + (message.type === '@xstate.event' ? 1 : 0),
    }
    this.#chars -= guest.chars
    guest.chars = sizeOf(guest.snapshot) + (guest.definition?.length ?? 0)
    this.#chars += guest.chars
    this.#guests.delete(id)
    this.#guests.set(id, guest)
    const event = message.type === '@xstate.actor' ? null : (message.event ?? null)
    const entry = {
      seq: this.#log.end, at, kind: message.type.slice('@xstate.'.length) as 'actor' | 'event' | 'snapshot', type: event?.type ?? '', event: within(event) as Json,
      from: message.type === '@xstate.event' ? idOf(message.sourceId) : null, states: guest.info.states, status: guest.info.status,
    }
    this.#log.add({ id, entry, chars: sizeOf(entry) })
    this.#makeRoom()
    for (const wake of this.#readers) wake()
  }

  #greet(id: string, source: string, { sessionId }: Message): Guest {
    const at = this.#options.now()
    const info: Info = { id, source, name: sessionId, root: null, parent: null, status: 'active', states: [], tags: [], isConnected: true, events: 0, createdAt: at, updatedAt: at }
    return { info, snapshot: {}, definition: undefined, chart: null, chars: 0 }
  }

  #makeRoom(): void {
    while (this.#guests.size > guestLimits.guestsMax || this.#chars > guestLimits.guestCharsMax) {
      const guests = [...this.#guests.values()]
      const gone = guests.find(({ info }) => !info.isConnected) ?? guests[0]
      if (!gone) return
      this.#chars -= gone.chars
      this.#guests.delete(gone.info.id)
      this.#log.add({ id: gone.info.id, entry: null, chars: 0 })
    }
  }

  /** Its app is gone; what it has told stays until room is needed. */
  leave(source: string): void {
    for (const guest of this.#guests.values()) {
      if (guest.info.source !== source || !guest.info.isConnected) continue
      guest.info = { ...guest.info, isConnected: false }
      this.#log.add({ id: guest.info.id, entry: null, chars: 0 })
    }
    for (const wake of this.#readers) wake()
  }

  list(): Info[] {
    return [...this.#guests.values()].map(({ info }) => info).toReversed()
  }

  show(id: string): Page {
    const guest = this.#guests.get(id)
    if (!guest) throw new TroupeError('guest/unknown', `no guest ${JSON.stringify(id.slice(0, 200))} is known`)
    guest.chart ??= guest.definition === undefined ? null : this.#options.chartOf(guest.definition)
    const { value = null, context = null, output = null, error = null } = guest.snapshot as Readonly<Record<string, Json>>
    return { ...guest.info, value, context, output, error, chart: guest.chart, entries: this.#log.of(id) }
  }

  /** All changes from a position on; where they are not kept any more, all guests and then the changes. */
  async *follow(from: string | undefined, signal: AbortSignal): AsyncGenerator<Item> {
    const { epoch } = this.#options
    const cursorAt = (number: number): string => `${epoch}.${number}`
    let number = from?.startsWith(`${epoch}.`) ? Number(from.slice(epoch.length + 1)) : -1
    let wake: () => void = () => undefined
    const hear = (): void => wake()
    this.#readers.add(hear)
    signal.addEventListener('abort', hear)
    try {
      if (this.#log.goesBackTo(number)) yield { type: 'cursor', cursor: cursorAt(number) }
      while (!signal.aborted) {
        if (!this.#log.goesBackTo(number)) {
          yield { type: 'start' }
          number = this.#log.end
          for (const guest of this.list().toReversed()) yield { type: 'guest', guest, entry: null }
          yield { type: 'cursor', cursor: cursorAt(number) }
        }
        for (let change = this.#log.at(number); change; change = this.#log.at(number)) {
          const guest = this.#guests.get(change.id)?.info
          const cursor = cursorAt(++number)
          yield guest ? { type: 'guest', cursor, guest, entry: change.entry } : { type: 'gone', cursor, id: change.id }
        }
        if (!signal.aborted && number === this.#log.end) await new Promise<void>(resolve => (wake = resolve))
      }
    } finally {
      this.#readers.delete(hear)
      signal.removeEventListener('abort', hear)
    }
  }
}

/** What is too large to be kept is left out. */
function within<T>(part: T): T | Record<string, never> {
  return sizeOf(part) <= guestLimits.partCharsMax ? part : {}
}
