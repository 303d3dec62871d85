import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actorAt, createRuntime, remote, reply, task } from 'troupe'
import type { Runtime } from 'troupe'
import { assign, sendTo, setup } from 'xstate'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { waitUntil } from '../support/processes.ts'

const counter = setup({
  types: { context: {} as { readonly n: number }, events: {} as { readonly type: 'ADD'; readonly by: number } | { readonly type: 'ASK' } | { readonly type: 'END' } | { readonly type: 'WAIT' } },
  actors: { work: task({ run: () => 100 }) },
  actions: { answer: reply(({ context }) => context.n) },
}).createMachine({
  context: { n: 0 },
  initial: 'open',
  on: { ADD: { actions: assign({ n: ({ context, event }) => context.n + event.by }) }, ASK: { actions: 'answer' }, END: '.over' },
  states: {
    open: { on: { WAIT: 'waiting' } },
    waiting: { after: { 50: 'working' } },
    working: { invoke: { src: 'work', onDone: { target: 'open', actions: assign({ n: ({ context, event }) => context.n + event.output }) } } },
    over: { type: 'final' },
  },
  output: ({ context }) => context.n,
})

/** Sends what it is told to a durable child, and to a counter of another run. */
const parent = setup({
  types: { context: {} as { readonly total: number }, events: {} as { readonly type: 'FEED'; readonly by: number } | { readonly type: 'FINISH' } },
  actors: { counter: remote<typeof counter>('counter') },
}).createMachine({
  context: { total: 0 },
  initial: 'running',
  invoke: { src: 'counter', id: 'child', onDone: { target: '.done', actions: assign({ total: ({ event }) => event.output as number }) } },
  states: {
    running: {
      on: {
        FEED: { actions: [sendTo('child', ({ event }) => ({ type: 'ADD', by: event.by })), sendTo(actorAt('counter/sum'), ({ event }) => ({ type: 'ADD', by: event.by }))] },
        FINISH: { actions: sendTo('child', { type: 'END' }) },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => context.total,
})

const machines = { counter, parent }

/** So many that neither of two nodes is left without by chance. */
const PARTITIONS = 32

describe('two nodes on one Redis', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  const open = async (count: number, limits = {}) => {
    const store = `${redis.url}?prefix=test-${randomUUID()}&partitions=${PARTITIONS}`
    const runtimes: Runtime<typeof machines>[] = []
    for (let n = 0; n < count; n++) runtimes.push(await createRuntime({ machines, store, limits: { leaseTtlMs: 1_000, ...limits } }))
    return { store, runtimes, close: () => Promise.all(runtimes.map(runtime => runtime.close())) }
  }

  test('any of them sends, asks, watches and waits; only the owner steps', async () => {
    const { runtimes: [owner, other], close } = await open(2)
    if (!owner || !other) throw new Error('two were opened')
    const far = other.actor('counter', '1')
    await far.start()
    const seen: number[] = []
    const watching = (async () => {
      for await (const { snapshot } of far.watch({ from: 0 })) seen.push(snapshot.context.n)
    })()
    for (let by = 1; by <= 10; by++) await far.send({ type: 'ADD', by })
    expect((await far.ask({ type: 'ASK' }, { until: 'reply' })).reply).toBe(55)
    expect((await owner.actor('counter', '1').ask({ type: 'ADD', by: 5 })).context.n).toBe(60)
    await far.ask({ type: 'WAIT' }, { until: ({ context }) => context.n === 160, timeout: 5_000 })
    await far.send({ type: 'END' })
    expect(await far.result()).toBe(160)
    await watching
    expect(seen.at(-1)).toBe(160)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    await close()
  })

  test('a run sends to its children and to other partitions, each message once and in order', async () => {
    const { runtimes: [owner, other], close } = await open(2)
    if (!owner || !other) throw new Error('two were opened')
    await owner.actor('counter', 'sum').start()
    const parents = Array.from({ length: 12 }, (_, n) => other.actor('parent', `p${n}`))
    await Promise.all(parents.map(each => each.start()))
    for (let round = 1; round <= 5; round++) await Promise.all(parents.map(each => each.send({ type: 'FEED', by: round })))
    await Promise.all(parents.map(each => each.send({ type: 'FINISH' })))
    expect(await Promise.all(parents.map(each => each.result()))).toEqual(parents.map(() => 15))
    await waitUntil('all have arrived at the counter of another run', async () => (await owner.actor('counter', 'sum').snapshot()).context.n === 12 * 15)
    await close()
  })

  test('a node that closes hands its actors over at once, and what they wait for goes on', async () => {
    const { runtimes: [first, second], close } = await open(2, { leaseTtlMs: 600_000 })
    if (!first || !second) throw new Error('two were opened')
    const handle = second.actor('counter', '1')
    await handle.start()
    await handle.send({ type: 'WAIT' })
    await first.close()
    expect((await handle.waitFor(({ context }) => context.n === 100, { timeout: 5_000 })).context.n).toBe(100)
    await waitUntil('the other owns all', async () => second.health().partitions.owned.length === PARTITIONS)
    await close()
  })

  test('a node that joins gets its share, a node that dies loses it, and nothing is lost on the way', async () => {
    const { store, runtimes: [first], close } = await open(1)
    if (!first) throw new Error('one was opened')
    expect(first.health().partitions.owned).toHaveLength(PARTITIONS)
    const handles = Array.from({ length: 20 }, (_, n) => first.actor('counter', `${n}`))
    await Promise.all(handles.map(handle => handle.start()))
    let sending = true
    let sent = 0
    const load = (async () => {
      for (; sending; sent++) await Promise.all(handles.map(handle => handle.send({ type: 'ADD', by: 1 })))
    })()
    const second = await createRuntime({ machines, store, limits: { leaseTtlMs: 1_000 } })
    await waitUntil('both own partitions', async () => second.health().partitions.owned.length > 0 && first.health().partitions.owned.length > 0)
    await waitUntil('all are owned', async () => second.health().partitions.owned.length + first.health().partitions.owned.length === PARTITIONS)
    await waitUntil('both are seen to own their share', async () => {
      const counts = (await second.cluster()).nodes.map(({ partitions }) => partitions.length)
      return counts.every(count => count > 0) && counts.reduce((sum, count) => sum + count) === PARTITIONS
    })
    await second.close()
    await waitUntil('the first owns all again', async () => first.health().partitions.owned.length === PARTITIONS)
    sending = false
    await load
    expect(await Promise.all(handles.map(async handle => (await handle.ask({ type: 'ADD', by: 0 })).context.n))).toEqual(handles.map(() => sent))
    await close()
  })

  test('large events pass by blobs, and leave none behind', async () => {
    const { runtimes: [owner, other], close } = await open(2)
    if (!owner || !other) throw new Error('two were opened')
    const handle = other.actor('counter', 'large')
    await handle.start()
    const ballast = 'x'.repeat(200_000)
    for (let n = 0; n < 5; n++) await handle.ask({ type: 'ADD', by: 1, ballast } as never)
    expect((await handle.snapshot()).context.n).toBe(5)
    const keys = (await redis.command('KEYS', '*blob*')) as string[]
    expect(keys).toEqual([])
    await close()
  })
})
