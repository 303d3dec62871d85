/** The 60 lines of Python in examples/09-python-worker against real actors, a real Redis and real signals. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createRuntime, task } from 'troupe'
import type { TaskOptions } from 'troupe'
import { assign, setup } from 'xstate'
import { defaultQueueSettings } from '../../src/core/queue.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { waitUntil } from '../support/processes.ts'
import { startPythonExample, startPythonWorker } from '../support/python-worker.ts'
import { openClient } from '../support/redis/open-client.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'

// A task that nobody ends would hold a test for minutes.
vi.setConfig({ testTimeout: 30_000 })

type Outcome = { readonly output: unknown } | { readonly name: string; readonly message: string; readonly stack: string }

/** An actor whose whole life is one task in Python. */
const job = (options: Partial<Pick<TaskOptions<unknown, unknown>, 'timeout' | 'retry'>> = {}) =>
  setup({
    types: { input: {} as unknown, context: {} as { readonly given: unknown; readonly outcome: Outcome | null }, output: {} as Outcome | null },
    actors: { run: task({ queue: 'python', run: () => 'not in Python', retry: { attempts: 3, baseMs: 10 }, ...options }) },
  }).createMachine({
    context: ({ input }) => ({ given: input, outcome: null }),
    initial: 'open',
    states: {
      open: {
        invoke: {
          src: 'run',
          input: ({ context }) => context.given,
          onDone: { target: 'over', actions: assign({ outcome: ({ event }) => ({ output: event.output }) }) },
          onError: { target: 'over', actions: assign({ outcome: ({ event }) => outcomeOf(event.error as Error) }) },
        },
      },
      over: { type: 'final' },
    },
    output: ({ context }) => context.outcome,
  })

const outcomeOf = ({ name, message, stack = '' }: Error): Outcome => ({ name, message, stack })

const machines = { echo: job(), flaky: job(), refuse: job(), sleep: job({ timeout: 300, retry: 1 }), hold: job(), unknown: job({ retry: 1 }) }

let redis: RedisServer
let client: Redis
let folder: string

beforeEach(async () => {
  redis = await startRedis()
  client = openClient(redis.url)
  folder = await mkdtemp(join(tmpdir(), 'troupe-python-'))
})
afterEach(async () => {
  client.disconnect()
  await redis.stop()
  await rm(folder, { recursive: true })
})

async function setQueue(minIdleMs: number): Promise<void> {
  const store = await openRedisStore(redis.url)
  await store.queues?.configure('python', { ...defaultQueueSettings, minIdleMs })
  await store.close()
}

const openRuntime = () => createRuntime({ machines, store: redis.url, onError: () => undefined })
type OpenRuntime = Awaited<ReturnType<typeof openRuntime>>

async function run(runtime: OpenRuntime, machine: keyof typeof machines, input: unknown): Promise<Outcome | null> {
  const actor = runtime.actor(machine, 'x')
  await actor.start(input)
  return (await actor.result()) as Outcome | null
}

const delivered = async (): Promise<readonly string[]> => (await client.xrange('{troupe:q:python}:completed', '-', '+')).map(([, fields]) => fields[5] ?? '')

