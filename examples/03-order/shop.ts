import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

export type Deed = 'reserve' | 'charge' | 'ship' | 'refund' | 'release'

interface Entry {
  readonly key: string
  readonly deed: Deed
  readonly item: string
  readonly cents: number
}

/**
 * The world outside: warehouse, bank and carrier, with one book in a file. Like a good payment provider it knows each
 * idempotency key: what is asked for twice is done once. And it is unreliable in the worst way: the first answer of the
 * bank is lost after the money has moved, and a piano never fits into the van.
 */
export class Shop {
  readonly #book: string
  /** How often each deed was asked for, done or not. */
  readonly asked: Record<Deed, number> = { reserve: 0, charge: 0, ship: 0, refund: 0, release: 0 }

  constructor(book: string) {
    this.#book = book
    mkdirSync(dirname(book), { recursive: true })
  }

  do(deed: Deed, key: string, { item, cents }: { readonly item: string; readonly cents: number }): void {
    this.asked[deed]++
    if (deed === 'ship' && item === 'piano') throw new Error('it does not fit into the van')
    if (!this.#entries().some(entry => entry.key === key)) appendFileSync(this.#book, `${JSON.stringify({ key, deed, item, cents } satisfies Entry)}\n`)
    if (deed === 'charge' && this.asked.charge === 1) throw new Error('the bank did not answer')
  }

  /** What was really done for an item, in order. */
  deeds(item: string): readonly Deed[] {
    return this.#entries().filter(entry => entry.item === item).map(({ deed }) => deed)
  }

  #entries(): readonly Entry[] {
    if (!existsSync(this.#book)) return []
    return readFileSync(this.#book, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as Entry)
  }
}
