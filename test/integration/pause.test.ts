import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-pause-'))
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

let runs = 0
let finish: (output: string) => void = () => undefined
let fail: (error: Error) => void = () => undefined
const line = setup({
  types: { context: {} as { seen: string[] }, events: {} as { type: 'PUT'; item: string } | { type: 'WORK' } | { type: 'WAIT' } | { type: 'END' } },
  actors: {
    work: task({
      retry: { attempts: 2, baseMs: 1_000, jitter: 0 },
      run: (_scope: TaskScope<unknown>) => {
        runs++
        return new Promise<string>((resolve, reject) => ([finish, fail] = [resolve, reject]))
      },
    }),
  },
  actions: { note: assign({ seen: ({ context }, item: string) => [...context.seen, item] }) },
}).createMachine({
  context: { seen: [] },
  initial: 'idle',
  states: {
    idle: { on: { WORK: 'working', WAIT: 'waiting' } },
    working: { invoke: { src: 'work', onDone: { target: 'idle', actions: { type: 'note', params: ({ event }) => event.output } }, onError: { target: 'idle', actions: { type: 'note', params: 'failed' } } } },
    waiting: { after: { 1_000: { target: 'idle', actions: { type: 'note', params: 'timer' } } } },
    ended: { type: 'final' },
  },
  on: { PUT: { actions: { type: 'note', params: ({ event }) => event.item } }, END: '.ended' },
})
const foreman = setup({ types: { context: {} as { seen: string[] }, events: {} as { type: 'NEVER' } }, actors: { line: remote<typeof line>('line') } }).createMachine({
  context: { seen: [] },
  initial: 'a',
  states: { a: { invoke: { id: 'line', src: 'line', onDone: { target: 'b' } } }, b: {} },
})
const machines = { line, foreman }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('events for a paused actor wait, and are handled in their order when it goes on', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(line, '1')
    await actor.start()
    await actor.send({ type: 'PUT', item: 'before' })
    await actor.pause()
    for (const item of ['a', 'b', 'c']) await actor.send({ type: 'PUT', item })
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ status: 'paused', context: { seen: ['before'] } })
    expect((await world.runtime.actors()).actors[0]).toMatchObject({ status: 'paused', waiting: 3 })
    await actor.resume()
    // What comes now stands behind what has waited.
    expect((await actor.ask({ type: 'PUT', item: 'd' })).context.seen).toEqual(['before', 'a', 'b', 'c', 'd'])
    expect((await world.runtime.actors()).actors[0]).toMatchObject({ status: 'active', waiting: 0 })
  })

  test('a thousand waiting events are handled in order', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(line, '1')
    await actor.start()
    await actor.pause()
    const items = Array.from({ length: 1_000 }, (_, index) => String(index))
    await Promise.all(items.map(item => actor.send({ type: 'PUT', item })))
    await actor.resume()
    const more = items.map(item => `late ${item}`)
    await Promise.all(more.map(item => actor.send({ type: 'PUT', item })))
    expect((await actor.ask({ type: 'PUT', item: 'last' })).context.seen).toEqual([...items, ...more, 'last'])
  })

  test('a pause and what waits behind it survive a crash', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(line, '1').start()
    await world.runtime.actor(line, '1').pause()
    await world.runtime.actor(line, '1').send({ type: 'PUT', item: 'a' })
    await world.crash()
    await world.restart()
    const actor = world.runtime.actor(line, '1')
    await actor.send({ type: 'PUT', item: 'b' })
    expect(await actor.snapshot()).toMatchObject({ status: 'paused', context: { seen: [] } })
    await actor.resume()
    await world.crash()
    await world.restart()
    await world.settle()
    expect(await world.runtime.actor(line, '1').snapshot()).toMatchObject({ status: 'active', context: { seen: ['a', 'b'] } })
  })

  test('a paused actor can be asked for from elsewhere, and goes on from elsewhere', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(line, '1').start()
    const actor = guest.runtime.actor(line, '1')
    await actor.pause()
    expect((await owner.runtime.actor(line, '1').snapshot()).status).toBe('paused')
    const asked = actor.ask({ type: 'PUT', item: 'a' })
    await actor.send({ type: 'PUT', item: 'b' })
    await actor.resume()
    expect((await asked).context.seen).toEqual(['a'])
    expect((await actor.ask({ type: 'PUT', item: 'c' })).context.seen).toEqual(['a', 'b', 'c'])
  })

  test('timers stand still: one that was due meanwhile fires after the pause', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(line, '1')
    await actor.start()
    await actor.send({ type: 'WAIT' })
    await actor.pause()
    await world.advance(60_000)
    expect(await actor.snapshot()).toMatchObject({ value: 'waiting', context: { seen: [] } })
    expect((await world.runtime.actors()).actors[0]?.dueAt).toBeNull()
    await actor.resume()
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ value: 'idle', context: { seen: ['timer'] } })
  })

  test('the result of a task that ends meanwhile is kept and handed over after the pause, after a crash too', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    runs = 0
    await world.runtime.actor(line, '1').start()
    await world.runtime.actor(line, '1').send({ type: 'WORK' })
    await world.settle()
    await world.runtime.actor(line, '1').pause()
    finish('done')
    await world.settle()
    expect(await world.runtime.actor(line, '1').snapshot()).toMatchObject({ status: 'paused', value: 'working' })
    await world.crash()
    await world.restart()
    await world.settle()
    await world.runtime.actor(line, '1').resume()
    await world.settle()
    expect(await world.runtime.actor(line, '1').snapshot()).toMatchObject({ value: 'idle', context: { seen: ['done'] } })
    expect(runs).toBe(1)
  })
})

