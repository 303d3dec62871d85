import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { assign, sendTo, setup } from 'xstate'
import { DEFAULT_TENANT, actorId } from '../../src/core/address.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { makeFastTempDir } from '../support/temp-dir.ts'

let folder: string
beforeAll(async () => void (folder = await makeFastTempDir()))
afterAll(() => rm(folder, { recursive: true }))
let files = 0
const places = {
  memory: async () => createMemoryStore({ partitions: 2 }),
  sqlite: () => openSqliteStore({ path: join(folder, `${++files}.db`), synchronous: 'NORMAL', partitions: 2 }),
}

/** What is swept goes within half a minute. */
const SWEEP = 31_000
const KB = 1_024

const order = setup({
  types: { context: {} as { text: string; n: number }, input: {} as { text: string }, events: {} as { type: 'ADD' } | { type: 'END' } | { type: 'LATER' } | { type: 'WORK' }, output: {} as number },
  actors: { work: task({ run: () => 10 }) },
}).createMachine({
  context: ({ input }) => ({ text: input.text, n: 0 }),
  initial: 'on',
  states: {
    on: { on: { LATER: 'waiting', WORK: 'working' } },
    waiting: { after: { 5_000: 'off' } },
    working: { invoke: { src: 'work', onDone: { target: 'on', actions: assign({ n: ({ event }) => event.output }) } } },
    off: { type: 'final' },
  },
  on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: '.off' },
  output: ({ context }) => context.n,
})
/** Two durable children that end one after the other; it ends when it is told. */
const trip = setup({ types: { events: {} as { type: 'NEXT' } | { type: 'END' } }, actors: { leg: remote<typeof order>('leg') } }).createMachine({
  initial: 'on',
  invoke: [{ src: 'leg', id: 'first', input: { text: '' } }, { src: 'leg', id: 'second', input: { text: '' } }],
  states: { on: { on: { NEXT: { actions: sendTo('first', { type: 'END' }) } } }, off: { type: 'final' } },
  on: { END: '.off' },
})

const machines = { order: { machine: order, retention: { completedMax: 1_000 } }, kept: order.provide({}), leg: { machine: order.provide({}), retention: { completedMax: 0 } }, trip: { machine: trip, retention: { completedMax: 1 } } }
type World = TestWorld<typeof machines>

async function run(world: World, machine: 'order' | 'kept', keys: readonly string[], text = ''): Promise<void> {
  await Promise.all(keys.map(async key => {
    const actor = world.runtime.actor(machine, key)
    await actor.start({ text })
    await actor.send({ type: 'END' })
  }))
}
const keysFrom = (from: number, count: number): readonly string[] => Array.from({ length: count }, (_, n) => String(from + n))

async function listed(world: World, machine: string): Promise<readonly string[]> {
  const keys: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await world.runtime.actors({ machine, limit: 1_000, ...(cursor !== undefined && { cursor }) })
    keys.push(...page.actors.map(({ key }) => key))
    cursor = page.cursor
    if (cursor === undefined) return keys
  }
}

