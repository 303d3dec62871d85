import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createRuntime, defaultLimits } from 'troupe'
import type { Machines, RuntimeOptions } from 'troupe'
import { createMemoryStore } from 'troupe/testing'
import { assign, fromPromise, setup } from 'xstate'

const folder = mkdtempSync(join(tmpdir(), 'troupe-runtime-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const counter = setup({ types: { context: {} as { n: number }, events: {} as { type: 'UP' } | { type: 'BREAK' } } }).createMachine({
  context: { n: 0 },
  on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) }, BREAK: { actions: () => { throw new Error('broken') } } },
})

describe('options without sense are refused by name', () => {
  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ['no machines', { machines: undefined }, 'config/invalid', /machines/],
    ['machines that are none', { machines: null }, 'config/invalid', /machines/],
    ['something else as a machine', { machines: { order: { initial: 'a' } } }, 'machine/invalid', /'order'/],
    ['nothing as a machine', { machines: { order: undefined } }, 'machine/invalid', /'order'/],
    ['a registration without a machine', { machines: { order: { version: '1' } } }, 'machine/invalid', /'order'/],
    ['a name that is none', { machines: { 'my order': counter } }, 'machine/invalid', /my order/],
    ['a name with a slash', { machines: { 'a/b': counter } }, 'machine/invalid', /a\/b/],
    ['a limit that there is not', { limits: { mailboxDepth: 1 } }, 'config/invalid', /limits\.mailboxDepth .*mailboxDepthMax/],
    ['a limit that is no number', { limits: { mailboxDepthMax: '5' } }, 'config/invalid', /limits\.mailboxDepthMax/],
    ['a limit of nothing', { limits: { tasksMax: 0 } }, 'config/invalid', /limits\.tasksMax/],
    ['a limit that is not a number', { limits: { tasksMax: Number.NaN } }, 'config/invalid', /limits\.tasksMax/],
    ['a limit of a machine that there is not', { machines: { order: { machine: counter, limits: { depth: 1 } } } }, 'config/invalid', /limits\.depth/],
    ['a queue without room', { queues: { llm: { concurrency: 0 } } }, 'config/invalid', /queues\.llm\.concurrency/],
    ['a queue with half a place', { queues: { llm: { concurrency: 1.5 } } }, 'config/invalid', /queues\.llm\.concurrency/],
    ['a retention into the past', { machines: { order: { machine: counter, retention: { completedMs: -1 } } } }, 'config/invalid', /order.*retention\.completedMs/],
    ['a journal kept for less than no time', { journalMs: -1 }, 'config/invalid', /journalMs/],
    ['a journal kept for no number', { journalMs: Number.NaN }, 'config/invalid', /journalMs/],
    ['a journal of another kind', { machines: { order: { machine: counter, journal: 'some' } } }, 'config/invalid', /order.*journal/],
    ['a store that nobody knows', { store: 'postgres://localhost/app' }, 'config/invalid', /postgres:\/\/localhost\/app/],
    ['a store without a scheme', { store: './app.db' }, 'config/invalid', /\.\/app\.db/],
    ['no store', { store: undefined }, 'config/invalid', /store/],
    ['a file without a name', { store: 'sqlite:' }, 'config/invalid', /names no file/],
    ['a file without a name but with options', { store: 'sqlite:?partitions=2' }, 'config/invalid', /names no file/],
    ['an option of the file that there is not', { store: 'sqlite:./x.db?wal=1' }, 'config/invalid', /'wal'/],
    ['a synchronous that there is not', { store: 'sqlite:./x.db?synchronous=OFF' }, 'config/invalid', /synchronous/],
    ['no partitions', { store: 'sqlite:./x.db?partitions=0' }, 'config/invalid', /partitions/],
    ['half a partition', { store: 'sqlite:./x.db?partitions=1.5' }, 'config/invalid', /partitions/],
  ])('%s', async (_name, wrong, code, message) => {
    const options = { machines: { counter }, store: 'memory:', ...wrong } as unknown as RuntimeOptions<Machines>
    await expect(createRuntime(options)).rejects.toMatchObject({ name: 'TroupeError', code, message: expect.stringMatching(message) })
    expect(existsSync('./x.db')).toBe(false)
  })
})

test('one machine may be registered under two names, and each has its own actors', async () => {
  await using runtime = await createRuntime({ machines: { left: counter, right: { machine: counter } }, store: 'memory:' })
  await runtime.actor('left', '1').start()
  await runtime.actor('right', '1').start()
  await runtime.actor('right', '1').send({ type: 'UP' })
  expect((await runtime.actor('left', '1').snapshot()).context.n).toBe(0)
  expect((await runtime.actor('right', '1').snapshot()).context.n).toBe(1)
})

