import { expect, test } from 'vitest'
import { task } from 'troupe'
import { createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'

const HOUR = 3_600_000
let runs = 0
const machine = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'UP' } | { type: 'WAIT' } | { type: 'WORK' } },
  actors: { work: task({ retry: { attempts: 2, baseMs: 1_000, jitter: 0 }, run: () => { runs++; throw new Error('no') } }) },
}).createMachine({
  context: { n: 0 },
  initial: 'idle',
  states: { idle: { on: { WAIT: 'waiting', WORK: 'working' } }, waiting: { after: { 1_000: 'over' } }, working: { invoke: { src: 'work', onError: 'over' } }, over: {} },
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
})
const machines = { machine }

test('a clock that is set back makes timers later, never earlier, and takes nobody\'s partitions', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(machine, '1')
  await actor.start()
  await actor.send({ type: 'WAIT' })
  world.clock.step(-HOUR)
  await world.advance(HOUR)
  expect(await actor.snapshot()).toMatchObject({ value: 'waiting' })
  expect((await actor.ask({ type: 'UP' })).context.n).toBe(1)
  expect(world.runtime.health()).toMatchObject({ ready: true, partitions: { owned: [0] }, counters: { fenced: 0 } })
  await world.advance(1_000)
  expect((await actor.snapshot()).value).toBe('over')
})

test('a clock that is set forward makes due what is due by then, once', async () => {
  await using world = await createTestWorld({ machines })
  runs = 0
  for (const [key, type] of [['1', 'WAIT'], ['2', 'WORK']] as const) {
    await world.runtime.actor(machine, key).start()
    await world.runtime.actor(machine, key).send({ type })
  }
  await world.settle()
  expect(runs).toBe(1)
  world.clock.step(HOUR)
  await world.runtime.actor(machine, '1').send({ type: 'UP' })
  await world.settle()
  expect(await world.runtime.actor(machine, '1').snapshot()).toMatchObject({ value: 'over', context: { n: 1 } })
  expect((await world.runtime.actor(machine, '2').snapshot()).value).toBe('over')
  await world.advance(2 * HOUR)
  expect(runs).toBe(2)
  expect((await world.runtime.actor(machine, '1').history()).map(({ kind }) => kind).sort()).toEqual(['event', 'event', 'start', 'timer'])
})

test('the times in a history follow the clock, its order does not depend on them', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(machine, '1')
  await actor.start()
  for (const ms of [HOUR, -2 * HOUR, HOUR / 2]) {
    world.clock.step(ms)
    await actor.send({ type: 'UP' })
  }
  const entries = await actor.history()
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  expect(entries.map(({ at }) => at - (entries[0]?.at ?? 0))).toEqual([0, HOUR, -HOUR, -HOUR / 2])
  await world.crash()
  await world.restart()
  expect((await world.runtime.actor(machine, '1').snapshot()).context.n).toBe(3)
})