describe.each(Object.entries(places))('on %s', (_name, open) => {
  test('of 5,000 completed orders the latest 1,000 stay, and all that live', async () => {
    await using world: World = await createTestWorld({ machines, store: await open() })
    const live = keysFrom(0, 200)
    await Promise.all(live.map(key => world.runtime.actor('order', `live-${key}`).start({ text: key })))
    for (let from = 0; from < 5_000; from += 500) {
      await run(world, 'order', keysFrom(from, 500))
      // Completions of one batch have one time.
      await world.advance(10)
    }
    await run(world, 'kept', keysFrom(0, 50))
    await world.advance(SWEEP)
    const left = await listed(world, 'order')
    const done = left.filter(key => !key.startsWith('live-')).map(Number)
    expect(left.length - done.length).toBe(200)
    // Each of two partitions keeps its latest 500.
    expect(done.length).toBe(1_000)
    expect(Math.min(...done)).toBeGreaterThanOrEqual(3_500)
    expect(await listed(world, 'kept')).toHaveLength(50)
    expect(world.runtime.health()).toMatchObject({ counters: { compacted: 4_000, expired: 0 }, compaction: { surplus: 4_000, reclaimed: 0, last: { reason: expect.stringContaining('retention.completedMax') as unknown } } })
    for (const key of live) expect((await world.runtime.actor('order', `live-${key}`).ask({ type: 'ADD' })).context).toEqual({ text: key, n: 1 })
  })

  test('children stay while their run lives, and go with it', async () => {
    await using world: World = await createTestWorld({ machines, store: await open() })
    const trips = ['1', '2', '3', '4', '5', '6'].map(key => world.runtime.actor('trip', key))
    for (const actor of trips) {
      await actor.start()
      await world.advance(1_000)
      await actor.send({ type: 'NEXT' })
    }
    await world.advance(SWEEP)
    expect(await listed(world, 'leg')).toHaveLength(12)
    for (const actor of trips.slice(0, 5)) await actor.send({ type: 'END' })
    await world.advance(SWEEP)
    const roots = await listed(world, 'trip')
    // The last of each partition, and the one that lives.
    expect(roots.length).toBeGreaterThanOrEqual(2)
    expect(roots.length).toBeLessThanOrEqual(3)
    expect(roots).toContain('6')
    expect(await listed(world, 'leg')).toHaveLength(2 * roots.length)
  })

  test('a store under constant load is kept under storeBytesMax by the oldest completed runs; what lives stays', async () => {
    const storeBytesMax = 6_000 * KB
    await using world: World = await createTestWorld({ machines, store: await open(), limits: { storeBytesMax } })
    const live = keysFrom(0, 50)
    await Promise.all(live.map(key => world.runtime.actor('kept', `live-${key}`).start({ text: key })))
    const sizes: number[] = []
    for (let round = 0; round < 40; round++) {
      await run(world, 'kept', keysFrom(round * 100, 100), 'x'.repeat(2 * KB))
      await world.advance(1_100)
      sizes.push(world.runtime.health().store?.bytes ?? 0)
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(storeBytesMax)
    expect(Math.min(...sizes.slice(20))).toBeGreaterThan(storeBytesMax / 2)
    const { ready, store, compaction, counters } = world.runtime.health()
    expect({ ready, bytesMax: store?.bytesMax }).toEqual({ ready: true, bytesMax: storeBytesMax })
    expect(compaction).toMatchObject({ surplus: 0, reclaimed: counters.compacted, last: { reason: expect.stringContaining('storeBytesMax') as unknown } })
    const left = await listed(world, 'kept')
    const done = left.filter(key => !key.startsWith('live-')).map(Number)
    expect(done.length).toBe(4_000 - counters.compacted)
    // The oldest went: what is left begins where the deletions ended, give or take what two partitions differ.
    expect(Math.min(...done)).toBeGreaterThan(counters.compacted - 500)
    for (const key of live) expect((await world.runtime.actor('kept', `live-${key}`).snapshot()).context.text).toBe(key)
  })

  test('full of what lives, it takes no more from outside; what runs ends, and makes room', async () => {
    const storeBytesMax = 3_000 * KB
    await using world: World = await createTestWorld({ machines, store: await open(), limits: { storeBytesMax } })
    const actors = keysFrom(0, 400).map(key => world.runtime.actor('kept', key))
    await Promise.all(actors.map(actor => actor.start({ text: 'x'.repeat(4 * KB) })))
    const [timed, worker, stopped] = [world.runtime.actor('kept', '0'), world.runtime.actor('kept', '1'), world.runtime.actor('kept', '2')]
    await timed.send({ type: 'LATER' })
    await worker.send({ type: 'WORK' })
    const timedOut = timed.result()
    await world.advance(2_000)
    const refusal = { code: 'store/full', retryable: true, message: expect.stringMatching(/the store holds \d+ bytes, the limit storeBytesMax is 3072000: send again when runs have ended/) as unknown, details: { limit: storeBytesMax } }
    await expect(timed.send({ type: 'ADD' })).rejects.toMatchObject(refusal)
    await expect(timed.ask({ type: 'ADD' })).rejects.toMatchObject(refusal)
    await expect(world.runtime.actor('kept', 'new').start({ text: '' })).rejects.toMatchObject(refusal)
    expect(world.runtime.health()).toMatchObject({ ready: false, reasons: [expect.stringContaining('storeBytesMax') as unknown], compaction: { last: null } })
    // A timer, the result of a task and a stop are no new work.
    await stopped.stop()
    expect((await stopped.snapshot()).status).toBe('stopped')
    await world.advance(5_000)
    expect(await timedOut).toBe(0)
    expect((await worker.snapshot()).context.n).toBe(10)
    for (const actor of actors.slice(3, 200)) await actor.stop()
    await world.advance(2_000)
    expect(world.runtime.health()).toMatchObject({ ready: true, compaction: { surplus: 0 } })
    expect(world.runtime.health().compaction.reclaimed).toBeGreaterThan(50)
    await world.runtime.actor('kept', 'new').start({ text: '' })
    expect(await actors[300]?.ask({ type: 'ADD' })).toMatchObject({ context: { n: 1 } })
  })
})

test('a node that owns nothing refuses too while the store is full, and takes more when the owner has made room', async () => {
  const store = createMemoryStore()
  await using owner: World = await createTestWorld({ machines, store, limits: { storeBytesMax: 500 * KB } })
  await using guest: World = await createTestWorld({ machines, store, clock: owner.clock, seed: 2, limits: { storeBytesMax: 500 * KB } })
  const actors = keysFrom(0, 100).map(key => owner.runtime.actor('kept', key))
  await Promise.all(actors.map(actor => actor.start({ text: 'x'.repeat(4 * KB) })))
  await owner.advance(2_000)
  await expect(guest.runtime.actor('kept', '1').send({ type: 'ADD' })).rejects.toMatchObject({ code: 'store/full' })
  for (const actor of actors.slice(0, 80)) await actor.stop()
  await owner.advance(3_000)
  const sent = guest.runtime.actor('kept', '99').ask({ type: 'ADD' })
  await owner.advance(1_000)
  expect((await sent).context.n).toBe(1)
})

test('a store that cannot tell its size is not bounded by bytes, but by completedMax', async () => {
  const silent = new Proxy(createMemoryStore(), { get: (target, name) => (name === 'size' ? undefined : (Reflect.get(target, name, target) as unknown)) })
  await using world: World = await createTestWorld({ machines, store: silent, limits: { storeBytesMax: 1 } })
  await run(world, 'order', keysFrom(0, 1_100))
  await world.advance(SWEEP)
  expect(world.runtime.health()).toMatchObject({ ready: true, store: null, compaction: { surplus: 100 } })
})

test('a number of completed runs that is none is refused by name', async () => {
  await expect(createTestWorld({ machines: { order: { machine: order, retention: { completedMax: -1 } } } })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining("machine 'order': retention.completedMax") as unknown })
})

test.each(Object.entries(places))('reading an actor costs what it is, however many events have changed nothing of it: %s', async (_name, makeStore) => {
  const idle = setup({ types: { events: {} as { type: 'NOTHING'; text: string } } }).createMachine({})
  const store = await makeStore()
  await using world = await createTestWorld({ machines: { idle }, store })
  const actor = world.runtime.actor(idle, '1')
  await actor.start()
  for (let batch = 0; batch < 20; batch++) await Promise.all(Array.from({ length: 100 }, () => actor.ask({ type: 'NOTHING', text: 'x'.repeat(200) })))
  const stored = await store.load(actorId({ tenant: DEFAULT_TENANT, machine: 'idle', key: '1' }))
  expect(stored?.record.seq).toBe(2_001)
  expect(stored?.rows.reduce((chars, { data }) => chars + data.length, 0)).toBeLessThan(192 * KB)
})
