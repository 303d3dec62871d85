import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { task } from 'troupe'
import type { Priority, RuntimeOptions, TaskOptions, TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import type { TestWorldOptions } from 'troupe/testing'
import { assign, fromPromise, setup } from 'xstate'
import type { PromiseActorLogic } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-tasks-'))
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

interface Call {
  readonly scope: TaskScope<string>
  readonly at: number
  resolve(output: unknown): void
  reject(error: unknown): void
}
let calls: Call[] = []
let now: () => number = () => 0
beforeEach(() => {
  calls = []
})
const last = (): Call => calls.at(-1) as Call
const wait = (scope: TaskScope<string>): Promise<unknown> => {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  calls.push({ scope, at: now(), resolve, reject })
  return promise
}

function machineOf(work: PromiseActorLogic<unknown, string>, { handled = true } = {}) {
  return setup({
    types: { context: {} as { result: unknown; error: unknown }, events: {} as { type: 'GO'; input?: string } | { type: 'LEAVE' } },
    actors: { work },
    actions: { keep: assign({ result: (_scope, result: unknown) => result }), keepError: assign({ error: (_scope, error: unknown) => error }) },
  }).createMachine({
    context: { result: null, error: null },
    initial: 'idle',
    states: {
      idle: { on: { GO: 'working' } },
      working: {
        invoke: {
          id: 'job', src: 'work', input: ({ event }) => (event as { input?: string }).input ?? 'in',
          onDone: { target: 'idle', actions: { type: 'keep', params: ({ event }: { event: { output: unknown } }) => event.output } },
          ...(handled && { onError: { target: 'idle', actions: { type: 'keepError' as const, params: ({ event }: { event: { error: unknown } }) => ({ code: (event.error as { code?: string }).code ?? null, message: (event.error as Error).message }) } } }),
        },
        on: { LEAVE: 'idle', GO: { target: 'working', reenter: true } },
      },
    },
  })
}
type JobMachine = ReturnType<typeof machineOf>

async function worldOf(options: Partial<TaskOptions<string, unknown>> = {}, more: Partial<TestWorldOptions<{ job: JobMachine }>> & { handled?: boolean } = {}) {
  const { handled = true, ...rest } = more
  const world = await createTestWorld({ machines: { job: machineOf(task({ run: wait, ...options }), { handled }) }, ...rest } as TestWorldOptions<{ job: JobMachine }>)
  now = () => world.clock.now()
  const actor = () => world.runtime.actor('job', '1')
  await actor().start()
  return Object.assign(world, { actor, go: async (input = 'in') => { await actor().send({ type: 'GO', input }); await world.settle() } })
}

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('a task gets its input and gives its output to the machine', async () => {
    await using world = await worldOf({}, { store: await makePlace()() })
    await world.go('wood')
    expect(last().scope).toMatchObject({ input: 'wood', attempt: 1, idempotencyKey: 'default/job/1:1', checkpoint: undefined })
    expect(last().scope.now()).toBe(world.clock.now())
    last().resolve({ chairs: 4 })
    await world.settle()
    expect(await world.actor().snapshot()).toMatchObject({ value: 'idle', context: { result: { chairs: 4 } } })
  })

  test('a task that was running when the process died runs again, with the next number, the same key and input', async () => {
    await using world = await worldOf({}, { store: await makePlace()() })
    await world.go('wood')
    await world.crash()
    await world.restart()
    await world.settle()
    expect(calls.map(({ scope: { attempt, idempotencyKey, input } }) => [attempt, idempotencyKey, input])).toEqual([[1, 'default/job/1:1', 'wood'], [2, 'default/job/1:1', 'wood']])
    // The first life is over: what it still says is not heard.
    calls[0]?.resolve('ghost')
    await world.settle()
    expect((await world.actor().snapshot()).value).toBe('working')
    calls[1]?.resolve('chair')
    await world.settle()
    expect((await world.actor().snapshot()).context.result).toBe('chair')
  })

  test('retries wait longer each time, and the waiting survives a crash', async () => {
    await using world = await worldOf({ retry: { attempts: 4, baseMs: 1_000, factor: 3, maxMs: 5_000, jitter: 0 } }, { store: await makePlace()() })
    const start = world.clock.now()
    await world.go()
    last().reject(new Error('1'))
    await world.advance(500)
    await world.crash()
    await world.restart()
    await world.advance(500)
    last().reject(new Error('2'))
    await world.advance(3_000)
    last().reject(new Error('3'))
    await world.advance(5_000)
    expect(calls.map(({ at, scope }) => [at - start, scope.attempt])).toEqual([[0, 1], [1_000, 2], [4_000, 3], [9_000, 4]])
    last().reject(new Error('out of wood'))
    await world.settle()
    expect(await world.actor().snapshot()).toMatchObject({ value: 'idle', context: { error: { message: 'out of wood' } } })
    await world.advance(1_000_000)
    expect(calls).toHaveLength(4)
  })

  test('what was told with a heartbeat is handed to the next attempt, after a failure and after a crash', async () => {
    await using world = await worldOf({}, { store: await makePlace()() })
    await world.go()
    last().scope.heartbeat({ page: 1 })
    await world.settle()
    await world.crash()
    await world.restart()
    await world.settle()
    expect(last().scope).toMatchObject({ attempt: 2, checkpoint: { page: 1 } })
    last().scope.heartbeat({ page: 2 })
    last().scope.heartbeat({ page: 3 })
    last().reject(new Error('jam'))
    await world.advance(2_000)
    expect(last().scope).toMatchObject({ attempt: 3, checkpoint: { page: 3 } })
  })

  test('a task that nobody handles fails its root actor, and a replay begins it again', async () => {
    await using world = await worldOf({ retry: 2 }, { store: await makePlace()(), handled: false })
    await world.go()
    last().reject(new Error('jam'))
    await world.advance(2_000)
    last().reject(new Error('jam again'))
    await world.settle()
    expect(await world.actor().snapshot()).toMatchObject({ status: 'failed', value: 'working', failure: { code: 'event/poisoned', message: expect.stringContaining('jam again') } })
    const [letter] = await world.runtime.deadLetters.list()
    await world.runtime.deadLetters.replay(letter?.id ?? '')
    await world.settle()
    expect(last().scope).toMatchObject({ attempt: 3, idempotencyKey: 'default/job/1:1' })
    last().resolve('chair')
    await world.settle()
    expect(await world.actor().snapshot()).toMatchObject({ status: 'active', value: 'idle', context: { result: 'chair' } })
  })
})

