import { Redis } from 'ioredis'
import { createActor } from 'xstate'
import { best, costOf, median, rounds } from './harness.ts'
import type { Bench, Cost } from './harness.ts'
import { order, orderEvent } from './order-machine.ts'
import { meet, openOrders, ownKeys, serverCpuUs, shared, withRedis } from './redis-lab.ts'

const WARM_UP_EVENTS = 32_000
/** Bytes and keys of an actor's write in a commit, about: record, row, journal entry. */
const RAW = { batch: 100, recordBytes: 150, rowBytes: 900 }

interface Load {
  readonly actors: number
  readonly events: number
}

interface DurableLoad extends Load {
  readonly url: string
  readonly processes: number
  readonly index: number
}

const warmUpOf = ({ actors }: Load): number => 4 * Math.ceil(WARM_UP_EVENTS / actors / 4)

async function plain({ actors, events }: Load): Promise<Cost> {
  const live = Array.from({ length: actors }, (_, index) => createActor(order, { input: { id: `order-${index}` } }).start())
  const send = (from: number, to: number): void => {
    for (let round = from; round < to; round++) for (const actor of live) actor.send(orderEvent(round))
  }
  const warmUp = warmUpOf({ actors, events })
  send(0, warmUp)
  return costOf(() => send(warmUp, warmUp + events))
}

/** One of several processes, each of which sends to the actors that it owns. */
async function durable({ actors, events, url, processes, index }: DurableLoad): Promise<Cost & { readonly serverUs: number }> {
  const runtime = await openOrders(url)
  await shared(runtime, processes)
  await meet(url, 'shared', processes)
  const handles = ownKeys(runtime, actors, `p${index}`).map(key => runtime.actor(order, key))
  await Promise.all(handles.map((handle, at) => handle.start({ id: `order-${at}` })))
  const send = async (from: number, to: number): Promise<void> => {
    const sent: Promise<void>[] = []
    for (let round = from; round < to; round++) for (const handle of handles) sent.push(handle.send(orderEvent(round)))
    await Promise.all(sent)
  }
  const warmUp = warmUpOf({ actors, events })
  await send(0, warmUp)
  await meet(url, 'warm', processes)
  const before = await serverCpuUs(url)
  const cost = await costOf(() => send(warmUp, warmUp + events))
  await meet(url, 'sent', processes)
  const serverUs = (await serverCpuUs(url)) - before
  const { seq } = (await handles[0]?.snapshot()) ?? { seq: 0 }
  if (seq !== 1 + warmUp + events) throw new Error(`an actor has done ${seq} steps instead of ${1 + warmUp + events}`)
  await meet(url, 'done', processes)
  await runtime.close()
  return { ...cost, serverUs }
}

/** The raw limit: pipelines of the same bytes in batches of the same size, nothing else. */
async function raw({ url, writes }: { readonly url: string; readonly writes: number }): Promise<Cost & { readonly serverUs: number }> {
  const client = new Redis(url)
  const [record, row] = ['r'.repeat(RAW.recordBytes), 'd'.repeat(RAW.rowBytes)]
  const run = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += RAW.batch) {
      const pipeline = client.pipeline()
      for (let n = 0; n < RAW.batch; n++) pipeline.hset('raw:actors', `order-${at + n}`, record).rpush(`raw:r:${(at + n) % 2000}`, row)
      await pipeline.xadd('raw:journal', '*', 'r', 'x'.repeat(30 * RAW.batch)).exec()
    }
  }
  await run(writes)
  const before = await serverCpuUs(url)
  const cost = await costOf(() => run(writes))
  const serverUs = (await serverCpuUs(url)) - before
  client.disconnect()
  return { ...cost, serverUs }
}

export const bench: Bench = {
  name: 'redis-throughput',
  question: 'What does a durable event cost on Redis, and does it cost more with more processes?',
  sides: { plain, durable, raw },
  async run(lab) {
    const load: Load = lab.quick ? { actors: 400, events: 20 } : { actors: 2000, events: 50 }
    const counts = lab.quick ? [1, 2] : [1, 2, 4]
    const measured = await rounds(lab.quick ? 1 : 3, async (round) => {
      lab.say(`round ${round}`)
      const memory = await lab.measure(plain, load)
      const limit = await withRedis(url => lab.measure(raw, { url, writes: lab.quick ? 5_000 : 50_000 }))
      const durables = await rounds(counts.length, async (turn) => {
        const processes = counts[turn - 1] ?? 1
        const share = { actors: Math.ceil(load.actors / processes), events: load.events }
        const costs = await withRedis(url => Promise.all(Array.from({ length: processes }, (_, index) => lab.measure(durable, { ...share, url, processes, index }))))
        const events = processes * share.actors * share.events
        const cpuUs = costs.reduce((sum, cost) => sum + cost.cpuUs, 0) / events
        return { cpuUs, redisCpuUs: Math.max(...costs.map(({ serverUs }) => serverUs)) / events, perSecond: (events / Math.max(...costs.map(({ wallMs }) => wallMs))) * 1000 }
      })
      return { plainUs: memory.cpuUs / (load.actors * load.events), rawUs: limit.serverUs / (lab.quick ? 5_000 : 50_000), durables }
    })
    const of = (figure: (one: (typeof measured)[number]) => number): number => median(measured.map(figure))
    const at = (index: number) => (one: (typeof measured)[number]) => one.durables.at(index) ?? { cpuUs: Number.NaN, redisCpuUs: Number.NaN, perSecond: Number.NaN }
    return [
      { figure: 'cpuRatio', value: of(one => at(0)(one).cpuUs / one.plainUs), unit: 'x', atMost: 3.5 },
      { figure: 'redisCpuUs', value: of(one => at(0)(one).redisCpuUs), unit: 'us', atMost: 3 },
      { figure: 'cpuGrowth', value: of(one => at(-1)(one).cpuUs / at(0)(one).cpuUs), unit: 'x', atMost: 1.15 },
      { figure: 'cpuUsPerEvent', value: of(one => at(0)(one).cpuUs), unit: 'us' },
      { figure: 'plainCpuUsPerEvent', value: of(one => one.plainUs), unit: 'us' },
      { figure: 'rawRedisCpuUsPerWrite', value: of(one => one.rawUs), unit: 'us' },
      { figure: 'perSecond', value: best(measured.map(one => at(0)(one).perSecond)), unit: 'events/s' },
      { figure: `perSecondOf${counts.at(-1)}Processes`, value: best(measured.map(one => at(-1)(one).perSecond)), unit: 'events/s' },
    ]
  },
}
