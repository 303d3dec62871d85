import { setImmediate as nextTurn } from 'node:timers/promises'
import { createActor } from 'xstate'
import { collectGarbage, median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'
import { openOrders, order, orderEvent } from './order-machine.ts'

/** Starts and events in flight at once. */
const CHUNK = 1000
const LIVE_MAX = 1000
/** Live actors that take the cost of the first ones: compiled code, prepared statements, caches. */
const LIVE_WARM_UP = 200
/** Events of each live actor before the process is weighed. */
const LIVE_ROUNDS = 10
const MB = 2 ** 20
/** Actors whose account is held against the heap, and the limit under which the same number is kept. */
const COUNTED = 20_000
const BOUND_BYTES = 32 * MB

interface Population {
  readonly actors: number
  readonly file: string
}

async function inChunks(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += CHUNK) {
    await Promise.all(Array.from({ length: Math.min(CHUNK, count - from) }, (_, offset) => work(from + offset)))
  }
}

async function fill({ actors, file }: Population): Promise<void> {
  const runtime = await openOrders(file, 'NORMAL', { liveActorsMax: LIVE_MAX })
  await inChunks(actors, index => runtime.actor(order, `order-${index}`).start({ id: `order-${index}` }))
  await runtime.close()
}

const openLive = async ({ actors, file }: Population) => {
  const runtime = await openOrders(file, 'NORMAL', { liveActorsMax: LIVE_MAX })
  const check = (): void => {
    const { actorsInMemory, liveActors } = runtime.health()
    if (liveActors !== actors) throw new Error(`the store has ${liveActors} actors instead of ${actors}`)
    if (actorsInMemory !== LIVE_MAX) throw new Error(`${actorsInMemory} actors are in memory instead of ${LIVE_MAX}`)
  }
  return { runtime, check, ask: (index: number, round: number) => runtime.actor(order, `order-${index % actors}`).ask(orderEvent(round)) }
}

const heapBytes = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** Heap that a live actor takes: what is left of garbage collection with many of them, less what is with few. */
async function heap(population: Population): Promise<number> {
  const { runtime, check, ask } = await openLive(population)
  await inChunks(LIVE_WARM_UP, index => ask(index, 0))
  const before = heapBytes()
  await inChunks(LIVE_MAX - LIVE_WARM_UP, index => ask(LIVE_WARM_UP + index, 0))
  const growth = heapBytes() - before
  check()
  await runtime.close()
  return growth / (LIVE_MAX - LIVE_WARM_UP) / 1024
}

/** What the process takes while its live actors work, and at most while events come in for actors that are not live. */
async function resident(population: Population) {
  const { runtime, check, ask } = await openLive(population)
  for (let round = 0; round < LIVE_ROUNDS; round++) await inChunks(LIVE_MAX, index => ask(index, round))
  const { rss } = process.memoryUsage()
  // Every fifth actor: nearly each event brings its actor in and puts another one out.
  await inChunks(population.actors / 5, index => ask(index * 5 + LIVE_MAX, 0))
  check()
  await runtime.close()
  return { liveMB: rss / MB, churnMB: process.resourceUsage().maxRSS / 1024 }
}

/** What a node's own account says of many actors, beside the heap that they take. */
async function account({ file, nodeBytesMax }: { readonly file: string; readonly nodeBytesMax: number }) {
  const runtime = await openOrders(file, 'NORMAL', { liveActorsMax: 2 * COUNTED, nodeBytesMax })
  const startAll = (name: string, count: number) => inChunks(count, async index => {
    const handle = runtime.actor(order, `${name}-${index}`)
    await handle.start({ id: `${name}-${index}` })
    await handle.ask(orderEvent(0))
  })
  await startAll('warm-up', LIVE_WARM_UP)
  const [heapBefore, accountBefore] = [heapBytes(), runtime.health().memory.bytes]
  await startAll('counted', COUNTED)
  const result = { heap: heapBytes() - heapBefore, account: runtime.health().memory.bytes - accountBefore }
  await runtime.close()
  return result
}

/** The same number of events as fast as they go, in plain XState: V8 takes memory for speed. */
async function plain({ actors }: Population): Promise<number> {
  const live = Array.from({ length: LIVE_MAX }, (_, index) => createActor(order, { input: { id: `order-${index}` } }).start())
  for (let round = 0; round < LIVE_ROUNDS + actors / 5 / LIVE_MAX; round++) {
    for (const actor of live) actor.send(orderEvent(round))
    await nextTurn()
  }
  return process.resourceUsage().maxRSS / 1024
}

export const bench: Bench = {
  name: 'memory',
  question: 'How much memory do live actors take, and a process in front of a full store?',
  sides: { fill, heap, resident, account, plain },
  async run(lab) {
    const population: Population = { actors: lab.quick ? 10_000 : 100_000, file: lab.file('orders.db') }
    lab.say(`${population.actors} actors into the store`)
    await lab.measure(fill, population)
    const results = await rounds(lab.quick ? 1 : 3, async round => {
      lab.say(`${LIVE_MAX} live, round ${round}`)
      return { heapKB: await lab.measure(heap, population), plainMB: await lab.measure(plain, population), ...(await lab.measure(resident, population)) }
    })
    lab.say(`${COUNTED} live, by the account`)
    const counted = await lab.measure(account, { file: lab.file('counted.db'), nodeBytesMax: Number.MAX_SAFE_INTEGER })
    const bounded = await lab.measure(account, { file: lab.file('bounded.db'), nodeBytesMax: BOUND_BYTES })
    return [
      { figure: 'accountErrorShare', value: Math.abs(counted.account / counted.heap - 1), unit: 'of the heap', atMost: 0.3 },
      { figure: 'boundedHeapShare', value: bounded.heap / BOUND_BYTES, unit: 'of nodeBytesMax', atMost: 1.3 },
      { figure: 'rssMB', value: median(results.map(({ liveMB }) => liveMB)), unit: 'MB', atMost: 300 },
      { figure: 'rssMBOfChurn', value: median(results.map(({ churnMB }) => churnMB)), unit: 'MB' },
      { figure: 'plainRssMB', value: median(results.map(({ plainMB }) => plainMB)), unit: 'MB' },
      { figure: 'liveActorKB', value: median(results.map(({ heapKB }) => heapKB)), unit: 'KB', atMost: 10 },
    ]
  },
}
