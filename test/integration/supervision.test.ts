import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { Supervision, TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, sendTo, setup } from 'xstate'
import type { ActorLogic, Snapshot } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-supervision-'))
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
let births = 0
let poisonAtBirth = false
beforeEach(() => {
  log.length = 0
  births = 0
  poisonAtBirth = false
})

const inner = setup({ types: { events: {} as { type: 'X' } } }).createMachine({})
const worker = setup({
  types: {
    context: {} as { name: string; n: number },
    input: {} as { name: string },
    events: {} as { type: 'UP' } | { type: 'BREAK' } | { type: 'SPAWN' } | { type: 'WAIT' } | { type: 'WORK' } | { type: 'FAIL' },
  },
  actors: {
    inner: remote<typeof inner>('inner'),
    work: task({ retry: 1, run: ({ signal, attempt }: TaskScope<unknown>) => new Promise<string>(() => signal.addEventListener('abort', () => log.push(`aborted ${attempt}`))) }),
    fail: task({ retry: 1, run: () => Promise.reject(new Error('tool broke')) }),
  },
}).createMachine({
  context: ({ input }) => {
    births++
    if (poisonAtBirth) throw new Error('still no air')
    return { name: input.name, n: 0 }
  },
  initial: 'idle',
  states: {
    idle: { on: { SPAWN: 'leading', WAIT: 'waiting', WORK: 'working', FAIL: 'failing' } },
    leading: { invoke: { id: 'inner', src: 'inner' } },
    waiting: { after: { 1_000: { actions: () => { throw new Error('alarm') } }, 2_000: 'idle' } },
    working: { invoke: { src: 'work' } },
    failing: { invoke: { src: 'fail' } },
  },
  on: {
    UP: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    BREAK: { actions: [assign({ n: ({ context }) => context.n + 100 }), () => { throw new Error('slipped') }] },
  },
})
const boss = setup({
  types: { context: {} as { heard: string[] }, events: {} as { type: 'BREAK' } | { type: 'UP' } | { type: 'FAIL' } },
  actors: { worker: remote<typeof worker>('worker') },
}).createMachine({
  context: { heard: [] },
  initial: 'with',
  states: {
    with: {
      invoke: {
        id: 'worker', src: 'worker', input: { name: 'Bo' },
        onError: { target: 'without', actions: assign({ heard: ({ context, event }) => [...context.heard, (event.error as Error).message] }) },
      },
      on: { BREAK: { actions: sendTo('worker', { type: 'BREAK' }) }, UP: { actions: sendTo('worker', { type: 'UP' }) }, FAIL: { actions: sendTo('worker', { type: 'FAIL' }) } },
    },
    without: {},
  },
})
const machinesWith = (supervision?: Supervision) => ({ worker: { machine: worker, ...(supervision && { supervision }) }, boss, inner })

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  const open = (supervision?: Supervision) => makePlace()().then(store => createTestWorld({ machines: machinesWith(supervision), store }))

  test('resume: the event is skipped, the state is as before, and the next one is handled', async () => {
    await using world = await open({ strategy: 'resume' })
    const actor = world.runtime.actor(worker, '1')
    await actor.start({ name: 'Al' })
    await Promise.all((['UP', 'BREAK', 'UP'] as const).map(type => actor.send({ type })))
    expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { name: 'Al', n: 2 } })
    expect(await world.runtime.deadLetters.list()).toHaveLength(1)
    expect((await actor.history()).map(({ kind }) => kind)).toEqual(['start', 'event', 'failed', 'event'])
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor(worker, '1').snapshot()).context.n).toBe(2)
  })

  test('restart: a new life with the same input, what the old one ran is ended', async () => {
    await using world = await open({ strategy: 'restart' })
    const actor = world.runtime.actor(worker, '1')
    await actor.start({ name: 'Al' })
    await actor.send({ type: 'UP' })
    await actor.send({ type: 'SPAWN' })
    await actor.send({ type: 'BREAK' })
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'idle', context: { name: 'Al', n: 0 } })
    expect((await world.runtime.actors({ machine: 'inner' })).actors).toMatchObject([{ status: 'stopped' }])
    expect((await actor.history()).at(-1)).toMatchObject({ kind: 'restart', event: { type: 'BREAK' }, error: { message: expect.stringContaining('slipped') } })
    // The past of the old life can still be read.
    expect((await actor.at(2)).context.n).toBe(1)
    await actor.send({ type: 'SPAWN' })
    await world.crash()
    await world.restart()
    await world.settle()
    expect((await world.runtime.actors({ machine: 'inner' })).actors.map(({ status, address }) => [status, address])).toEqual([['stopped', expect.any(String)], ['active', expect.any(String)]])
    expect(await world.runtime.actor(worker, '1').snapshot()).toMatchObject({ value: 'leading', context: { n: 0 } })
  })

  test('restart: timers and tasks of the old life are gone', async () => {
    await using world = await open({ strategy: 'restart' })
    const actor = world.runtime.actor(worker, '1')
    await actor.start({ name: 'Al' })
    await actor.send({ type: 'WORK' })
    await world.settle()
    await actor.send({ type: 'BREAK' })
    await world.settle()
    expect(log).toEqual(['aborted 1'])
    expect((await world.runtime.actors({ machine: 'worker' })).actors).toMatchObject([{ openTasks: 0, dueAt: null }])
    await world.crash()
    await world.restart()
    await world.advance(10_000)
    expect(world.runtime.health().runningTasks).toBe(0)
    expect((await world.runtime.actor(worker, '1').snapshot()).value).toBe('idle')
  })

  test('stop: the actor ends, and a parent that handles errors hears of it', async () => {
    await using world = await open({ strategy: 'stop' })
    const actor = world.runtime.actor(boss, '1')
    await actor.start()
    await actor.send({ type: 'BREAK' })
    await world.settle()
    expect((await world.runtime.actors({ machine: 'worker' })).actors).toMatchObject([{ status: 'stopped', completedAt: world.clock.now() }])
    expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'without', context: { heard: [expect.stringMatching(/worker.* threw and was stopped/)] } })
    expect(await world.runtime.deadLetters.list()).toHaveLength(1)
  })

  test('escalate: the child fails, its parent hears why', async () => {
    await using world = await open({ strategy: 'escalate' })
    const actor = world.runtime.actor(boss, '1')
    await actor.start()
    await actor.send({ type: 'UP' })
    await actor.send({ type: 'BREAK' })
    await world.settle()
    const [child] = (await world.runtime.actors({ machine: 'worker' })).actors
    expect(child).toMatchObject({ status: 'failed', completedAt: world.clock.now(), failure: { code: 'event/poisoned', message: expect.stringContaining('slipped') } })
    expect(await world.runtime.at(child?.address ?? '').snapshot()).toMatchObject({ context: { n: 1 } })
    expect(await actor.snapshot()).toMatchObject({ value: 'without', context: { heard: [expect.stringContaining('slipped')] } })
  })

  test('restart, too often within the window: escalates', async () => {
    await using world = await open({ strategy: 'restart', restartsMax: 2, windowMs: 10_000 })
    const actor = world.runtime.actor(boss, '1')
    await actor.start()
    const crash = async () => {
      await actor.send({ type: 'BREAK' })
      await world.settle()
      return (await world.runtime.actors({ machine: 'worker' })).actors[0]?.status
    }
    expect(await crash()).toBe('active')
    await world.advance(6_000)
    expect(await crash()).toBe('active')
    // The first restart has left the window.
    await world.advance(4_001)
    expect(await crash()).toBe('active')
    await world.crash()
    await world.restart()
    expect(births).toBe(4)
    await world.runtime.actor(boss, '1').send({ type: 'BREAK' })
    await world.settle()
    expect((await world.runtime.actors({ machine: 'worker' })).actors[0]?.status).toBe('failed')
    expect((await world.runtime.actor(boss, '1').snapshot()).context.heard).toHaveLength(1)
  })
})

