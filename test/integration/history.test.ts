import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createSeededRandom, createTestWorld } from 'troupe/testing'
import { assign, sendTo, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-history-'))
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

type Line = { who: string; text: string; marks: number[] }
const chat = setup({
  types: { context: {} as { lines: Line[]; topic?: string; by: Record<string, number> }, events: {} as { type: 'SAY'; who: string; text: string } | { type: 'MARK'; line: number } | { type: 'DROP' } | { type: 'TOPIC'; topic?: string } | { type: 'MUTE' } | { type: 'END' }, tags: {} as 'quiet' },
}).createMachine({
  context: { lines: [], by: {} },
  initial: 'open',
  states: {
    open: {
      on: {
        SAY: { actions: assign({ lines: ({ context, event }) => [...context.lines, { who: event.who, text: event.text, marks: [] }], by: ({ context, event }) => ({ ...context.by, [event.who]: (context.by[event.who] ?? 0) + 1 }) }) },
        MARK: { actions: assign({ lines: ({ context, event }) => context.lines.map((line, index) => (index === event.line ? { ...line, marks: [...line.marks, index] } : line)) }) },
        DROP: { actions: assign({ lines: ({ context }) => context.lines.slice(0, -2), by: {} }) },
        TOPIC: { actions: assign(({ event }) => (event.topic === undefined ? { topic: undefined as never } : { topic: event.topic })) },
        MUTE: 'quiet',
      },
    },
    quiet: { tags: 'quiet', after: { 60_000: 'open' }, on: { MUTE: 'open' } },
  },
  on: { END: '.quiet' },
})

const attempts: string[] = []
let finish: (output: string) => void = () => undefined
const job = setup({
  types: { context: {} as { result: string }, events: {} as { type: 'GO' } },
  actors: {
    work: task({
      retry: 1,
      run: ({ idempotencyKey, attempt }: TaskScope<unknown>) => {
        attempts.push(`${idempotencyKey} #${attempt}`)
        return new Promise<string>(resolve => (finish = resolve))
      },
    }),
  },
}).createMachine({
  context: { result: '' },
  initial: 'idle',
  states: { idle: { on: { GO: 'working' } }, working: { invoke: { src: 'work', onDone: { target: 'idle', actions: assign({ result: ({ event }) => event.output }) } } } },
})

const scout = setup({
  types: { context: {} as { area: string; found: number }, input: {} as { area: string }, events: {} as { type: 'FIND' } | { type: 'HOME' }, output: {} as number },
}).createMachine({
  context: ({ input }) => ({ area: input.area, found: 0 }),
  initial: 'out',
  states: { out: { on: { FIND: { actions: assign({ found: ({ context }) => context.found + 1 }) }, HOME: 'home' } }, home: { type: 'final' } },
  output: ({ context }) => context.found,
})
const leader = setup({
  types: { context: {} as { found: number }, events: {} as { type: 'FIND' } | { type: 'HOME' } },
  actors: { scout: remote<typeof scout>('scout') },
}).createMachine({
  context: { found: -1 },
  initial: 'exploring',
  states: {
    exploring: {
      invoke: { id: 'scout', src: 'scout', input: { area: 'north' }, onDone: { target: 'back', actions: assign({ found: ({ event }) => event.output }) } },
      on: { FIND: { actions: sendTo('scout', { type: 'FIND' }) }, HOME: { actions: sendTo('scout', { type: 'HOME' }) } },
    },
    back: {},
  },
})
const machines = { chat, job, leader, scout }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('every past state can be read as it was, however much has changed since', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const random = createSeededRandom(7)
    const pick = (n: number): number => Math.floor(random.next() * n)
    const actor = world.runtime.actor(chat, '1')
    await actor.start()
    const states = [(await actor.snapshot()).toJSON()]
    for (let step = 0; step < 250; step++) {
      const roll = pick(10)
      const event = roll < 6 ? { type: 'SAY' as const, who: `w${pick(4)}`, text: 'x'.repeat(pick(400)) } : roll < 8 ? { type: 'MARK' as const, line: pick(20) } : roll < 9 ? { type: 'TOPIC' as const, ...(pick(2) ? { topic: 't' } : {}) } : { type: pick(3) ? 'DROP' as const : 'MUTE' as const }
      states.push((await actor.ask(event)).toJSON())
    }
    for (const seq of [1, 2, 100, 173, 250, 251]) expect((await actor.at(seq)).toJSON()).toEqual(states[seq - 1])
    await world.crash()
    await world.restart()
    const again = world.runtime.actor(chat, '1')
    for (let seq = 1; seq <= states.length; seq += 7) expect((await again.at(seq)).toJSON()).toEqual(states[seq - 1])
  })

  test('the history tells what came when, from whom and because of what, in pages', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(leader, '1')
    await actor.start()
    const start = world.clock.now()
    await world.advance(1_000)
    await actor.send({ type: 'FIND' })
    await actor.send({ type: 'HOME' })
    await world.settle()
    const entries = await actor.history()
    expect(entries.map(({ seq, kind, event, at }) => [seq, kind, event?.type, at - start])).toEqual([[1, 'start', undefined, 0], [2, 'event', 'FIND', 1_000], [3, 'event', 'HOME', 1_000], [4, 'child', 'child.done', 1_000]])
    const scoutAddress = (await world.runtime.actors({ machine: 'scout' })).actors[0]?.address ?? ''
    expect(entries[1]?.sent).toEqual([{ to: `default/${scoutAddress}`, type: 'FIND' }])
    const child = await world.runtime.at(scoutAddress).history()
    expect(child[1]).toMatchObject({ kind: 'event', event: { type: 'FIND' }, from: 'default/leader/1', causation: entries[1]?.id, correlation: entries[1]?.id })
    expect(await actor.history({ from: 1, limit: 2 })).toEqual(entries.slice(1, 3))
    expect(await actor.history({ from: 4 })).toEqual([])
  })

  test('reading the past runs nothing again', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    attempts.length = 0
    const actor = world.runtime.actor(job, '1')
    await actor.start()
    await actor.send({ type: 'GO' })
    await world.settle()
    finish('first')
    await world.settle()
    expect((await actor.at(2)).value).toBe('working')
    await world.settle()
    expect(attempts).toEqual(['default/job/1:1 #1'])
    expect(await actor.snapshot()).toMatchObject({ seq: 3, context: { result: 'first' } })
  })

  test('a fork begins with the state of the step, and each goes its own way', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(chat, '1')
    await actor.start()
    await actor.send({ type: 'SAY', who: 'a', text: 'one' })
    await actor.send({ type: 'SAY', who: 'b', text: 'two' })
    const past = await actor.at(2)
    const fork = await actor.fork(2, '2')
    expect(fork.address).toBe('chat/2')
    expect(await fork.snapshot()).toMatchObject({ seq: 1, status: 'active', value: past.value, context: past.context })
    await fork.send({ type: 'SAY', who: 'c', text: 'other' })
    expect((await fork.snapshot()).context.lines.map(({ text }) => text)).toEqual(['one', 'other'])
    expect((await actor.snapshot()).context.lines.map(({ text }) => text)).toEqual(['one', 'two'])
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor(chat, '2').snapshot()).context.lines.map(({ text }) => text)).toEqual(['one', 'other'])
    expect((await world.runtime.actor(chat, '2').history()).map(({ kind }) => kind)).toEqual(['fork', 'event'])
  })

  test('the timers of a fork run on from where they stood, and what is overdue comes at once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(chat, '1')
    await actor.start()
    await actor.send({ type: 'MUTE' })
    await world.advance(20_000)
    const fork = await actor.fork(2, 'early')
    await world.advance(39_999)
    expect((await fork.snapshot()).value).toBe('quiet')
    await world.advance(1)
    expect((await fork.snapshot()).value).toBe('open')
    expect((await actor.snapshot()).value).toBe('open')
    const late = await actor.fork(2, 'late')
    await world.settle()
    expect((await late.snapshot()).value).toBe('open')
    // The original has not heard of any of it.
    expect((await actor.history()).map(({ kind }) => kind)).toEqual(['start', 'event', 'timer'])
  })

  test('an open task is begun anew by the fork, under a key of its own', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    attempts.length = 0
    const actor = world.runtime.actor(job, '1')
    await actor.start()
    await actor.send({ type: 'GO' })
    await world.settle()
    finish('original')
    await world.settle()
    const fork = await actor.fork(2, '2')
    await world.settle()
    expect(attempts).toEqual(['default/job/1:1 #1', 'default/job/2:1 #1'])
    finish('forked')
    await world.settle()
    expect((await fork.snapshot()).context.result).toBe('forked')
    expect((await actor.snapshot()).context.result).toBe('original')
  })

  test('a durable child is begun anew under the fork with the input it had', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(leader, '1')
    await actor.start()
    await actor.send({ type: 'FIND' })
    await actor.send({ type: 'FIND' })
    await world.settle()
    const fork = await actor.fork(2, '2')
    await world.settle()
    const scouts = (await world.runtime.actors({ machine: 'scout' })).actors
    expect(scouts.map(({ run, parent, status }) => [run, parent, status])).toEqual([['leader/1', 'leader/1', 'active'], ['leader/2', 'leader/2', 'active']])
    await fork.send({ type: 'FIND' })
    await fork.send({ type: 'HOME' })
    await actor.send({ type: 'HOME' })
    await world.settle()
    expect(await fork.snapshot()).toMatchObject({ value: 'back', context: { found: 1 } })
    expect(await actor.snapshot()).toMatchObject({ value: 'back', context: { found: 2 } })
    expect((await world.runtime.at(scouts[1]?.address ?? '').snapshot()).context).toEqual({ area: 'north', found: 1 })
  })

  test('a runtime that does not own the actor reads its past and forks it', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(chat, '1').start()
    await owner.runtime.actor(chat, '1').send({ type: 'SAY', who: 'a', text: 'one' })
    const actor = guest.runtime.actor(chat, '1')
    expect((await actor.at(1)).context.lines).toEqual([])
    expect(await actor.history()).toHaveLength(2)
    const fork = await actor.fork(2, '2')
    expect((await owner.runtime.actor(chat, '2').snapshot()).context.lines).toHaveLength(1)
    expect((await fork.ask({ type: 'SAY', who: 'b', text: 'two' })).context.lines).toHaveLength(2)
  })
})

