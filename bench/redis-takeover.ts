import { setTimeout as sleep } from 'node:timers/promises'
import { median, percentile, rounds } from './harness.ts'
import type { Bench } from './harness.ts'
import { order, orderEvent } from './order-machine.ts'
import { meet, openOrders, ownKeys, shared, withRedis } from './redis-lab.ts'

const LEASE_MS = 2_000
const ACTORS = 32
/** How often each actor is asked, in milliseconds. */
const ASK_EVERY_MS = 5

interface Victim {
  readonly url: string
}

/** Owns its share until it is killed. */
async function serve({ url }: Victim): Promise<void> {
  const runtime = await openOrders(url, LEASE_MS)
  await shared(runtime, 2)
  for (const key of ownKeys(runtime, ACTORS / 2, 'victim')) await runtime.actor(order, key).start({ id: key })
  await meet(url, 'serving', 2)
  await meet(url, 'watched', 2)
}

/** Sees how long it takes until all partitions are served again after the other one was killed. */
async function survive({ url }: Victim): Promise<number> {
  const runtime = await openOrders(url, LEASE_MS)
  await shared(runtime, 2)
  await meet(url, 'serving', 2)
  const { actors } = await runtime.actors({ machine: 'order', limit: 1_000 })
  await meet(url, 'watched', 2)
  const started = performance.now()
  await Promise.all(actors.map(({ key }) => runtime.actor(order, key).ask(orderEvent(0), { timeout: 60_000 })))
  while (runtime.health().partitions.owned.length < runtime.health().partitions.total) await sleep(5)
  await Promise.all(actors.map(({ key }) => runtime.actor(order, key).ask(orderEvent(1), { timeout: 60_000 })))
  const ms = performance.now() - started
  await runtime.close()
  return ms
}

/** Asks actors all the time while nodes join and close gracefully; the longest ask around each of these. */
async function askAlways({ url, joins }: { readonly url: string; readonly joins: number }): Promise<readonly number[]> {
  const runtime = await openOrders(url)
  const handles = Array.from({ length: ACTORS }, (_, index) => runtime.actor(order, `order-${index}`))
  await Promise.all(handles.map(handle => handle.start({ id: handle.address })))
  const longest: number[] = []
  let longestNow = 0
  let isOver = false
  const askers = handles.map(async (handle) => {
    for (let round = 0; !isOver; round++) {
      const started = performance.now()
      await handle.ask(orderEvent(round))
      longestNow = Math.max(longestNow, performance.now() - started)
      await sleep(ASK_EVERY_MS)
    }
  })
  const around = async (change: () => Promise<void>): Promise<void> => {
    longestNow = 0
    await change()
    // Whoever waited through it has been answered by then.
    await sleep(300)
    longest.push(longestNow)
  }
  for (let join = 0; join < joins; join++) {
    const other = await openOrders(url)
    await around(() => shared(runtime, 2))
    await around(async () => {
      await other.close()
      while (runtime.health().partitions.owned.length < runtime.health().partitions.total) await sleep(5)
    })
  }
  isOver = true
  await Promise.all(askers)
  await runtime.close()
  return longest
}

export const bench: Bench = {
  name: 'redis-takeover',
  question: 'How long are partitions without an owner after a kill, and while they are handed over?',
  sides: { serve, survive, askAlways },
  async run(lab) {
    const kills = await rounds(lab.quick ? 1 : 3, async (round) => {
      lab.say(`kill ${round}`)
      return withRedis(async (url) => {
        const [, ms] = await Promise.all([lab.measureAndKill(serve, { url }), lab.measure(survive, { url })])
        return ms
      })
    })
    lab.say('handovers')
    const pauses = await withRedis(url => lab.measure(askAlways, { url, joins: lab.quick ? 2 : 10 }))
    return [
      { figure: 'takeoverMs', value: median(kills), unit: 'ms', atMost: LEASE_MS + 1_000 },
      { figure: 'leaseMs', value: LEASE_MS, unit: 'ms' },
      { figure: 'handoverP99Ms', value: percentile(pauses, 0.99), unit: 'ms', atMost: 200 },
      { figure: 'handoverP50Ms', value: median(pauses), unit: 'ms' },
    ]
  },
}
