import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { task } from 'troupe'
import type { TaskScope, Watch, WatchedStep } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, emit, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-watch-'))
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

const counter = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'ADD' } | { type: 'END' } | { type: 'SHOUT' }, emitted: {} as { type: 'shout'; n: number } },
}).createMachine({
  context: { n: 0 },
  initial: 'counting',
  states: {
    counting: { on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) }, SHOUT: { actions: emit(({ context }) => ({ type: 'shout', n: context.n })) }, END: 'ended' } },
    ended: { type: 'final' },
  },
})

type Running = TaskScope<unknown>
let running: Running | undefined
let finish: (output: string) => void = () => undefined
const worker = setup({
  actors: {
    work: task({
      retry: 1,
      run: (scope: TaskScope<unknown>) => {
        running = scope
        return new Promise<string>(resolve => (finish = resolve))
      },
    }),
  },
}).createMachine({ initial: 'working', states: { working: { invoke: { id: 'job', src: 'work', onDone: 'done' } }, done: { type: 'final' } } })
const machines = { counter, worker }

const steps = async <T>(watch: Watch, pick: (step: WatchedStep) => T, count = Infinity): Promise<T[]> => {
  const seen: T[] = []
  for await (const entry of watch) {
    if ('snapshot' in entry) seen.push(pick(entry))
    if (seen.length >= count) break
  }
  return seen
}
const brief = ({ seq, kind, event, snapshot }: WatchedStep): string => `${seq} ${kind}${event ? ` ${event.type}` : ''}: ${(snapshot.context as { n: number }).n}`

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('from the beginning it gives every step, each with the state after it, and ends with the actor', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(counter, '1')
    await actor.start()
    await actor.send({ type: 'ADD' })
    const watched = steps(actor.watch({ from: 0 }), brief)
    await actor.send({ type: 'ADD' })
    await actor.pause()
    await actor.resume()
    await actor.send({ type: 'END' })
    expect(await watched).toEqual(['1 start: 0', '2 event ADD: 1', '3 event ADD: 2', '4 pause: 2', '5 resume: 2', '6 event END: 2'])
  })

  test('without a position it gives what comes from now on', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(counter, '1')
    await actor.start()
    await actor.send({ type: 'ADD' })
    const watched = steps(actor.watch(), brief)
    await world.settle()
    await actor.send({ type: 'ADD' })
    await actor.send({ type: 'END' })
    expect(await watched).toEqual(['3 event ADD: 2', '4 event END: 2'])
  })

  test('goes on after the sequence it is given, also after a crash', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    await world.runtime.actor(counter, '1').start()
    for (let n = 0; n < 5; n++) await world.runtime.actor(counter, '1').send({ type: 'ADD' })
    const seen = await steps(world.runtime.actor(counter, '1').watch({ from: 0 }), brief, 3)
    await world.crash()
    await world.restart()
    const actor = world.runtime.actor(counter, '1')
    const rest = steps(actor.watch({ from: 3 }), brief)
    await actor.send({ type: 'END' })
    expect([...seen, ...(await rest)]).toEqual(['1 start: 0', '2 event ADD: 1', '3 event ADD: 2', '4 event ADD: 3', '5 event ADD: 4', '6 event ADD: 5', '7 event END: 5'])
  })

  test('a slow reader loses nothing', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(counter, '1')
    await actor.start()
    const seen: number[] = []
    const reading = (async () => {
      for await (const entry of actor.watch({ from: 0 })) {
        seen.push((entry as WatchedStep<typeof counter>).snapshot.context.n)
        if (seen.length % 300 === 0) await new Promise(resolve => setTimeout(resolve, 2))
      }
    })()
    for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 100 }, () => actor.send({ type: 'ADD' })))
    await actor.send({ type: 'END' })
    await reading
    expect(seen).toEqual([...Array.from({ length: 1201 }, (_, n) => n), 1200])
  })

  test('a runtime that does not own the actor sees the same', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    const actor = owner.runtime.actor(counter, '1')
    await actor.start()
    const [own, foreign] = [steps(actor.watch({ from: 0 }), brief), steps(guest.runtime.actor(counter, '1').watch({ from: 0 }), brief)]
    for (let n = 0; n < 20; n++) await actor.send({ type: 'ADD' })
    await guest.runtime.actor(counter, '1').ask({ type: 'ADD' })
    await actor.send({ type: 'END' })
    expect(await foreign).toEqual(await own)
    expect(await own).toHaveLength(23)
  })

  test('a watcher sees the steps of the next owner', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(counter, '1').start()
    const watched = steps(guest.runtime.actor(counter, '1').watch({ from: 0 }), brief)
    await owner.runtime.actor(counter, '1').send({ type: 'ADD' })
    await owner.crash()
    await owner.restart()
    await owner.runtime.actor(counter, '1').send({ type: 'END' })
    expect(await watched).toEqual(['1 start: 0', '2 event ADD: 1', '3 event END: 1'])
  })

  test('an actor that has ended is told in full, and no more', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(counter, '1')
    await actor.start()
    await actor.send({ type: 'END' })
    expect(await steps(actor.watch({ from: 0 }), brief)).toEqual(['1 start: 0', '2 event END: 0'])
    expect(await steps(actor.watch({ from: 1 }), brief)).toEqual(['2 event END: 0'])
    expect(await steps(actor.watch(), brief)).toEqual([])
  })
})