const world = (supervision?: Supervision) => createTestWorld({ machines: machinesWith(supervision) })

test('when nothing is said a root skips events from outside, and a child escalates', async () => {
  await using place = await world()
  const root = place.runtime.actor(worker, 'root')
  await root.start({ name: 'Al' })
  await root.send({ type: 'BREAK' })
  expect((await root.snapshot()).status).toBe('active')
  await place.runtime.actor(boss, '1').start()
  await place.runtime.actor(boss, '1').send({ type: 'BREAK' })
  await place.settle()
  expect((await place.runtime.actors({ run: 'boss/1', machine: 'worker' })).actors[0]?.status).toBe('failed')
})

test('a root that escalates waits as failed until somebody resumes it', async () => {
  await using place = await world({ strategy: 'escalate' })
  const actor = place.runtime.actor(worker, '1')
  await actor.start({ name: 'Al' })
  await actor.send({ type: 'UP' })
  await actor.send({ type: 'BREAK' })
  expect(await actor.snapshot()).toMatchObject({ status: 'failed', context: { n: 1 }, failure: { code: 'event/poisoned' } })
  await expect(actor.send({ type: 'UP' })).rejects.toMatchObject({ code: 'actor/failed', address: 'worker/1', message: expect.stringContaining('slipped') })
  expect(place.runtime.health().liveActors).toBe(1)
  await actor.resume()
  expect((await actor.ask({ type: 'UP' })).context.n).toBe(2)
})

test('an actor that throws in the batch of its birth is back at its birth', async () => {
  await using place = await world({ strategy: 'resume' })
  const actor = place.runtime.actor(worker, '1')
  await Promise.all([actor.start({ name: 'Al' }), actor.send({ type: 'UP' }), actor.send({ type: 'BREAK' }), actor.send({ type: 'UP' })])
  expect((await actor.snapshot()).context).toEqual({ name: 'Al', n: 2 })
  await place.crash()
  await place.restart()
  expect((await place.runtime.actor(worker, '1').snapshot()).context).toEqual({ name: 'Al', n: 2 })
})

