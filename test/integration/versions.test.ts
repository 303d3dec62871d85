import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { actorAt, remote, task } from 'troupe'
import type { MigrationSource, PersistedSnapshot, Registration } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { assign, sendTo, setup } from 'xstate'
import type { AnyActorLogic } from 'xstate'
import { parseAddress } from '../../src/core/address.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-versions-'))
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

type Events = { type: 'UP' } | { type: 'NEXT' } | { type: 'END' }
const types = { context: {} as { n: number }, events: {} as Events }

const first = setup({ types }).createMachine({ id: 'm', context: { n: 0 }, initial: 'draft', states: { draft: { on: { NEXT: 'review' } }, review: { after: { 1_000: 'stale' } }, stale: {} }, on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: '.stale' } })
/** The same states and one more. */
const wider = setup({ types }).createMachine({ id: 'm', context: { n: 0 }, initial: 'draft', states: { draft: { on: { NEXT: 'review' } }, review: { after: { 1_000: 'stale' }, on: { NEXT: 'done' } }, stale: {}, done: { type: 'final' } }, on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: '.stale' } })
/** `draft` is gone, context has another shape. */
const renamed = setup({ types: { context: {} as { count: number; note: string }, events: {} as Events } }).createMachine({
  id: 'm', context: { count: 0, note: 'fresh' }, initial: 'sketch', states: { sketch: { on: { NEXT: 'review' } }, review: {} }, on: { UP: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
})
const toRenamed = (snapshot: PersistedSnapshot): PersistedSnapshot => {
  const { n } = snapshot.context as { n: number }
  return { ...snapshot, value: snapshot.value === 'draft' ? 'sketch' : snapshot.value, context: { count: n, note: 'migrated' } }
}

type AnyMachines = Record<string, AnyActorLogic | Registration>
const openWorld = async (machines: AnyMachines, store = createMemoryStore()): Promise<TestWorld<AnyMachines>> => createTestWorld<AnyMachines>({ machines, store })
const restartWith = async (world: TestWorld<AnyMachines>, machines: AnyMachines): Promise<void> => {
  await world.crash()
  await world.restart({ machines })
  await world.settle()
}
/** An actor is looked at when something is sent to it: only then is it seen whether its checkpoint fits. */
const touch = (world: TestWorld<AnyMachines>): Promise<void> => world.runtime.actor('m', '1').send({ type: 'UP' })
const up2 = async (world: TestWorld<AnyMachines>): Promise<void> => {
  await world.runtime.actor('m', '1').start()
  for (let n = 0; n < 2; n++) await world.runtime.actor('m', '1').send({ type: 'UP' })
}

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('a machine that still fits takes its actors over, and they carry its version from then on', async () => {
    await using world = await openWorld({ m: { machine: first, version: '1' } }, await makePlace()())
    await up2(world)
    await restartWith(world, { m: { machine: wider, version: '2' } })
    const actor = world.runtime.actor('m', '1')
    await actor.send({ type: 'NEXT' })
    expect((await actor.ask({ type: 'NEXT' })).status).toBe('done')
    expect((await world.runtime.actors()).actors).toMatchObject([{ version: '2', status: 'done' }])
    expect((await actor.history()).map(({ kind }) => kind)).toEqual(['start', 'event', 'event', 'migrated', 'event', 'event'])
  })

  test('migrate makes a checkpoint fit, once', async () => {
    await using world = await openWorld({ m: { machine: first, version: '1' } }, await makePlace()())
    await up2(world)
    const migrate = vi.fn<(snapshot: PersistedSnapshot, from: MigrationSource) => PersistedSnapshot>(toRenamed)
    const machines = { m: { machine: renamed, version: '2', migrate } }
    await restartWith(world, machines)
    expect((await world.runtime.actor('m', '1').ask({ type: 'UP' })).toJSON()).toMatchObject({ status: 'active', value: 'sketch', context: { count: 3, note: 'migrated' } })
    expect(migrate).toHaveBeenCalledTimes(1)
    expect(migrate.mock.calls[0]?.[0]).toMatchObject({ status: 'active', value: 'draft', context: { n: 2 } })
    expect(migrate.mock.calls[0]?.[1]).toEqual({ version: '1', hash: expect.stringMatching(/.{10,}/) })
    await restartWith(world, machines)
    expect((await world.runtime.actor('m', '1').ask({ type: 'UP' })).context).toMatchObject({ count: 4 })
    expect(migrate).toHaveBeenCalledTimes(1)
    // What was before the migration can still be read.
    const past = await world.runtime.actor('m', '1').at(2)
    expect(past).toMatchObject({ context: { n: 1 } })
    expect(past.can({ type: 'UP' } as never)).toBe(false)
    expect(past.nextEvents()).toEqual([])
  })

  test('a checkpoint that does not fit holds its actor: it is not overwritten, and says why', async () => {
    const store = await makePlace()()
    await using world = await openWorld({ m: { machine: first, version: '1' } }, store)
    await up2(world)
    const id = parseAddress('m/1')
    const before = await store.load(id)
    await restartWith(world, { m: { machine: renamed, version: '2' } })
    await world.runtime.actor('m', '1').send({ type: 'UP' })
    const held = await world.runtime.actor('m', '1').snapshot()
    expect(held.toJSON()).toMatchObject({ status: 'held', value: 'draft', context: { n: 2 }, failure: { code: 'actor/held', address: 'm/1', message: expect.stringMatching(/m\/1 \(version 1\) does not fit/) } })
    const after = await store.load(id)
    expect(after?.base).toEqual(before?.base)
    expect(after?.rows).toEqual(before?.rows)
    expect((await world.runtime.actors({ status: 'held' })).actors).toMatchObject([{ address: 'm/1', waiting: 1, version: '1' }])
  })

  test('the events of a held actor wait, and are handled in order once a machine fits', async () => {
    await using world = await openWorld({ m: { machine: first, version: '1' } }, await makePlace()())
    await up2(world)
    await restartWith(world, { m: { machine: renamed, version: '2' } })
    for (const type of ['UP', 'NEXT', 'UP'] as const) await world.runtime.actor('m', '1').send({ type })
    await restartWith(world, { m: { machine: renamed, version: '2' } })
    await world.runtime.actor('m', '1').send({ type: 'UP' })
    await restartWith(world, { m: { machine: renamed, version: '3', migrate: toRenamed } })
    expect((await world.runtime.actor('m', '1').snapshot()).toJSON()).toMatchObject({ status: 'active', value: 'review', context: { count: 5, note: 'migrated' } })
    expect((await world.runtime.actors()).actors).toMatchObject([{ waiting: 0, version: '3', status: 'active' }])
  })

  test('going back to the old machine revives what a new one could not take', async () => {
    await using world = await openWorld({ m: { machine: first, version: '1' } }, await makePlace()())
    await up2(world)
    await world.runtime.actor('m', '1').send({ type: 'NEXT' })
    await restartWith(world, { m: { machine: setup({ types }).createMachine({ id: 'm', context: { n: 0 }, initial: 'other', states: { other: {} } }), version: '2' } })
    await world.advance(60_000)
    expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ status: 'held', value: 'review' })
    await restartWith(world, { m: { machine: first, version: '1' } })
    // Its timer has come due meanwhile.
    expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ status: 'active', value: 'stale', context: { n: 2 } })
  })

  test('a machine that is not registered any more holds its actors, and others go on', async () => {
    const caller = setup({ types: { events: {} as { type: 'CALL' } } }).createMachine({ on: { CALL: { actions: sendTo(actorAt('m/1'), { type: 'UP' }) } } })
    await using world = await openWorld({ m: first, caller }, await makePlace()())
    await up2(world)
    await world.runtime.actor('caller', '1').start()
    await restartWith(world, { caller })
    await world.runtime.actor('caller', '1').send({ type: 'CALL' })
    await world.settle()
    expect(() => world.runtime.actor('m', '1')).toThrow(expect.objectContaining({ code: 'machine/unknown' }))
    expect((await world.runtime.actors({ machine: 'm' })).actors).toMatchObject([{ status: 'held', waiting: 1, failure: { code: 'machine/unknown', address: 'm/1' } }])
    await restartWith(world, { m: first, caller })
    expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ status: 'active', context: { n: 3 } })
  })
})

