import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { actorAt, deadLetter, remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, sendTo, setup } from 'xstate'
import { parseAddress } from '../../src/core/address.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-letters-'))
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

/** What is broken outside, and can be mended: the machine throws while it is. */
let broken = false
const keys: string[] = []
beforeEach(() => {
  broken = true
  keys.length = 0
})
const mill = setup({
  types: { context: {} as { ground: string[] }, events: {} as { type: 'GRIND'; what: string } | { type: 'WORK' } | { type: 'END' } },
  actors: {
    work: task({
      retry: 1,
      run: ({ idempotencyKey, attempt }: TaskScope<unknown>) => {
        keys.push(`${idempotencyKey} #${attempt}`)
        if (broken) throw new Error('stone cracked')
        return 'flour'
      },
    }),
  },
}).createMachine({
  context: { ground: [] },
  initial: 'ready',
  states: {
    ready: {
      on: {
        GRIND: { actions: [assign({ ground: ({ context, event }) => [...context.ground, event.what] }), () => { if (broken) throw new Error('stone cracked') }] },
        WORK: 'working',
        END: 'ended',
      },
    },
    working: { invoke: { src: 'work', onDone: { target: 'ready', actions: assign({ ground: ({ context, event }) => [...context.ground, event.output] }) } } },
    ended: { type: 'final' },
  },
})
const machines = { mill }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('an event that its actor threw on is kept with its cause, and the actor is as before', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(mill, '1')
    await actor.start()
    await actor.send({ type: 'GRIND', what: 'rye' })
    expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { ground: [] } })
    const [letter, ...others] = await world.runtime.deadLetters.list()
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      address: 'mill/1', state: 'present', at: world.clock.now(), resolvedAt: null, reason: null,
      message: { body: { kind: 'event', event: { type: 'GRIND', what: 'rye' } }, from: null },
      cause: { name: 'Error', message: 'stone cracked', stack: expect.stringContaining('dead-letters.test') },
    })
    expect((await actor.history()).at(-1)).toMatchObject({ kind: 'failed', event: { type: 'GRIND' }, error: { code: 'event/poisoned', details: { letter: letter?.id } } })
    expect(world.runtime.health().counters.deadLetters).toBe(1)
  })

  test('replaying it hands the event to the actor again, once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(mill, '1')
    await actor.start()
    await actor.send({ type: 'GRIND', what: 'rye' })
    const [letter] = await world.runtime.deadLetters.list()
    broken = false
    await world.runtime.deadLetters.replay(letter?.id ?? '')
    expect((await actor.snapshot()).context.ground).toEqual(['rye'])
    expect(await world.runtime.deadLetters.list()).toEqual([])
    expect(await world.runtime.deadLetters.list({ state: 'replayed' })).toMatchObject([{ id: letter?.id, state: 'replayed', resolvedAt: world.clock.now() }])
    await expect(world.runtime.deadLetters.replay(letter?.id ?? '')).rejects.toMatchObject({ code: 'dead-letter/unknown' })
    await expect(world.runtime.deadLetters.discard(letter?.id ?? '')).rejects.toMatchObject({ code: 'dead-letter/unknown' })
    expect((await actor.snapshot()).context.ground).toEqual(['rye'])
  })

  test('a replay that fails again says so, and leaves a new letter', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(mill, '1')
    await actor.start()
    await actor.send({ type: 'GRIND', what: 'rye' })
    const [first] = await world.runtime.deadLetters.list()
    await expect(world.runtime.deadLetters.replay(first?.id ?? '')).rejects.toMatchObject({ code: 'event/poisoned', address: 'mill/1', cause: { message: 'stone cracked' } })
    const present = await world.runtime.deadLetters.list()
    expect(present).toMatchObject([{ message: { body: { event: { type: 'GRIND', what: 'rye' } } } }])
    expect(present[0]?.id).not.toBe(first?.id)
    broken = false
    await world.runtime.deadLetters.replay(present[0]?.id ?? '')
    expect((await actor.snapshot()).context.ground).toEqual(['rye'])
    expect(await world.runtime.deadLetters.list({ state: 'replayed' })).toHaveLength(2)
  })

  test('discarding it keeps the reason and touches nobody', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(mill, '1')
    await actor.start()
    await actor.send({ type: 'GRIND', what: 'rye' })
    const [letter] = await world.runtime.deadLetters.list()
    await world.advance(500)
    await world.runtime.deadLetters.discard(letter?.id ?? '', 'mouldy')
    expect(await world.runtime.deadLetters.list()).toEqual([])
    expect(await world.runtime.deadLetters.list({ state: 'discarded' })).toMatchObject([{ id: letter?.id, reason: 'mouldy', resolvedAt: world.clock.now() }])
    await expect(world.runtime.deadLetters.replay(letter?.id ?? '')).rejects.toMatchObject({ code: 'dead-letter/unknown' })
    expect((await actor.snapshot()).context.ground).toEqual([])
  })

  test('letters survive a crash, and can be replayed after it', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(mill, '1').start()
    await world.runtime.actor(mill, '1').send({ type: 'GRIND', what: 'rye' })
    await world.crash()
    await world.restart()
    const [letter] = await world.runtime.deadLetters.list({ address: 'mill/1' })
    broken = false
    await world.runtime.deadLetters.replay(letter?.id ?? '')
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor(mill, '1').snapshot()).context.ground).toEqual(['rye'])
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })

  test('a task that gave up and that nobody handles fails its actor; replaying its letter revives the actor and begins the task again under its key', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(mill, '1')
    await actor.start()
    await actor.send({ type: 'WORK' })
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ status: 'failed', value: 'working', failure: { code: 'event/poisoned', message: expect.stringContaining('stone cracked') } })
    await expect(actor.send({ type: 'END' })).rejects.toMatchObject({ code: 'actor/failed', address: 'mill/1' })
    const [letter] = await world.runtime.deadLetters.list()
    expect(letter).toMatchObject({ address: 'mill/1', message: { body: { kind: 'task' } }, cause: { message: expect.stringContaining('stone cracked') } })
    await world.crash()
    await world.restart()
    broken = false
    await world.runtime.deadLetters.replay(letter?.id ?? '')
    await world.settle()
    const after = await world.runtime.actor(mill, '1').snapshot()
    expect(after).toMatchObject({ status: 'active', value: 'ready', context: { ground: ['flour'] } })
    expect(after.failure).toBeUndefined()
    expect(keys).toEqual(['default/mill/1:1 #1', 'default/mill/1:1 #2'])
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })

  test('any runtime lists, replays and discards them', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(mill, '1').start()
    for (const what of ['rye', 'oats']) await owner.runtime.actor(mill, '1').send({ type: 'GRIND', what })
    const [rye, oats] = await guest.runtime.deadLetters.list()
    await expect(guest.runtime.deadLetters.replay(rye?.id ?? '')).rejects.toMatchObject({ code: 'event/poisoned', address: 'mill/1' })
    broken = false
    await guest.runtime.deadLetters.discard(oats?.id ?? '', 'enough')
    const [again] = await guest.runtime.deadLetters.list()
    await guest.runtime.deadLetters.replay(again?.id ?? '')
    expect((await owner.runtime.actor(mill, '1').snapshot()).context.ground).toEqual(['rye'])
    await expect(guest.runtime.deadLetters.replay(oats?.id ?? '')).rejects.toMatchObject({ code: 'dead-letter/unknown' })
  })

  test('they are listed oldest first, per actor, in pages', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    for (const key of ['1', '2']) await world.runtime.actor(mill, key).start()
    const order: string[] = []
    for (let n = 0; n < 12; n++) {
      order.push(`${n % 2 ? 'mill/1' : 'mill/2'} ${n}`)
      await world.runtime.at(n % 2 ? 'mill/1' : 'mill/2').send({ type: 'GRIND', what: String(n) })
      await world.advance(n % 3)
    }
    const show = (letters: Awaited<ReturnType<typeof world.runtime.deadLetters.list>>) => letters.map(({ address, message }) => `${address} ${(message as { body: { event: { what: string } } }).body.event.what}`)
    const all = await world.runtime.deadLetters.list()
    expect(show(all)).toEqual(order)
    expect(show(await world.runtime.deadLetters.list({ address: 'mill/1' }))).toEqual(order.filter(line => line.startsWith('mill/1')))
    const first = await world.runtime.deadLetters.list({ limit: 5 })
    const second = await world.runtime.deadLetters.list({ limit: 5, after: first.at(-1)?.id ?? '' })
    const third = await world.runtime.deadLetters.list({ limit: 5, after: second.at(-1)?.id ?? '' })
    expect([...first, ...second, ...third]).toEqual(all)
  })
})

