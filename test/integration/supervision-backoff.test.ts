import { describe, expect, test } from 'vitest'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { remote, task } from 'troupe'
import type { Supervision } from 'troupe'
import { assign, sendTo, setup } from 'xstate'

const tool = setup({}).createMachine({})
let isPoisonedAtBirth = false
const worker = setup({
  types: { context: {} as { name: string; n: number }, input: {} as { name: string }, events: {} as { type: 'UP' } | { type: 'BREAK' } | { type: 'WORK' } },
  actors: { tool: remote<typeof tool>('tool'), work: task({ run: () => new Promise<string>(() => undefined) }) },
}).createMachine({
  context: ({ input }) => {
    if (isPoisonedAtBirth) throw new Error('still no air')
    return { ...input, n: 0 }
  },
  initial: 'idle',
  states: { idle: { on: { WORK: 'working' } }, working: { invoke: [{ id: 'tool', src: 'tool' }, { id: 'work', src: 'work' }], after: { 1_000: 'idle' } } },
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) }, BREAK: { actions: () => { throw new Error('slipped') } } },
})
const boss = setup({ types: { events: {} as { type: 'BREAK' } }, actors: { worker: remote<typeof worker>('worker') } }).createMachine({
  initial: 'with',
  states: { with: { invoke: { id: 'worker', src: 'worker', input: { name: 'Bo' }, onError: 'without' }, on: { BREAK: { actions: sendTo('worker', { type: 'BREAK' }) } } }, without: {} },
})

const BACKOFF = { baseMs: 1_000, factor: 3, maxMs: 5_000, jitter: 0 }
const machinesWith = (supervision: Supervision, limits = {}) => ({ worker: { machine: worker, supervision, limits }, boss, tool })
const open = (supervision: Supervision = { strategy: 'restart', backoff: BACKOFF }, limits = {}) => createTestWorld({ machines: machinesWith(supervision, limits), store: createMemoryStore({ partitions: 2 }) })
const failure = { code: 'event/poisoned', message: expect.stringContaining('slipped') }

async function begin(world: Awaited<ReturnType<typeof open>>) {
  const actor = world.runtime.actor(worker, '1')
  await actor.start({ name: 'Al' })
  await actor.send({ type: 'UP' })
  return actor
}

describe('an actor that waits for its restart', () => {
  test('says why and until when, and begins its next life then', async () => {
    await using world = await open()
    const actor = await begin(world)
    await actor.send({ type: 'BREAK' })
    await world.settle()
    expect((await world.runtime.actors()).actors).toMatchObject([{ status: 'active', failure, dueAt: world.clock.now() + 1_000 }])
    expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { n: 1 }, failure })
    expect((await world.runtime.stuck()).actors).toEqual([])
    await world.advance(999)
    expect((await actor.history()).at(-1)).toMatchObject({ kind: 'failed' })
    await world.advance(1)
    expect((await actor.history()).at(-1)).toMatchObject({ kind: 'restart', event: { type: 'restart.due' } })
    expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { name: 'Al', n: 0 }, failure: undefined })
    expect((await world.runtime.actors()).actors).toMatchObject([{ dueAt: null, failure: null }])
  })

  test('keeps what comes in its mailbox, in order, and has it handled by its next life', async () => {
    await using world = await open()
    const actor = await begin(world)
    await actor.send({ type: 'BREAK' })
    for (let n = 0; n < 3; n++) await actor.send({ type: 'UP' })
    const asked = actor.ask({ type: 'UP' })
    await world.settle()
    expect((await world.runtime.actors()).actors).toMatchObject([{ waiting: 4, seq: 3 }])
    await world.advance(1_000)
    expect((await asked).context).toEqual({ name: 'Al', n: 4 })
    expect((await world.runtime.actors()).actors).toMatchObject([{ waiting: 0 }])
  })

  test('takes no more than its mailbox holds', async () => {
    await using world = await open(undefined, { mailboxDepthMax: 2 })
    const actor = await begin(world)
    await actor.send({ type: 'BREAK' })
    for (let n = 0; n < 2; n++) await actor.send({ type: 'UP' })
    await expect(actor.send({ type: 'UP' })).rejects.toMatchObject({ code: 'mailbox/full' })
    await world.advance(1_000)
    expect((await actor.snapshot()).context.n).toBe(2)
  })

  test('survives the death of its process, and of one that has no such machine', async () => {
    await using world = await open()
    const actor = await begin(world)
    await actor.send({ type: 'BREAK' })
    await actor.send({ type: 'UP' })
    await world.crash()
    await world.restart({ machines: { boss, tool } as unknown as ReturnType<typeof machinesWith> })
    await world.advance(500)
    expect((await world.runtime.actors()).actors).toMatchObject([{ status: 'held', failure: { code: 'machine/unknown' } }])
    await world.crash()
    await world.restart()
    await world.advance(499)
    expect((await world.runtime.actors()).actors).toMatchObject([{ status: 'active', failure, waiting: 1 }])
    await world.advance(1)
    expect((await world.runtime.actor(worker, '1').snapshot()).context.n).toBe(1)
  })

  test('has nothing running: what its old life had started ended with it', async () => {
    await using world = await open()
    const actor = await begin(world)
    await actor.send({ type: 'WORK' })
    await world.settle()
    await actor.send({ type: 'BREAK' })
    await world.settle()
    expect((await world.runtime.actors({ machine: 'tool' })).actors).toMatchObject([{ status: 'stopped' }])
    expect((await world.runtime.actors({ machine: 'worker' })).actors).toMatchObject([{ openTasks: 0 }])
    expect(world.runtime.health().runningTasks).toBe(0)
    await world.advance(20_000)
    expect((await actor.snapshot()).value).toBe('idle')
    expect((await actor.history()).filter(({ kind }) => kind === 'timer' || kind === 'restart').map(({ kind }) => kind)).toEqual(['restart'])
  })

  test.each(['stop', 'cancel'] as const)('can be ended before: %s', async verb => {
    await using world = await open()
    const actor = await begin(world)
    await actor.send({ type: 'BREAK' })
    await actor[verb]()
    await world.advance(10_000)
    expect((await world.runtime.actors()).actors).toMatchObject([{ status: verb === 'stop' ? 'stopped' : 'cancelled', dueAt: null }])
  })

  test('begins its next life when it is resumed, if it was paused meanwhile', async () => {
    await using world = await open()
    const actor = await begin(world)
    await actor.send({ type: 'BREAK' })
    await actor.pause()
    await world.advance(10_000)
    expect(await actor.snapshot()).toMatchObject({ status: 'paused', context: { n: 1 } })
    await actor.resume()
    await world.settle()
    expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { n: 0 } })
  })

  test('can be forked: the fork begins anew as well', async () => {
    await using world = await open()
    const actor = await begin(world)
    await actor.send({ type: 'BREAK' })
    const fork = await actor.fork(3, '2')
    await world.advance(1_000)
    expect(await fork.snapshot()).toMatchObject({ status: 'active', context: { name: 'Al', n: 0 } })
  })
})

