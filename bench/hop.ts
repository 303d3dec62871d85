import { assign, createActor, sendParent, sendTo, setup } from 'xstate'
import { createRuntime, remote, reply } from 'troupe'
import { best, costOf, median, percentile, rounds } from './harness.ts'
import type { Bench, Cost } from './harness.ts'
import { openOrders, order, orderEvent } from './order-machine.ts'
import type { Synchronous } from './order-machine.ts'

const WARM_UP_ASKS = 1000

/** Returns each ball. */
const returner = setup({ types: { context: {} as { readonly hits: number }, events: {} as { readonly type: 'BALL' } } }).createMachine({
  id: 'returner',
  context: { hits: 0 },
  on: { BALL: { actions: [assign({ hits: ({ context }) => context.hits + 1 }), sendParent({ type: 'BALL' })] } },
})

/** Plays a number of balls against its child, which is a durable actor of the same run, and then answers who asked. */
const server = setup({
  types: { context: {} as { readonly left: number }, events: {} as { readonly type: 'PLAY'; readonly balls: number } | { readonly type: 'BALL' } },
  actors: { returner: remote<typeof returner>('returner') },
  guards: { isOver: ({ context }) => context.left === 0 },
  actions: { answer: reply(() => 'over') },
}).createMachine({
  id: 'server',
  context: { left: 0 },
  invoke: { src: 'returner', id: 'returner' },
  on: {
    PLAY: { actions: [assign({ left: ({ event }) => event.balls - 1 }), sendTo('returner', { type: 'BALL' })] },
    BALL: [
      { guard: 'isOver', actions: 'answer' },
      { actions: [assign({ left: ({ context }) => context.left - 1 }), sendTo('returner', { type: 'BALL' })] },
    ],
  },
})

/** The same games in plain XState, in memory. */
async function playPlain({ balls, games }: { readonly balls: number; readonly games: number }) {
  const actor = createActor(server.provide({ actors: { returner: returner as never } })).start()
  const game = () => costOf(() => actor.send({ type: 'PLAY', balls }))
  await game()
  const costs = await rounds(games, game)
  if (actor.getSnapshot().context.left !== 0) throw new Error('a game was not played to its end')
  return summary(costs, balls)
}

const summary = (costs: readonly Cost[], balls: number) => ({
  perSecond: median(costs.map(({ wallMs }) => (2 * balls * 1000) / wallMs)),
  cpuUs: median(costs.map(({ cpuUs }) => cpuUs / (2 * balls))),
})

/** Hops per second and CPU per hop of several games; a ball goes there and back. */
async function play({ balls, games, file }: { readonly balls: number; readonly games: number; readonly file: string }) {
  const runtime = await createRuntime({ machines: { server, returner }, store: `sqlite:${file}` })
  const handle = runtime.actor(server, 'centre-court')
  await handle.start()
  const game = () => costOf(() => handle.ask({ type: 'PLAY', balls }, { until: 'reply', timeout: 120_000 }))
  await game()
  const costs = await rounds(games, game)
  await runtime.close()
  return summary(costs, balls)
}

interface Asking {
  readonly asks: number
  /** How many actors are asked at once, each by one caller after another. */
  readonly callers: number
  readonly synchronous: Synchronous
  readonly file: string
}

/** How long asks take, in milliseconds. */
async function ask({ asks, callers, synchronous, file }: Asking) {
  const runtime = await openOrders(file, synchronous)
  const times: number[] = []
  const call = async (index: number): Promise<void> => {
    const handle = runtime.actor(order, `order-${index}`)
    await handle.start({ id: `order-${index}` })
    const count = Math.ceil((WARM_UP_ASKS + asks) / callers)
    const warmUp = Math.ceil(WARM_UP_ASKS / callers)
    for (let round = 0; round < count; round++) {
      const started = performance.now()
      await handle.ask(orderEvent(round))
      if (round >= warmUp) times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, index) => call(index)))
  await runtime.close()
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

export const bench: Bench = {
  name: 'hop',
  question: 'How fast do actors of one run talk to each other, and how long does an ask take?',
  sides: { play, playPlain, ask },
  async run(lab) {
    const count = lab.quick ? 1 : 3
    const asks = lab.quick ? 1000 : 5000
    lab.say('hops between two actors of one run')
    const match = { balls: lab.quick ? 2000 : 10_000, games: lab.quick ? 2 : 5 }
    const games = await rounds(count, async () => ({ plain: await lab.measure(playPlain, match), durable: await lab.measure(play, { ...match, file: lab.file('hops.db') }) }))
    const latency = async (synchronous: Synchronous, callers: number) => {
      lab.say(`asks, synchronous ${synchronous}, ${callers} at once`)
      const results = await rounds(count, () => lab.measure(ask, { asks, callers, synchronous, file: lab.file('asks.db') }))
      return { p50: median(results.map(({ p50 }) => p50)), p99: median(results.map(({ p99 }) => p99)) }
    }
    const normal = await latency('NORMAL', 1)
    const crowd = await latency('NORMAL', 10)
    const full = await latency('FULL', 1)
    return [
      { figure: 'hopsPerSecond', value: best(games.map(({ durable }) => durable.perSecond)), unit: 'hops/s', atLeast: 30_000 },
      { figure: 'plainHopsPerSecond', value: best(games.map(({ plain }) => plain.perSecond)), unit: 'hops/s' },
      { figure: 'hopCpuUs', value: median(games.map(({ durable }) => durable.cpuUs)), unit: 'us' },
      { figure: 'askP50Ms', value: normal.p50, unit: 'ms', atMost: 1 },
      { figure: 'askP99Ms', value: normal.p99, unit: 'ms', atMost: 5 },
      { figure: 'askP50MsOf10AtOnce', value: crowd.p50, unit: 'ms' },
      { figure: 'askP99MsOf10AtOnce', value: crowd.p99, unit: 'ms' },
      { figure: 'askP50MsFull', value: full.p50, unit: 'ms' },
      { figure: 'askP99MsFull', value: full.p99, unit: 'ms' },
    ]
  },
}
