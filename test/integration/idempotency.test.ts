import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { TroupeError, createRuntime } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-idempotency-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
/** Each call makes a place to keep actors in, and gives what opens it: once per runtime. */
const places = {
  memory() {
    const store = createMemoryStore()
    return async () => store
  },
  sqlite() {
    const path = join(folder, `${++files}.db`)
    return () => openSqliteStore({ path, synchronous: 'NORMAL' })
  },
}

const HOUR = 60 * 60 * 1000
const purse = setup({
  types: { context: {} as { cents: number }, events: {} as { type: 'PUT'; cents: number; note?: string } | { type: 'BREAK' } | { type: 'CLOSE' } },
}).createMachine({
  context: { cents: 0 },
  initial: 'open',
  states: {
    open: {
      on: {
        PUT: { actions: assign({ cents: ({ context, event }) => context.cents + event.cents }) },
        BREAK: { actions: () => { throw new Error('torn') } },
        CLOSE: 'closed',
      },
    },
    closed: { type: 'final' },
  },
})
const machines = { purse }

test('a batch asks the store for all its keys at once', async () => {
  const store = createMemoryStore()
  const atOnce = { now: 0, most: 0 }
  const marks: typeof store.marks = async (...args) => {
    atOnce.most = Math.max(atOnce.most, ++atOnce.now)
    await new Promise(setImmediate)
    atOnce.now--
    return store.marks(...args)
  }
  await using world = await createTestWorld({ machines, store: { ...store, marks } })
  const actors = Array.from({ length: 50 }, (_, key) => world.runtime.actor(purse, `${key}`))
  await Promise.all(actors.map(actor => actor.start()))
  await Promise.all(actors.map(actor => actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })))
  expect(atOnce.most).toBeGreaterThan(actors.length / store.partitions / 2)
})

test('a repetition of an event whose commit is in doubt is acknowledged by a commit only', async () => {
  const store = createMemoryStore()
  let isInDoubt = false
  // As Redis does when too few replicas have a write: it is there to be read, and may yet be lost.
  const commit: typeof store.commit = async (...args) => {
    await store.commit(...args)
    if (isInDoubt) throw new TroupeError('store/failed', 'no replica has it')
  }
  await using runtime = await createRuntime({ machines, store: { ...store, commit }, limits: { commitRetriesMax: 1 }, onError: () => undefined })
  const actor = runtime.actor(purse, '1')
  const put = () => actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
  await actor.start()
  isInDoubt = true
  await expect(put()).rejects.toMatchObject({ code: 'store/failed' })
  isInDoubt = false
  // The partition has claimed itself again.
  await actor.ask({ type: 'PUT', cents: 1 })
  isInDoubt = true
  await expect(put()).rejects.toMatchObject({ code: 'store/failed' })
  isInDoubt = false
  expect(await actor.snapshot()).toMatchObject({ seq: 3, context: { cents: 6 } })
})

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('an event sent twice with one key is handled once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(purse, '1')
    await actor.start()
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    expect(await actor.snapshot()).toMatchObject({ seq: 2, context: { cents: 5 } })
    expect(world.runtime.health().counters.duplicates).toBe(1)
  })

  test('events sent at once with one key are handled once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(purse, '1')
    await actor.start()
    await Promise.all(Array.from({ length: 10 }, () => actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })))
    expect(await actor.snapshot()).toMatchObject({ seq: 2, context: { cents: 5 } })
  })

  test('the key of another event is refused, and the event not handled', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(purse, '1')
    await actor.start()
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await expect(actor.send({ type: 'PUT', cents: 6 }, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'event/conflict', address: 'purse/1', message: expect.stringContaining('"k"') })
    await expect(actor.ask({ type: 'CLOSE' }, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'event/conflict' })
    expect(await actor.snapshot()).toMatchObject({ seq: 2, status: 'active', context: { cents: 5 } })
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })

  test('a key that was seen before a crash is known after it', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(purse, '1').start()
    await world.runtime.actor(purse, '1').send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await world.crash()
    await world.restart()
    const actor = world.runtime.actor(purse, '1')
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await expect(actor.send({ type: 'CLOSE' }, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'event/conflict' })
    expect((await actor.snapshot()).context.cents).toBe(5)
  })

  test('a key is known whichever runtime it comes through', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(purse, '1').start()
    await guest.runtime.actor(purse, '1').ask({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await owner.runtime.actor(purse, '1').send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    const again = await guest.runtime.actor(purse, '1').ask({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    expect(again).toMatchObject({ seq: 2, context: { cents: 5 } })
    await expect(guest.runtime.actor(purse, '1').ask({ type: 'CLOSE' }, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'event/conflict', address: 'purse/1' })
  })

  test('events that wait for a paused actor are handled once per key', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(purse, '1')
    await actor.start()
    await actor.pause()
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await expect(actor.send({ type: 'PUT', cents: 6 }, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'event/conflict' })
    await actor.resume()
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await actor.send({ type: 'PUT', cents: 100 })
    expect((await actor.snapshot()).context.cents).toBe(105)
  })

  test('a key is forgotten after its time, and not before', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { idempotencyMs: HOUR } })
    const actor = world.runtime.actor(purse, '1')
    await actor.start()
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    await world.advance(HOUR - 1)
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    expect((await actor.snapshot()).context.cents).toBe(5)
    // Expired keys go with the next sweep, half a minute later at most.
    await world.advance(30_001)
    await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
    expect((await actor.snapshot()).context.cents).toBe(10)
  })
})

