import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { remote } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, createActor, enqueueActions, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate'
import type { ActorRefFrom, AnyActorRef, DoneActorEvent } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-remote-'))
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

const counter = setup({
  types: {
    context: {} as { n: number; step: number },
    input: {} as { step?: number } | undefined,
    events: {} as { type: 'UP' } | { type: 'PING' } | { type: 'BREAK' } | { type: 'END' },
    output: {} as { total: number },
  },
}).createMachine({
  context: ({ input }) => ({ n: 0, step: input?.step ?? 1 }),
  initial: 'on',
  states: {
    on: {
      on: {
        UP: { actions: assign({ n: ({ context }) => context.n + context.step }) },
        PING: { actions: sendParent(({ context }) => ({ type: 'PONG', n: context.n })) },
        BREAK: { actions: () => { throw new Error('cracked') } },
        END: 'off',
      },
    },
    off: { type: 'final' },
  },
  output: ({ context }) => ({ total: context.n }),
})

const owner = setup({
  types: {
    context: {} as { heard: string[]; shots: string[] },
    events: {} as { type: 'UP' } | { type: 'PING' } | { type: 'BREAK' } | { type: 'END' } | { type: 'PONG'; n: number } | { type: 'LEAVE' } | { type: 'AGAIN' },
  },
  actors: { counter: remote<typeof counter>('counter') },
  actions: {
    note: assign({ heard: ({ context }, line: string) => [...context.heard, line] }),
  },
}).createMachine({
  context: { heard: [], shots: [] },
  initial: 'with',
  states: {
    with: {
      invoke: {
        id: 'counter',
        src: 'counter',
        input: { step: 2 },
        onDone: { target: 'without', actions: { type: 'note', params: ({ event }) => `done ${event.output.total}` } },
        onError: { target: 'without', actions: { type: 'note', params: ({ event }) => `error ${(event.error as Error).message}` } },
        onSnapshot: { actions: assign({ shots: ({ context, event }) => [...context.shots, `${JSON.stringify(event.snapshot.value)} ${event.snapshot.context?.n}`] }) },
      },
      on: {
        UP: { actions: sendTo('counter', { type: 'UP' }) },
        PING: { actions: sendTo('counter', { type: 'PING' }) },
        BREAK: { actions: sendTo('counter', { type: 'BREAK' }) },
        END: { actions: sendTo('counter', { type: 'END' }) },
        LEAVE: 'without',
        AGAIN: { target: 'with', reenter: true },
      },
    },
    without: { on: { AGAIN: 'with' } },
  },
  on: { PONG: { actions: { type: 'note', params: ({ event }) => `pong ${event.n}` } } },
})
const machines = { owner, counter }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('an invoked machine is an actor of its own, in the run of its parent, with its input', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(owner, '1').start()
    await world.settle()
    const { actors } = await world.runtime.actors()
    expect(actors).toMatchObject([{ address: 'owner/1', parent: null, run: 'owner/1' }, { machine: 'counter', parent: 'owner/1', run: 'owner/1', status: 'active' }])
    const child = world.runtime.at(actors[1]?.address ?? '')
    expect((await child.snapshot()).context).toEqual({ n: 0, step: 2 })
    expect((await child.ask({ type: 'UP' })).context).toEqual({ n: 2, step: 2 })
  })

  test('onDone brings the output, across a crash between any two steps', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const again = async () => {
      await world.settle()
      await world.crash()
      await world.restart()
      return world.runtime.actor(owner, '1')
    }
    await world.runtime.actor(owner, '1').start()
    await (await again()).send({ type: 'UP' })
    await (await again()).send({ type: 'UP' })
    await (await again()).send({ type: 'PING' })
    await (await again()).send({ type: 'END' })
    const actor = await again()
    expect(await actor.snapshot()).toMatchObject({ value: 'without', context: { heard: ['pong 4', 'done 4'] } })
    expect((await world.runtime.actors({ machine: 'counter' })).actors).toMatchObject([{ status: 'done' }])
  })

  test('onError brings what the child threw, after a look at its dead letter', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(owner, '1')
    await actor.start()
    await actor.send({ type: 'BREAK' })
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'without', context: { heard: [expect.stringContaining('cracked')] } })
    expect((await world.runtime.actors({ machine: 'counter' })).actors).toMatchObject([{ status: 'failed', failure: { code: 'event/poisoned' } }])
    expect(await world.runtime.deadLetters.list()).toMatchObject([{ message: { from: 'default/owner/1', body: { event: { type: 'BREAK' } } } }])
  })

  test('onSnapshot brings each state of the child in order', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(owner, '1')
    await actor.start()
    for (const type of ['UP', 'UP', 'UP'] as const) await actor.send({ type })
    await world.settle()
    const { shots } = (await actor.snapshot()).context
    expect(shots.slice(-3)).toEqual(['"on" 2', '"on" 4', '"on" 6'])
  })

  test('a child that was left is stopped, and one that is entered again is another actor', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(owner, '1')
    await actor.start()
    await actor.send({ type: 'UP' })
    await actor.send({ type: 'LEAVE' })
    await actor.send({ type: 'AGAIN' })
    await actor.send({ type: 'AGAIN' })
    await actor.send({ type: 'UP' })
    await world.settle()
    const children = (await world.runtime.actors({ machine: 'counter' })).actors
    expect(children.map(({ status }) => status)).toEqual(['stopped', 'stopped', 'active'])
    expect(new Set(children.map(({ address }) => address)).size).toBe(3)
    await actor.send({ type: 'END' })
    await world.settle()
    expect((await actor.snapshot()).context.heard).toEqual(['done 2'])
  })

  test('several runs keep their children apart, whatever partitions they are in', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace(4)() })
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.all(keys.map(key => world.runtime.actor(owner, key).start()))
    await Promise.all(keys.flatMap((key, count) => Array.from({ length: count }, () => world.runtime.actor(owner, key).send({ type: 'UP' }))))
    await Promise.all(keys.map(key => world.runtime.actor(owner, key).send({ type: 'END' })))
    await world.settle()
    for (const [count, key] of keys.entries()) expect((await world.runtime.actor(owner, key).snapshot()).context.heard).toEqual([`done ${2 * count}`])
    expect((await world.runtime.actors({ run: 'owner/c' })).actors).toHaveLength(2)
  })

  test('the owner of a partition may change between parent and child, and nothing is done twice', async () => {
    const open = makePlace()
    await using first = await createTestWorld({ machines, store: await open() })
    await first.runtime.actor(owner, '1').start()
    await first.runtime.actor(owner, '1').send({ type: 'UP' })
    const death = first.crash({ point: 'release' })
    void first.runtime.actor(owner, '1').send({ type: 'UP' })
    await death
    await first.restart()
    await first.runtime.actor(owner, '1').send({ type: 'END' })
    await first.settle()
    expect((await first.runtime.actor(owner, '1').snapshot()).context.heard).toEqual(['done 4'])
  })
})