test('a machine is found by itself or by its name, others are refused by name', async () => {
  await using runtime = await createRuntime({ machines: { counter }, store: 'memory:' })
  const other = counter.provide({})
  await runtime.actor(counter, '1').start()
  expect((await runtime.actor('counter', '1').snapshot()).context.n).toBe(0)
  expect(runtime.at('counter/1').address).toBe('counter/1')
  expect(() => runtime.actor('count' as 'counter', '1')).toThrow(expect.objectContaining({ code: 'machine/unknown', message: expect.stringMatching(/'count'.*counter/) }))
  expect(() => runtime.actor(other, '1')).toThrow(expect.objectContaining({ code: 'machine/unknown' }))
  expect(() => runtime.at('count/1')).toThrow(expect.objectContaining({ code: 'machine/unknown' }))
  expect(() => runtime.at('counter')).toThrow(expect.objectContaining({ code: 'address/invalid' }))
})

test('logic without a name, and a runtime without machines, are told apart as well', async () => {
  await using runtime = await createRuntime({ machines: {}, store: 'memory:' })
  expect(() => runtime.actor(fromPromise(() => Promise.resolve(1)), '1')).toThrow(expect.objectContaining({ code: 'machine/unknown', message: "no machine 'unnamed' is registered; registered are none" }))
  expect((await runtime.actors()).actors).toEqual([])
})

test('a file keeps its actors, in as many partitions as it was made with', async () => {
  const store = `sqlite:${join(folder, 'deep/er/app.db')}?synchronous=normal&partitions=3`
  {
    await using runtime = await createRuntime({ machines: { counter }, store })
    expect(runtime.health().partitions).toEqual({ total: 3, owned: [0, 1, 2] })
    await runtime.actor(counter, '1').start()
    await runtime.actor(counter, '1').send({ type: 'UP' })
  }
  await using runtime = await createRuntime({ machines: { counter }, store: `sqlite:${join(folder, 'deep/er/app.db')}` })
  expect(runtime.health().partitions.total).toBe(3)
  expect((await runtime.actor(counter, '1').snapshot()).context.n).toBe(1)
  await expect(createRuntime({ machines: { counter }, store: store.replace('partitions=3', 'partitions=2') })).rejects.toMatchObject({ code: 'store/partitions' })
})

test('memory keeps nothing from one runtime to the next', async () => {
  for (let round = 0; round < 2; round++) {
    await using runtime = await createRuntime({ machines: { counter }, store: 'memory:' })
    await runtime.actor(counter, '1').start()
    expect((await runtime.actor(counter, '1').ask({ type: 'UP' })).context.n).toBe(1)
  }
})

test('on the machine\'s own clock timers fire and questions time out', async () => {
  const timed = setup({ types: { events: {} as { type: 'X' } } }).createMachine({ initial: 'a', states: { a: { after: { 20: 'b' } }, b: { type: 'final' } } })
  await using runtime = await createRuntime({ machines: { timed, counter }, store: 'memory:' })
  const before = Date.now()
  await runtime.actor(timed, '1').start()
  await runtime.actor(timed, '1').result()
  expect(Date.now() - before).toBeGreaterThanOrEqual(19)
  await runtime.actor(counter, '1').start()
  await expect(runtime.actor(counter, '1').ask({ type: 'UP' }, { until: 'reply', timeout: 10 })).rejects.toMatchObject({ code: 'ask/timeout' })
})

test('a failure that nobody waits for is told to onError, and by default on the console', async () => {
  const { actorAt } = await import('troupe')
  expect(actorAt('counter/1').address).toBe('counter/1')
  const store = createMemoryStore()
  let broken = true
  const failing = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'commit') return value
      return (...args: Parameters<typeof store.commit>) => (broken ? Promise.reject(new Error('disk on fire')) : store.commit(...args))
    },
  })
  const console_ = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await using runtime = await createRuntime({ machines: { counter }, store: failing })
  await expect(runtime.actor(counter, '1').start()).rejects.toThrow('disk on fire')
  expect(console_).toHaveBeenCalledWith(expect.objectContaining({ message: 'disk on fire' }))
  broken = false
  await runtime.actor(counter, '1').start()
})

test('a store that cannot be opened leaves nothing open', async () => {
  const store = createMemoryStore()
  let claims = 0
  const failing = new Proxy(store, { get: (target, name) => (name === 'claim' ? () => (claims++, Promise.reject(new Error('locked'))) : (Reflect.get(target, name, target) as unknown)) })
  await expect(createRuntime({ machines: { counter }, store: failing })).rejects.toThrow('locked')
  await new Promise(resolve => setTimeout(resolve, 20))
  expect(claims).toBe(1)
})

test('the limits that hold when nobody says otherwise are those that are documented', () => {
  expect(defaultLimits).toMatchObject({ mailboxDepthMax: 10_000, payloadBytesMax: 1_048_576, taskCrashesMax: 5, dueAgeMsMax: 30_000 })
  for (const value of Object.values(defaultLimits)) expect(value).toBeGreaterThan(0)
})
