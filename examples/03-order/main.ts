import { deepEqual, ok } from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createRuntime } from 'troupe'
import { createOrder } from './order.ts'
import { Shop } from './shop.ts'

rmSync('./data/order', { recursive: true, force: true })
const shop = new Shop('./data/order/book.jsonl')
const order = createOrder(shop)
const open = () => createRuntime({ machines: { order }, store: 'sqlite:./data/order/orders.db' })

console.log('Three customers check out. The lamp and the piano are paid for; the bank tells of each payment twice.')
let runtime = await open()
for (const item of ['lamp', 'piano', 'chair']) {
  await runtime.actor(order, item).start({ item, cents: 4_900, reservationMs: 1_500 })
  await runtime.actor(order, item).ask({ type: 'CHECKOUT' }, { until: snapshot => snapshot.matches('unpaid') })
}
for (const item of ['lamp', 'piano', 'lamp', 'piano']) {
  await runtime.actor(order, item).send({ type: 'PAY' }, { idempotencyKey: `payment of ${item}` })
}

console.log('Then the runtime is closed, and opened again: timers, retries and what is still to be done go on.\n')
await runtime.close()
runtime = await open()
for (const item of ['lamp', 'piano', 'chair']) {
  const { problem } = await runtime.actor(order, item).result()
  const states: string[] = []
  for await (const step of runtime.actor(order, item).watch({ from: 0 })) {
    if ('snapshot' in step && states.at(-1) !== step.snapshot.value) states.push(step.snapshot.value)
  }
  console.log(`${item.padEnd(6)} ${states.join(' → ')}${problem === null ? '' : ` (${problem})`}`)
  console.log(`       what was done: ${shop.deeds(item).join(', ')}\n`)
}
await runtime.close()

deepEqual(shop.deeds('lamp'), ['reserve', 'charge', 'ship'])
deepEqual(shop.deeds('piano'), ['reserve', 'charge', 'refund', 'release'])
deepEqual(shop.deeds('chair'), ['reserve', 'release'])
ok(shop.asked.charge > 2, 'the answer of the bank was lost once, so the charge was tried again')
console.log(`The bank was asked ${shop.asked.charge} times to charge two customers, and charged each of them once.`)