test('what an actor puts aside itself waits in the dead letters, with its cause, and comes back to the part that put it there', async () => {
  const clerk = setup({ types: { events: {} as { type: 'FILE'; form: number } } }).createMachine({
    initial: 'closed',
    states: {
      closed: { on: { FILE: { target: 'open', actions: deadLetter(({ event }) => ({ event, error: new Error(`form ${event.form} is for tomorrow`) })) } } },
      open: { on: { FILE: 'done' } },
      done: { type: 'final' },
    },
  })
  const office = setup({ actors: { clerk }, types: { events: {} as { type: 'FILE'; form: number } } }).createMachine({
    initial: 'working',
    states: { working: { invoke: { id: 'clerk', src: 'clerk', onDone: 'over' }, on: { FILE: { actions: sendTo('clerk', ({ event }) => event) } } }, over: { type: 'final' } },
  })
  await using world = await createTestWorld({ machines: { office } })
  const actor = world.runtime.actor(office, '1')
  await actor.start()
  await actor.send({ type: 'FILE', form: 7 })
  expect(await actor.snapshot()).toMatchObject({ status: 'active', failure: undefined })
  const [letter, ...others] = await world.runtime.deadLetters.list()
  expect(others).toEqual([])
  expect(letter).toMatchObject({ address: 'office/1', cause: { name: 'Error', message: 'form 7 is for tomorrow' }, message: { body: { kind: 'event', event: { type: 'FILE', form: 7 }, path: '/clerk' } } })
  await world.crash()
  await world.restart()
  await world.runtime.deadLetters.replay(letter?.id ?? '')
  expect((await world.runtime.actor(office, '1').snapshot()).status).toBe('done')
  expect(await world.runtime.deadLetters.list()).toEqual([])
})

