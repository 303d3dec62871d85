import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { remote } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-list-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
/** Each call makes a place to keep actors in, and gives what opens it: once per runtime. */
const places = {
  memory(partitions = 1) {
    const store = createMemoryStore({ partitions })
    return async () => store
  },
  sqlite(partitions = 1) {
    const path = join(folder, `${++files}.db`)
    return () => openSqliteStore({ path, synchronous: 'NORMAL', partitions })
  },
}

const helper = setup({ types: { events: {} as { type: 'DONE' } } }).createMachine({ initial: 'on', states: { on: { on: { DONE: 'off' } }, off: { type: 'final' } } })
const order = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'PAY' } | { type: 'SHIP' } | { type: 'HELP' } | { type: 'BREAK' }, tags: {} as 'money' | 'open' },
  actors: { helper: remote<typeof helper>('helper') },
}).createMachine({
  context: { n: 0 },
  type: 'parallel',
  states: {
    pay: { initial: 'waiting', states: { waiting: { tags: ['money', 'open'], on: { PAY: 'paid' }, after: { 60_000: 'paid' } }, paid: { type: 'final' } } },
    ship: { initial: 'stock', states: { stock: { tags: 'open', on: { SHIP: 'gone' } }, gone: { type: 'final' } } },
    side: { initial: 'alone', states: { alone: { on: { HELP: 'helped' } }, helped: { invoke: { id: 'helper', src: 'helper' } } } },
  },
  on: { BREAK: { actions: [assign({ n: 1 }), () => { throw new Error('broken') }] } },
})
const machines = { order: { machine: order, version: '7', supervision: { strategy: 'escalate' as const } }, helper }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('a listed actor tells who it is, how it is and since when', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(order, 'a/1')
    await actor.start()
    const createdAt = world.clock.now()
    await world.advance(1_000)
    await actor.send({ type: 'SHIP' })
    const { actors, cursor } = await world.runtime.actors()
    expect(cursor).toBeUndefined()
    expect(actors).toEqual([
      {
        address: 'order/a/1', machine: 'order', key: 'a/1', run: 'order/a/1', parent: null, status: 'active',
        states: ['pay', 'pay.waiting', 'ship', 'ship.gone', 'side', 'side.alone'], tags: ['money', 'open'], seq: 2, version: '7', waiting: 0, openTasks: 0,
        dueAt: createdAt + 60_000, createdAt, updatedAt: createdAt + 1_000, completedAt: null, failure: null,
      },
    ])
  })

  test('filters by machine, status, state, tag and run, alone and together', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const { runtime } = world
    for (const key of ['1', '2', '3', '4']) await runtime.actor(order, key).start()
    await runtime.actor(order, '1').send({ type: 'PAY' })
    await runtime.actor(order, '2').send({ type: 'HELP' })
    await runtime.actor(order, '2').send({ type: 'SHIP' })
    await runtime.actor(order, '3').pause()
    await runtime.actor(order, '4').send({ type: 'BREAK' })
    await world.settle()
    const list = async (query: Parameters<typeof runtime.actors>[0]) => (await runtime.actors(query)).actors.map(({ machine, key }) => (machine === 'helper' ? 'helper' : key))
    expect(await list({})).toEqual(['1', '2', '3', '4', 'helper'])
    expect(await list({ machine: 'order' })).toEqual(['1', '2', '3', '4'])
    expect(await list({ machine: 'helper' })).toEqual(['helper'])
    expect(await list({ machine: 'nobody' })).toEqual([])
    expect(await list({ status: 'active' })).toEqual(['1', '2', 'helper'])
    expect(await list({ status: 'paused' })).toEqual(['3'])
    expect(await list({ status: 'failed' })).toEqual(['4'])
    expect(await list({ state: 'pay.paid' })).toEqual(['1'])
    expect(await list({ state: 'ship.gone' })).toEqual(['2'])
    expect(await list({ state: 'pay' })).toEqual(['1', '2', '3', '4'])
    expect(await list({ state: 'waiting' })).toEqual([])
    expect(await list({ tag: 'money' })).toEqual(['2', '3', '4'])
    expect(await list({ run: 'order/2' })).toEqual(['2', 'helper'])
    expect(await list({ machine: 'order', tag: 'money', status: 'active' })).toEqual(['2'])
    expect(await list({ machine: 'order', tag: 'money', status: 'done' })).toEqual([])
    expect((await runtime.actors({ status: 'failed' })).actors[0]?.failure).toMatchObject({ code: 'event/poisoned', message: expect.stringContaining('broken') })
  })

  test('pages through everything once, oldest first', async () => {
    await using world = await createTestWorld({ machines: { helper }, store: await makePlace(3)() })
    const keys = Array.from({ length: 25 }, (_, index) => `k${24 - index}`)
    for (const key of keys) await world.runtime.actor(helper, key).start()
    const seen: string[] = []
    let pages = 0
    for (let cursor: string | undefined; ; pages++) {
      const page = await world.runtime.actors({ limit: 7, ...(cursor !== undefined && { cursor }) })
      seen.push(...page.actors.map(({ key }) => key))
      if (page.cursor === undefined) break
      cursor = page.cursor
    }
    expect(seen).toEqual(keys)
    expect(pages).toBe(3)
  })

  test('what changes between two pages is neither shown twice nor left out', async () => {
    await using world = await createTestWorld({ machines: { helper }, store: await makePlace()() })
    for (const key of ['1', '2', '3', '4']) await world.runtime.actor(helper, key).start()
    const first = await world.runtime.actors({ limit: 2 })
    await world.runtime.actor(helper, '1').send({ type: 'DONE' })
    await world.runtime.actor(helper, '3').send({ type: 'DONE' })
    await world.runtime.actor(helper, '5').start()
    const second = await world.runtime.actors({ limit: 10, ...(first.cursor !== undefined && { cursor: first.cursor }) })
    expect([...first.actors, ...second.actors].map(({ key }) => key)).toEqual(['1', '2', '3', '4', '5'])
  })

  test('a query without sense is refused', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await expect(world.runtime.actors({ status: 'asleep' as never })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('asleep') })
    for (const limit of [0, -1, Number.NaN, 1.5]) await expect(world.runtime.actors({ limit })).rejects.toMatchObject({ code: 'config/invalid' })
    await expect(world.runtime.actors({ run: 'no-slash' })).rejects.toMatchObject({ code: 'address/invalid' })
    for (const cursor of ['', '!', "' OR 1=1", 'x'.repeat(500)]) await expect(world.runtime.actors({ cursor })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('cursor') })
  })
})

test('any runtime lists the actors of all', async () => {
  const store = createMemoryStore({ partitions: 2 })
  await using owner = await createTestWorld({ machines, store })
  await using guest = await createTestWorld({ machines, store, clock: owner.clock, seed: 2 })
  await owner.runtime.actor(order, '1').start()
  expect((await guest.runtime.actors()).actors).toEqual((await owner.runtime.actors()).actors)
})

test('a page has at most a thousand actors', async () => {
  await using world = await createTestWorld({ machines: { helper } })
  await Promise.all(Array.from({ length: 1_010 }, (_, key) => world.runtime.actor(helper, String(key)).start()))
  expect((await world.runtime.actors()).actors).toHaveLength(100)
  const page = await world.runtime.actors({ limit: 5_000 })
  expect(page.actors).toHaveLength(1_000)
  expect((await world.runtime.actors({ limit: 5_000, cursor: page.cursor as string })).actors).toHaveLength(10)
})