describe('the default retry', () => {
  test('is five attempts, one second doubling, with a tenth of jitter', async () => {
    const starts = new Set<string>()
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      calls = []
      await using world = await worldOf({}, { seed })
      await world.go()
      for (let failures = 0; failures < 5; failures++) {
        last().reject(new Error('no'))
        await world.advance(20_000)
      }
      expect(calls).toHaveLength(5)
      // Each failure came 20 s after the one before; from then on the delay counts.
      const delays = calls.slice(1).map(({ at }, index) => at - ((calls[0]?.at ?? 0) + index * 20_000))
      for (const [index, plain] of [1_000, 2_000, 4_000, 8_000].entries()) {
        expect(delays[index]).toBeGreaterThanOrEqual(plain * 0.9)
        expect(delays[index]).toBeLessThanOrEqual(plain * 1.1)
      }
      starts.add(delays.join())
    }
    expect(starts.size).toBeGreaterThan(5)
  })

  test('is the same for the same seed', async () => {
    const runs: string[] = []
    for (let run = 0; run < 2; run++) {
      calls = []
      await using world = await worldOf({}, { seed: 42 })
      await world.go()
      for (let failures = 0; failures < 4; failures++) {
        last().reject(new Error('no'))
        await world.advance(10_000)
      }
      runs.push(calls.map(({ at }) => at).join())
    }
    expect(runs[0]).toBe(runs[1])
  })
})

test('an error that makes another attempt pointless ends the task at once', async () => {
  await using world = await worldOf({ retryIf: (error, attempt) => (error as Error).message !== 'bad input' && attempt < 10 })
  await world.go()
  last().reject(new Error('busy'))
  await world.advance(2_000)
  last().reject(new Error('bad input'))
  await world.advance(60_000)
  expect(calls).toHaveLength(2)
  expect((await world.actor().snapshot()).context.error).toMatchObject({ message: 'bad input' })
})