test('a migrate that throws holds the actor with what it threw', async () => {
  await using world = await openWorld({ m: first })
  await up2(world)
  await restartWith(world, { m: { machine: renamed, version: '2', migrate: () => { throw new Error('no idea') } } })
  await touch(world)
  expect((await world.runtime.actor('m', '1').snapshot()).failure).toMatchObject({ code: 'actor/held', cause: { message: 'no idea' } })
  await restartWith(world, { m: { machine: renamed, version: '2', migrate: toRenamed } })
  expect((await world.runtime.actor('m', '1').snapshot()).status).toBe('active')
})

test.each([
  ['a state that there is not', (snapshot: PersistedSnapshot) => ({ ...snapshot, value: 'nowhere' })],
  ['nothing', () => undefined as never],
  ['something that JSON cannot hold', (snapshot: PersistedSnapshot) => ({ ...snapshot, context: { count: 1n } })],
  ['a snapshot that has failed', (snapshot: PersistedSnapshot) => ({ ...snapshot, status: 'error' as const })],
])('a migrate that gives %s holds the actor', async (_name, migrate) => {
  await using world = await openWorld({ m: first })
  await up2(world)
  await restartWith(world, { m: { machine: renamed, version: '2', migrate } })
  await touch(world)
  expect((await world.runtime.actor('m', '1').snapshot()).status).toBe('held')
  await restartWith(world, { m: first })
  expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ status: 'active', context: { n: 3 } })
})

