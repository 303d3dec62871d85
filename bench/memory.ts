import { collectGarbage, median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'
import { openOrders, order, orderEvent } from './order-machine.ts'

/** Starts and events in flight at once. */
const CHUNK = 1000
const LIVE_MAX = 1000
/** Live actors that take the cost of the first ones: compiled code, prepared statements, caches. */
const LIVE_WARM_UP = 200

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
  const runtime = await openOrders(file, 'NORMAL', LIVE_MAX)
  await inChunks(actors, index => runtime.actor(order, `order-${index}`).start({ id: `order-${index}` }))
  await runtime.close()
}

/** What the live actors take, then what the process takes at most while events for many more of them come in. */
async function work({ actors, file }: Population) {
  const runtime = await openOrders(file, 'NORMAL', LIVE_MAX)
  const ask = (index: number, round: number) => runtime.actor(order, `order-${index % actors}`).ask(orderEvent(round))
  const heapBytes = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  await inChunks(LIVE_WARM_UP, index => ask(index, 0))
  const before = heapBytes()
  await inChunks(LIVE_MAX - LIVE_WARM_UP, index => ask(LIVE_WARM_UP + index, 0))
  const liveActorBytes = (heapBytes() - before) / (LIVE_MAX - LIVE_WARM_UP)
  // Every fifth actor, so that nearly each event must bring its actor in and put another one out.
  await inChunks(actors / 5, index => ask(index * 5 + LIVE_MAX, 0))
  const { actorsInMemory, liveActors } = runtime.health()
  if (liveActors !== actors) throw new Error(`the store has ${liveActors} actors instead of ${actors}`)
  if (actorsInMemory !== LIVE_MAX) throw new Error(`${actorsInMemory} actors are in memory instead of ${LIVE_MAX}`)
  const { maxRSS } = process.resourceUsage()
  await runtime.close()
  return { rssMB: maxRSS / 1024, liveActorKB: liveActorBytes / 1024 }
}

export const bench: Bench = {
  name: 'memory',
  question: 'How much memory do live actors take, and a process in front of a full store?',
  sides: { fill, work },
  async run(lab) {
    const population: Population = { actors: lab.quick ? 10_000 : 100_000, file: lab.file('orders.db') }
    lab.say(`${population.actors} actors into the store`)
    await lab.measure(fill, population)
    lab.say(`${LIVE_MAX} live`)
    const results = await rounds(lab.quick ? 1 : 3, () => lab.measure(work, population))
    return [
      { figure: 'rssMB', value: median(results.map(({ rssMB }) => rssMB)), unit: 'MB', atMost: 300 },
      { figure: 'liveActorKB', value: median(results.map(({ liveActorKB }) => liveActorKB)), unit: 'KB', atMost: 10 },
    ]
  },
}