test('stopping and cancelling end a watch too', async () => {
  await using world = await createTestWorld({ machines })
  for (const end of ['stop', 'cancel'] as const) {
    const actor = world.runtime.actor(counter, end)
    await actor.start()
    const watched = steps(actor.watch({ from: 0 }), ({ kind, snapshot }) => `${kind} ${snapshot.status}`)
    await actor[end]()
    expect(await watched).toEqual(['start active', end === 'stop' ? 'stop stopped' : 'cancel cancelled'])
  }
})

test('events that a machine emits stand in the step that emitted them', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(counter, '1')
  await actor.start()
  await actor.send({ type: 'ADD' })
  await actor.send({ type: 'SHOUT' })
  await actor.send({ type: 'END' })
  expect(await steps(actor.watch({ from: 0 }), ({ emitted }) => emitted)).toEqual([undefined, undefined, [{ type: 'shout', n: 1 }], undefined])
})

test('a watch that is left behind reads nothing more', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(counter, '1')
  await actor.start()
  await actor.send({ type: 'ADD' })
  expect(await steps(actor.watch({ from: 0 }), brief, 1)).toEqual(['1 start: 0'])
  const visits = () => world.runtime.health().counters.steps
  const before = visits()
  await actor.send({ type: 'ADD' })
  expect(visits()).toBe(before + 1)
})

test('several watchers of one actor do not disturb each other', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(counter, '1')
  await actor.start()
  const all = Array.from({ length: 5 }, (_, from) => steps(actor.watch({ from: Math.min(from, 1) }), brief))
  await actor.send({ type: 'ADD' })
  await actor.send({ type: 'END' })
  const [first, ...others] = await Promise.all(all)
  expect(first).toEqual(['1 start: 0', '2 event ADD: 1', '3 event END: 1'])
  for (const other of others) expect(other).toEqual(first?.slice(1))
})

test('a watch ends when its runtime closes', async () => {
  const world = await createTestWorld({ machines })
  const actor = world.runtime.actor(counter, '1')
  await actor.start()
  const watched = steps(actor.watch({ from: 0 }), brief)
  await world.settle()
  await world.runtime.close()
  expect(await watched).toEqual(['1 start: 0'])
})

test('an actor that does not exist cannot be watched', async () => {
  await using world = await createTestWorld({ machines })
  await expect(steps(world.runtime.actor(counter, 'none').watch({ from: 0 }), brief)).rejects.toMatchObject({ code: 'actor/unknown', address: 'counter/none' })
})

test.each([-1, 1.5, Number.NaN, 3, '1'])('a position that is none of the actor is refused: %s', async (from) => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(counter, '1')
  await actor.start()
  await actor.send({ type: 'ADD' })
  await expect(steps(actor.watch({ from: from as number }), brief)).rejects.toMatchObject({ code: 'config/invalid', address: 'counter/1' })
})

describe('progress of tasks', () => {
  test('is told to watchers who want it, between the steps', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor(worker, '1')
    await actor.start()
    const seen: string[] = []
    const watching = (async () => {
      for await (const entry of actor.watch({ from: 0, progress: true })) seen.push(entry.kind === 'progress' ? `${entry.task} attempt ${entry.attempt}: ${JSON.stringify(entry.progress)}` : `${entry.seq} ${entry.kind}`)
    })()
    await world.settle()
    running?.progress({ percent: 10 })
    await world.settle()
    running?.progress('half')
    await world.settle()
    finish('ok')
    await watching
    expect(seen).toEqual(['1 start', '1 attempt 1: {"percent":10}', '1 attempt 1: "half"', '2 task'])
  })

  test('is not told to others, and not kept', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor(worker, '1')
    await actor.start()
    const kinds: string[] = []
    const watching = (async () => {
      for await (const { kind } of actor.watch({ from: 0 })) kinds.push(kind)
    })()
    await world.settle()
    running?.progress(1)
    await world.settle()
    finish('ok')
    await watching
    expect(kinds).toEqual(['start', 'task'])
    expect((await actor.history()).map(({ kind }) => kind)).toEqual(['start', 'task'])
  })

  test('of a reader that is far behind keeps the latest thousand', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor(worker, '1')
    await actor.start()
    const reader = actor.watch({ from: 0, progress: true })[Symbol.asyncIterator]()
    await reader.next()
    for (let n = 0; n < 1_500; n++) running?.progress(n)
    const seen: unknown[] = []
    for (let n = 0; n < 1_000; n++) seen.push(((await reader.next()).value as { progress: unknown }).progress)
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 500))
    finish('ok')
    expect((await reader.next()).value).toMatchObject({ kind: 'task', snapshot: { status: 'done' } })
    expect((await reader.next()).done).toBe(true)
  })

  test('comes no more from an attempt that has ended', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor(worker, '1')
    await actor.start()
    const kinds: string[] = []
    const watching = (async () => {
      for await (const { kind } of actor.watch({ from: 0, progress: true })) kinds.push(kind)
    })()
    await world.settle()
    finish('ok')
    await watching
    running?.progress('too late')
    expect(kinds).toEqual(['start', 'task'])
  })
})