test('each actor has its own keys, and keys are compared to the letter', async () => {
  await using world = await createTestWorld({ machines })
  for (const key of ['1', '2']) {
    await world.runtime.actor(purse, key).start()
    for (const idempotencyKey of ['k', 'K', 'k ', '', '__proto__', 'constructor', "k' OR 1=1 --", 'x'.repeat(5000)]) await world.runtime.actor(purse, key).send({ type: 'PUT', cents: 1 }, { idempotencyKey })
    expect((await world.runtime.actor(purse, key).snapshot()).context.cents).toBe(8)
  }
})

test('an ask that is repeated with its key gets the state as it is now', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(purse, '1')
  await actor.start()
  await actor.ask({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
  await actor.send({ type: 'PUT', cents: 1 })
  expect(await actor.ask({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })).toMatchObject({ seq: 3, context: { cents: 6 } })
})

test('a poisonous event that is sent again with its key makes no second dead letter', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(purse, '1')
  await actor.start()
  await actor.send({ type: 'BREAK' }, { idempotencyKey: 'k' })
  await actor.send({ type: 'BREAK' }, { idempotencyKey: 'k' })
  expect(await world.runtime.deadLetters.list()).toHaveLength(1)
})

test('an event that was refused does not use up its key', async () => {
  await using world = await createTestWorld({ machines, limits: { mailboxDepthMax: 1 } })
  const actor = world.runtime.actor(purse, '1')
  await actor.start()
  await actor.pause()
  await actor.send({ type: 'PUT', cents: 1 })
  await expect(actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'mailbox/full' })
  await actor.resume()
  await world.settle()
  await actor.send({ type: 'PUT', cents: 5 }, { idempotencyKey: 'k' })
  expect((await actor.snapshot()).context.cents).toBe(6)
})

test('nor does it through a runtime that does not own the actor', async () => {
  const store = createMemoryStore()
  await using owner = await createTestWorld({ machines, store })
  await using guest = await createTestWorld({ machines, store, clock: owner.clock, seed: 2 })
  const actor = guest.runtime.actor(purse, '1')
  await actor.start()
  await actor.ask({ type: 'CLOSE' }, { idempotencyKey: 'k' })
  await actor.send({ type: 'CLOSE' }, { idempotencyKey: 'k' })
  await expect(actor.send({ type: 'CLOSE' }, { idempotencyKey: 'other' })).rejects.toMatchObject({ code: 'actor/ended', address: 'purse/1' })
  await expect(actor.send({ type: 'CLOSE' })).rejects.toMatchObject({ code: 'actor/ended', address: 'purse/1' })
})

test('the end of an actor does not make a repeated event an error', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(purse, '1')
  await actor.start()
  await actor.send({ type: 'CLOSE' }, { idempotencyKey: 'k' })
  await actor.send({ type: 'CLOSE' }, { idempotencyKey: 'k' })
  await expect(actor.send({ type: 'CLOSE' }, { idempotencyKey: 'other' })).rejects.toMatchObject({ code: 'actor/ended', address: 'purse/1' })
})
