import { assign, sendTo, setup } from 'xstate'
import { actorAt, createRuntime, reply } from 'troupe'
import { actorId, partitionOf } from '../src/core/address.ts'
import { percentile, rounds, median } from './harness.ts'
import type { Bench } from './harness.ts'
import { order, orderEvent } from './order-machine.ts'
import { meet, openOrders, ownKeys, shared, withRedis } from './redis-lab.ts'

const WARM_UP = 300

interface Asking {
  readonly url: string
  readonly asks: number
  /** The owner serves, the other asks. */
  readonly index: 0 | 1
}

/** Asks of one process to actors that another one owns. */
async function ask({ url, asks, index }: Asking): Promise<readonly number[]> {
  const runtime = await openOrders(url)
  await shared(runtime, 2)
  const own = ownKeys(runtime, 1, 'order')
  if (index === 0) for (const key of own) await runtime.actor(order, key).start({ id: key })
  await meet(url, 'started', 2)
  const times: number[] = []
  if (index === 1) {
    const { total, owned } = runtime.health().partitions
    const far = Array.from({ length: 10_000 }, (_, n) => `order-${n}`).find(key => !owned.includes(partitionOf(actorId({ tenant: 'default', machine: 'order', key }), total))) ?? ''
    const handle = runtime.actor(order, far)
    for (let round = 0; round < WARM_UP + asks; round++) {
      const started = performance.now()
      await handle.ask(orderEvent(round))
      if (round >= WARM_UP) times.push(performance.now() - started)
    }
  }
  await meet(url, 'asked', 2)
  await runtime.close()
  return times
}

/** Sends a ball to an actor of another run and partition, and answers when it is back. */
const player = setup({
  types: { context: {} as { readonly to: string; readonly left: number }, input: {} as { readonly to: string }, events: {} as { readonly type: 'PLAY'; readonly balls: number } | { readonly type: 'BALL' } },
  guards: { isOver: ({ context }) => context.left === 0 },
  actions: { answer: reply(() => 'over'), hit: sendTo(({ context }) => actorAt(context.to), { type: 'BALL' }) },
}).createMachine({
  context: ({ input }) => ({ to: input.to, left: 0 }),
  on: {
    PLAY: { actions: [assign({ left: ({ event }) => event.balls - 1 }), 'hit'] },
    BALL: [
      { guard: 'isOver', actions: 'answer' },
      { actions: [assign({ left: ({ context }) => Math.max(0, context.left - 1) }), 'hit'] },
    ],
  },
})

const wall = setup({ types: { input: {} as { readonly to: string }, context: {} as { readonly to: string }, events: {} as { readonly type: 'BALL' } } }).createMachine({
  context: ({ input }) => ({ to: input.to }),
  on: { BALL: { actions: sendTo(({ context }) => actorAt(context.to), { type: 'BALL' }) } },
})

/** Milliseconds of one hop between partitions, of several games. */
async function hop({ url, balls, games }: { readonly url: string; readonly balls: number; readonly games: number }): Promise<readonly number[]> {
  const runtime = await createRuntime({ machines: { player, wall }, store: url })
  const partition = (machine: string, key: string): number => partitionOf(actorId({ tenant: 'default', machine, key }), runtime.health().partitions.total)
  const other = Array.from({ length: 1_000 }, (_, n) => `w${n}`).find(key => partition('wall', key) !== partition('player', 'p')) ?? ''
  await runtime.actor(wall, other).start({ to: 'player/p' })
  const handle = runtime.actor(player, 'p')
  await handle.start({ to: `wall/${other}` })
  const play = async (): Promise<number> => {
    const started = performance.now()
    await handle.ask({ type: 'PLAY', balls }, { until: 'reply', timeout: 60_000 })
    return (performance.now() - started) / (2 * balls)
  }
  await play()
  const times = await rounds(games, play)
  await runtime.close()
  return times
}

export const bench: Bench = {
  name: 'redis-latency',
  question: 'How long does an ask from another process take on Redis, and a hop between partitions?',
  sides: { ask, hop },
  async run(lab) {
    const asks = lab.quick ? 300 : 3_000
    const measured = await rounds(lab.quick ? 1 : 3, async (round) => {
      lab.say(`round ${round}`)
      const [, times] = await withRedis(url => Promise.all([lab.measure(ask, { url, asks, index: 0 }), lab.measure(ask, { url, asks, index: 1 })]))
      const hops = await withRedis(url => lab.measure(hop, { url, balls: lab.quick ? 50 : 300, games: lab.quick ? 2 : 5 }))
      return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), hopP50: median(hops) }
    })
    const of = (figure: (one: (typeof measured)[number]) => number): number => median(measured.map(figure))
    return [
      { figure: 'askP50Ms', value: of(({ p50 }) => p50), unit: 'ms', atMost: 2 },
      { figure: 'askP99Ms', value: of(({ p99 }) => p99), unit: 'ms', atMost: 10 },
      { figure: 'hopP50Ms', value: of(({ hopP50 }) => hopP50), unit: 'ms', atMost: 2 },
    ]
  },
}