test('several events that poison one actor are several letters, and the good ones between them count', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(mill, '1')
  await actor.start()
  broken = false
  await actor.send({ type: 'GRIND', what: 'a' })
  broken = true
  await Promise.all(['b', 'c', 'd'].map(what => actor.send({ type: 'GRIND', what })))
  broken = false
  await actor.send({ type: 'GRIND', what: 'e' })
  expect((await actor.snapshot()).context.ground).toEqual(['a', 'e'])
  expect(await world.runtime.deadLetters.list()).toHaveLength(3)
})

test('the replay of an event for an actor that has ended says so', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(mill, '1')
  await actor.start()
  await actor.send({ type: 'GRIND', what: 'rye' })
  await actor.send({ type: 'END' })
  const [letter] = await world.runtime.deadLetters.list()
  await expect(world.runtime.deadLetters.replay(letter?.id ?? '')).rejects.toMatchObject({ code: 'actor/ended', address: 'mill/1' })
  // Nothing was handled, so nothing was replayed: the letter is still there to look at.
  expect(await world.runtime.deadLetters.list()).toHaveLength(1)
})

test('a replay for a paused actor waits with what else waits', async () => {
  const store = createMemoryStore()
  await using owner = await createTestWorld({ machines, store })
  await using guest = await createTestWorld({ machines, store, clock: owner.clock, seed: 2 })
  const actor = owner.runtime.actor(mill, '1')
  await actor.start()
  for (const what of ['rye', 'oats']) await actor.send({ type: 'GRIND', what })
  const [rye, oats] = await owner.runtime.deadLetters.list()
  broken = false
  await actor.pause()
  await owner.runtime.deadLetters.replay(rye?.id ?? '')
  await guest.runtime.deadLetters.replay(oats?.id ?? '')
  expect((await actor.snapshot()).context.ground).toEqual([])
  await actor.resume()
  await owner.settle()
  expect((await actor.snapshot()).context.ground).toEqual(['rye', 'oats'])
})

test('the letter of a task whose actor is over stays where it is', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(mill, '1')
  await actor.start()
  await actor.send({ type: 'WORK' })
  await world.settle()
  await actor.stop()
  const [letter] = await world.runtime.deadLetters.list()
  await expect(world.runtime.deadLetters.replay(letter?.id ?? '')).rejects.toMatchObject({ code: 'actor/ended', address: 'mill/1' })
  expect(await world.runtime.deadLetters.list()).toHaveLength(1)
  expect(keys).toHaveLength(1)
})

