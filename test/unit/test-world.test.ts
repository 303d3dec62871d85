import { describe, expect, test } from 'vitest'
import { crashPoints, createMemoryStore, createSeededRandom, createTestWorld, createVirtualClock } from 'troupe/testing'
import { task } from 'troupe'
import { assign, setup } from 'xstate'

let runs = 0
const machine = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'UP' } | { type: 'WAIT' } | { type: 'WORK' } | { type: 'PUT' } },
  actors: { work: task({ run: () => ++runs, retry: 1 }) },
}).createMachine({
  context: { n: 0 },
  initial: 'idle',
  states: {
    idle: { on: { WAIT: 'waiting', WORK: 'working' } },
    waiting: { after: { 1_000: { target: 'idle', actions: assign({ n: 100 }) } } },
    working: { invoke: { src: 'work', onDone: 'idle' } },
  },
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
})
const machines = { machine }

describe('a test world', () => {
  test('dies at the point and visit it is told, and what was not committed by then is gone', async () => {
    await using world = await createTestWorld({ machines })
    await world.runtime.actor(machine, '1').start()
    const death = world.crash({ point: 'commit', visit: 3 })
    for (let round = 0; round < 2; round++) await world.runtime.actor(machine, '1').send({ type: 'UP' })
    let answered = false
    void world.runtime.actor(machine, '1').send({ type: 'UP' }).then(() => (answered = true))
    await death
    await world.settle()
    expect([world.isDown, answered, world.visits.get('commit')]).toEqual([true, false, 3])
    await world.restart()
    expect(world.isDown).toBe(false)
    expect((await world.runtime.actor(machine, '1').snapshot()).context.n).toBe(2)
  })

  test('can die at every point there is', async () => {
    for (const point of crashPoints) {
      await using world = await createTestWorld({ machines, limits: { liveActorsMax: 1 } })
      for (const key of ['1', '2', '3']) await world.runtime.actor(machine, key).start()
      await world.runtime.actor(machine, '2').pause()
      await world.runtime.actor(machine, '2').send({ type: 'UP' })
      const death = world.crash({ point })
      void world.runtime.actor(machine, '1').send({ type: 'WAIT' })
      void world.runtime.actor(machine, '3').send({ type: 'WORK' })
      void world.runtime.actor(machine, '2').resume()
      const time = world.advance(2_000)
      await death
      await time
      await world.restart()
      await world.advance(2_000)
      for (const key of ['1', '2', '3']) expect((await world.runtime.actor(machine, key).snapshot()).status, `${point} ${key}`).toMatch(/active|paused/)
    }
  })

  test('of a dead process hears nothing more: calls do not come back, timers do not fire', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor(machine, '1')
    await actor.start()
    await actor.send({ type: 'WAIT' })
    const before = await world.store.leases()
    await world.crash()
    let heard = false
    void actor.send({ type: 'UP' }).finally(() => (heard = true))
    void world.runtime.actors().finally(() => (heard = true))
    await world.advance(60_000)
    expect(heard).toBe(false)
    expect((await world.store.leases()).map(({ epoch, node }) => [epoch, node])).toEqual(before.map(({ epoch, node }) => [epoch, node]))
    await world.crash()
    await world.restart()
    await world.settle()
    expect((await world.runtime.actor(machine, '1').snapshot()).context.n).toBe(100)
  })

  test('is started again with other options when that is wanted', async () => {
    await using world = await createTestWorld({ machines, limits: { payloadBytesMax: 1_000 } })
    await world.runtime.actor(machine, '1').start()
    await world.restart({ limits: { payloadBytesMax: 5 } })
    await expect(world.runtime.actor(machine, '1').send({ type: 'UP' })).rejects.toMatchObject({ code: 'payload/too-large', details: { limit: 5 } })
  })

  test('counts the visits of each point from the last crash plan on', async () => {
    await using world = await createTestWorld({ machines })
    await world.runtime.actor(machine, '1').start()
    expect(world.visits.get('commit')).toBe(1)
    expect(world.visits.get('timer')).toBeUndefined()
    await world.restart()
    expect(world.visits.get('commit')).toBeUndefined()
  })

  test('makes the same ids and jitter from the same seed', async () => {
    const idsOf = async (seed: number): Promise<string> => {
      await using world = await createTestWorld({ machines, seed })
      return world.runtime.health().node.slice(-8)
    }
    expect(await idsOf(5)).toBe(await idsOf(5))
    expect(await idsOf(5)).not.toBe(await idsOf(6))
  })

  test('shares its store and its clock when it is given them', async () => {
    const [store, clock] = [createMemoryStore(), createVirtualClock(1_000)]
    await using first = await createTestWorld({ machines, store, clock })
    await using second = await createTestWorld({ machines, store, clock, seed: 2 })
    expect([first.clock, first.store, second.clock, second.store]).toEqual([clock, store, clock, store])
    await first.runtime.actor(machine, '1').start()
    expect((await second.runtime.actors()).actors).toMatchObject([{ createdAt: 1_000 }])
  })

  test('has a memory store of its own by default, on any number of partitions one', async () => {
    expect(createMemoryStore().partitions).toBe(1)
    expect(createMemoryStore({ partitions: 7 }).partitions).toBe(7)
    for (const partitions of [0, -1, 1.5, Number.NaN]) expect(() => createMemoryStore({ partitions })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  })
})

describe('seeded random numbers', () => {
  test('are the same for a seed, and others for another', () => {
    const draw = (seed: number): number[] => {
      const random = createSeededRandom(seed)
      return Array.from({ length: 20 }, () => random.next())
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    expect(draw(-1)).not.toEqual(draw(1))
  })

  test('are spread evenly from 0 to below 1', () => {
    const random = createSeededRandom(9)
    const buckets = Array.from({ length: 10 }, () => 0)
    for (let draw = 0; draw < 20_000; draw++) {
      const value = random.next()
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThan(1)
      buckets[Math.floor(value * 10)] = (buckets[Math.floor(value * 10)] ?? 0) + 1
    }
    for (const count of buckets) expect(Math.abs(count - 2_000)).toBeLessThan(200)
  })

  test('make ids that do not repeat', () => {
    const random = createSeededRandom(4)
    const ids = Array.from({ length: 10_000 }, () => random.id())
    expect(new Set(ids).size).toBe(10_000)
    for (const id of ids.slice(0, 100)) expect(id).toMatch(/^[0-9a-f]{32}$/)
  })
})
