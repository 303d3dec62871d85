import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-retention-'))
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

const HOUR = 60 * 60 * 1000
/** What has expired goes with the next sweep, half a minute later at most. */
const SWEEP = 31_000

const job = setup({
  types: { context: {} as { name: string; lines: string[] }, input: {} as { name: string }, events: {} as { type: 'LINE'; line: string } | { type: 'END' } | { type: 'BREAK' }, output: {} as string },
}).createMachine({
  context: ({ input }) => ({ name: input.name, lines: [] }),
  initial: 'on',
  states: {
    on: { on: { LINE: { actions: assign({ lines: ({ context, event }) => [...context.lines, event.line] }) }, BREAK: { actions: () => { throw new Error('broken') } }, END: 'off' } },
    off: { type: 'final' },
  },
  output: ({ context }) => context.name,
})
const machines = { job: { machine: job, retention: { completedMs: HOUR }, supervision: { strategy: 'escalate' as const } }, kept: job.provide({}) }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('a completed actor and its history are kept for their time, counted from its completion', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor('job', '1')
    await actor.start({ name: 'first' })
    // A long life is no reason to go early.
    await world.advance(100 * HOUR)
    await actor.send({ type: 'END' })
    await world.advance(HOUR - 1)
    expect(await actor.result()).toBe('first')
    expect(await actor.history()).toHaveLength(2)
    await world.advance(SWEEP)
    await expect(actor.snapshot()).rejects.toMatchObject({ code: 'actor/unknown', address: 'job/1' })
    await expect(actor.send({ type: 'END' })).rejects.toMatchObject({ code: 'actor/unknown' })
    expect(await actor.history()).toEqual([])
    expect((await world.runtime.actors()).actors).toEqual([])
  })

  test('the key of an actor that went may be used again, with another input', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor('job', '1')
    await actor.start({ name: 'first' })
    await actor.send({ type: 'LINE', line: 'old' }, { idempotencyKey: 'k' })
    await actor.send({ type: 'END' })
    await world.advance(HOUR + SWEEP)
    await actor.start({ name: 'second' })
    await actor.send({ type: 'LINE', line: 'new' }, { idempotencyKey: 'k' })
    expect(await actor.snapshot()).toMatchObject({ seq: 2, status: 'active', context: { name: 'second', lines: ['new'] } })
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor('job', '1').snapshot()).context.lines).toEqual(['new'])
  })

  test('actors that live, pause, wait to be mended or have no retention never go', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    for (const key of ['active', 'paused', 'failed']) await world.runtime.actor('job', key).start({ name: key })
    await world.runtime.actor('job', 'paused').pause()
    await world.runtime.actor('job', 'failed').send({ type: 'BREAK' })
    await world.runtime.actor('kept', 'done').start({ name: 'done' })
    await world.runtime.actor('kept', 'done').send({ type: 'END' })
    await world.advance(1_000 * HOUR)
    await world.advance(SWEEP)
    expect((await world.runtime.actors()).actors.map(({ key, status }) => `${key} ${status}`)).toEqual(['active active', 'paused paused', 'failed failed', 'done done'])
    expect(await world.runtime.actor('kept', 'done').result()).toBe('done')
  })

  test('stopped and cancelled actors go like done ones', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    for (const key of ['stop', 'cancel'] as const) {
      await world.runtime.actor('job', key).start({ name: key })
      await world.runtime.actor('job', key)[key]()
    }
    await world.advance(HOUR - 1)
    expect((await world.runtime.actors()).actors).toHaveLength(2)
    await world.advance(SWEEP)
    expect((await world.runtime.actors()).actors).toEqual([])
  })

  test('what expired while nobody was running goes when somebody is', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    for (let key = 0; key < 20; key++) {
      await world.runtime.actor('job', String(key)).start({ name: 'x' })
      await world.runtime.actor('job', String(key)).send({ type: 'END' })
    }
    await world.crash()
    await world.advance(2 * HOUR)
    await world.restart()
    await world.advance(SWEEP)
    expect((await world.runtime.actors()).actors).toEqual([])
  })

  test('old journal entries go after their time, but for what a live actor needs', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()(), journalMs: HOUR })
    const actor = world.runtime.actor('kept', '1')
    await actor.start({ name: 'x' })
    for (let n = 0; n < 60; n++) await actor.send({ type: 'LINE', line: `${n} ${'x'.repeat(400)}` })
    await world.advance(HOUR + SWEEP)
    for (let n = 60; n < 64; n++) await actor.send({ type: 'LINE', line: String(n) })
    await world.advance(SWEEP)
    const [first] = await actor.history()
    expect(first?.seq).toBeGreaterThan(10)
    await expect(actor.at(3)).rejects.toMatchObject({ code: 'history/trimmed', address: 'kept/1' })
    await expect(actor.fork(3, 'fork')).rejects.toMatchObject({ code: 'history/trimmed' })
    await expect((async () => { for await (const entry of actor.watch({ from: 0 })) if (entry) break })()).rejects.toMatchObject({ code: 'history/trimmed', address: 'kept/1' })
    expect((await actor.at(62)).context.lines).toHaveLength(61)
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor('kept', '1').snapshot()).context.lines).toHaveLength(64)
    expect((await world.runtime.actor('kept', '1').ask({ type: 'LINE', line: 'more' })).seq).toBe(66)
  })
})

test('many that expire at once all go with one sweep', async () => {
  await using world = await createTestWorld({ machines })
  await Promise.all(Array.from({ length: 1_200 }, async (_, key) => {
    await world.runtime.actor('job', String(key)).start({ name: 'x' })
    await world.runtime.actor('job', String(key)).send({ type: 'END' })
  }))
  await world.advance(HOUR + SWEEP)
  expect((await world.runtime.actors()).actors).toEqual([])
})

test('an actor that went leaves no place taken in the limit of active actors', async () => {
  await using world = await createTestWorld({ machines, limits: { activeActorsMax: 1 } })
  for (let round = 0; round < 3; round++) {
    await world.runtime.actor('job', '1').start({ name: String(round) })
    await world.runtime.actor('job', '1').send({ type: 'END' })
    await world.advance(HOUR + SWEEP)
  }
  expect(world.runtime.health()).toMatchObject({ liveActors: 0, actorsInMemory: 0 })
})

test('a runtime that owns nothing sweeps nothing, and sees what the owner swept', async () => {
  const store = createMemoryStore()
  await using owner = await createTestWorld({ machines, store })
  await using guest = await createTestWorld({ machines, store, clock: owner.clock, seed: 2 })
  await owner.runtime.actor('job', '1').start({ name: 'x' })
  await owner.runtime.actor('job', '1').send({ type: 'END' })
  await owner.advance(HOUR + SWEEP)
  await expect(guest.runtime.actor('job', '1').snapshot()).rejects.toMatchObject({ code: 'actor/unknown' })
})