test('an attempt that takes too long is aborted and tried again', async () => {
  await using world = await worldOf({ timeout: 10_000, retry: { attempts: 2, baseMs: 100, jitter: 0 } })
  await world.go()
  await world.advance(9_999)
  expect(last().scope.signal.aborted).toBe(false)
  await world.advance(1)
  expect(last().scope.signal).toMatchObject({ aborted: true, reason: { code: 'task/timeout' } })
  last().resolve('too late')
  await world.advance(100)
  expect(last().scope.attempt).toBe(2)
  await world.advance(10_000)
  expect(await world.actor().snapshot()).toMatchObject({ value: 'idle', context: { result: null, error: { code: 'task/timeout', message: expect.stringContaining('10000 ms') } } })
})

test('an attempt that falls silent is aborted and tried again; heartbeats keep it alive', async () => {
  await using world = await worldOf({ heartbeatTimeout: 1_000, retry: { attempts: 2, baseMs: 100, jitter: 0 } })
  await world.go()
  for (let beat = 0; beat < 5; beat++) {
    await world.advance(900)
    last().scope.heartbeat()
  }
  expect(last().scope.signal.aborted).toBe(false)
  await world.advance(1_000)
  expect(calls[0]?.scope.signal).toMatchObject({ aborted: true, reason: { code: 'task/stalled' } })
  await world.advance(100)
  expect(last().scope.attempt).toBe(2)
  await world.advance(1_000)
  expect((await world.actor().snapshot()).context.error).toMatchObject({ code: 'task/stalled' })
})

test('leaving the state aborts the task, and its result is not heard', async () => {
  await using world = await worldOf()
  await world.go()
  await world.actor().send({ type: 'LEAVE' })
  await world.settle()
  expect(last().scope.signal.aborted).toBe(true)
  last().resolve('unwanted')
  last().scope.heartbeat('unwanted')
  await world.advance(60_000)
  expect(await world.actor().snapshot()).toMatchObject({ value: 'idle', context: { result: null } })
  expect(world.runtime.health().runningTasks).toBe(0)
})

test('entering the state again is another task with another key', async () => {
  await using world = await worldOf()
  await world.go('one')
  await world.go('two')
  expect(calls.map(({ scope: { input, idempotencyKey, signal } }) => [input, idempotencyKey, signal.aborted])).toEqual([['one', 'default/job/1:1', true], ['two', 'default/job/1:2', false]])
  calls[0]?.resolve('first')
  await world.settle()
  expect((await world.actor().snapshot()).value).toBe('working')
  calls[1]?.resolve('second')
  await world.settle()
  expect((await world.actor().snapshot()).context.result).toBe('second')
})

test('a task may name its own key, from its input', async () => {
  await using world = await worldOf({ idempotency: input => `payment-${input}` })
  await world.go('17')
  last().reject(new Error('no'))
  await world.advance(2_000)
  expect(calls.map(({ scope }) => scope.idempotencyKey)).toEqual(['payment-17', 'payment-17'])
})

test('a graceful end aborts the task and does not count its attempt as a failure or crash', async () => {
  const store = createMemoryStore()
  const limits = { taskCrashesMax: 1 }
  let world = await worldOf({ retry: 1 }, { store, limits })
  await world.go()
  for (let round = 0; round < 4; round++) {
    await world.runtime.close()
    expect(last().scope.signal).toMatchObject({ aborted: true, reason: { code: 'runtime/closed' } })
    world = await worldOf({ retry: 1 }, { store, limits, clock: world.clock })
    await world.settle()
  }
  expect(calls).toHaveLength(5)
  last().resolve('chair')
  await world.settle()
  expect((await world.actor().snapshot()).context.result).toBe('chair')
  await world.runtime.close()
})

