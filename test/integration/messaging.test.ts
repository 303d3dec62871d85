import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { actorAt, remote } from 'troupe'
import type { ActorAddress } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, cancel, createActor, enqueueActions, sendTo, setup } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-messaging-'))
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

type Post = { type: 'HEAR'; text: string; from?: AnyActorRef | ActorAddress } | { type: 'TELL'; whom: string; text: string; ms?: number } | { type: 'HUSH' } | { type: 'ASK'; whom: string } | { type: 'MANY'; whom: string; count: number } | { type: 'INNER' }

const inner = setup({ types: { events: {} as { type: 'HEAR'; text: string } } }).createMachine({
  on: { HEAR: { actions: sendTo(actorAt('person/judge'), ({ event }) => ({ type: 'HEAR', text: `inner heard ${event.text}` })) } },
})
const person = setup({ types: { context: {} as { heard: string[]; friend: ActorAddress | null }, events: {} as Post }, actors: { inner } }).createMachine({
  context: { heard: [], friend: null },
  invoke: { id: 'inner', src: 'inner' },
  on: {
    HEAR: {
      actions: enqueueActions(({ enqueue, context, event }) => {
        enqueue.assign({ heard: [...context.heard, event.text], friend: (event.from as ActorAddress | undefined) ?? context.friend })
        if (event.from) enqueue.sendTo(event.from as AnyActorRef, { type: 'HEAR', text: `${event.text}, thanks` })
      }),
    },
    TELL: [
      { guard: ({ event }) => event.ms !== undefined, actions: sendTo(({ event }) => actorAt(event.whom), ({ event }) => ({ type: 'HEAR', text: event.text }), { delay: ({ event }) => event.ms ?? 0, id: 'later' }) },
      { actions: sendTo(({ event }) => actorAt(event.whom), ({ event }) => ({ type: 'HEAR', text: event.text })) },
    ],
    HUSH: { actions: cancel('later') },
    ASK: { actions: sendTo(({ event }) => actorAt(event.whom), ({ self }) => ({ type: 'HEAR', text: 'hello', from: self })) },
    MANY: { actions: enqueueActions(({ enqueue, event }) => { for (let index = 0; index < event.count; index++) enqueue.sendTo(actorAt(event.whom), { type: 'HEAR', text: String(index) }) }) },
    INNER: { actions: sendTo(actorAt('person/judge'), ({ self }) => ({ type: 'HEAR', text: 'meet my inner', from: (self.getSnapshot() as { children: Record<string, AnyActorRef> }).children['inner'] as AnyActorRef })) },
  },
})
const machines = { person }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('an actor sends to another one wherever it lives', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace(8)() })
    const keys = Array.from({ length: 12 }, (_, index) => String(index))
    for (const key of keys) await world.runtime.actor(person, key).start()
    for (const key of keys) for (const whom of keys) await world.runtime.actor(person, key).send({ type: 'TELL', whom: `person/${whom}`, text: key })
    await world.settle()
    for (const key of keys) expect((await world.runtime.actor(person, key).snapshot()).context.heard).toEqual(keys)
  })

  test('what one actor sends another arrives in the order of sending, once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace(8)(), limits: { batchStepsMax: 7 } })
    for (const key of ['a', 'b', 'c']) await world.runtime.actor(person, key).start()
    await Promise.all(['a', 'b', 'a', 'b'].map(key => world.runtime.actor(person, key).send({ type: 'MANY', whom: 'person/c', count: 100 })))
    await world.settle()
    const entries = await world.runtime.actor(person, 'c').history({ limit: 1_000 })
    for (const from of ['default/person/a', 'default/person/b']) {
      expect(entries.filter(entry => entry.from === from).map(({ event }) => event?.['text'])).toEqual([...Array(100).keys(), ...Array(100).keys()].map(String))
    }
  })

  test('actors of runtimes that own different partitions reach each other', async () => {
    const open = makePlace(4)
    await using first = await createTestWorld({ machines, store: await open() })
    await using second = await createTestWorld({ machines, store: await open(), clock: first.clock, seed: 2 })
    await first.runtime.actor(person, '1').start()
    await second.runtime.actor(person, '2').start()
    await second.runtime.actor(person, '1').ask({ type: 'TELL', whom: 'person/2', text: 'over there' })
    await second.runtime.actor(person, '2').ask({ type: 'TELL', whom: 'person/1', text: 'and back' })
    await first.settle()
    expect((await second.runtime.actor(person, '2').snapshot()).context.heard).toEqual(['over there'])
    expect((await first.runtime.actor(person, '1').snapshot()).context.heard).toEqual(['and back'])
  })

  test('an actor that puts itself into an event can be answered, after a crash too', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    for (const key of ['1', '2']) await world.runtime.actor(person, key).start()
    await world.runtime.actor(person, '1').send({ type: 'ASK', whom: 'person/2' })
    await world.settle()
    expect((await world.runtime.actor(person, '2').snapshot()).context).toEqual({ heard: ['hello'], friend: { address: 'person/1' } })
    expect((await world.runtime.actor(person, '1').snapshot()).context.heard).toEqual(['hello, thanks'])
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor(person, '2').snapshot()).context.friend).toEqual({ address: 'person/1' })
  })

  test('a delayed event for another actor is durable, and can be taken back', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    for (const key of ['1', '2', '3']) await world.runtime.actor(person, key).start()
    await world.runtime.actor(person, '1').send({ type: 'TELL', whom: 'person/3', text: 'late', ms: 60_000 })
    await world.runtime.actor(person, '2').send({ type: 'TELL', whom: 'person/3', text: 'never', ms: 60_000 })
    await world.crash()
    await world.restart()
    await world.advance(30_000)
    await world.runtime.actor(person, '2').send({ type: 'HUSH' })
    await world.advance(29_999)
    expect((await world.runtime.actor(person, '3').snapshot()).context.heard).toEqual([])
    await world.advance(1)
    expect((await world.runtime.actor(person, '3').snapshot()).context.heard).toEqual(['late'])
    await world.advance(60_000)
    expect((await world.runtime.actor(person, '3').snapshot()).context.heard).toEqual(['late'])
  })
})

