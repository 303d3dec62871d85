import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createMachine } from 'xstate'
import { createRuntime } from '../src/create-runtime.ts'
import { createServer } from '../src/create-server.ts'
import { percentile } from './harness.ts'
import type { Bench, Figure, Lab } from './harness.ts'

interface Audience {
  readonly url: string
  readonly clients: number
  readonly steps: number
}

const bell = createMachine({ id: 'bell', on: { RING: {} } })

const listen = (url: string, agent: Agent): Promise<IncomingMessage> => new Promise((resolve, reject) => request(`${url}/api/v1/live?address=bell%2Fheard`, { agent }, resolve).on('error', reject).end())

/** Milliseconds from the sending of each event to its arrival at each client. */
async function audience({ url, clients, steps }: Audience): Promise<readonly number[]> {
  const agent = new Agent({ maxSockets: Infinity })
  const delays: number[] = []
  const whole = Promise.withResolvers<undefined>()
  for (let opened = 0; opened < clients; opened++) {
    const response = await listen(url, agent)
    response.on('data', (chunk: Buffer) => {
      for (const [, at] of chunk.toString('latin1').matchAll(/"sentAt":(\d+)/g)) delays.push(Date.now() - Number(at))
      if (delays.length >= clients * steps) whole.resolve(undefined)
    })
  }
  // Says that everybody has come.
  await fetch(`${url}/api/v1/actors`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"machine":"bell","key":"ready"}' })
  await whole.promise
  agent.destroy()
  return delays
}

async function run({ quick, measure }: Lab): Promise<readonly Figure[]> {
  const [clients, perSecond, steps] = quick ? [100, 20, 20] : [1_000, 20, 400]
  await using runtime = await createRuntime({ machines: { bell }, store: 'memory:' })
  await using server = await createServer({ runtime, port: 0, ui: false })
  const client = runtime.client()
  const { address } = await client.startActor({ machine: 'bell', key: 'heard' })
  const heard = measure(audience, { url: server.url, clients, steps })
  while ((await client.listActors({ text: 'ready' })).actors.length === 0) await sleep(50)
  const before = process.cpuUsage()
  const began = performance.now()
  for (let sent = 0; sent < steps; sent++) {
    await client.sendEvent({ address, event: { type: 'RING', sentAt: Date.now() } })
    await sleep(Math.max(0, began + ((sent + 1) * 1_000) / perSecond - performance.now()))
  }
  const delays = await heard
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - began) / 1_000
  return [
    { figure: `delivery to ${clients} clients at ${perSecond}/s, p50`, value: percentile(delays, 0.5), unit: 'ms' },
    { figure: `delivery to ${clients} clients at ${perSecond}/s, p99`, value: percentile(delays, 0.99), unit: 'ms' },
    { figure: 'server CPU', value: (user + system) / 1e6 / seconds, unit: 'cores' },
    { figure: 'server memory', value: process.memoryUsage().rss / 2 ** 20, unit: 'MiB' },
  ]
}

export const bench: Bench = { name: 'live-fanout', question: 'How soon do a thousand clients hear of a step?', sides: { audience }, run }