test('each restart in the window is waited for longer, up to the longest wait; outside of it the count begins anew', async () => {
  await using world = await open({ strategy: 'restart', restartsMax: 10, windowMs: 60_000, backoff: BACKOFF })
  const actor = await begin(world)
  const waitMs = async () => {
    await actor.send({ type: 'BREAK' })
    await world.settle()
    const ms = ((await world.runtime.actors()).actors[0]?.dueAt ?? 0) - world.clock.now()
    await world.advance(ms)
    return ms
  }
  expect([await waitMs(), await waitMs(), await waitMs(), await waitMs()]).toEqual([1_000, 3_000, 5_000, 5_000])
  await world.advance(60_000)
  expect(await waitMs()).toBe(1_000)
})

test('jitter spreads the waits of several, by as much as it says', async () => {
  await using world = await open({ strategy: 'restart', backoff: { ...BACKOFF, jitter: 0.5 } })
  const actors = Array.from({ length: 50 }, (_, index) => world.runtime.actor(worker, String(index)))
  await Promise.all(actors.map(async actor => {
    await actor.start({ name: 'Al' })
    await actor.send({ type: 'BREAK' })
  }))
  const waits = (await world.runtime.actors()).actors.map(({ dueAt }) => (dueAt ?? 0) - world.clock.now())
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(500)
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_500)
  expect(new Set(waits).size).toBeGreaterThan(25)
})

test('too often in the window: it escalates, and its parent hears of it at once', async () => {
  await using world = await open({ strategy: 'restart', restartsMax: 1, backoff: BACKOFF })
  const actor = world.runtime.actor(boss, '1')
  await actor.start()
  await actor.send({ type: 'BREAK' })
  await world.advance(1_000)
  expect((await actor.snapshot()).value).toBe('with')
  await actor.send({ type: 'BREAK' })
  await world.settle()
  expect((await actor.snapshot()).value).toBe('without')
})

test('a root whose next life cannot begin stands failed, and begins it when it is mended', async () => {
  await using world = await open()
  const actor = await begin(world)
  await actor.send({ type: 'BREAK' })
  isPoisonedAtBirth = true
  await world.advance(1_000)
  expect(await actor.snapshot()).toMatchObject({ status: 'failed', failure: { message: expect.stringContaining('still no air') } })
  isPoisonedAtBirth = false
  await world.crash()
  await world.restart()
  await world.runtime.actor(worker, '1').resume()
  await world.settle()
  expect(await world.runtime.actor(worker, '1').snapshot()).toMatchObject({ status: 'active', context: { n: 0 }, failure: undefined })
})

test.each([{ baseMs: -1 }, { factor: 0.5 }, { jitter: 2 }, { maxMs: Number.NaN }])('a backoff without sense is refused: %j', async backoff => {
  await expect(open({ strategy: 'restart', backoff })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringMatching(/worker.*backoff/) })
})