test('a task that takes its process down too often is given up', async () => {
  await using world = await worldOf({ retry: 100 }, { limits: { taskCrashesMax: 3 } })
  await world.go()
  for (let crash = 0; crash < 4; crash++) {
    await world.crash()
    await world.restart()
    await world.settle()
  }
  expect(calls.map(({ scope }) => scope.attempt)).toEqual([1, 2, 3, 4])
  expect(await world.actor().snapshot()).toMatchObject({ value: 'idle', context: { error: { code: 'task/crashed', message: expect.stringContaining('died 4 times') } } })
})

test('an unmodified promise is a task without retry, but runs again after a crash', async () => {
  let runs = 0
  const { promise, reject } = Promise.withResolvers<string>()
  const machine = machineOf(fromPromise<unknown, string>(({ input, signal }) => { runs++; expect(input).toBe('in'); expect(signal.aborted).toBe(false); return promise }))
  await using world = await createTestWorld({ machines: { job: machine } })
  const actor = () => world.runtime.actor('job', '1')
  await actor().start()
  await actor().send({ type: 'GO' })
  await world.settle()
  await world.crash()
  await world.restart()
  await world.settle()
  expect(runs).toBe(2)
  reject(new Error('once is enough'))
  await world.advance(60_000)
  expect(runs).toBe(2)
  expect((await actor().snapshot()).context.error).toMatchObject({ message: 'once is enough' })
})

