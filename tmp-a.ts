import { createRuntime } from 'troupe'
import { clientMachines } from './test/support/client-machines.ts'
for (const store of ['memory:', 'sqlite:/tmp/a.db?synchronous=NORMAL']) {
const runtime = await createRuntime({ machines: clientMachines, store })
const client = runtime.client()
await client.startActor({ machine: 'order', key: '1' })
for (let k = 0; k < 3; k++) {
let t = performance.now()
for (let i = 0; i < 1000; i++) await client.sendEvent({ address: 'order/1', event: { type: 'FIX' } })
const a = Math.round((performance.now() - t))
t = performance.now()
for (let i = 0; i < 1000; i++) await runtime.at('order/1').send({ type: 'FIX' } as never)
const b = Math.round((performance.now() - t))
t = performance.now()
for (let i = 0; i < 200; i++) await client.snapshot({ address: 'order/1' })
const c = Math.round((performance.now() - t)*5)
t = performance.now()
for (let i = 0; i < 200; i++) await (runtime.at('order/1') as any).at((await runtime.at('order/1').snapshot()).seq)
console.log(store, 'send', a, 'direct', b, 'snapshot us', c, 'at us', Math.round((performance.now() - t)*5))
}
await runtime.close()
}