test('a fork of an actor that has ended lives, and of its end is as ended', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(scout, '1')
  await actor.start({ area: 'south' })
  await actor.send({ type: 'FIND' })
  await actor.send({ type: 'HOME' })
  const fork = await actor.fork(2, 'again')
  expect((await fork.ask({ type: 'FIND' })).context.found).toBe(2)
  const over = await actor.fork(3, 'over')
  expect(await over.snapshot()).toMatchObject({ status: 'done', output: 1 })
  const stopped = world.runtime.actor(scout, 'stopped')
  await stopped.start({ area: 'west' })
  await stopped.stop()
  expect((await (await stopped.fork(1, 'revived')).ask({ type: 'FIND' })).context).toEqual({ area: 'west', found: 1 })
})

test('a fork of a paused actor runs, and is nobody\'s child', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(chat, '1')
  await actor.start()
  await actor.pause()
  expect((await (await actor.fork(2, '2')).snapshot()).status).toBe('active')
  await world.runtime.actor(leader, '1').start()
  await world.settle()
  const child = (await world.runtime.actors({ machine: 'scout' })).actors[0]?.address ?? ''
  const fork = await world.runtime.at(child).fork(1, 'free')
  await fork.send({ type: 'HOME' })
  await world.settle()
  expect((await world.runtime.actors({ machine: 'scout' })).actors.map(({ key, parent, status }) => [key.includes('>'), parent, status])).toEqual([[true, 'leader/1', 'active'], [false, null, 'done']])
  expect((await world.runtime.actor(leader, '1').snapshot()).value).toBe('exploring')
})