test('a task that runs when the process dies during a pause is not begun again before the pause ends', async () => {
  await using world = await createTestWorld({ machines })
  runs = 0
  await world.runtime.actor(line, '1').start()
  await world.runtime.actor(line, '1').send({ type: 'WORK' })
  await world.settle()
  await world.runtime.actor(line, '1').pause()
  await world.crash()
  await world.restart()
  await world.advance(60_000)
  expect(runs).toBe(1)
  await world.runtime.actor(line, '1').resume()
  await world.settle()
  expect(runs).toBe(2)
  finish('second')
  await world.settle()
  expect((await world.runtime.actor(line, '1').snapshot()).context.seen).toEqual(['second'])
})

test('a task that fails during a pause is tried again after it', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(line, '1')
  runs = 0
  await actor.start()
  await actor.send({ type: 'WORK' })
  await world.settle()
  await actor.pause()
  fail(new Error('no ink'))
  await world.advance(60_000)
  expect(runs).toBe(1)
  await actor.resume()
  await world.settle()
  expect(runs).toBe(2)
  await actor.pause()
  fail(new Error('no ink again'))
  await world.settle()
  await actor.resume()
  await world.settle()
  expect(await actor.snapshot()).toMatchObject({ value: 'idle', context: { seen: ['failed'] } })
})

test('of two tasks that end during a pause, the second is not heard when the first has left their state', async () => {
  const ends: ((output: string) => void)[] = []
  const both = setup({
    types: { context: {} as { seen: string[] } },
    actors: { work: task({ run: (_scope: TaskScope<unknown>) => new Promise<string>(resolve => ends.push(resolve)), retry: 1 }) },
  }).createMachine({
    context: { seen: [] },
    initial: 'racing',
    states: {
      racing: {
        invoke: [
          { id: 't1', src: 'work', onDone: { target: 'over', actions: assign({ seen: ({ context, event }) => [...context.seen, event.output] }) } },
          { id: 't2', src: 'work', onDone: { target: 'over', actions: assign({ seen: ({ context, event }) => [...context.seen, event.output] }) } },
        ],
      },
      over: {},
    },
  })
  await using world = await createTestWorld({ machines: { both } })
  const actor = world.runtime.actor(both, '1')
  await actor.start()
  await world.settle()
  await actor.pause()
  ends[1]?.('second')
  await world.settle()
  ends[0]?.('first')
  await world.settle()
  await actor.resume()
  await world.settle()
  expect(await actor.snapshot()).toMatchObject({ value: 'over', context: { seen: ['first'] } })
  expect((await world.runtime.actors()).actors).toMatchObject([{ openTasks: 0 }])
})

test('the outcome of a child that comes too late for its stopped parent is let go', async () => {
  await using world = await createTestWorld({ machines })
  const parent = world.runtime.actor(foreman, '1')
  await parent.start()
  await parent.pause()
  const child = (await world.runtime.actors({ machine: 'line' })).actors[0]?.address ?? ''
  await world.runtime.at(child).send({ type: 'END' })
  await world.settle()
  await parent.stop()
  await world.settle()
  expect((await world.runtime.actors()).actors.map(({ status, waiting }) => `${status} ${waiting}`)).toEqual(['stopped 0', 'done 0'])
  expect(await world.runtime.deadLetters.list()).toEqual([])
})

test('pausing a paused actor and resuming a running one change nothing', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(line, '1')
  await actor.start()
  await actor.resume()
  await actor.pause()
  await actor.pause()
  expect(await actor.snapshot()).toMatchObject({ seq: 2, status: 'paused' })
})

test('an actor that has ended can be neither paused nor resumed', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(line, '1')
  await actor.start()
  await actor.send({ type: 'END' })
  await expect(actor.pause()).rejects.toMatchObject({ code: 'actor/ended', address: 'line/1' })
  await expect(actor.resume()).rejects.toMatchObject({ code: 'actor/ended', address: 'line/1' })
  await expect(world.runtime.actor(line, '2').pause()).rejects.toMatchObject({ code: 'actor/unknown', address: 'line/2' })
})

test('events that wait for a paused actor that is then stopped are not lost without a word', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(line, '1')
  await actor.start()
  await actor.pause()
  await actor.send({ type: 'PUT', item: 'a' })
  const asked = expect(actor.ask({ type: 'PUT', item: 'b' })).rejects.toMatchObject({ code: 'actor/ended', address: 'line/1' })
  await world.settle()
  await actor.stop()
  await asked
  expect((await world.runtime.deadLetters.list()).map(({ address, cause, message }) => [address, cause.code, (message as { body: { event: { item: string } } }).body.event.item])).toEqual([['line/1', 'actor/ended', 'a']])
  expect((await world.runtime.actors()).actors[0]).toMatchObject({ status: 'stopped', waiting: 0 })
})

test('the outcome of a child waits for its paused parent', async () => {
  await using world = await createTestWorld({ machines })
  const parent = world.runtime.actor(foreman, '1')
  await parent.start()
  await parent.pause()
  const child = (await world.runtime.actors({ machine: 'line' })).actors[0]?.address ?? ''
  await world.runtime.at(child).send({ type: 'END' })
  await world.settle()
  expect(await parent.snapshot()).toMatchObject({ status: 'paused', value: 'a' })
  await parent.resume()
  await world.settle()
  expect((await parent.snapshot()).value).toBe('b')
})

test('a paused actor still shows its state, its legal events and its past', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(line, '1')
  await actor.start()
  await actor.send({ type: 'WAIT' })
  await actor.pause()
  expect((await actor.nextEvents()).map(({ type }) => type)).toEqual(expect.arrayContaining(['PUT', 'END']))
  expect((await actor.at(1)).value).toBe('idle')
  expect((await actor.at(3)).status).toBe('paused')
})
