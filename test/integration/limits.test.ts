import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { actorAt, remote, reply, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, enqueueActions, sendTo, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-limits-'))
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

const box = setup({
  types: {
    context: {} as { items: string[]; failure: string },
    input: {} as { first?: string } | undefined,
    events: {} as { type: 'PUT'; item: unknown } | { type: 'FILL'; bytes: number } | { type: 'WORK'; bytes: number } | { type: 'SAY'; bytes: number } | { type: 'END' },
    output: {} as number,
  },
  actors: { work: task({ run: ({ input }: TaskScope<number>) => 'x'.repeat(input), retry: 3 }) },
}).createMachine({
  context: ({ input }) => ({ items: input?.first === undefined ? [] : [input.first], failure: '' }),
  initial: 'open',
  states: {
    open: {
      on: {
        PUT: { actions: assign({ items: ({ context, event }) => [...context.items, JSON.stringify(event.item)] }) },
        FILL: { actions: assign({ items: ({ context, event }) => [...context.items, 'x'.repeat(event.bytes)] }) },
        SAY: { actions: reply(({ event }) => 'x'.repeat(event.bytes)) },
        WORK: 'working',
        END: 'ended',
      },
    },
    working: {
      invoke: {
        src: 'work',
        input: ({ event }) => (event as { bytes: number }).bytes,
        onDone: { target: 'open', actions: assign({ items: ({ context, event }) => [...context.items, event.output] }) },
        onError: { target: 'open', actions: assign({ failure: ({ event }) => (event.error as { code: string }).code }) },
      },
    },
    ended: { type: 'final' },
  },
  output: ({ context }) => context.items.length,
})
const machines = { box }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('an event for a mailbox that is full is refused; those accepted before it are all handled', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { mailboxDepthMax: 10 } })
    const actor = world.runtime.actor(box, '1')
    await actor.start()
    const sent = await Promise.allSettled(Array.from({ length: 25 }, (_, item) => actor.send({ type: 'PUT', item })))
    const refused = sent.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    expect(refused.length).toBeGreaterThan(0)
    for (const reason of refused) expect(reason).toMatchObject({ code: 'mailbox/full', address: 'box/1', details: { limit: 10 }, retryable: true, status: 429 })
    const accepted = sent.flatMap(({ status }, item) => (status === 'fulfilled' ? [String(item)] : []))
    expect((await actor.snapshot()).context.items).toEqual(accepted)
    // Once it has caught up it takes more.
    await actor.send({ type: 'PUT', item: 'more' })
  })

  test('an event from a runtime that does not own the actor is refused alike', async () => {
    const open = makePlace()
    const limits = { mailboxDepthMax: 3 }
    await using owner = await createTestWorld({ machines, store: await open(), limits })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2, limits })
    await owner.runtime.actor(box, '1').start()
    await owner.crash()
    const actor = guest.runtime.actor(box, '1')
    for (const item of [1, 2, 3]) await actor.send({ type: 'PUT', item })
    await expect(actor.send({ type: 'PUT', item: 4 })).rejects.toMatchObject({ code: 'mailbox/full', address: 'box/1', details: { limit: 3 } })
    await owner.restart()
    await owner.settle()
    expect((await actor.ask({ type: 'PUT', item: 5 })).context.items).toEqual(['1', '2', '3', '5'])
  })

  test('a paused actor keeps as many events as its mailbox holds', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { mailboxDepthMax: 3 } })
    const actor = world.runtime.actor(box, '1')
    await actor.start()
    await actor.pause()
    for (const item of [1, 2, 3]) await actor.send({ type: 'PUT', item })
    await expect(actor.send({ type: 'PUT', item: 4 })).rejects.toMatchObject({ code: 'mailbox/full', address: 'box/1', details: { depth: 3, limit: 3 } })
    await expect(actor.ask({ type: 'PUT', item: 4 })).rejects.toMatchObject({ code: 'mailbox/full' })
    await actor.resume()
    await world.settle()
    expect((await actor.snapshot()).context.items).toEqual(['1', '2', '3'])
  })

  test('no more actors are started than may be active, and room is made by those that end', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { activeActorsMax: 3 } })
    const { runtime } = world
    for (const key of ['1', '2', '3']) await runtime.actor(box, key).start()
    await expect(runtime.actor(box, '4').start()).rejects.toMatchObject({ code: 'actor/limit', address: 'box/4', details: { limit: 3 }, retryable: true, status: 429 })
    await expect(runtime.actor(box, '1').fork(1, '4')).rejects.toMatchObject({ code: 'actor/limit', address: 'box/4' })
    await runtime.actor(box, '1').start()
    await runtime.actor(box, '1').pause()
    await expect(runtime.actor(box, '4').start()).rejects.toMatchObject({ code: 'actor/limit' })
    await runtime.actor(box, '2').send({ type: 'END' })
    await runtime.actor(box, '4').start()
    await world.crash()
    await world.restart()
    expect(world.runtime.health().liveActors).toBe(3)
    await expect(world.runtime.actor(box, '5').start()).rejects.toMatchObject({ code: 'actor/limit' })
    await world.runtime.actor(box, '3').stop()
    await world.runtime.actor(box, '5').start()
  })

  test('the limit holds for starts that come all at once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { activeActorsMax: 3 } })
    const starts = await Promise.allSettled(Array.from({ length: 20 }, (_, key) => world.runtime.actor(box, String(key)).start()))
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect((await world.runtime.actors()).actors).toHaveLength(3)
    expect(world.runtime.health().liveActors).toBe(3)
  })

  test('a checkpoint over the limit is not written: the event is refused with both sizes, the state is as before', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { checkpointBytesMax: 5_000 } })
    const actor = world.runtime.actor(box, '1')
    await actor.start()
    await actor.send({ type: 'FILL', bytes: 3_000 })
    await expect(actor.ask({ type: 'FILL', bytes: 3_000 })).rejects.toMatchObject({
      code: 'event/poisoned', address: 'box/1',
      cause: { code: 'payload/too-large', address: 'box/1', message: expect.stringMatching(/checkpoint .* \d+ bytes.*checkpointBytesMax is 5000/), details: { bytes: expect.any(Number), limit: 5_000 } },
    })
    expect((await actor.snapshot()).context.items).toHaveLength(1)
    expect(await world.runtime.deadLetters.list()).toMatchObject([{ cause: { code: 'payload/too-large' } }])
    await world.crash()
    await world.restart()
    const again = world.runtime.actor(box, '1')
    expect((await again.ask({ type: 'FILL', bytes: 500 })).context.items.map(({ length }) => length)).toEqual([3_000, 500])
  })
})

