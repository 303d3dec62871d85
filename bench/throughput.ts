import { createActor } from 'xstate'
import { best, costOf, median, rounds } from './harness.ts'
import type { Bench, Cost } from './harness.ts'
import { openOrders, order, orderEvent } from './order-machine.ts'
import type { Synchronous } from './order-machine.ts'

/** Events before the measurement, over all actors, so that both sides run compiled code. */
const WARM_UP_EVENTS = 32_000

interface Load {
  readonly actors: number
  /** Events per actor. */
  readonly events: number
}

/** Whole cycles of the order's four events per actor. */
const warmUpOf = ({ actors }: Load): number => 4 * Math.ceil(WARM_UP_EVENTS / actors / 4)

interface DurableLoad extends Load {
  readonly file: string
  readonly synchronous: Synchronous
  /** False: everything is sent and then awaited. True: an actor gets its next event when the last ones of all actors are durable. */
  readonly inTurn: boolean
}

async function plain({ actors, events }: Load): Promise<Cost> {
  const live = Array.from({ length: actors }, (_, index) => createActor(order, { input: { id: `order-${index}` } }).start())
  const send = (from: number, to: number): void => {
    for (let round = from; round < to; round++) for (const actor of live) actor.send(orderEvent(round))
  }
  const warmUp = warmUpOf({ actors, events })
  send(0, warmUp)
  const cost = await costOf(() => send(warmUp, warmUp + events))
  for (const actor of live) if (actor.getSnapshot().context.totals.count === 0) throw new Error('an actor has done nothing')
  return cost
}

async function durable({ actors, events, file, synchronous, inTurn }: DurableLoad): Promise<Cost> {
  const runtime = await openOrders(file, synchronous)
  const handles = Array.from({ length: actors }, (_, index) => runtime.actor(order, `order-${index}`))
  await Promise.all(handles.map((handle, index) => handle.start({ id: `order-${index}` })))
  const send = async (from: number, to: number): Promise<void> => {
    let sent: Promise<void>[] = []
    for (let round = from; round < to; round++) {
      for (const handle of handles) sent.push(handle.send(orderEvent(round)))
      if (!inTurn) continue
      await Promise.all(sent)
      sent = []
    }
    await Promise.all(sent)
  }
  const warmUp = warmUpOf({ actors, events })
  await send(0, warmUp)
  const cost = await costOf(() => send(warmUp, warmUp + events))
  const [first] = handles
  const { seq } = (await first?.snapshot()) ?? { seq: 0 }
  if (seq !== 1 + warmUp + events) throw new Error(`an actor has done ${seq} steps instead of ${1 + warmUp + events}`)
  await runtime.close()
  return cost
}

const mean = (a: Cost, b: Cost): Cost => ({ wallMs: (a.wallMs + b.wallMs) / 2, cpuUs: (a.cpuUs + b.cpuUs) / 2 })

export const bench: Bench = {
  name: 'throughput',
  question: 'What does a durable event cost, beside a plain actor.send?',
  sides: { plain, durable },
  async run(lab) {
    const load: Load = lab.quick ? { actors: 500, events: 20 } : { actors: 2000, events: 50 }
    const events = load.actors * load.events
    const measured = await rounds(lab.quick ? 1 : 5, async round => {
      lab.say(`round ${round}`)
      const onDisk = (synchronous: Synchronous, inTurn: boolean): Promise<Cost> => lab.measure(durable, { ...load, synchronous, inTurn, file: lab.file('orders.db') })
      const before = await lab.measure(plain, load)
      const [full, normal, spread] = [await onDisk('FULL', false), await onDisk('NORMAL', false), await onDisk('FULL', true)]
      // Before and after: a machine that others share grows slower or faster meanwhile.
      return { plain: mean(before, await lab.measure(plain, load)), full, normal, spread }
    })
    const cpuUs = (side: keyof (typeof measured)[number]): number => median(measured.map(costs => costs[side].cpuUs)) / events
    const perSecond = (side: keyof (typeof measured)[number]): number => best(measured.map(costs => (events / costs[side].wallMs) * 1000))
    return [
      { figure: 'cpuRatio', value: median(measured.map(({ full, plain: raw }) => full.cpuUs / raw.cpuUs)), unit: 'x', atMost: 4 },
      { figure: 'cpuRatioNormal', value: median(measured.map(({ normal, plain: raw }) => normal.cpuUs / raw.cpuUs)), unit: 'x' },
      { figure: 'cpuRatioSpread', value: median(measured.map(({ spread, plain: raw }) => spread.cpuUs / raw.cpuUs)), unit: 'x' },
      { figure: 'perSecond', value: perSecond('full'), unit: 'events/s' },
      { figure: 'perSecondNormal', value: perSecond('normal'), unit: 'events/s' },
      { figure: 'perSecondSpread', value: perSecond('spread'), unit: 'events/s' },
      { figure: 'plainPerSecond', value: perSecond('plain'), unit: 'events/s' },
      { figure: 'cpuUsPerEvent', value: cpuUs('full'), unit: 'us' },
      { figure: 'cpuUsPerEventSpread', value: cpuUs('spread'), unit: 'us' },
      { figure: 'plainCpuUsPerEvent', value: cpuUs('plain'), unit: 'us' },
    ]
  },
}