test('children have children, and each hears of its own', async () => {
  const middle = setup({ types: { context: {} as { got: number }, events: {} as { type: 'GO' }, output: {} as number }, actors: { counter: remote<typeof counter>('counter') } }).createMachine({
    context: { got: 0 },
    initial: 'a',
    states: {
      a: { invoke: { id: 'counter', src: 'counter', input: { step: 5 }, onDone: { target: 'b', actions: assign({ got: ({ event }) => event.output.total }) } }, entry: [sendTo('counter', { type: 'UP' }), sendTo('counter', { type: 'UP' }), sendTo('counter', { type: 'END' })] },
      b: { type: 'final' },
    },
    output: ({ context }) => context.got * 10,
  })
  const top = setup({ types: { context: {} as { got: number[] }, events: {} as { type: 'X' } }, actors: { middle: remote<typeof middle>('middle') } }).createMachine({
    context: { got: [] },
    type: 'parallel',
    states: {
      left: { initial: 'a', states: { a: { invoke: { id: 'left', src: 'middle', onDone: { target: 'b', actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) } } }, b: {} } },
      right: { initial: 'a', states: { a: { invoke: { id: 'right', src: 'middle', onDone: { target: 'b', actions: assign({ got: ({ context, event }) => [...context.got, event.output + 1] }) } } }, b: {} } },
    },
  })
  await using world = await createTestWorld({ machines: { top, middle, counter } })
  await world.runtime.actor(top, '1').start()
  await world.settle()
  expect((await world.runtime.actor(top, '1').snapshot()).context.got).toEqual([100, 101])
  const actors = (await world.runtime.actors({ run: 'top/1' })).actors
  expect(actors.map(({ machine }) => machine).sort()).toEqual(['counter', 'counter', 'middle', 'middle', 'top'])
  for (const { machine, parent, address } of actors) if (machine === 'counter') expect(address).toContain(parent?.replace(/^middle\//, '') ?? '')
})

test('children can be spawned under ids of their own, told apart and stopped', async () => {
  const herder = setup({
    types: { context: {} as { done: string[] }, events: {} as { type: 'ADD'; id: string } | { type: 'UP'; id: string } | { type: 'END'; id: string } | { type: 'DROP'; id: string } | { type: 'xstate.done.actor.*'; output: { total: number } } },
    actors: { counter: remote<typeof counter>('counter') },
  }).createMachine({
    context: { done: [] },
    on: {
      ADD: { actions: spawnChild('counter', { id: ({ event }) => event.id, input: { step: 1 } }) },
      UP: { actions: sendTo(({ event }) => event.id, { type: 'UP' }) },
      END: { actions: sendTo(({ event }) => event.id, { type: 'END' }) },
      DROP: { actions: stopChild(({ event }) => event.id) },
      'xstate.done.actor.*': { actions: assign({ done: ({ context, event }) => [...context.done, `${event.type} ${event.output.total}`] }) },
    },
  })
  await using world = await createTestWorld({ machines: { herder, counter } })
  const actor = world.runtime.actor(herder, '1')
  await actor.start()
  for (const id of ['red', 'blue/1', 'green~2']) await actor.send({ type: 'ADD', id })
  await actor.send({ type: 'UP', id: 'red' })
  await actor.send({ type: 'UP', id: 'blue/1' })
  await actor.send({ type: 'UP', id: 'blue/1' })
  await world.settle()
  await world.crash()
  await world.restart()
  const again = world.runtime.actor(herder, '1')
  await again.send({ type: 'DROP', id: 'green~2' })
  await again.send({ type: 'END', id: 'blue/1' })
  await again.send({ type: 'END', id: 'red' })
  await world.settle()
  expect((await again.snapshot()).context.done).toEqual(['xstate.done.actor.blue/1 2', 'xstate.done.actor.red 1'])
  expect((await world.runtime.actors({ machine: 'counter' })).actors.map(({ status }) => status)).toEqual(['done', 'done', 'stopped'])
  // A spawned actor's key names its run and its path: it can be looked up, not started.
  const [red] = (await world.runtime.actors({ machine: 'counter' })).actors
  expect(red?.address).toBe('counter/herder/1>red#1')
  await expect(world.runtime.at(red?.address ?? '').start()).rejects.toMatchObject({ code: 'address/invalid' })
})

test('a child may be referred to in context, before and after a restart', async () => {
  const keeper = setup({
    types: { context: {} as { ref?: ActorRefFrom<ReturnType<typeof remote<typeof counter>>> }, events: {} as { type: 'ADD' } | { type: 'UP' } },
    actors: { counter: remote<typeof counter>('counter') },
  }).createMachine({
    context: {},
    on: {
      ADD: { actions: assign({ ref: ({ spawn }) => spawn('counter', { id: 'one', input: { step: 3 } }) }) },
      UP: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'UP' }) },
    },
  })
  await using world = await createTestWorld({ machines: { keeper, counter } })
  await world.runtime.actor(keeper, '1').start()
  await world.runtime.actor(keeper, '1').send({ type: 'ADD' })
  await world.runtime.actor(keeper, '1').send({ type: 'UP' })
  await world.crash()
  await world.restart()
  await world.runtime.actor(keeper, '1').send({ type: 'UP' })
  await world.settle()
  expect(await world.runtime.at('counter/keeper/1>one#1').snapshot()).toMatchObject({ context: { n: 6 } })
})

