import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const parts = ['flight', 'hotel', 'car'] as const
export type Part = (typeof parts)[number]

export interface Trip {
  readonly to: string
  readonly nights: number
}

/** What a flight, and a night of hotel and car, cost in cents. */
const prices: Readonly<Record<string, Readonly<Record<Part, number>>>> = {
  Lisbon: { flight: 18_900, hotel: 9_200, car: 3_400 },
  Oslo: { flight: 14_500, hotel: 15_800, car: 6_100 },
  Naples: { flight: 12_700, hotel: 7_600, car: 2_900 },
}
export const destinations: readonly string[] = Object.keys(prices)

export interface Booking {
  readonly reference: string
  readonly cents: number
}

/** Nobody who asks again would hear anything else. */
export class SoldOut extends Error {}

interface Entry {
  readonly key: string
  readonly deed: string
  readonly booking: Booking
}

export interface Weather {
  /** What is sold out. */
  readonly fails: Part | undefined
  /** What cannot be cancelled. */
  readonly stuck: Part | undefined
  /** Milliseconds that every call takes. */
  readonly paceMs: number
}

/** The world outside: airline, hotel and car rental, with one book in a file. What is asked for twice with one key is done once. */
export class Agency {
  readonly #book: string
  readonly #weather: Weather

  constructor(book: string, weather: Weather) {
    this.#book = book
    this.#weather = weather
    mkdirSync(dirname(book), { recursive: true })
  }

  async reserve(part: Part, { to, nights }: Trip, key: string): Promise<Booking> {
    await sleep(this.#weather.paceMs)
    if (this.#weather.fails === part) throw new SoldOut(`no ${part} is left`)
    const each = prices[to]?.[part] ?? 0
    const cents = part === 'flight' ? each : each * nights
    return this.#write(key, `book ${part}`, entries => ({ reference: `${to.slice(0, 3).toUpperCase()}-${entries.length + 1}`, cents }))
  }

  async cancel(part: Part, booking: Booking, key: string): Promise<Booking> {
    await sleep(this.#weather.paceMs)
    if (this.#weather.stuck === part) throw new Error(`the ${part} does not answer`)
    return this.#write(key, `cancel ${part}`, () => booking)
  }

  #write(key: string, deed: string, make: (entries: readonly Entry[]) => Booking): Booking {
    const entries = existsSync(this.#book) ? readFileSync(this.#book, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as Entry) : []
    const known = entries.find(entry => entry.key === key)
    if (known) return known.booking
    const entry: Entry = { key, deed, booking: make(entries) }
    appendFileSync(this.#book, `${JSON.stringify(entry)}\n`)
    return entry.booking
  }
}
