import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { task } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, fromPromise, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-result-'))
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

const sum = setup({
  types: { context: {} as { total: number }, events: {} as { type: 'ADD'; by: number } | { type: 'END' }, output: {} as { total: number } },
}).createMachine({
  context: { total: 0 },
  initial: 'adding',
  states: { adding: { on: { ADD: { actions: assign({ total: ({ context, event }) => context.total + event.by }) }, END: 'ended' }, after: { 60_000: 'ended' } }, ended: { type: 'final' } },
  output: ({ context }) => ({ total: context.total }),
})
const doomed = setup({ actors: { work: task({ run: () => Promise.reject(new Error('no paper')), retry: 1 }) } }).createMachine({ initial: 'a', states: { a: { invoke: { src: 'work' } } } })
const machines = { sum, doomed }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('everybody who waits gets the output when the actor is done', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(sum, '1')
    await actor.start()
    const waiting = [actor.result(), actor.result(), world.runtime.at('sum/1').result()]
    await actor.send({ type: 'ADD', by: 5 })
    await actor.send({ type: 'END' })
    expect(await Promise.all(waiting)).toEqual([{ total: 5 }, { total: 5 }, { total: 5 }])
  })

  test('the output can be had long after the end, and after a restart', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(sum, '1').start()
    await world.runtime.actor(sum, '1').send({ type: 'END' })
    expect(await world.runtime.actor(sum, '1').result()).toEqual({ total: 0 })
    await world.crash()
    await world.restart()
    await world.advance(1_000_000)
    expect(await world.runtime.actor(sum, '1').result()).toEqual({ total: 0 })
  })

  test('a runtime that does not own the actor waits for the same output', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(sum, '1').start()
    const waiting = guest.runtime.actor(sum, '1').result()
    await owner.runtime.actor(sum, '1').send({ type: 'ADD', by: 2 })
    await owner.runtime.actor(sum, '1').send({ type: 'END' })
    expect(await waiting).toEqual({ total: 2 })
  })

  test('a timer may bring the end', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(sum, '1').start()
    let output: unknown
    const waiting = world.runtime.actor(sum, '1').result().then(value => (output = value))
    await world.advance(59_999)
    expect(output).toBeUndefined()
    await world.advance(1)
    await waiting
    expect(output).toEqual({ total: 0 })
  })

  test('a task that fails for good without anybody handling it fails the result, with its cause', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(doomed, '1')
    await actor.start()
    await expect(actor.result()).rejects.toMatchObject({ code: 'actor/failed', address: 'doomed/1', message: expect.stringContaining('no paper'), cause: { code: 'event/poisoned' } })
    await world.crash()
    await world.restart()
    await expect(world.runtime.actor(doomed, '1').result()).rejects.toMatchObject({ code: 'actor/failed', address: 'doomed/1', cause: { cause: { message: 'no paper' } } })
  })
})

test.each(['stop', 'cancel'] as const)('an actor that was ended by %s has no result', async (end) => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(sum, '1')
  await actor.start()
  const waiting = expect(actor.result()).rejects.toMatchObject({ code: 'actor/ended', address: 'sum/1', message: expect.stringContaining(end === 'stop' ? 'stopped' : 'cancelled') })
  await actor[end]()
  await waiting
  await expect(actor.result()).rejects.toMatchObject({ code: 'actor/ended' })
})

test('a pause only delays the result', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(sum, '1')
  await actor.start()
  await actor.pause()
  let output: unknown
  const waiting = actor.result().then(value => (output = value))
  await actor.send({ type: 'END' })
  await world.settle()
  expect(output).toBeUndefined()
  await actor.resume()
  await waiting
  expect(output).toEqual({ total: 0 })
})

test('an actor that nobody started has no result', async () => {
  await using world = await createTestWorld({ machines })
  await expect(world.runtime.actor(sum, '1').result()).rejects.toMatchObject({ code: 'actor/unknown', address: 'sum/1' })
})

test('promise logic on its own is an actor whose result is its value', async () => {
  const double = fromPromise(async ({ input }: { input: number }) => input * 2)
  await using world = await createTestWorld({ machines: { double } })
  const actor = world.runtime.actor(double, '1')
  await actor.start(21)
  expect(await actor.result()).toBe(42)
})

test('a result waits no longer than its runtime lives', async () => {
  const world = await createTestWorld({ machines })
  const actor = world.runtime.actor(sum, '1')
  await actor.start()
  const waiting = expect(actor.result()).rejects.toMatchObject({ code: 'runtime/closed' })
  await world.settle()
  await world.runtime.close()
  await waiting
})