test('migrate gets a copy: what it changes in place is not the checkpoint', async () => {
  await using world = await openWorld({ m: first })
  await up2(world)
  const vandal = (snapshot: PersistedSnapshot): PersistedSnapshot => {
    ;(snapshot.context as { n: number }).n = 99
    throw new Error('then gives up')
  }
  await restartWith(world, { m: { machine: renamed, version: '2', migrate: vandal } })
  await touch(world)
  await restartWith(world, { m: first })
  expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ context: { n: 3 } })
})

test('a child whose source the machine does not have any more holds the actor', async () => {
  const work = task({ run: () => new Promise<string>(() => undefined) })
  const withChild = setup({ types: { events: {} as Events }, actors: { work } }).createMachine({ id: 'm', initial: 'a', states: { a: { invoke: { id: 'job', src: 'work' } } } })
  const without = setup({ types: { events: {} as Events }, actors: { other: work } }).createMachine({ id: 'm', initial: 'a', states: { a: { invoke: { id: 'job', src: 'other' } } } })
  await using world = await openWorld({ m: withChild })
  await world.runtime.actor('m', '1').start()
  await restartWith(world, { m: without })
  expect((await world.runtime.actor('m', '1').snapshot()).failure).toMatchObject({ code: 'actor/held', cause: { message: expect.stringContaining("child 'job' has source 'work'") } })
  await restartWith(world, { m: withChild })
  expect((await world.runtime.actor('m', '1').snapshot()).status).toBe('active')
})

