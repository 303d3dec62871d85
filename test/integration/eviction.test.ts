import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createSeededRandom, createTestWorld } from 'troupe/testing'
import { assign, fromCallback, sendTo, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-eviction-'))
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

let attempts = 0
const finish = new Map<string, (output: string) => void>()
const note = setup({
  types: { context: {} as { lines: string[]; rings: number }, events: {} as { type: 'ADD'; line: string } | { type: 'RING'; ms: number } | { type: 'WORK' } | { type: 'LISTEN' } | { type: 'HEARD' } },
  actors: {
    work: task({
      retry: 1,
      run: ({ idempotencyKey }: TaskScope<unknown>) => {
        attempts++
        return new Promise<string>(resolve => finish.set(idempotencyKey, resolve))
      },
    }),
    ear: fromCallback(({ receive, sendBack }) => {
      const heard: number[] = []
      receive(() => {
        heard.push(1)
        sendBack({ type: 'ADD', line: `heard ${heard.length}` })
      })
    }),
  },
  delays: { ring: ({ event }) => (event as { ms: number }).ms },
}).createMachine({
  context: { lines: [], rings: 0 },
  initial: 'idle',
  states: {
    idle: { on: { RING: 'ringing', WORK: 'working', LISTEN: 'listening' } },
    ringing: { after: { ring: { target: 'idle', actions: assign({ rings: ({ context }) => context.rings + 1 }) } } },
    working: { invoke: { src: 'work', onDone: { target: 'idle', actions: assign({ lines: ({ context, event }) => [...context.lines, event.output] }) } } },
    listening: { invoke: { id: 'ear', src: 'ear' }, on: { HEARD: { actions: sendTo('ear', { type: 'HEARD' }) } } },
  },
  on: { ADD: { actions: assign({ lines: ({ context, event }) => [...context.lines, event.line] }) } },
})
const child = setup({ types: { context: {} as { n: number }, events: {} as { type: 'BUMP' } | { type: 'END' }, output: {} as number } }).createMachine({
  context: { n: 0 },
  initial: 'on',
  states: { on: { on: { BUMP: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: 'off' } }, off: { type: 'final' } },
  output: ({ context }) => context.n,
})
const parent = setup({ types: { context: {} as { got: number }, events: {} as { type: 'BUMP' } | { type: 'END' } }, actors: { child: remote<typeof child>('child') } }).createMachine({
  context: { got: -1 },
  initial: 'a',
  states: { a: { invoke: { id: 'child', src: 'child', onDone: { target: 'b', actions: assign({ got: ({ event }) => event.output }) } }, on: { BUMP: { actions: sendTo('child', { type: 'BUMP' }) }, END: { actions: sendTo('child', { type: 'END' }) } } }, b: {} },
})
const machines = { note, child, parent }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('forty actors in a cache of four are what they are without any cache', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { liveActorsMax: 4 } })
    const random = createSeededRandom(3)
    const model = new Map<string, string[]>()
    for (let key = 0; key < 40; key++) {
      await world.runtime.actor(note, String(key)).start()
      model.set(String(key), [])
    }
    for (let step = 0; step < 400; step++) {
      const key = String(Math.floor(random.next() * 40))
      const line = `${step} ${'x'.repeat(Math.floor(random.next() * 60))}`
      model.get(key)?.push(line)
      await world.runtime.actor(note, key).send({ type: 'ADD', line })
    }
    expect(world.runtime.health().actorsInMemory).toBeLessThanOrEqual(4)
    expect(world.runtime.health().counters.evictions).toBeGreaterThan(300)
    expect(world.runtime.health().liveActors).toBe(40)
    for (const [key, lines] of model) expect((await world.runtime.actor(note, key).snapshot()).context.lines).toEqual(lines)
  })

  test('the timer of an evicted actor brings it back in time', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { liveActorsMax: 2 } })
    for (let key = 0; key < 10; key++) {
      await world.runtime.actor(note, String(key)).start()
      await world.runtime.actor(note, String(key)).send({ type: 'RING', ms: 1_000 + key * 100 })
    }
    await world.advance(1_499)
    const rung = async () => (await world.runtime.actors({ state: 'idle' })).actors.map(({ key }) => key)
    expect(await rung()).toEqual(['0', '1', '2', '3', '4'])
    await world.advance(501)
    expect(await rung()).toHaveLength(10)
    for (let key = 0; key < 10; key++) expect((await world.runtime.actor(note, String(key)).snapshot()).context.rings).toBe(1)
  })

  test('an actor whose task runs stays in memory, and the task is run once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { liveActorsMax: 2 } })
    attempts = 0
    finish.clear()
    for (let key = 0; key < 6; key++) {
      await world.runtime.actor(note, String(key)).start()
      await world.runtime.actor(note, String(key)).send({ type: 'WORK' })
    }
    for (let key = 10; key < 20; key++) await world.runtime.actor(note, String(key)).start()
    await world.settle()
    expect(world.runtime.health()).toMatchObject({ runningTasks: 6 })
    expect(world.runtime.health().actorsInMemory).toBeGreaterThanOrEqual(6)
    for (const resolve of finish.values()) resolve('worked')
    await world.settle()
    for (let key = 0; key < 6; key++) expect((await world.runtime.actor(note, String(key)).snapshot()).context.lines).toEqual(['worked'])
    expect(attempts).toBe(6)
    await world.runtime.actor(note, '30').start()
    expect(world.runtime.health().actorsInMemory).toBeLessThanOrEqual(2)
  })

  test('parents and children find each other through the cache', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), limits: { liveActorsMax: 1 } })
    for (let key = 0; key < 5; key++) await world.runtime.actor(parent, String(key)).start()
    for (let round = 0; round < 4; round++) for (let key = 0; key < 5; key++) await world.runtime.actor(parent, String(key)).send({ type: 'BUMP' })
    for (let key = 0; key < 5; key++) await world.runtime.actor(parent, String(key)).send({ type: 'END' })
    await world.settle()
    for (let key = 0; key < 5; key++) expect(await world.runtime.actor(parent, String(key)).snapshot()).toMatchObject({ value: 'b', context: { got: 4 } })
  })
})

