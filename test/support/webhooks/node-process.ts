/** One of several nodes with webhooks: `node node-process.ts <store> <lease in milliseconds>`. Starts and ends orders, and tells when it has. */
import { createRuntime } from 'troupe'
import { commands, say } from '../processes.ts'
import { order } from './order.ts'

export type NodeCommand = { readonly do: 'create'; readonly url: string; readonly count: number } | { readonly do: 'orders'; readonly keys: readonly string[] }

export type NodeFact = { readonly fact: 'ready' } | { readonly fact: 'created'; readonly secrets: readonly (string | null)[] } | { readonly fact: 'ordered'; readonly keys: readonly string[] }

const [store = '', leaseTtlMs = ''] = process.argv.slice(2)
const runtime = await createRuntime({ machines: { order }, store, limits: { leaseTtlMs: Number(leaseTtlMs) }, webhooks: { allowPrivate: ['127.0.0.1'] } })
const client = runtime.client()
say({ fact: 'ready' } satisfies NodeFact)

for await (const command of commands<NodeCommand>()) {
  if (command.do === 'create') {
    const made = await Promise.all(Array.from({ length: command.count }, (_, n) => client.createWebhook({ url: `${command.url}&n=${n}`, filter: { events: ['PAY'] } })))
    say({ fact: 'created', secrets: made.map(({ secret }) => secret) } satisfies NodeFact)
  } else {
    for (const key of command.keys) {
      await client.startActor({ machine: 'order', key })
      await client.sendEvent({ address: `order/${key}`, event: { type: 'PAY' } })
    }
    say({ fact: 'ordered', keys: command.keys } satisfies NodeFact)
  }
}