test('a child that failed is over: neither a replay nor a resume brings it back behind its parent', async () => {
  const parent = setup({ types: { context: {} as { heard: string }, events: {} as { type: 'GRIND'; what: string } }, actors: { mill: remote<typeof mill>('mill') } }).createMachine({
    context: { heard: '' },
    initial: 'a',
    states: {
      a: { invoke: { id: 'mill', src: 'mill', onError: { target: 'b', actions: assign({ heard: ({ event }) => (event.error as Error).message }) } }, on: { GRIND: { actions: sendTo('mill', ({ event }) => event) } } },
      b: {},
    },
  })
  await using world = await createTestWorld({ machines: { mill, parent } })
  await world.runtime.actor(parent, '1').start()
  await world.runtime.actor(parent, '1').send({ type: 'GRIND', what: 'rye' })
  await world.settle()
  expect(await world.runtime.actor(parent, '1').snapshot()).toMatchObject({ value: 'b', context: { heard: expect.stringContaining('stone cracked') } })
  const [letter] = await world.runtime.deadLetters.list()
  broken = false
  await expect(world.runtime.deadLetters.replay(letter?.id ?? '')).rejects.toMatchObject({ code: 'actor/failed', address: letter?.address })
  await expect(world.runtime.at(letter?.address ?? '').resume()).rejects.toMatchObject({ code: 'actor/failed', address: letter?.address })
  expect(await world.runtime.deadLetters.list()).toHaveLength(1)
  expect((await world.runtime.at(letter?.address ?? '').snapshot()).status).toBe('failed')
})

test('the outcome of a child that nobody handled can be replayed once somebody does', async () => {
  const parentOf = (handled: boolean) => setup({ types: { context: {} as { heard: string }, events: {} as { type: 'GRIND'; what: string } }, actors: { mill: remote<typeof mill>('mill') } }).createMachine({
    id: 'parent',
    context: { heard: '' },
    initial: 'a',
    states: {
      a: { invoke: { id: 'mill', src: 'mill', ...(handled && { onError: { target: 'b', actions: assign({ heard: ({ event }: { event: { error: unknown } }) => (event.error as Error).message }) as never } }) }, on: { GRIND: { actions: sendTo('mill', ({ event }) => event) } } },
      b: {},
    },
  })
  await using world = await createTestWorld<Record<string, ReturnType<typeof parentOf> | typeof mill>>({ machines: { mill, parent: parentOf(false) }, store: createMemoryStore() })
  await world.runtime.actor('parent', '1').start()
  await world.runtime.actor('parent', '1').send({ type: 'GRIND', what: 'rye' })
  await world.settle()
  expect((await world.runtime.actor('parent', '1').snapshot()).status).toBe('failed')
  const letters = await world.runtime.deadLetters.list({ address: 'parent/1' })
  expect(letters).toMatchObject([{ message: { body: { kind: 'child', outcome: { type: 'error' } } } }])
  await expect(world.runtime.deadLetters.replay(letters[0]?.id ?? '')).rejects.toMatchObject({ code: 'event/poisoned', address: 'parent/1' })
  await world.crash()
  await world.restart({ machines: { mill, parent: parentOf(true) } })
  const [again] = await world.runtime.deadLetters.list({ address: 'parent/1' })
  await world.runtime.deadLetters.replay(again?.id ?? '')
  expect(await world.runtime.actor('parent', '1').snapshot()).toMatchObject({ status: 'active', value: 'b', context: { heard: expect.stringContaining('stone cracked') } })
  expect(await world.runtime.deadLetters.list({ address: 'parent/1' })).toEqual([])
})

test('resuming a failed actor tries again what it failed at', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(mill, '1')
  await actor.start()
  await actor.send({ type: 'WORK' })
  await world.settle()
  expect((await actor.snapshot()).status).toBe('failed')
  broken = false
  await actor.resume()
  await world.settle()
  expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'ready', context: { ground: ['flour'] } })
})