test('a fork goes on hearing the states of its children', async () => {
  const observer = setup({ types: { context: {} as { shots: number[] }, events: {} as { type: 'FIND' } }, actors: { scout: remote<typeof scout>('scout') } }).createMachine({
    context: { shots: [] },
    invoke: { id: 'scout', src: 'scout', input: { area: 'east' }, onSnapshot: { actions: assign({ shots: ({ context, event }) => [...context.shots, event.snapshot.context?.found ?? -1] }) } },
    on: { FIND: { actions: sendTo('scout', { type: 'FIND' }) } },
  })
  await using world = await createTestWorld({ machines: { observer, scout } })
  const actor = world.runtime.actor(observer, '1')
  await actor.start()
  await actor.send({ type: 'FIND' })
  await world.settle()
  const { seq, context } = await actor.snapshot()
  const fork = await actor.fork(seq, '2')
  await fork.send({ type: 'FIND' })
  await world.settle()
  expect((await fork.snapshot()).context.shots.slice(context.shots.length).at(-1)).toBe(1)
  expect((await actor.snapshot()).context.shots).toEqual(context.shots)
})

test('nothing can be forked onto an actor that exists, nor under a key that is none', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(chat, '1')
  await actor.start()
  await actor.send({ type: 'SAY', who: 'a', text: 'one' })
  await expect(actor.fork(1, '1')).rejects.toMatchObject({ code: 'actor/exists', address: 'chat/1' })
  for (const key of ['', 'a>b', 'new\nline', 'x'.repeat(1025)]) await expect(actor.fork(1, key)).rejects.toMatchObject({ code: 'address/invalid' })
  expect(await actor.snapshot()).toMatchObject({ seq: 2 })
  expect((await world.runtime.actors()).actors).toHaveLength(1)
})