test('a held actor can be looked at, waited for, and given up, but not paused', async () => {
  await using world = await openWorld({ m: first })
  await up2(world)
  await world.runtime.actor('m', '2').start()
  await restartWith(world, { m: renamed })
  const actor = world.runtime.actor('m', '1')
  await touch(world)
  const held = await actor.snapshot()
  expect(held.can({ type: 'UP' } as never)).toBe(false)
  expect(held.nextEvents()).toEqual([])
  expect([...held.tags]).toEqual([])
  expect(held.matches('draft' as never)).toBe(false)
  expect(await actor.history()).toHaveLength(3)
  expect([...(await actor.at(1)).tags]).toEqual([])
  let ended = false
  const result = actor.result().catch((error: { code: string }) => ((ended = true), error.code))
  await world.settle()
  expect(ended).toBe(false)
  await expect(actor.pause()).rejects.toMatchObject({ code: 'actor/held', address: 'm/1' })
  await expect(actor.resume()).rejects.toMatchObject({ code: 'actor/held', address: 'm/1' })
  const asked = expect(actor.ask({ type: 'UP' } as never)).rejects.toMatchObject({ code: 'actor/ended' })
  await world.settle()
  await actor.stop()
  expect(await result).toBe('actor/ended')
  await asked
  await world.runtime.actor('m', '2').cancel()
  expect((await world.runtime.actors()).actors.map(({ status }) => status)).toEqual(['stopped', 'cancelled'])
  expect((await actor.at(3)).toJSON()).toMatchObject({ context: { n: 2 } })
})

test('an actor that has ended needs no machine to fit', async () => {
  await using world = await openWorld({ m: first })
  await up2(world)
  await world.runtime.actor('m', '1').stop()
  await restartWith(world, { m: renamed })
  expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ status: 'stopped', context: { n: 2 } })
})

test('a parent waits for its held child, and hears of it when it fits again', async () => {
  const child = setup({ types: { context: {} as { n: number }, events: {} as { type: 'END' }, output: {} as number } }).createMachine({ id: 'child', context: { n: 7 }, initial: 'on', states: { on: { on: { END: 'off' } }, off: { type: 'final' } }, output: ({ context }) => context.n })
  const broken = setup({ types: { events: {} as { type: 'END' } } }).createMachine({ id: 'child', initial: 'else', states: { else: {} } })
  const parent = setup({ types: { context: {} as { got: number }, events: {} as { type: 'END' } }, actors: { child: remote<typeof child>('child') } }).createMachine({
    context: { got: 0 }, initial: 'a', states: { a: { invoke: { id: 'c', src: 'child', onDone: { target: 'b', actions: assign({ got: ({ event }) => event.output }) } }, on: { END: { actions: sendTo('c', { type: 'END' }) } } }, b: {} },
  })
  await using world = await openWorld({ parent, child })
  await world.runtime.actor('parent', '1').start()
  await restartWith(world, { parent, child: broken })
  await world.runtime.actor('parent', '1').send({ type: 'END' })
  await world.settle()
  expect(await world.runtime.actor('parent', '1').snapshot()).toMatchObject({ status: 'active', value: 'a' })
  await restartWith(world, { parent, child })
  expect(await world.runtime.actor('parent', '1').snapshot()).toMatchObject({ value: 'b', context: { got: 7 } })
})

test('a checkpoint of a newer format is not touched', async () => {
  const store = createMemoryStore()
  await using world = await openWorld({ m: first }, store)
  await up2(world)
  await world.crash()
  const newer = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'load') return value
      return async (...args: Parameters<typeof store.load>) => {
        const stored = await target.load(...args)
        return stored && { ...stored, base: { ...stored.base, data: stored.base.data.replace('"format":1', '"format":2') } }
      }
    },
  })
  await using future = await createTestWorld({ machines: { m: first }, store: newer, clock: world.clock, seed: 2 })
  await store.release((await store.leases()).map(lease => ({ ...lease, node: lease.node ?? '', token: '' })))
  await world.clock.advance(60_000)
  await future.runtime.actor('m', '1').send({ type: 'UP' })
  expect((await future.runtime.actor('m', '1').snapshot()).failure).toMatchObject({ code: 'store/newer-format', address: 'm/1' })
  expect((await store.load(parseAddress('m/1')))?.record.seq).toBe(3)
})
