import { median, rounds, costOf } from './harness.ts'
import type { Bench, Cost } from './harness.ts'
import { order, orderEvent } from './order-machine.ts'
import { meet, openOrders, ownKeys, serverBytes, shared, withRedis } from './redis-lab.ts'

/** Starts and events in flight at once. */
const CHUNK = 1_000
const MB = 2 ** 20
const PROCESSES = 4

interface Population {
  readonly url: string
  readonly index: number
  /** Actors of this process that stay at rest. */
  readonly atRest: number
  /** Actors of this process that are alive and get events. */
  readonly alive: number
  readonly events: number
}

async function inChunks(items: readonly string[], work: (key: string, index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += CHUNK) await Promise.all(items.slice(from, from + CHUNK).map((key, at) => work(key, from + at)))
}

/** One of four processes: fills its share, then works with few actors, then with all that should be alive. */
async function populate({ url, index, atRest, alive, events }: Population) {
  const runtime = await openOrders(url)
  await shared(runtime, PROCESSES)
  await meet(url, 'shared', PROCESSES)
  const keys = ownKeys(runtime, alive + atRest, `p${index}`)
  const [live, resting] = [keys.slice(0, alive), keys.slice(alive)]
  const start = (key: string) => runtime.actor(order, key).start({ id: key })
  let round = 0
  const send = async (each: readonly string[], rounds: number): Promise<Cost> => {
    const to = round + rounds
    const cost = await costOf(async () => {
      for (; round < to; round++) await inChunks(each, key => runtime.actor(order, key).send(orderEvent(round)))
    })
    return cost
  }
  const few = live.slice(0, Math.ceil(1_000 / PROCESSES))
  await inChunks(few, start)
  const fewRounds = 4 * Math.ceil(events / few.length / 4)
  await send(few, fewRounds)
  await meet(url, 'few', PROCESSES)
  const early = await send(few, fewRounds)
  await meet(url, 'few sent', PROCESSES)
  await inChunks(live.slice(few.length), start)
  const bytes = index === 0 ? await serverBytes(url) : 0
  await meet(url, 'counted', PROCESSES)
  await inChunks(resting, start)
  await meet(url, 'filled', PROCESSES)
  const bytesPerActor = index === 0 ? ((await serverBytes(url)) - bytes) / (PROCESSES * resting.length) : 0
  await meet(url, 'counted again', PROCESSES)
  const late = await send(few, fewRounds)
  round = 0
  for (let turn = 0; turn < 4; turn++) await send(live.slice(few.length), 1)
  const { rss } = process.memoryUsage()
  const { liveActors } = runtime.health()
  await meet(url, 'done', PROCESSES)
  await runtime.close()
  return { costGrowth: late.cpuUs / early.cpuUs, rssMB: rss / MB, bytesPerActor, liveActors }
}

export const bench: Bench = {
  name: 'redis-scale',
  question: 'What do many actors cost on Redis: memory of each process and of the server, and CPU per event?',
  sides: { populate },
  async run(lab) {
    const [alive, atRest] = lab.quick ? [400, 1_000] : [2_500, 22_500]
    const measured = await rounds(lab.quick ? 1 : 3, async (round) => {
      lab.say(`round ${round}`)
      const all = await withRedis(url => Promise.all(Array.from({ length: PROCESSES }, (_, index) => lab.measure(populate, { url, index, atRest, alive, events: lab.quick ? 2_000 : 20_000 }))))
      return {
        actors: all.reduce((sum, { liveActors }) => sum + liveActors, 0),
        rssMB: Math.max(...all.map(({ rssMB }) => rssMB)),
        bytesPerActor: all[0]?.bytesPerActor ?? Number.NaN,
        costGrowth: median(all.map(({ costGrowth }) => costGrowth)),
      }
    })
    const of = (figure: (one: (typeof measured)[number]) => number): number => median(measured.map(figure))
    return [
      { figure: 'redisBytesPerActor', value: of(({ bytesPerActor }) => bytesPerActor), unit: 'B', atMost: 1_500 },
      { figure: 'costGrowth', value: of(({ costGrowth }) => costGrowth), unit: 'x', atMost: 1.2 },
      { figure: 'rssMBOfAProcess', value: of(({ rssMB }) => rssMB), unit: 'MB' },
      { figure: 'actors', value: of(({ actors }) => actors), unit: 'actors' },
    ]
  },
}