test('events between actors that nobody can take become letters', async () => {
  const caller = setup({ types: { events: {} as { type: 'CALL'; whom: string } } }).createMachine({ on: { CALL: { actions: sendTo(({ event }) => actorAt(event.whom), { type: 'HELLO' }) } } })
  await using world = await createTestWorld({ machines: { caller } })
  const actor = world.runtime.actor(caller, '1')
  await actor.start()
  await actor.send({ type: 'CALL', whom: 'caller/none' })
  await actor.send({ type: 'CALL', whom: 'nobody/1' })
  await world.settle()
  const letters = await world.runtime.deadLetters.list()
  expect(letters.map(({ address, cause }) => [address, cause.code])).toEqual([['caller/none', 'actor/unknown'], ['nobody/1', expect.stringMatching(/actor\/unknown|machine\/unknown/)]])
  for (const { id } of letters) await world.runtime.deadLetters.discard(id)
  expect(await world.runtime.deadLetters.list()).toEqual([])
})

test('a question is not answered twice when its event is replayed', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(mill, '1')
  await actor.start()
  await expect(actor.ask({ type: 'GRIND', what: 'rye' }, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'event/poisoned' })
  broken = false
  const [letter] = await world.runtime.deadLetters.list()
  await world.runtime.deadLetters.replay(letter?.id ?? '')
  await actor.send({ type: 'GRIND', what: 'rye' }, { idempotencyKey: 'k' })
  expect((await actor.snapshot()).context.ground).toEqual(['rye'])
})

test('a message of the store that cannot be read is put aside: those behind it go on, the others are still listed', async () => {
  const store = createMemoryStore()
  await using world = await createTestWorld({ machines, store })
  const actor = world.runtime.actor(mill, '1')
  await actor.start()
  await actor.send({ type: 'GRIND', what: 'rye' })
  broken = false
  const to = parseAddress('mill/1')
  for (const [id, data] of [['a', '{"from":'], ['b', '{}'], ['c', '']] as const) await store.append([{ id, to, partition: 0, at: world.clock.now(), data }], 100)
  expect((await actor.ask({ type: 'GRIND', what: 'oats' })).context.ground).toEqual(['oats'])
  await world.settle()
  const letters = await world.runtime.deadLetters.list()
  expect(letters.map(({ address, message, cause }) => [address, message === null, cause.code])).toEqual([['mill/1', false, undefined], ['mill/1', true, 'store/corrupt'], ['mill/1', true, 'store/corrupt'], ['mill/1', true, 'store/corrupt']])
  await expect(world.runtime.deadLetters.replay(letters[1]?.id ?? '')).rejects.toMatchObject({ code: 'store/corrupt', address: 'mill/1' })
  await world.runtime.deadLetters.discard(letters[2]?.id ?? '', 'unreadable')
  await world.runtime.deadLetters.replay(letters[0]?.id ?? '')
  expect(await world.runtime.deadLetters.list()).toHaveLength(2)
  expect((await actor.snapshot()).context.ground).toEqual(['oats', 'rye'])
})

test('nor does one among the events that wait for a paused actor hold up the others', async () => {
  const store = createMemoryStore()
  let damage = false
  const damaged = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'parked') return value
      return async (...args: Parameters<typeof store.parked>) => (await target.parked(...args)).map((message, index) => (damage && index === 1 ? { ...message, data: 'nothing' } : message))
    },
  })
  broken = false
  await using world = await createTestWorld({ machines, store: damaged })
  const actor = world.runtime.actor(mill, '1')
  await actor.start()
  await actor.pause()
  for (const what of ['rye', 'oats', 'corn']) await actor.send({ type: 'GRIND', what })
  damage = true
  await actor.resume()
  await world.settle()
  expect((await actor.snapshot()).context.ground).toEqual(['rye', 'corn'])
  expect(await world.runtime.deadLetters.list()).toMatchObject([{ message: null, cause: { code: 'store/corrupt' } }])
})

test('what is not there cannot be replayed or discarded', async () => {
  await using world = await createTestWorld({ machines })
  for (const id of ['', 'nope', "' OR 1=1 --", '__proto__']) {
    await expect(world.runtime.deadLetters.replay(id)).rejects.toMatchObject({ code: 'dead-letter/unknown', status: 404 })
    await expect(world.runtime.deadLetters.discard(id)).rejects.toMatchObject({ code: 'dead-letter/unknown' })
  }
  await expect(world.runtime.deadLetters.list({ state: 'gone' as never })).rejects.toMatchObject({ code: 'config/invalid' })
  await expect(world.runtime.deadLetters.list({ limit: 0.5 })).rejects.toMatchObject({ code: 'config/invalid' })
  await expect(world.runtime.deadLetters.list({ address: 'noslash' })).rejects.toMatchObject({ code: 'address/invalid' })
})