describe('a payload over the limit is refused with its size and the limit', () => {
  const limits = { payloadBytesMax: 1_000 }

  test('as an event', async () => {
    await using world = await createTestWorld({ machines, limits })
    const actor = world.runtime.actor(box, '1')
    await actor.start()
    await expect(actor.send({ type: 'PUT', item: 'x'.repeat(1_000) })).rejects.toMatchObject({
      code: 'payload/too-large', address: 'box/1', status: 413, message: 'the event for box/1 has 1024 bytes, the limit payloadBytesMax is 1000', details: { bytes: 1024, limit: 1_000 },
    })
    expect(await actor.snapshot()).toMatchObject({ seq: 1 })
    // Bytes of UTF-8 count, not characters.
    await actor.send({ type: 'PUT', item: 'x'.repeat(976) })
    await expect(actor.send({ type: 'PUT', item: 'ü'.repeat(490) })).rejects.toMatchObject({ details: { bytes: 1004 } })
  })

  test('as an input', async () => {
    await using world = await createTestWorld({ machines, limits })
    await expect(world.runtime.actor(box, '1').start({ first: 'x'.repeat(1_000) })).rejects.toMatchObject({ code: 'payload/too-large', address: 'box/1', message: expect.stringContaining('input'), details: { bytes: 1012, limit: 1_000 } })
    await expect(world.runtime.actor(box, '1').snapshot()).rejects.toMatchObject({ code: 'actor/unknown' })
  })

  test('as the output of a task, which is not tried again', async () => {
    await using world = await createTestWorld({ machines, limits })
    const actor = world.runtime.actor(box, '1')
    await actor.start()
    await actor.send({ type: 'WORK', bytes: 2_000 })
    await world.settle()
    expect((await actor.snapshot()).context).toEqual({ items: [], failure: 'payload/too-large' })
    expect((await actor.history()).at(-1)?.error).toMatchObject({ code: 'payload/too-large', details: { bytes: 2_002, limit: 1_000 } })
    await actor.send({ type: 'WORK', bytes: 100 })
    await world.settle()
    expect((await actor.snapshot()).context.items.map(({ length }) => length)).toEqual([100])
  })

  test('as a reply, which poisons the question', async () => {
    await using world = await createTestWorld({ machines, limits })
    const actor = world.runtime.actor(box, '1')
    await actor.start()
    await expect(actor.ask({ type: 'SAY', bytes: 2_000 }, { until: 'reply' })).rejects.toMatchObject({ code: 'event/poisoned', cause: { code: 'payload/too-large', address: 'box/1', details: { limit: 1_000 } } })
    expect((await actor.ask({ type: 'SAY', bytes: 10 }, { until: 'reply' })).reply).toBe('x'.repeat(10))
  })

  test('as an event or input from one actor to another', async () => {
    const giver = setup({ types: { context: {} as { heard: string }, events: {} as { type: 'GIVE'; bytes: number } | { type: 'SPAWN'; bytes: number } }, actors: { box: remote<typeof box>('box') } }).createMachine({
      context: { heard: '' },
      initial: 'a',
      states: {
        a: {
          on: {
            GIVE: { actions: sendTo(actorAt('box/1'), ({ event }) => ({ type: 'PUT', item: 'x'.repeat(event.bytes) })) },
            SPAWN: 'b',
          },
        },
        b: { invoke: { id: 'box', src: 'box', input: ({ event }) => ({ first: 'x'.repeat((event as { bytes: number }).bytes) }), onError: { target: 'a', actions: assign({ heard: ({ event }) => (event.error as { code: string }).code }) } } },
      },
    })
    await using world = await createTestWorld({ machines: { box, giver }, limits })
    await world.runtime.actor(box, '1').start()
    await world.runtime.actor(giver, '1').start()
    await expect(world.runtime.actor(giver, '1').ask({ type: 'GIVE', bytes: 2_000 })).rejects.toMatchObject({ code: 'event/poisoned', cause: { code: 'payload/too-large', address: 'giver/1' } })
    // A child whose input cannot be kept is one that cannot be born: an error its parent may handle.
    expect(await world.runtime.actor(giver, '1').ask({ type: 'SPAWN', bytes: 2_000 })).toMatchObject({ status: 'active', value: 'a', context: { heard: 'payload/too-large' } })
    expect((await world.runtime.actors({ machine: 'box' })).actors).toHaveLength(1)
  })

  test('nested deeper than allowed, naming where', async () => {
    await using world = await createTestWorld({ machines, limits: { jsonDepthMax: 5 } })
    const actor = world.runtime.actor(box, '1')
    await actor.start()
    await actor.send({ type: 'PUT', item: [[[1]]] })
    await expect(actor.send({ type: 'PUT', item: [[[[[1]]]]] })).rejects.toMatchObject({ code: 'event/invalid', message: expect.stringMatching(/event\.item\[0\].*5 levels/) })
  })
})

