import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createRuntime, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, fromCallback, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-shutdown-'))
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
const work = task({
  run: ({ signal, attempt }: TaskScope<unknown>) => {
    log.push(`attempt ${attempt}`)
    return new Promise<string>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  },
})
const machine = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'ADD' } | { type: 'WORK' } | { type: 'LISTEN' } | { type: 'WAIT' } | { type: 'ASKED' } },
  actors: { work, ear: fromCallback(() => (log.push('ear open'), () => log.push('ear shut'))) },
}).createMachine({
  context: { n: 0 },
  initial: 'idle',
  states: {
    idle: { on: { WORK: 'working', LISTEN: 'listening', WAIT: 'waiting' } },
    working: { invoke: { src: 'work', onError: 'failed' } },
    listening: { invoke: { id: 'ear', src: 'ear' } },
    waiting: { after: { 60_000: 'idle' } },
    failed: {},
  },
  on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) }, ASKED: {} },
})
const machines = { machine }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('what was accepted is done, what comes later is refused', async () => {
    const open = makePlace()
    const world = await createTestWorld({ machines, store: await open() })
    const actor = world.runtime.actor(machine, '1')
    await actor.start()
    const sent = Array.from({ length: 500 }, () => actor.send({ type: 'ADD' }))
    const closed = world.runtime.close()
    const late = await Promise.allSettled([actor.send({ type: 'ADD' }), actor.ask({ type: 'ADD' }), actor.start(), actor.pause()])
    for (const outcome of late) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'runtime/closed', retryable: true } })
    expect((await Promise.allSettled(sent)).filter(({ status }) => status === 'fulfilled')).toHaveLength(500)
    await closed
    await using next = await createTestWorld({ machines, store: await open(), clock: world.clock, seed: 2 })
    expect((await next.runtime.actor(machine, '1').snapshot()).context.n).toBe(500)
  })

  test('its partitions are free at once, and tasks and timers go on with the next one', async () => {
    const open = makePlace()
    log.length = 0
    const world = await createTestWorld({ machines, store: await open() })
    for (const [key, type] of [['1', 'WORK'], ['2', 'WAIT']] as const) {
      await world.runtime.actor(machine, key).start()
      await world.runtime.actor(machine, key).send({ type })
    }
    await world.settle()
    await world.runtime.close()
    await using next = await createTestWorld({ machines, store: await open(), clock: world.clock, seed: 2 })
    expect(next.runtime.health().partitions.owned).toEqual([0])
    await next.advance(60_000)
    expect(log).toEqual(['attempt 1', 'attempt 2'])
    expect((await next.runtime.actor(machine, '1').snapshot()).value).toBe('working')
    expect((await next.runtime.actor(machine, '2').snapshot()).value).toBe('idle')
  })

  test('a runtime that waits takes over when the owner closes', async () => {
    const open = makePlace()
    const owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(machine, '1').start()
    await owner.runtime.close()
    await guest.advance(2_000)
    expect(guest.runtime.health().partitions.owned).toEqual([0])
    expect((await guest.runtime.actor(machine, '1').ask({ type: 'ADD' })).context.n).toBe(1)
  })
})

test('whoever waits is told that the runtime was closed', async () => {
  const world = await createTestWorld({ machines })
  const actor = world.runtime.actor(machine, '1')
  await actor.start()
  const waits = [
    actor.ask({ type: 'ASKED' }, { until: 'reply' }),
    actor.ask({ type: 'WAIT' }, { until: ({ value }) => value === 'failed' }),
    actor.result(),
  ].map(wait => expect(wait).rejects.toMatchObject({ code: 'runtime/closed' }))
  await world.settle()
  await world.runtime.close()
  await Promise.all(waits)
})

test('code that runs beside an actor is ended', async () => {
  log.length = 0
  const world = await createTestWorld({ machines })
  await world.runtime.actor(machine, '1').start()
  await world.runtime.actor(machine, '1').send({ type: 'LISTEN' })
  await world.runtime.close()
  expect(log).toEqual(['ear open', 'ear shut'])
})

test('closing twice at once waits for what was accepted both times', async () => {
  const store = `sqlite:${join(folder, 'twice.db')}`
  const runtime = await createRuntime({ machines, store })
  await runtime.actor(machine, '1').start()
  const sent = Array.from({ length: 200 }, () => runtime.actor(machine, '1').send({ type: 'ADD' }))
  await Promise.all([runtime.close(), runtime.close()])
  await Promise.all(sent)
  await using next = await createRuntime({ machines, store })
  expect((await next.actor(machine, '1').snapshot()).context.n).toBe(200)
})

test('closing again is the same close', async () => {
  const world = await createTestWorld({ machines })
  await Promise.all([world.runtime.close(), world.runtime.close()])
  await world.runtime.close()
  await world.runtime[Symbol.asyncDispose]()
})

test('it leaves no timer behind that would act later', async () => {
  const world = await createTestWorld({ machines })
  const actor = world.runtime.actor(machine, '1')
  await actor.start()
  await actor.send({ type: 'WAIT' })
  await world.runtime.close()
  await world.advance(10 * 60_000)
  expect(await world.store.leases()).toMatchObject([{ node: null }])
  expect((await world.store.list({ tenant: 'default', limit: 1 })).records[0]?.states).toEqual(['waiting'])
})

test('a store that was given stays open, one that the runtime has opened is closed', async () => {
  const store = createMemoryStore()
  const given = await createRuntime({ machines, store })
  await given.actor(machine, '1').start()
  await given.close()
  expect((await store.list({ tenant: 'default', limit: 10 })).records).toHaveLength(1)
  const path = join(folder, 'own.db')
  for (let round = 0; round < 3; round++) {
    await using runtime = await createRuntime({ machines, store: `sqlite:${path}` })
    await runtime.actor(machine, '1').start()
    expect((await runtime.actor(machine, '1').ask({ type: 'ADD' })).context.n).toBe(round + 1)
  }
})

test('reading from a runtime that was closed says so', async () => {
  const runtime = await createRuntime({ machines, store: `sqlite:${join(folder, 'closed.db')}` })
  const actor = runtime.actor(machine, '1')
  await actor.start()
  await runtime.close()
  for (const read of [() => actor.snapshot(), () => actor.history(), () => actor.at(1), () => actor.result(), () => runtime.actors(), () => runtime.deadLetters.list(), () => runtime.deadLetters.replay('x')]) {
    await expect(read()).rejects.toMatchObject({ code: 'runtime/closed' })
  }
  expect(runtime.health()).toMatchObject({ ready: false })
})

test('a store that fails while it is closed does not keep the runtime open', async () => {
  const store = createMemoryStore()
  const reports: unknown[] = []
  const failing = new Proxy(store, { get: (target, name) => (name === 'release' ? () => Promise.reject(new Error('gone')) : (Reflect.get(target, name, target) as unknown)) })
  const world = await createTestWorld({ machines, store: failing, onError: error => reports.push(error) })
  await world.runtime.close()
  expect(reports).toMatchObject([{ message: 'gone' }])
})