describe('queues', () => {
  const many = async (queue: string | undefined, options: Partial<RuntimeOptions>) => {
    const world = await createTestWorld({ machines: { job: machineOf(task({ run: wait, ...(queue !== undefined && { queue }) })) }, ...options } as TestWorldOptions<{ job: JobMachine }>)
    for (let key = 0; key < 6; key++) {
      await world.runtime.actor('job', String(key)).start()
      await world.runtime.actor('job', String(key)).send({ type: 'GO', input: String(key) })
    }
    await world.settle()
    return world
  }

  test('bound how many tasks run at once, in the order of coming', async () => {
    await using world = await many('slow', { queues: { slow: { concurrency: 2 } } })
    const inputs = () => calls.map(({ scope }) => scope.input)
    expect(inputs()).toEqual(['0', '1'])
    calls[0]?.resolve('ok')
    await world.settle()
    expect(inputs()).toEqual(['0', '1', '2'])
    calls[1]?.reject(new Error('no'))
    calls[2]?.resolve('ok')
    await world.settle()
    expect(inputs()).toEqual(['0', '1', '2', '3', '4'])
    // A failed attempt frees its place while it waits for the next one.
    await world.advance(2_000)
    expect(inputs()).toEqual(['0', '1', '2', '3', '4'])
    calls[3]?.resolve('ok')
    await world.settle()
    expect(inputs().slice(5)).toEqual(['5'])
  })

  describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
    const crowded = async (queues: RuntimeOptions['queues'], options: Partial<TaskOptions<string, unknown>> = {}) => {
      const keyed = task({ run: wait, queue: 'slow', key: (input: string) => input.split(' ')[0] ?? '', priority: (input: string) => (input.split(' ')[1] ?? 'medium') as Priority, ...options })
      const world = await createTestWorld({ machines: { job: machineOf(keyed) }, store: await makePlace()(), queues } as TestWorldOptions<{ job: JobMachine }>)
      let key = 0
      const go = async (...inputs: readonly string[]) => {
        for (const input of inputs) {
          const actor = world.runtime.actor('job', String(key++))
          await actor.start()
          await actor.send({ type: 'GO', input })
        }
        await world.settle()
      }
      /** Ends what runs, so many times; gives what ran, in order. */
      const inTurn = async (count: number) => {
        for (let n = calls.length - 1; calls.length < count; n++) {
          calls[n]?.resolve('ok')
          await world.settle()
        }
        return calls.map(({ scope }) => scope.input)
      }
      return Object.assign(world, { go, inTurn })
    }

    test('bound how many tasks of one key run at once; others go past them', async () => {
      await using world = await crowded({ slow: { concurrency: 3, perKey: 1 } })
      await world.go('a', 'a', 'b', 'c', 'd')
      expect(calls.map(({ scope }) => scope.input)).toEqual(['a', 'b', 'c'])
      expect(await world.runtime.queues()).toMatchObject([
        { queue: 'default', active: 0 },
        { queue: 'slow', waiting: { high: 0, medium: 2, low: 0 }, active: 3, ended: null, keys: [{ key: 'a', waiting: 1, active: 1 }, { key: 'd', waiting: 1, active: 0 }, { key: 'b', waiting: 0, active: 1 }, { key: 'c' }], workers: [{ active: 3, silentMs: 0 }] },
      ])
      calls[0]?.resolve('ok')
      await world.settle()
      expect(calls.map(({ scope }) => scope.input).slice(3)).toEqual(['d'])
      calls[1]?.resolve('ok')
      await world.settle()
      expect(calls.map(({ scope }) => scope.input).slice(4)).toEqual(['a'])
    })

    test('take the highest priority first, and let none starve', async () => {
      await using world = await crowded({ slow: { concurrency: 1 } })
      await world.go('first', ...Array(20).fill('k low'), ...Array(20).fill('k medium'), ...Array(20).fill('k high'))
      const ran = (await world.inTurn(17)).slice(1).map(input => input.split(' ')[1])
      expect(['high', 'medium', 'low'].map(priority => ran.filter(each => each === priority).length)).toEqual([12, 3, 1])
    })

    test('share between keys by weight, whatever one has put before', async () => {
      await using world = await crowded({ slow: { concurrency: 1, weights: { b: 2 } } })
      await world.go(...Array(40).fill('noisy'), ...Array(12).fill('a'), ...Array(12).fill('b'))
      const ran = (await world.inTurn(21)).slice(1)
      expect(['noisy', 'a', 'b'].map(key => ran.filter(each => each === key).length)).toEqual([5, 5, 10])
    })

    test('a priority or key that makes no sense ends the task with an error that says so', async () => {
      await using world = await crowded({}, { priority: () => 'urgent' as never })
      await world.go('a')
      expect((await world.runtime.actor('job', '0').snapshot()).context.error).toMatchObject({ code: 'config/invalid', message: expect.stringContaining('job/0 must be one of high, medium, low, not urgent') })
    })
  })

  test('a task that is left while it waits in line never runs', async () => {
    await using world = await many('slow', { queues: { slow: { concurrency: 1 } } })
    await world.runtime.actor('job', '1').send({ type: 'LEAVE' })
    await world.settle()
    calls[0]?.resolve('ok')
    await world.settle()
    expect(calls.map(({ scope }) => scope.input)).toEqual(['0', '2'])
  })

  test('another queue is not held up, and all together are bounded by tasksMax', async () => {
    await using world = await many(undefined, { limits: { tasksMax: 4 }, queues: { other: { concurrency: 1 } } })
    expect(calls).toHaveLength(4)
    expect(world.runtime.health().runningTasks).toBe(6)
    for (const { resolve } of calls) resolve('ok')
    await world.settle()
    expect(calls).toHaveLength(6)
  })

  test('may be called anything', async () => {
    await using world = await many('constructor', { queues: { toString: { concurrency: 1 } } })
    expect(calls).toHaveLength(6)
    expect(world.runtime.health().runningTasks).toBe(6)
  })

  test('a task that waits in line does not time out there', async () => {
    const world = await createTestWorld({ machines: { job: machineOf(task({ run: wait, queue: 'one', timeout: 1_000, retry: 1 })) }, queues: { one: { concurrency: 1 } } } as TestWorldOptions<{ job: JobMachine }>)
    for (const key of ['0', '1']) {
      await world.runtime.actor('job', key).start()
      await world.runtime.actor('job', key).send({ type: 'GO', input: key })
    }
    await world.advance(999)
    calls[0]?.resolve('ok')
    await world.advance(999)
    expect(calls).toHaveLength(2)
    calls[1]?.resolve('ok')
    await world.settle()
    expect((await world.runtime.actor('job', '1').snapshot()).context.result).toBe('ok')
    await world.runtime.close()
  })
})