test('a machine may have limits of its own, over and under those of the runtime', async () => {
  await using world = await createTestWorld({ machines: { small: { machine: box, limits: { payloadBytesMax: 100, mailboxDepthMax: 2 } }, large: { machine: box.provide({}), limits: { payloadBytesMax: 10_000 } } }, limits: { payloadBytesMax: 1_000 } })
  await world.runtime.actor('small', '1').start()
  await world.runtime.actor('large', '1').start()
  await expect(world.runtime.actor('small', '1').send({ type: 'PUT', item: 'x'.repeat(200) })).rejects.toMatchObject({ code: 'payload/too-large', details: { limit: 100 } })
  await world.runtime.actor('large', '1').send({ type: 'PUT', item: 'x'.repeat(5_000) })
  for (const [name, bytes] of [['small', 200], ['large', 5_000]] as const) await world.runtime.actor(name, '1').send({ type: 'WORK', bytes })
  await world.settle()
  expect((await world.runtime.actor('small', '1').snapshot()).context.failure).toBe('payload/too-large')
  expect((await world.runtime.actor('large', '1').snapshot()).context.items.at(-1)).toHaveLength(5_000)
  await world.runtime.actor('small', '1').pause()
  for (const item of [1, 2]) await world.runtime.actor('small', '1').send({ type: 'PUT', item })
  await expect(world.runtime.actor('small', '1').send({ type: 'PUT', item: 3 })).rejects.toMatchObject({ code: 'mailbox/full', details: { limit: 2 } })
})