test.each([0, -1, 3, 1.5, Number.NaN])('a step that never was cannot be read or forked: %s', async (seq) => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(chat, '1')
  await actor.start()
  await actor.send({ type: 'SAY', who: 'a', text: 'one' })
  await expect(actor.at(seq)).rejects.toMatchObject({ code: 'config/invalid', address: 'chat/1', message: expect.stringContaining('1 to 2') })
  await expect(actor.fork(seq, 'x')).rejects.toMatchObject({ code: 'config/invalid' })
})

test('a page of history without sense is refused, and one has a thousand steps at most', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(chat, '1')
  await actor.start()
  for (const limit of [0, -1, 1.5, Number.NaN]) await expect(actor.history({ limit })).rejects.toMatchObject({ code: 'config/invalid' })
  for (const from of [-1, 1.5, Number.NaN, Infinity]) await expect(actor.history({ from })).rejects.toMatchObject({ code: 'config/invalid', address: 'chat/1' })
  await Promise.all(Array.from({ length: 1_005 }, () => actor.send({ type: 'DROP' })))
  expect(await actor.history()).toHaveLength(100)
  expect(await actor.history({ limit: Infinity })).toHaveLength(1_000)
})

test('an actor that does not exist has no past', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(chat, 'none')
  await expect(actor.at(1)).rejects.toMatchObject({ code: 'actor/unknown', address: 'chat/none' })
  await expect(actor.fork(1, 'x')).rejects.toMatchObject({ code: 'actor/unknown', address: 'chat/none' })
  expect(await actor.history()).toEqual([])
})

test('a journal of states keeps the same states to travel to, and no events', async () => {
  await using world = await createTestWorld({ machines: { chat: { machine: chat, journal: 'states' } } })
  const actor = world.runtime.actor(chat, '1')
  await actor.start()
  await actor.send({ type: 'SAY', who: 'a', text: 'a secret' })
  await actor.send({ type: 'MUTE' })
  const entries = await actor.history()
  expect(entries.map(({ seq, kind }) => [seq, kind])).toEqual([[1, 'start'], [2, 'event'], [3, 'event']])
  for (const entry of entries) for (const part of ['event', 'id', 'from', 'correlation', 'causation', 'sent']) expect(entry).not.toHaveProperty(part)
  expect((await actor.at(2)).context.lines.map(({ text }) => text)).toEqual(['a secret'])
  expect((await (await actor.fork(2, '2')).snapshot()).context.lines).toHaveLength(1)
  await world.crash()
  await world.restart()
  expect(await world.runtime.actor(chat, '1').snapshot()).toMatchObject({ seq: 3, value: 'quiet' })
})