test('what waits behind an event at which a root fails waits on until it is mended', async () => {
  await using place = await world({ strategy: 'escalate' })
  const actor = place.runtime.actor(worker, '1')
  await actor.start({ name: 'Al' })
  await actor.pause()
  for (const type of ['UP', 'BREAK', 'UP', 'UP'] as const) await actor.send({ type })
  await actor.resume()
  await place.settle()
  expect(await actor.snapshot()).toMatchObject({ status: 'failed', context: { n: 1 } })
  expect((await place.runtime.actors()).actors).toMatchObject([{ waiting: 2 }])
  await actor.resume()
  await place.settle()
  expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { n: 3 } })
  expect((await place.runtime.actors()).actors).toMatchObject([{ waiting: 0 }])
})

test('a timer whose event is poisonous fires once, and the others still do', async () => {
  await using place = await world({ strategy: 'resume' })
  const actor = place.runtime.actor(worker, '1')
  await actor.start({ name: 'Al' })
  await actor.send({ type: 'WAIT' })
  await place.advance(1_999)
  expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'waiting' })
  expect(await place.runtime.deadLetters.list()).toMatchObject([{ cause: { message: 'alarm' } }])
  await place.advance(1)
  expect((await actor.snapshot()).value).toBe('idle')
  expect(await place.runtime.deadLetters.list()).toHaveLength(1)
})

test('a task that nobody handles cannot be skipped: even under resume the actor escalates', async () => {
  await using place = await world({ strategy: 'resume' })
  const actor = place.runtime.actor(boss, '1')
  await actor.start()
  await actor.send({ type: 'FAIL' })
  await place.settle()
  expect(await actor.snapshot()).toMatchObject({ value: 'without', context: { heard: [expect.stringContaining('tool broke')] } })
})

test('a restart that fails escalates as well', async () => {
  await using place = await world({ strategy: 'restart' })
  const actor = place.runtime.actor(boss, '1')
  await actor.start()
  await place.settle()
  poisonAtBirth = true
  await actor.send({ type: 'BREAK' })
  await place.settle()
  expect((await place.runtime.actors({ machine: 'worker' })).actors[0]).toMatchObject({ status: 'failed' })
  expect((await actor.snapshot()).context.heard).toEqual([expect.stringContaining('still no air')])
})

test('the asker of a poisonous event is told under every strategy', async () => {
  for (const strategy of ['resume', 'restart', 'stop', 'escalate'] as const) {
    await using place = await world({ strategy })
    const actor = place.runtime.actor(worker, '1')
    await actor.start({ name: 'Al' })
    await expect(actor.ask({ type: 'BREAK' })).rejects.toMatchObject({ code: 'event/poisoned', address: 'worker/1', cause: { message: 'slipped' } })
    expect((await actor.snapshot()).status).toBe({ resume: 'active', restart: 'active', stop: 'stopped', escalate: 'failed' }[strategy])
  }
})

test('an actor whose last good state cannot be restored either is held, with the reason', async () => {
  let restorable = true
  const fragile = {
    transition: (state: { n: number }, event: { type: string }) => { if (event.type === 'BREAK') { restorable = false; throw new Error('slipped') } return { ...state, n: state.n + 1 } },
    getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined, n: 0 }),
    getPersistedSnapshot: (state: object) => state,
    restoreSnapshot: (state: unknown) => { if (!restorable) throw new Error('does not wake'); return state },
  } as unknown as ActorLogic<Snapshot<undefined> & { n: number }, { type: 'UP' } | { type: 'BREAK' }>
  await using place = await createTestWorld({ machines: { fragile } })
  const actor = place.runtime.actor('fragile', '1')
  await actor.start()
  await actor.send({ type: 'UP' })
  await expect(actor.ask({ type: 'BREAK' })).rejects.toMatchObject({ code: 'event/poisoned', cause: { message: 'slipped' } })
  expect(await actor.snapshot()).toMatchObject({ status: 'held', failure: { code: 'actor/held', cause: { message: 'does not wake' } } })
  await actor.send({ type: 'UP' })
  restorable = true
  await place.crash()
  await place.restart()
  await place.settle()
  expect((await place.runtime.actors()).actors).toMatchObject([{ status: 'active', seq: 3, waiting: 0 }])
})

test('what the step before the throw wanted to send is not sent', async () => {
  const { actorAt } = await import('troupe')
  const sender = setup({ types: { events: {} as { type: 'SEND' } } }).createMachine({ on: { SEND: { actions: [sendTo(actorAt('worker/1'), { type: 'UP' }), () => { throw new Error('after sending') }] } } })
  await using place = await createTestWorld({ machines: { ...machinesWith(), sender } })
  await place.runtime.actor(worker, '1').start({ name: 'Al' })
  await place.runtime.actor(sender, '1').start()
  await place.runtime.actor(sender, '1').send({ type: 'SEND' })
  await place.settle()
  expect((await place.runtime.actor(worker, '1').snapshot()).context.n).toBe(0)
})

test.each([{ strategy: 'perhaps' }, { strategy: 'restart', restartsMax: -1 }, { strategy: 'restart', windowMs: Number.NaN }])('a supervision without sense is refused: %j', async (supervision) => {
  await expect(world(supervision as Supervision)).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('worker') })
})