test('an actor may send to itself by its address', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(person, '1')
  await actor.start()
  await actor.send({ type: 'TELL', whom: 'person/1', text: 'note to self' })
  await world.settle()
  expect((await actor.snapshot()).context.heard).toEqual(['note to self'])
})

test('a child in process is an address with a path, to which others may answer', async () => {
  await using world = await createTestWorld({ machines })
  for (const key of ['1', 'judge']) await world.runtime.actor(person, key).start()
  await world.runtime.actor(person, '1').send({ type: 'INNER' })
  await world.settle()
  expect((await world.runtime.actor(person, 'judge').snapshot()).context).toEqual({ heard: ['meet my inner', 'inner heard meet my inner, thanks'], friend: { address: 'person/1', path: '/inner' } })
})

test('a durable child in an event is its own address', async () => {
  const keeper = setup({ types: { events: {} as { type: 'SHOW' } }, actors: { person: remote<typeof person>('person') } }).createMachine({
    invoke: { id: 'pet', src: 'person', input: undefined },
    on: { SHOW: { actions: sendTo(actorAt('person/judge'), ({ self }) => ({ type: 'HEAR', text: 'my pet', from: (self.getSnapshot() as { children: Record<string, AnyActorRef> }).children['pet'] as AnyActorRef })) } },
  })
  await using world = await createTestWorld({ machines: { person, keeper } })
  await world.runtime.actor(person, 'judge').start()
  await world.runtime.actor(keeper, '1').start()
  await world.runtime.actor(keeper, '1').send({ type: 'SHOW' })
  await world.settle()
  const { friend } = (await world.runtime.actor(person, 'judge').snapshot()).context
  expect(friend).toEqual({ address: 'person/keeper/1>pet#1' })
  expect(await world.runtime.at(friend?.address ?? '').snapshot()).toMatchObject({ context: { heard: ['my pet, thanks'] } })
})

test('an address that is none poisons the event that used it', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(person, '1')
  await actor.start()
  for (const whom of ['', 'nobody', '/x', 'per son/1', 'person/']) await expect(actor.ask({ type: 'TELL', whom, text: '' })).rejects.toMatchObject({ code: 'event/poisoned', cause: { code: 'address/invalid' } })
  expect(() => actorAt('nobody')).toThrow(expect.objectContaining({ code: 'address/invalid' }))
  expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { heard: [] } })
})

test('under plain createActor an address is deaf, and the machine runs on', () => {
  const plain = createActor(person)
  plain.start()
  plain.send({ type: 'TELL', whom: 'person/2', text: 'anybody?' })
  plain.send({ type: 'HEAR', text: 'still here' })
  expect(plain.getSnapshot()).toMatchObject({ status: 'active', context: { heard: ['still here'] } })
  plain.stop()
})

test('a hop is counted in the history of both sides, and causes are chained to the first event', async () => {
  await using world = await createTestWorld({ machines: { person: person.provide({ actions: { none: assign({}) } as never }) } })
  for (const key of ['1', '2', '3']) await world.runtime.actor('person', key).start()
  await world.runtime.actor('person', '1').send({ type: 'ASK', whom: 'person/2' })
  await world.settle()
  const [, asked, thanked] = await world.runtime.actor('person', '1').history()
  const [, heard] = await world.runtime.actor('person', '2').history()
  expect(asked?.sent).toEqual([{ to: 'default/person/2', type: 'HEAR' }])
  expect(heard).toMatchObject({ from: 'default/person/1', causation: asked?.id, correlation: asked?.id, sent: [{ to: 'default/person/1', type: 'HEAR' }] })
  expect(thanked).toMatchObject({ from: 'default/person/2', causation: heard?.id, correlation: asked?.id })
})
