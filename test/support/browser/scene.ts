import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from 'troupe'
import { approval } from 'troupe/machines'
import { createServer } from '../../../src/create-server.ts'
import { Documents } from '../../../examples/05-research/documents.ts'
import { createOrder } from '../../../examples/03-order/order.ts'
import { Shop } from '../../../examples/03-order/shop.ts'
import { createStudy } from '../../../examples/05-research/study.ts'
import { computing } from '../cpu-machine.ts'
import { invoice, refund } from './scene-machines.ts'

const DOCUMENTS = join(import.meta.dirname, '../../../docs')
const refunds = [
  { key: 'r-1041', customer: 'Ann Weber', cents: 12_900, reason: 'the lamp arrived broken', items: [{ name: 'lamp', cents: 12_900 }] },
  { key: 'r-1042', customer: 'Luis Ortega', cents: 4_550, reason: 'wrong size', items: [{ name: 'gloves', cents: 1_950 }, { name: 'scarf', cents: 2_600 }] },
  { key: 'r-1043', customer: 'Mira Novak', cents: 89_000, reason: 'never delivered', items: [{ name: 'armchair', cents: 89_000 }] },
] as const

/** A real server with a real runtime in which much has happened: orders, refunds that wait for people, dead letters, a research by eleven agents, threads at work. */
export async function createScene({ orders = 40, paceMs = 5 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-scene-'))
  const order = createOrder(new Shop(join(folder, 'book.jsonl')))
  const documents = new Documents(DOCUMENTS)
  const machines = { order, refund, approval, invoice, thumbnail: computing('spin'), ...(await createStudy(documents, paceMs)) }
  const runtime = await createRuntime({ machines, store: 'memory:' })
  const server = await createServer({ runtime, port: 0 })
  const client = runtime.client()

  const sell = async (index: number): Promise<void> => {
    const actor = runtime.actor(order, `o-${index}`)
    await actor.start({ item: index % 9 === 4 ? 'piano' : 'lamp', cents: 4_900, reservationMs: 3_600_000 })
    if (index % 5 === 0) return
    await actor.ask({ type: 'CHECKOUT' }, { until: snapshot => snapshot.matches('unpaid') })
    if (index % 3 !== 0) await actor.send({ type: 'PAY' })
  }
  return {
    runtime, client, url: server.url,
    /** Fills it; the dead letters wait for somebody. */
    async play(): Promise<void> {
      for (const { key, ...input } of refunds) await runtime.actor(refund, key).start(input)
      for (const [index, currency] of ['EUR', 'USD', 'CHF'].entries()) {
        const actor = runtime.actor(invoice, `i-${7_001 + index}`)
        await actor.start({ cents: 20_000 })
        await actor.send({ type: 'PAYMENT', cents: 5_000, currency })
      }
      for (const key of ['a', 'b', 'c', 'd']) await runtime.actor(machines.thumbnail, key).start({ given: 60 })
      for (let index = 0; index < orders; index++) await sell(index)
      await runtime.actor(machines.study, 'retries').start({ task: { question: 'How is a task tried again after a crash?', sources: documents.files } })
      await runtime.actor(machines.study, 'retries').result()
    },
    sell,
    async [Symbol.asyncDispose](): Promise<void> {
      await server.close()
      await runtime.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
