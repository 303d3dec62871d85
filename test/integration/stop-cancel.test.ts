import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { actorAt, remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, fromCallback, sendTo, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-stop-'))
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

const log: string[] = []
let finish: (output: string) => void = () => undefined

const leaf = setup({ types: { events: {} as { type: 'POKE' } }, actors: { tick: fromCallback(() => (log.push('tick on'), () => log.push('tick off'))) } }).createMachine({
  initial: 'up',
  states: { up: { invoke: { id: 'tick', src: 'tick' } } },
})
const branch = setup({ types: { events: {} as { type: 'POKE' } }, actors: { leaf: remote<typeof leaf>('leaf') } }).createMachine({
  initial: 'up',
  states: { up: { invoke: { id: 'leaf', src: 'leaf' } } },
})
const root = setup({
  types: { context: {} as { errors: string[] }, events: {} as { type: 'GO' } | { type: 'POKE' } },
  actors: {
    branch: remote<typeof branch>('branch'),
    work: task({
      run: ({ signal }: TaskScope<unknown>) =>
        new Promise<string>((resolve) => {
          finish = resolve
          signal.addEventListener('abort', () => log.push(`aborted: ${(signal.reason as Error).message}`))
        }),
    }),
  },
}).createMachine({
  context: { errors: [] },
  initial: 'idle',
  states: {
    idle: { on: { GO: 'busy' } },
    busy: {
      invoke: [{ id: 'work', src: 'work' }, { id: 'branch', src: 'branch', onError: { actions: assign({ errors: ({ context, event }) => [...context.errors, (event.error as { code: string }).code] }) } }],
      after: { 60_000: 'idle' },
    },
  },
})
/** Knows CANCEL: hands back what it has taken. */
const tidy = setup({
  types: { context: {} as { returned: boolean }, events: {} as { type: 'CANCEL' } | { type: 'HANG' } },
  actors: { giveBack: task({ run: (_scope: TaskScope<unknown>) => new Promise<string>(resolve => (finish = resolve)), retry: 1 }) },
}).createMachine({
  context: { returned: false },
  initial: 'working',
  states: {
    working: { on: { CANCEL: 'cleaning' }, after: { 100_000: 'over' } },
    cleaning: { invoke: { src: 'giveBack', onDone: { target: 'over', actions: assign({ returned: true }) } } },
    over: { type: 'final' },
  },
  output: ({ context }) => context.returned,
})
const rude = setup({ types: { events: {} as { type: 'CANCEL' } } }).createMachine({ initial: 'on', on: { CANCEL: { actions: () => { throw new Error('never') } } }, states: { on: {} } })
const boss = setup({ types: { context: {} as { ends: string[] }, events: {} as { type: 'X' } }, actors: { tidy: remote<typeof tidy>('tidy') } }).createMachine({
  context: { ends: [] },
  initial: 'a',
  states: {
    a: {
      invoke: {
        id: 'tidy', src: 'tidy',
        onDone: { target: 'b', actions: assign({ ends: ['done'] }) },
        onError: { target: 'b', actions: assign({ ends: ({ event }) => [(event.error as { code: string; message: string }).code, (event.error as Error).message] }) },
      },
    },
    b: {},
  },
})
const machines = { root, branch, leaf, tidy, rude, boss }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('stopping an actor stops all that was spawned under it, its tasks, timers and callbacks', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    log.length = 0
    const actor = world.runtime.actor(root, '1')
    await actor.start()
    await actor.send({ type: 'GO' })
    await world.settle()
    expect((await world.runtime.actors()).actors.map(({ machine, status }) => `${machine} ${status}`)).toEqual(['root active', 'branch active', 'leaf active'])
    expect(log).toEqual(['tick on'])
    await actor.stop()
    await world.settle()
    expect((await world.runtime.actors()).actors.map(({ machine, status, dueAt, openTasks, completedAt }) => `${machine} ${status} ${dueAt} ${openTasks} ${completedAt === world.clock.now()}`)).toEqual(['root stopped null 0 true', 'branch stopped null 0 true', 'leaf stopped null 0 true'])
    expect(log).toEqual(['tick on', 'aborted: the task was cancelled', 'tick off'])
    finish('too late')
    await world.advance(100_000)
    expect(await actor.snapshot()).toMatchObject({ status: 'stopped', value: 'busy', context: { errors: [] } })
    expect(world.runtime.health()).toMatchObject({ liveActors: 0, runningTasks: 0 })
  })

  test('a tree whose root was stopped stays stopped after a crash at that instant', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(root, '1').start()
    await world.runtime.actor(root, '1').send({ type: 'GO' })
    await world.settle()
    await world.runtime.actor(root, '1').stop()
    await world.crash()
    await world.restart()
    await world.settle()
    expect((await world.runtime.actors()).actors.map(({ status }) => status)).toEqual(['stopped', 'stopped', 'stopped'])
  })

  test('an actor that does not know CANCEL is cancelled at once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(root, '1')
    await actor.start()
    await actor.send({ type: 'GO' })
    await actor.cancel()
    await world.settle()
    expect((await world.runtime.actors()).actors.map(({ status }) => status)).toEqual(['cancelled', 'stopped', 'stopped'])
  })

  test('one that knows CANCEL cleans up first, and counts as cancelled when it is over', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(tidy, '1')
    await actor.start()
    await actor.cancel({ graceMs: 10_000 })
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'cleaning' })
    await world.advance(9_999)
    finish('ok')
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ status: 'cancelled', value: 'over', context: { returned: true } })
    expect((await actor.history()).map(({ kind }) => kind)).toEqual(['start', 'cancel', 'task'])
    await expect(actor.result()).rejects.toMatchObject({ code: 'actor/ended' })
  })

  test('one that does not get ready in its grace is ended then, after a restart too', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(tidy, '1').start()
    await world.runtime.actor(tidy, '1').cancel({ graceMs: 10_000 })
    await world.settle()
    await world.crash()
    await world.advance(4_000)
    await world.restart()
    await world.advance(5_999)
    expect((await world.runtime.actor(tidy, '1').snapshot()).status).toBe('active')
    await world.advance(1)
    expect(await world.runtime.actor(tidy, '1').snapshot()).toMatchObject({ status: 'cancelled', value: 'cleaning' })
    expect(world.runtime.health().runningTasks).toBe(0)
  })

  test('stop and cancel work from a runtime that does not own the actor', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(root, '1').start()
    await owner.runtime.actor(root, '2').start()
    await guest.runtime.actor(root, '1').stop()
    await guest.runtime.actor(root, '2').cancel()
    expect((await owner.runtime.actors()).actors.map(({ status }) => status)).toEqual(['stopped', 'cancelled'])
    await expect(guest.runtime.actor(root, '3').stop()).rejects.toMatchObject({ code: 'actor/unknown', address: 'root/3' })
  })
})