test('what a task gives back shares nothing with the actor', async () => {
  await using world = await worldOf()
  await world.go()
  const output = { list: [1] }
  last().resolve(output)
  await world.settle()
  output.list.push(2)
  expect((await world.actor().snapshot()).context.result).toEqual({ list: [1] })
  await world.crash()
  await world.restart()
  expect((await world.actor().snapshot()).context.result).toEqual({ list: [1] })
})

test.each([['a date', new Date(0), 'a Date'], ['a function', () => 1, 'a function'], ['a map', new Map(), 'a Map']])('an output that cannot be kept, %s, is an error that names it', async (_name, output, what) => {
  await using world = await worldOf()
  await world.go()
  last().resolve({ deep: [output] })
  await world.advance(60_000)
  expect(calls).toHaveLength(1)
  expect((await world.actor().snapshot()).context.error).toMatchObject({ code: 'context/unserializable', message: expect.stringMatching(new RegExp(`output\\.deep\\[0\\].*${what}`)) })
})

test('a heartbeat that cannot be kept fails the attempt, and names itself', async () => {
  const machine = machineOf(task<unknown, string>({ run: ({ heartbeat }) => heartbeat({ when: new Date(0) }) }))
  await using world = await createTestWorld({ machines: { job: machine } })
  await world.runtime.actor('job', '1').start()
  await world.runtime.actor('job', '1').send({ type: 'GO' })
  await world.settle()
  expect((await world.runtime.actor('job', '1').snapshot()).context.error).toMatchObject({ code: 'context/unserializable', message: expect.stringContaining('checkpoint.when is a Date') })
})

test('errors and typed arrays come through as they are', async () => {
  await using world = await worldOf()
  await world.go()
  last().resolve({ vector: new Float32Array([1, 2.5]), reason: new TypeError('half') })
  await world.settle()
  await world.crash()
  await world.restart()
  const { result } = (await world.actor().snapshot()).context as { result: { vector: Float32Array; reason: Error } }
  expect(result.vector).toEqual(new Float32Array([1, 2.5]))
  expect(result.reason).toMatchObject({ name: 'TypeError', message: 'half' })
})

test('what a task throws that is no error is told as it is', async () => {
  await using world = await worldOf({ retry: 1 }, { handled: false })
  await world.go()
  last().reject('just text')
  await world.settle()
  expect((await world.actor().snapshot()).failure?.message).toContain('just text')
})

test('a task may throw before it awaits anything', async () => {
  const machine = machineOf(task<unknown, string>({ run: () => { throw new Error('at once') }, retry: 1 }))
  await using world = await createTestWorld({ machines: { job: machine } })
  await world.runtime.actor('job', '1').start()
  await world.runtime.actor('job', '1').send({ type: 'GO' })
  await world.settle()
  expect((await world.runtime.actor('job', '1').snapshot()).context.error).toMatchObject({ message: 'at once' })
})

test('a task runs only after the commit that asked for it', async () => {
  await using world = await worldOf()
  const death = world.crash({ point: 'commit' })
  void world.actor().send({ type: 'GO' })
  await death
  expect(calls).toEqual([])
  await world.restart()
  await world.settle()
  expect((await world.actor().snapshot()).value).toBe('idle')
  expect(calls).toEqual([])
})

test('the history tells of each attempt', async () => {
  await using world = await worldOf({ retry: { attempts: 3, jitter: 0 } })
  await world.go()
  last().reject(new Error('jam'))
  await world.advance(1_000)
  last().resolve('ok')
  await world.settle()
  const entries = (await world.actor().history()).filter(({ kind }) => kind === 'task')
  expect(entries.map(({ event, error }) => [event?.type, event?.['attempt'], error?.message])).toEqual([['task.retry', 1, 'jam'], ['task.started', 2, undefined], ['task.done', 2, undefined]])
})

test.each([[{ retry: 0 }], [{ retry: 1.5 }], [{ retry: { jitter: 2 } }], [{ retry: { factor: 0.5 } }], [{ retry: { baseMs: -1 } }], [{ timeout: 0 }], [{ timeout: 2 ** 31 }], [{ heartbeatTimeout: Number.NaN }]])('options without sense are refused: %j', (options) => {
  expect(() => task({ run: () => 1, ...options })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
})