test('an actor with code running beside it stays in memory: what that code knows is not lost', async () => {
  await using world = await createTestWorld({ machines, limits: { liveActorsMax: 1 } })
  const actor = world.runtime.actor(note, '1')
  await actor.start()
  await actor.send({ type: 'LISTEN' })
  await actor.send({ type: 'HEARD' })
  for (let key = 10; key < 20; key++) await world.runtime.actor(note, String(key)).start()
  await actor.send({ type: 'HEARD' })
  await world.settle()
  expect((await actor.snapshot()).context.lines).toEqual(['heard 1', 'heard 2'])
})

test('ended actors leave the cache as well', async () => {
  await using world = await createTestWorld({ machines, limits: { liveActorsMax: 2 } })
  for (let key = 0; key < 10; key++) {
    await world.runtime.actor(child, String(key)).start()
    await world.runtime.actor(child, String(key)).send({ type: 'END' })
  }
  expect(world.runtime.health().actorsInMemory).toBeLessThanOrEqual(2)
  expect(world.runtime.health().liveActors).toBe(0)
  for (let key = 0; key < 10; key++) expect(await world.runtime.actor(child, String(key)).result()).toBe(0)
})

test('a watcher and a question notice nothing of the cache', async () => {
  await using world = await createTestWorld({ machines, limits: { liveActorsMax: 1 } })
  const actor = world.runtime.actor(note, '1')
  await actor.start()
  const seqs: number[] = []
  const watching = (async () => {
    for await (const entry of actor.watch({ from: 0 })) {
      if ('seq' in entry) seqs.push(entry.seq)
      if (seqs.length === 4) break
    }
  })()
  for (let step = 0; step < 3; step++) {
    await world.runtime.actor(note, `other ${step}`).start()
    expect((await actor.ask({ type: 'ADD', line: String(step) })).context.lines).toHaveLength(step + 1)
  }
  await watching
  expect(seqs).toEqual([1, 2, 3, 4])
})