test('the grace is five seconds when nothing else is said', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(tidy, '1')
  await actor.start()
  await actor.cancel()
  await world.advance(4_999)
  expect((await actor.snapshot()).status).toBe('active')
  await world.advance(1)
  expect((await actor.snapshot()).status).toBe('cancelled')
})

test('without any grace even one that knows CANCEL is ended at once', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(tidy, '1')
  await actor.start()
  await actor.cancel({ graceMs: 0 })
  expect(await actor.snapshot()).toMatchObject({ status: 'cancelled', value: 'working' })
})

test('cancelling again while it cleans up does not cut its grace short, unless told to', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(tidy, '1')
  await actor.start()
  await actor.cancel({ graceMs: 10_000 })
  await world.advance(5_000)
  await actor.cancel({ graceMs: 10_000 })
  expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'cleaning' })
  await world.advance(5_000)
  expect((await actor.snapshot()).status).toBe('cancelled')
  const other = world.runtime.actor(tidy, '2')
  await other.start()
  await other.cancel({ graceMs: 10_000 })
  await other.cancel({ graceMs: 0 })
  expect((await other.snapshot()).status).toBe('cancelled')
})

test('a machine that throws on CANCEL is told to whoever cancels it, and ended all the same', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(rude, '1')
  await actor.start()
  await expect(actor.cancel({ graceMs: 1_000 })).rejects.toMatchObject({ code: 'event/poisoned', address: 'rude/1' })
  expect((await actor.snapshot()).status).toBe('cancelled')
  expect((await world.runtime.deadLetters.list()).map(({ cause }) => cause.message)).toEqual(['never'])
})

test('a paused actor is cancelled at once', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(tidy, '1')
  await actor.start()
  await actor.pause()
  await actor.cancel()
  expect((await actor.snapshot()).status).toBe('cancelled')
})

test('an actor that has ended is neither stopped nor cancelled again', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(root, '1')
  await actor.start()
  await actor.stop()
  await actor.stop()
  await actor.cancel()
  expect(await actor.snapshot()).toMatchObject({ status: 'stopped', seq: 2 })
  await expect(actor.send({ type: 'GO' })).rejects.toMatchObject({ code: 'actor/ended', address: 'root/1' })
})

test('a parent hears of a child that was ended behind its back', async () => {
  await using world = await createTestWorld({ machines })
  for (const end of ['stop', 'cancel'] as const) {
    await world.runtime.actor(boss, end).start()
    await world.settle()
    const child = (await world.runtime.actors({ run: `boss/${end}`, machine: 'tidy' })).actors[0]?.address ?? ''
    await world.runtime.at(child)[end]({ graceMs: 0 } as never)
    await world.settle()
    expect(await world.runtime.actor(boss, end).snapshot()).toMatchObject({ value: 'b', context: { ends: ['actor/ended', `${child} was ${end === 'stop' ? 'stopped' : 'cancelled'}`] } })
  }
})

test('what one actor sends to another that was stopped lies in the dead letters', async () => {
  const caller = setup({ types: { events: {} as { type: 'CALL' } } }).createMachine({ on: { CALL: { actions: sendTo(actorAt('root/1'), { type: 'GO' }) } } })
  await using world = await createTestWorld({ machines: { ...machines, caller } })
  await world.runtime.actor(root, '1').start()
  await world.runtime.actor(caller, '1').start()
  await world.runtime.actor(root, '1').stop()
  await world.runtime.actor(caller, '1').send({ type: 'CALL' })
  await world.settle()
  expect(await world.runtime.deadLetters.list()).toMatchObject([{ address: 'root/1', cause: { code: 'actor/ended', address: 'root/1' }, message: { from: 'default/caller/1', body: { event: { type: 'GO' } } } }])
  expect((await world.runtime.actor(caller, '1').snapshot()).status).toBe('active')
})