test('a child that finds no room is an error of its parent', async () => {
  const parent = setup({ types: { context: {} as { heard: string }, events: {} as { type: 'X' } }, actors: { box: remote<typeof box>('box') } }).createMachine({
    context: { heard: '' },
    initial: 'a',
    states: { a: { invoke: { id: 'box', src: 'box', input: undefined, onError: { target: 'b', actions: assign({ heard: ({ event }) => (event.error as { code: string }).code }) } } }, b: {} },
  })
  await using world = await createTestWorld({ machines: { box, parent }, limits: { activeActorsMax: 1 } })
  await world.runtime.actor(parent, '1').start()
  await world.settle()
  expect(await world.runtime.actor(parent, '1').snapshot()).toMatchObject({ value: 'b', context: { heard: 'actor/limit' } })
})

test('what actors send each other is never refused for a full mailbox', async () => {
  const flood = setup({ types: { events: {} as { type: 'FLOOD' } } }).createMachine({
    on: { FLOOD: { actions: enqueueActions(({ enqueue }) => { for (let item = 0; item < 50; item++) enqueue.sendTo(actorAt('box/1'), { type: 'PUT', item }) }) } },
  })
  await using world = await createTestWorld({ machines: { box, flood }, limits: { mailboxDepthMax: 5 } })
  await world.runtime.actor(box, '1').start()
  await world.runtime.actor(flood, '1').start()
  await world.runtime.actor(flood, '1').send({ type: 'FLOOD' })
  await world.settle()
  expect((await world.runtime.actor(box, '1').snapshot()).context.items).toHaveLength(50)
  expect(await world.runtime.deadLetters.list()).toEqual([])
})

test.each([{ batchStepsMax: 1 }, { batchStepsMax: 2 }, { batchBytesMax: 300 }, { batchBytesMax: 1 }])('batches bounded to a few steps change nothing but their number: %j', async (limits) => {
  await using world = await createTestWorld({ machines, limits })
  const keys = ['0', '1', '2']
  await Promise.all(keys.map(key => world.runtime.actor(box, key).start()))
  await Promise.all(Array.from({ length: 60 }, (_, item) => world.runtime.actor(box, String(item % 3)).send({ type: 'PUT', item })))
  for (const [index, key] of keys.entries()) expect((await world.runtime.actor(box, key).snapshot()).context.items).toEqual(Array.from({ length: 20 }, (_, n) => String(n * 3 + index)))
  expect(world.runtime.health().counters.commits).toBeGreaterThan(20)
})

test.each([{ batchStepsMax: 3 }, { batchBytesMax: 500 }])('a chain of events that outgrows its batch goes on in the next ones, in order: %j', async (limits) => {
  const relay = setup({ types: { context: {} as { seen: number[] }, events: {} as { type: 'PASS'; n: number; left: number } } }).createMachine({
    context: { seen: [] },
    on: {
      PASS: {
        actions: enqueueActions(({ enqueue, context, event, self }) => {
          enqueue.assign({ seen: [...context.seen, event.n] })
          const other = self.id.endsWith('/a') ? 'relay/b' : 'relay/a'
          if (event.left > 0) for (const n of [event.n * 10 + 1, event.n * 10 + 2]) enqueue.sendTo(actorAt(other), { type: 'PASS', n, left: event.left - 1 })
        }),
      },
    },
  })
  const seen = async (more: object) => {
    const store = createMemoryStore()
    await using world = await createTestWorld({ machines: { relay }, store, ...more })
    await using guest = await createTestWorld({ machines: { relay }, store, clock: world.clock, seed: 2, ...more })
    for (const key of ['a', 'b']) await world.runtime.actor(relay, key).start()
    await Promise.all([world.runtime.actor(relay, 'a').send({ type: 'PASS', n: 1, left: 4 }), guest.runtime.actor(relay, 'b').send({ type: 'PASS', n: 2, left: 4 }), guest.runtime.actor(relay, 'b').send({ type: 'PASS', n: 3, left: 3 })])
    await world.settle()
    return Promise.all(['a', 'b'].map(async key => (await world.runtime.actor(relay, key).snapshot()).context.seen))
  }
  const [a = [], b = []] = await seen({ limits })
  const [plainA = [], plainB = []] = await seen({})
  expect([...a].sort((x, y) => x - y)).toEqual([...plainA].sort((x, y) => x - y))
  expect([...b].sort((x, y) => x - y)).toEqual([...plainB].sort((x, y) => x - y))
  // Of what came from one sender, siblings stay in order.
  for (const list of [a, b]) for (const n of list) if (n % 10 === 2) expect(list.indexOf(n - 1)).toBeLessThan(list.indexOf(n))
})
