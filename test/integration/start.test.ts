import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-start-'))
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

let births = 0
const account = setup({
  types: { context: {} as { owner: string; cents: number }, input: {} as { owner: string; limits?: { daily: number; monthly: number } }, events: {} as { type: 'DEPOSIT'; cents: number } | { type: 'CLOSE' } },
}).createMachine({
  context: ({ input }) => ({ owner: input.owner, cents: 0 }),
  entry: () => births++,
  initial: 'open',
  states: {
    open: { on: { DEPOSIT: { actions: assign({ cents: ({ context, event }) => context.cents + event.cents }) }, CLOSE: 'closed' } },
    closed: { type: 'final' },
  },
})
const machines = { account }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('an actor that was started is there with its input, after a restart too', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(account, 'a').start({ owner: 'Ada' })
    await world.crash()
    await world.restart()
    const snapshot = await world.runtime.actor(account, 'a').snapshot()
    expect(snapshot).toMatchObject({ address: 'account/a', seq: 1, status: 'active', value: 'open', context: { owner: 'Ada', cents: 0 } })
  })

  test('the same start twice is one start', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(account, 'a')
    births = 0
    await actor.start({ owner: 'Ada' })
    await actor.send({ type: 'DEPOSIT', cents: 5 })
    await actor.start({ owner: 'Ada' })
    expect(births).toBe(1)
    expect(await actor.snapshot()).toMatchObject({ seq: 2, context: { cents: 5 } })
  })

  test('the same start is one start after a crash', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    births = 0
    await world.runtime.actor(account, 'a').start({ owner: 'Ada' })
    await world.crash()
    await world.restart()
    await world.runtime.actor(account, 'a').start({ owner: 'Ada' })
    expect(births).toBe(1)
  })

  test('a start with another input is refused and changes nothing', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(account, 'a')
    await actor.start({ owner: 'Ada' })
    await expect(actor.start({ owner: 'Bob' })).rejects.toMatchObject({ code: 'actor/exists', address: 'account/a', retryable: false })
    expect(await actor.snapshot()).toMatchObject({ seq: 1, context: { owner: 'Ada' } })
  })

  test('inputs are compared by content: the order of keys and missing keys do not count', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(account, 'a')
    await actor.start({ owner: 'Ada', limits: { daily: 1, monthly: 2 } })
    await actor.start({ limits: { monthly: 2, daily: 1 }, owner: 'Ada' })
    await expect(actor.start({ owner: 'Ada', limits: { daily: 2, monthly: 1 } })).rejects.toMatchObject({ code: 'actor/exists' })
    const plain = world.runtime.actor(account, 'b')
    await plain.start({ owner: 'Ada', limits: undefined as never })
    await plain.start({ owner: 'Ada' })
  })

  test('of several callers at once with one input all start it together', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    births = 0
    await Promise.all(Array.from({ length: 20 }, () => world.runtime.actor(account, 'a').start({ owner: 'Ada' })))
    expect(births).toBe(1)
    expect((await world.runtime.actors()).actors).toHaveLength(1)
  })

  test('of several callers at once with different inputs exactly one wins', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const outcomes = await Promise.allSettled(['Ada', 'Bob', 'Cem', 'Dee'].map(owner => world.runtime.actor(account, 'a').start({ owner })))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'actor/exists' })
  })

  test('callers in several runtimes start one actor', async () => {
    const open = makePlace(4)
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    expect(guest.runtime.health().partitions).toEqual({ total: 4, owned: [] })
    births = 0
    await Promise.all([owner, guest, owner, guest].map(({ runtime }) => runtime.actor(account, 'a').start({ owner: 'Ada' })))
    expect(births).toBe(1)
    await expect(guest.runtime.actor(account, 'a').start({ owner: 'Bob' })).rejects.toMatchObject({ code: 'actor/exists', address: 'account/a' })
  })

  test('a completed actor is not started anew by the same start', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(account, 'a')
    await actor.start({ owner: 'Ada' })
    await actor.send({ type: 'CLOSE' })
    births = 0
    await actor.start({ owner: 'Ada' })
    expect(births).toBe(0)
    expect(await actor.snapshot()).toMatchObject({ status: 'done' })
    await expect(actor.start({ owner: 'Bob' })).rejects.toMatchObject({ code: 'actor/exists' })
  })
})

test('keys may hold slashes, colons, unicode and a thousand characters', async () => {
  await using world = await createTestWorld({ machines })
  const keys = ['2026/01/invoice', 'a:b', 'ключ-键', 'x'.repeat(1024), ' ', '#1', '%2e%2e', '__proto__']
  for (const key of keys) await world.runtime.actor(account, key).start({ owner: key.slice(0, 8) })
  for (const key of keys) expect(await world.runtime.at(`account/${key}`).snapshot()).toMatchObject({ context: { owner: key.slice(0, 8) } })
  expect((await world.runtime.actors()).actors.map(({ key }) => key).sort()).toEqual([...keys].sort())
})

test.each([[''], ['x'.repeat(1025)], ['line\nbreak'], ['nul\u0000']])('the key %j is refused', async (key) => {
  await using world = await createTestWorld({ machines })
  expect(() => world.runtime.actor(account, key)).toThrow(expect.objectContaining({ code: 'address/invalid' }))
})

test('what is no text is no key', async () => {
  await using world = await createTestWorld({ machines })
  for (const key of [5, null, undefined, {}]) expect(() => world.runtime.actor(account, key as never)).toThrow(expect.objectContaining({ code: 'address/invalid' }))
  for (const address of [5, null, undefined, 'account', '/', 'account/']) expect(() => world.runtime.at(address as never)).toThrow(expect.objectContaining({ code: 'address/invalid' }))
})

test('a key that looks like one of a spawned actor cannot be started', async () => {
  await using world = await createTestWorld({ machines })
  await expect(world.runtime.actor(account, 'order/1>child#2').start({ owner: 'Ada' })).rejects.toMatchObject({ code: 'address/invalid', address: 'account/order/1>child#2' })
})

test('a machine whose initial state throws is not born, and its caller hears why', async () => {
  const stillborn = setup({}).createMachine({ entry: () => { throw new Error('no air') } })
  await using world = await createTestWorld({ machines: { stillborn } })
  await expect(world.runtime.actor(stillborn, '1').start()).rejects.toThrow('no air')
  await expect(world.runtime.actor(stillborn, '1').snapshot()).rejects.toMatchObject({ code: 'actor/unknown' })
  expect(await world.runtime.deadLetters.list()).toEqual([])
})

test('actor logic other than machines can be started too', async () => {
  const { fromTransition } = await import('xstate')
  const sum = fromTransition((total: number, event: { type: 'ADD'; by: number }) => total + event.by, 0)
  await using world = await createTestWorld({ machines: { sum } })
  const actor = world.runtime.actor('sum', '1')
  await actor.start()
  await actor.send({ type: 'ADD', by: 3 })
  const snapshot = await actor.ask({ type: 'ADD', by: 4 })
  expect(snapshot.context).toBe(7)
  expect(snapshot).toMatchObject({ status: 'active', seq: 3 })
  expect(snapshot.nextEvents()).toEqual([])
  expect(snapshot.tags.size).toBe(0)
  expect(snapshot.children).toEqual({})
  expect(snapshot.matches('anything' as never)).toBe(false)
  expect(snapshot.can({ type: 'ADD', by: 1 })).toBe(true)
})
