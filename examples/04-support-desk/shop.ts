import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tool } from 'troupe/agents'
import { z } from 'zod'

interface Order {
  readonly order: string
  readonly customer: string
  readonly item: string
  readonly cents: number
  readonly status: string
}

interface Article {
  readonly title: string
  readonly words: readonly string[]
  readonly steps: readonly string[]
}

interface Deed {
  readonly key: string
  readonly deed: 'refund' | 'ticket'
  readonly order: string
}

const { orders, guide } = JSON.parse(readFileSync(join(import.meta.dirname, 'shop.json'), 'utf8')) as { readonly orders: readonly Order[]; readonly guide: readonly Article[] }

export const customers = new Set(orders.map(({ customer }) => customer))
export const money = (cents: number): string => `${(cents / 100).toFixed(2)} EUR`

const order = z.string().regex(/^\d{4}$/).describe('Four digits')

/**
 * What agents can look up and do. Whose orders these are is not the model's to say: it comes from the session (`data`).
 * Refunds and tickets go into a book, one line each, once per idempotency key.
 */
export function createTools(book: string) {
  mkdirSync(dirname(book), { recursive: true })
  const deeds = (): readonly Deed[] => (existsSync(book) ? readFileSync(book, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as Deed) : [])
  const write = (deed: Deed): number => {
    const at = deeds().findIndex(({ key }) => key === deed.key)
    if (at >= 0) return at + 1
    appendFileSync(book, `${JSON.stringify(deed)}\n`)
    return deeds().length
  }
  const ordersOf = (data: unknown): readonly Order[] => orders.filter(({ customer }) => customer === (data as { readonly customer: string }).customer)
  const find = (number: string, data: unknown): Order => {
    const found = ordersOf(data).find(one => one.order === number)
    if (!found) throw new Error(`the customer has no order ${number}; there are ${ordersOf(data).map(one => one.order).join(', ')}`)
    return found
  }

  return {
    listOrders: tool({
      name: 'list_orders', description: 'All orders of the customer.', input: z.object({}),
      run: (_, { data }) => ordersOf(data),
    }),
    findOrder: tool({
      name: 'find_order', description: 'One order: item, price in cents, where it is, whether it was refunded.', input: z.object({ order }),
      run: ({ order: number }, { data }) => ({ ...find(number, data), isRefunded: deeds().some(deed => deed.deed === 'refund' && deed.order === number) }),
    }),
    refund: tool({
      name: 'refund', description: 'Pays an order back in full, once a person has agreed.', input: z.object({ order, reason: z.string() }),
      needsApproval: true, approvers: ['clerk'],
      run: ({ order: number }, { data, idempotencyKey: key }) => {
        const { cents } = find(number, data)
        if (deeds().some(deed => deed.deed === 'refund' && deed.order === number && deed.key !== key)) throw new Error(`order ${number} was refunded before`)
        write({ key, deed: 'refund', order: number })
        return { order: number, cents }
      },
    }),
    searchGuide: tool({
      name: 'search_guide', description: 'Instructions for devices that do not work, by words such as "lamp dark".', input: z.object({ words: z.string() }),
      run: ({ words }) => guide.filter(article => article.words.some(word => words.toLowerCase().includes(word))).map(({ title, steps }) => ({ title, steps })),
    }),
    openTicket: tool({
      name: 'open_ticket', description: 'Has a technician look at a device. Gives the number of the ticket.', input: z.object({ order, problem: z.string() }),
      run: ({ order: number }, { data, idempotencyKey: key }) => ({ ticket: `T-${write({ key, deed: 'ticket', order: find(number, data).order })}`, order: number }),
    }),
  }
}