test('a child of a machine that nobody registered is an error of its parent', async () => {
  const lost = setup({ types: { context: {} as { heard: string }, events: {} as { type: 'X' } }, actors: { ghost: remote<typeof counter>('ghost') } }).createMachine({
    context: { heard: '' },
    initial: 'a',
    states: { a: { invoke: { id: 'ghost', src: 'ghost', input: undefined, onError: { target: 'b', actions: assign({ heard: ({ event }) => `${(event.error as { code: string }).code}: ${(event.error as Error).message}` }) } } }, b: {} },
  })
  await using world = await createTestWorld({ machines: { lost } })
  await world.runtime.actor(lost, '1').start()
  await world.settle()
  expect((await world.runtime.actor(lost, '1').snapshot()).context.heard).toBe("machine/unknown: no machine 'ghost' is registered; registered are lost")
})

test('a child that fails at birth is an error of its parent', async () => {
  const stillborn = setup({}).createMachine({ entry: () => { throw new Error('no air') } })
  const mother = setup({ types: { context: {} as { heard: string }, events: {} as { type: 'X' } }, actors: { stillborn: remote<typeof stillborn>('stillborn') } }).createMachine({
    context: { heard: '' },
    initial: 'a',
    states: { a: { invoke: { id: 'c', src: 'stillborn', onError: { target: 'b', actions: assign({ heard: ({ event }) => (event.error as Error).message }) } } }, b: {} },
  })
  await using world = await createTestWorld({ machines: { mother, stillborn } })
  await world.runtime.actor(mother, '1').start()
  await world.settle()
  expect(await world.runtime.actor(mother, '1').snapshot()).toMatchObject({ value: 'b', context: { heard: expect.stringContaining('no air') } })
  expect((await world.runtime.actors({ machine: 'stillborn' })).actors).toEqual([])
})