test('the worker has at most 60 lines, imports the standard library alone, and holds no Lua', () => {
  const text = readFileSync(new URL('../../examples/09-python-worker/worker.py', import.meta.url), 'utf8')
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(60)
  expect(text.match(/^\s*(?:import|from) .*$/gm)).toEqual(['import json, signal, socket, sys, threading, time, traceback, urllib.parse, uuid'])
  expect(text).not.toMatch(/redis\.call|KEYS\[/)
})

test('what Python gives is the output of the task', async () => {
  await setQueue(10_000)
  await using runtime = await openRuntime()
  await using _worker = await startPythonWorker(redis.url)
  const value = { text: 'naïve 🐍 \u0000 "quoted"\r\n', list: [1, -2.5, true, null, []], empty: {} }
  expect(await run(runtime, 'echo', value)).toEqual({ output: value })
  expect(await delivered()).toEqual(['1'])
})

test('what Python raises is tried again, as often as the task says', async () => {
  await setQueue(10_000)
  await using runtime = await openRuntime()
  await using _worker = await startPythonWorker(redis.url)
  expect(await run(runtime, 'flaky', null)).toEqual({ output: 3 })
  expect(await run(runtime, 'unknown', null)).toMatchObject({ name: 'KeyError', message: "'unknown/run'" })
})

test('what Python calls final is not tried again, and its traceback reaches the machine', async () => {
  await setQueue(10_000)
  await using runtime = await openRuntime()
  await using _worker = await startPythonWorker(redis.url)
  expect(await run(runtime, 'refuse', null)).toMatchObject({ name: 'PermissionError', message: 'never', stack: expect.stringMatching(/^Traceback[\s\S]*in refuse/) })
  expect(await client.xlen('{troupe:q:python}:failed')).toBe(1)
})

test('the timeout of a task interrupts the Python function', async () => {
  await setQueue(10_000)
  await using runtime = await openRuntime()
  await using worker = await startPythonWorker(redis.url)
  expect(await run(runtime, 'sleep', null)).toMatchObject({ name: 'TimeoutError', stack: expect.stringContaining('time.sleep(60)') })
  expect(worker.complained()).toBe('')
})

test('a task longer than the silence that is allowed stays with the worker that sends heartbeats', async () => {
  await setQueue(1_500)
  await using runtime = await openRuntime()
  await using one = await startPythonWorker(redis.url, 'one')
  const held = run(runtime, 'hold', join(folder, 'end'))
  await one.hasBegun()
  await using two = await startPythonWorker(redis.url, 'two')
  const [before = 0] = await client.time()
  await waitUntil('it has taken far longer', async () => Number((await client.time())[0]) - Number(before) >= 4)
  await writeFile(join(folder, 'end'), '')
  expect(await held).toEqual({ output: 'one 1' })
  expect(two.said()).toBe('')
})

test('the task of a worker that was killed is taken over by another one', async () => {
  await setQueue(1_500)
  await using runtime = await openRuntime()
  await using one = await startPythonWorker(redis.url, 'one')
  const held = run(runtime, 'hold', join(folder, 'end'))
  await one.hasBegun()
  await one.signal('SIGKILL')
  await using two = await startPythonWorker(redis.url, 'two')
  await two.hasBegun()
  await writeFile(join(folder, 'end'), '')
  expect(await held).toEqual({ output: 'two 1' })
  expect(await delivered()).toEqual(['2'])
})

test('SIGTERM interrupts the function and gives its task back at once, as not delivered', async () => {
  await setQueue(600_000)
  await using runtime = await openRuntime()
  await using one = await startPythonWorker(redis.url, 'one')
  const held = run(runtime, 'hold', join(folder, 'end'))
  await one.hasBegun()
  expect(await one.signal('SIGTERM')).toBe(0)
  expect(one.complained()).toBe('')
  expect(await client.zcard('{troupe:q:python}:workers')).toBe(0)
  await using two = await startPythonWorker(redis.url, 'two')
  await two.hasBegun()
  await writeFile(join(folder, 'end'), '')
  expect(await held).toEqual({ output: 'two 1' })
  expect(await delivered()).toEqual(['1'])
})

test('a worker without a task ends at SIGTERM as well', async () => {
  await setQueue(10_000)
  await using worker = await startPythonWorker(redis.url)
  await waitUntil('it is there', async () => (await client.zcard('{troupe:q:python}:workers')) === 1)
  expect(await worker.signal('SIGTERM')).toBe(0)
  expect(await client.zcard('{troupe:q:python}:workers')).toBe(0)
})

test('a worker connects again, to a server that has forgotten all scripts, and says what it could not say', async () => {
  await setQueue(10_000)
  await using runtime = await openRuntime()
  await using worker = await startPythonWorker(redis.url)
  const held = run(runtime, 'hold', join(folder, 'end'))
  await worker.hasBegun()
  await client.script('FLUSH')
  await client.call('CLIENT', 'KILL', 'TYPE', 'normal')
  await writeFile(join(folder, 'end'), '')
  expect(await held).toEqual({ output: 'one 1' })
  expect(worker.complained()).toContain('trying again')
  expect(await run(runtime, 'echo', 1)).toEqual({ output: 1 })
})

test('a queue of a newer version is refused by workers and nodes of this one, while they run and when they start', async () => {
  await setQueue(10_000)
  await using worker = await startPythonWorker(redis.url)
  await waitUntil('it is there', async () => (await client.zcard('{troupe:q:python}:workers')) === 1)
  await client.hset('{troupe:q:python}:protocol', 'version', '2')
  expect(await worker.ended).toBe(1)
  expect(worker.complained()).toContain('NEWER this queue speaks version 2 of its protocol, the caller 1')
  await using late = await startPythonWorker(redis.url)
  expect(await late.ended).toBe(1)
  expect(late.complained()).toContain('queue python speaks version 2 of the protocol, this worker speaks 1')
  await expect(setQueue(10_000)).rejects.toMatchObject({ code: 'store/newer-format', message: expect.stringContaining('version 2') })
  expect(await client.hget('{troupe:q:python}:protocol', 'version')).toBe('2')
})

test('the example runs as its README tells', async () => {
  await setQueue(10_000)
  await using _worker = await startPythonExample(redis.url)
  const main = new URL('../../examples/09-python-worker/main.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=troupe-source', main, redis.url], { env: { ...process.env, NODE_OPTIONS: '' } })
  expect(stdout).toContain('roof { perHour: 0.91, next: 21.8 }')
  expect(stdout).toContain('cellar { perHour: -0.05, next: 11.967 }')
  expect(stdout).toContain('attic StatisticsError: linear regression requires at least two data points')
})
