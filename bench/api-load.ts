import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { createServer } from 'troupe/server'
import { Pool } from 'undici'
import { percentile } from './harness.ts'
import type { Bench } from './harness.ts'
import { openOrders, order, orderEvent } from './order-machine.ts'

interface Load {
  /** Database of the server; beside it the sides tell each other where the server is, and that the load is over. */
  readonly file: string
  readonly actors: number
  readonly perSecond: number
  readonly seconds: number
}

const WARM_UP_S = 3
const CONNECTIONS = 64
const TICK_MS = 5
const LOOK_EVERY_MS = 20

const urlFile = ({ file }: Load): string => `${file}.url`
const doneFile = ({ file }: Load): string => `${file}.done`

async function appears(file: string): Promise<string> {
  while (!existsSync(file)) await wait(LOOK_EVERY_MS)
  return readFileSync(file, 'utf8')
}

/** Writes the whole file at once for those who look. */
function tell(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

/** The server's process: SQLite on disk, every event durable before its answer. Gives its CPU while under load. */
async function server(load: Load): Promise<{ readonly cpuUs: number }> {
  await using runtime = await openOrders(load.file, 'FULL')
  await Promise.all(Array.from({ length: load.actors }, (_, index) => runtime.actor(order, `order-${index}`).start({ id: `order-${index}` })))
  await using running = await createServer({ runtime, port: 0, ui: false })
  const before = process.cpuUsage()
  tell(urlFile(load), running.url)
  await appears(doneFile(load))
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: user + system }
}

interface Heard {
  readonly latenciesMs: readonly number[]
  readonly errors: number
  readonly wallMs: number
  readonly requests: number
  readonly cpuUs: number
}

/** One request in two is an event; of the others most look at an actor, some list a page of them. */
function requestOf(n: number, actors: number): { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: string } {
  const actor = `/api/v1/actors/order/order-${(n * 7919) % actors}`
  if (n % 2 === 0) return { method: 'POST', path: `${actor}/events`, body: JSON.stringify({ event: orderEvent(0) }) }
  return { method: 'GET', path: n % 20 === 1 ? '/api/v1/actors?limit=20' : actor }
}

/** The clients' process: sends at its pace, however slow the answers are, and measures from when a request was due. */
async function clients(load: Load): Promise<Heard> {
  const pool = new Pool(await appears(urlFile(load)), { connections: CONNECTIONS })
  const latenciesMs: number[] = []
  let errors = 0
  let sent = 0
  const open = new Set<Promise<void>>()
  const send = async (due: number, isMeasured: boolean): Promise<void> => {
    const { method, path, body } = requestOf(sent++, load.actors)
    try {
      const answer = await pool.request({ method, path, ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }) })
      await answer.body.dump()
      if (answer.statusCode !== 200) errors++
    } catch {
      errors++
    }
    if (isMeasured) latenciesMs.push(performance.now() - due)
  }
  const run = async (seconds: number, isMeasured: boolean): Promise<number> => {
    const started = performance.now()
    const count = load.perSecond * seconds
    for (let done = 0; done < count; await wait(TICK_MS)) {
      for (const elapsed = performance.now() - started; done < count && (done / load.perSecond) * 1_000 <= elapsed; done++) {
        const one: Promise<void> = send(started + (done / load.perSecond) * 1_000, isMeasured).finally(() => open.delete(one))
        open.add(one)
      }
    }
    await Promise.all(open)
    return performance.now() - started
  }
  await run(WARM_UP_S, false)
  const cpu = process.cpuUsage()
  const wallMs = await run(load.seconds, true)
  const { user, system } = process.cpuUsage(cpu)
  tell(doneFile(load), '')
  await pool.close()
  return { latenciesMs, errors, wallMs, requests: sent, cpuUs: user + system }
}

export const bench: Bench = {
  name: 'api-load',
  question: 'Does the server keep up with 2,000 requests a second, half of them durable events?',
  sides: { server, clients },
  async run(lab) {
    const load: Load = { file: lab.file('orders.db'), actors: 2_000, perSecond: lab.quick ? 500 : 2_000, seconds: lab.quick ? 3 : 30 }
    const [served, heard] = await Promise.all([lab.measure(server, load), lab.measure(clients, load)])
    const measured = heard.latenciesMs.length
    return [
      { figure: 'errors', value: heard.errors, unit: 'requests', atMost: 0 },
      { figure: 'perSecond', value: (measured / heard.wallMs) * 1_000, unit: 'requests/s', atLeast: load.perSecond * 0.98 },
      { figure: 'p50Ms', value: percentile(heard.latenciesMs, 0.5), unit: 'ms' },
      { figure: 'p99Ms', value: percentile(heard.latenciesMs, 0.99), unit: 'ms' },
      // With what the warm-up took: the server does not know where it ends.
      { figure: 'serverCpuUs', value: served.cpuUs / heard.requests, unit: 'us' },
      { figure: 'clientCpuUs', value: heard.cpuUs / measured, unit: 'us' },
    ]
  },
}
