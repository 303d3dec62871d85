import { expect, test } from 'vitest'
import { task } from 'troupe'
import type { Store, TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { setup } from 'xstate'

let finish: (output: string) => void = () => undefined
const thing = setup({
  types: { events: {} as { type: 'GO' } | { type: 'WAIT' } | { type: 'BREAK' } | { type: 'END' } },
  actors: { work: task({ retry: { attempts: 3, baseMs: 1_000, jitter: 0 }, run: (_scope: TaskScope<unknown>) => new Promise<string>((resolve, reject) => (finish = output => (output === 'fail' ? reject(new Error('no')) : resolve(output)))) }) },
}).createMachine({
  initial: 'idle',
  states: {
    idle: { on: { GO: 'working', WAIT: 'waiting', BREAK: { actions: () => { throw new Error('broken') } } } },
    working: { invoke: { src: 'work', onDone: 'idle' } },
    waiting: { after: { 10_000: 'idle' } },
    over: { type: 'final' },
  },
  on: { END: '.over' },
})
const machines = { thing }

/** A store whose commits can be held up, as a disk that does not answer does. */
function heldUp(store: Store) {
  let gate = Promise.resolve()
  let open: () => void = () => undefined
  const held = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'commit') return value
      return async (...args: Parameters<Store['commit']>) => {
        await gate
        return target.commit(...args)
      }
    },
  })
  return {
    store: held,
    holdUp: () => void (gate = new Promise(resolve => (open = resolve))),
    goOn: () => open(),
  }
}

test('a runtime that has just begun is ready, and says what it owns', async () => {
  await using world = await createTestWorld({ machines, store: createMemoryStore({ partitions: 3 }) })
  expect(world.runtime.health()).toEqual({
    ready: true, reasons: [], node: expect.any(String), partitions: { total: 3, owned: [0, 1, 2] }, lagMs: 0, liveActors: 0, actorsInMemory: 0, runningTasks: 0,
    counters: { steps: 0, commits: 0, duplicates: 0, staleTasks: 0, fenced: 0, takeovers: 0, handovers: 0, deadLetters: 0, taskRetries: 0, timersFired: 0, evictions: 0, restarts: 0, expired: 0, compacted: 0 },
    memory: { bytes: 0, bytesMax: 512 * 2 ** 20, actorBytes: 0, workBytes: 0 }, store: null, compaction: { surplus: 0, reclaimed: 0, last: null },
  })
})

test('it counts what it does', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(thing, '1')
  await actor.start()
  await actor.send({ type: 'BREAK' })
  await actor.send({ type: 'WAIT' })
  await world.advance(10_000)
  await actor.send({ type: 'GO' })
  await world.settle()
  expect(world.runtime.health()).toMatchObject({ runningTasks: 1, liveActors: 1, actorsInMemory: 1 })
  finish('fail')
  await world.advance(1_000)
  expect(world.runtime.health()).toMatchObject({ ready: true, counters: { deadLetters: 1, timersFired: 1, taskRetries: 1 } })
  expect(world.runtime.health().counters.steps).toBeGreaterThanOrEqual(5)
  finish('ok')
  await actor.send({ type: 'END' })
  await world.settle()
  expect(world.runtime.health()).toMatchObject({ runningTasks: 0, liveActors: 0 })
})

test('it is not ready while an event waits longer than allowed, and is again when that has been done', async () => {
  const { store, holdUp, goOn } = heldUp(createMemoryStore())
  await using world = await createTestWorld({ machines, store, limits: { dueAgeMsMax: 5_000, leaseTtlMs: 1_000_000 } })
  const actor = world.runtime.actor(thing, '1')
  await actor.start()
  holdUp()
  // In the commit that does not come back, and behind it.
  const sent = [actor.send({ type: 'WAIT' })]
  await world.advance(3_000)
  sent.push(actor.send({ type: 'BREAK' }))
  await world.advance(2_000)
  expect(world.runtime.health()).toMatchObject({ ready: true, lagMs: 5_000 })
  await world.advance(1)
  expect(world.runtime.health()).toMatchObject({ ready: false, lagMs: 5_001, reasons: ['the oldest due work is 5001 ms late, the limit dueAgeMsMax is 5000'] })
  goOn()
  await Promise.all(sent)
  await world.settle()
  expect(world.runtime.health()).toMatchObject({ ready: true, lagMs: 0, reasons: [] })
})

test('a timer that is late counts as well', async () => {
  const { store, holdUp, goOn } = heldUp(createMemoryStore())
  await using world = await createTestWorld({ machines, store, limits: { dueAgeMsMax: 1_000, leaseTtlMs: 1_000_000 } })
  const [timed, other] = [world.runtime.actor(thing, 'timed'), world.runtime.actor(thing, 'other')]
  await timed.start()
  await other.start()
  await timed.send({ type: 'WAIT' })
  await world.advance(9_000)
  holdUp()
  const sent = other.send({ type: 'GO' })
  await world.advance(999)
  expect(world.runtime.health()).toMatchObject({ ready: true })
  await world.advance(1_500)
  expect(world.runtime.health()).toMatchObject({ ready: false })
  goOn()
  await sent
  await world.settle()
  expect(world.runtime.health()).toMatchObject({ ready: true, lagMs: 0 })
  expect((await timed.snapshot()).value).toBe('idle')
})

test('what waits for a paused actor makes nobody unready', async () => {
  await using world = await createTestWorld({ machines, limits: { dueAgeMsMax: 1_000 } })
  const actor = world.runtime.actor(thing, '1')
  await actor.start()
  await actor.send({ type: 'WAIT' })
  await actor.pause()
  await actor.send({ type: 'GO' })
  await world.advance(60_000)
  expect(world.runtime.health()).toMatchObject({ ready: true, lagMs: 0 })
})

test('a takeover is counted', async () => {
  await using world = await createTestWorld({ machines })
  expect(world.runtime.health().counters.takeovers).toBe(0)
  await world.crash()
  await world.restart()
  expect(world.runtime.health().counters.takeovers).toBe(1)
})

test('a runtime that closes is not ready', async () => {
  const world = await createTestWorld({ machines })
  const closing = world.runtime.close()
  expect(world.runtime.health()).toMatchObject({ ready: false, reasons: ['the runtime is closing'] })
  await closing
})