test('the same parent runs in a plain unit test, with the machine in its place', () => {
  const plain = createActor(owner.provide({ actors: { counter: counter as never } }))
  plain.start()
  plain.send({ type: 'UP' })
  plain.send({ type: 'PING' })
  plain.send({ type: 'END' })
  expect(plain.getSnapshot()).toMatchObject({ value: 'without', context: { heard: ['pong 2', 'done 2'] } })
})

test('without the machine in its place a plain unit test is told what to do', () => {
  const plain = createActor(owner)
  const errors: unknown[] = []
  plain.subscribe({ error: error => errors.push(error) })
  try {
    plain.start()
  } catch (error) {
    errors.push(error)
  }
  const heard = (plain.getSnapshot() as { context: { heard: string[] } }).context.heard
  expect([...errors, ...heard].map(String).join()).toContain("remote('counter') needs a Troupe runtime")
})

test('a hundred children of one parent are all heard', async () => {
  const many = setup({ types: { context: {} as { sum: number; done: number }, events: {} as { type: 'GO' } }, actors: { counter: remote<typeof counter>('counter') } }).createMachine({
    context: { sum: 0, done: 0 },
    on: {
      GO: {
        actions: enqueueActions(({ enqueue }) => {
          for (let index = 0; index < 100; index++) {
            enqueue.spawnChild('counter', { id: `c${index}`, input: { step: index } })
            enqueue.sendTo(`c${index}`, { type: 'UP' })
            enqueue.sendTo(`c${index}`, { type: 'END' })
          }
        }),
      },
      '*': { guard: ({ event }) => event.type.startsWith('xstate.done.actor'), actions: assign({ sum: ({ context, event }) => context.sum + (event as unknown as { output: { total: number } }).output.total, done: ({ context }) => context.done + 1 }) },
    },
  })
  await using world = await createTestWorld({ machines: { many, counter } })
  await world.runtime.actor(many, '1').start()
  await world.runtime.actor(many, '1').send({ type: 'GO' })
  await world.settle()
  expect((await world.runtime.actor(many, '1').snapshot()).context).toEqual({ sum: 4950, done: 100 })
})

test('a fork hears of its own children, whatever their ids', async () => {
  const id = 'a/b~>c'
  const adder = setup({ types: { context: {} as { got: number[] }, events: {} as { type: 'ADD' } | { type: 'END' } }, actors: { counter: remote<typeof counter>('counter') } }).createMachine({
    context: { got: [] },
    invoke: { id, src: 'counter', input: { step: 3 }, onDone: { actions: assign({ got: ({ context, event }) => [...context.got, event.output.total] }) } },
    on: { ADD: { actions: sendTo(id, { type: 'UP' }) }, END: { actions: sendTo(id, { type: 'END' }) } },
  })
  await using world = await createTestWorld({ machines: { adder, counter } })
  const original = world.runtime.actor(adder, '1')
  await original.start()
  await original.send({ type: 'ADD' })
  const fork = await original.fork(1, '2')
  for (const actor of [original, fork]) for (const type of ['ADD', 'END'] as const) await actor.send({ type })
  await world.settle()
  expect((await original.snapshot()).context.got).toEqual([6])
  expect((await fork.snapshot()).context.got).toEqual([3])
})

test('a paused parent misses no end of a child, however many there are', async () => {
  const parent = setup({ types: { context: {} as { ended: number }, events: {} as { type: 'GO' } | DoneActorEvent<{ total: number }> }, actors: { counter: remote<typeof counter>('counter') } }).createMachine({
    context: { ended: 0 },
    entry: Array.from({ length: 5 }, (_, n) => spawnChild('counter', { id: `c${n}` })),
    on: { GO: {}, 'xstate.done.actor.*': { actions: assign({ ended: ({ context }) => context.ended + 1 }) } },
  })
  await using world = await createTestWorld({ machines: { parent: { machine: parent, limits: { mailboxDepthMax: 2 } }, counter } })
  const actor = world.runtime.actor('parent', '1')
  await actor.start()
  await world.settle()
  await actor.pause()
  const { actors } = await world.runtime.actors({ machine: 'counter' })
  for (const { key } of actors) await world.runtime.actor(counter, key).send({ type: 'END' })
  await world.settle()
  await expect(actor.ask({ type: 'GO' }, { timeout: 1_000 })).rejects.toMatchObject({ code: 'mailbox/full' })
  await actor.resume()
  await world.settle()
  expect((await actor.snapshot()).context.ended).toBe(5)
})
