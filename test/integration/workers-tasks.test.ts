/** Durable tasks whose work runs on the pool of a runtime. */
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRuntime, task } from 'troupe'
import type { Runtime, TaskScope } from 'troupe'
import { cpuTask } from 'troupe/workers'
import type { WorkersOptions } from 'troupe/workers'
import { createActor, toPromise } from 'xstate'
import { createWorker } from 'troupe/worker'
import { openTestRedis } from '../support/redis/open-test-redis.ts'
import { computing } from '../support/cpu-machine.ts'
import type { Computed } from '../support/cpu-machine.ts'
import type { add } from '../support/cpu-functions.ts'
import { startPeer, waitUntil } from '../support/processes.ts'
import { makeTempDir } from '../support/temp-dir.ts'

const RETRY = { attempts: 5, initialMs: 1, maxMs: 1 }
const module = new URL('../support/cpu-functions.ts', import.meta.url)

let folder = ''
let runtime: Runtime | undefined
beforeEach(async () => {
  folder = await makeTempDir()
})
afterEach(async () => {
  await runtime?.close()
  runtime = undefined
  await rm(folder, { recursive: true, force: true })
})

async function compute(machine: ReturnType<typeof computing>, given: unknown, workers: WorkersOptions = { threads: 2 }): Promise<Computed> {
  runtime = await createRuntime({ machines: { machine }, store: 'memory:', workers }) as unknown as Runtime
  const actor = runtime.actor(machine, '1')
  await actor.start({ given: given as never })
  return (await actor.result()) as Computed
}

test('a task computes on a thread and its typed arrays survive the checkpoint', async () => {
  const { result, error } = await compute(computing('sumOf'), { numbers: new Float32Array([1, 2, 3]) })
  expect({ result, error }).toEqual({ result: { sum: 6, squares: new Float32Array([1, 4, 9]) }, error: null })
  expect(runtime?.workers.info().planes).toMatchObject([{ plane: 'default', completed: 1 }])
})

test('without a runtime it computes in process', async () => {
  const actor = createActor(computing('sumOf'), { input: { given: { numbers: new Float32Array([3, 4]) } } }).start()
  expect(await toPromise(actor)).toMatchObject({ result: { sum: 7 }, error: null })
  const given = new Float64Array([1])
  expect(await toPromise(createActor(computing('doubleInPlace'), { input: { given } }).start())).toMatchObject({ result: given })
})

test.each(['exit', 'memory', 'throw'] as const)('a task whose thread ends by %s is tried again as its policy says', async how => {
  expect(await compute(computing('dieAtFirst', { retry: RETRY }), { deaths: 2, how }, { threads: 1, memoryMbMax: 32 })).toEqual({ result: 3, error: null })
  expect(runtime?.health().counters.taskRetries).toBe(2)
})

test('a task that has no attempts left ends with what became of its thread', async () => {
  const { error } = await compute(computing('dieAtFirst', { retry: { ...RETRY, attempts: 2 } }), { deaths: 9, how: 'exit' })
  expect(error).toMatchObject({ code: 'workers/crashed', message: expect.stringContaining('worker exited with code: 9') })
})

test('a function that is not there is not tried again', async () => {
  const { error } = await compute(computing('nothing' as 'add', { retry: RETRY }), [])
  expect(error).toMatchObject({ code: 'workers/unknown' })
  expect(runtime?.health().counters.taskRetries).toBe(0)
})

test('its heartbeats count, and their details are there on the next attempt', async () => {
  const { result } = await compute(computing('goOn', { retry: RETRY, heartbeatTimeout: 60_000 }), null)
  expect(result).toEqual({ attempt: 2, checkpoint: { done: 3 } })
})

test('a timeout stops the thread', async () => {
  const { error } = await compute(computing('count', { retry: 1, timeout: 2_000 }), new Int32Array(2))
  expect(error).toMatchObject({ code: 'task/timeout' })
  expect(runtime?.workers.info().planes).toMatchObject([{ aborted: 1, running: 0 }])
})

test('an actor that leaves the state stops the thread', async () => {
  const machine = computing('count')
  runtime = await createRuntime({ machines: { machine }, store: 'memory:', workers: { threads: 1 } }) as unknown as Runtime
  const actor = runtime.actor(machine, '1')
  await actor.start({ given: new Int32Array(2) })
  await waitUntil('it computes', () => runtime?.workers.info().planes[0]?.running === 1)
  await actor.send({ type: 'LEAVE' })
  await actor.result()
  await waitUntil('the thread is free', () => runtime?.workers.info().planes[0]?.aborted === 1)
})

test('a closing runtime ends its threads and takes no more calls', async () => {
  const log = join(folder, 'log')
  const machine = computing('logAndHang')
  const first = await createRuntime({ machines: { machine }, store: 'memory:', workers: { threads: 1 } })
  await first.actor(machine, '1').start({ given: { log } })
  await waitUntil('it computes', () => existsSync(log))
  await first.close()
  expect(first.workers.info().threads).toEqual([])
  await expect(first.workers.run<typeof add>({ module, export: 'add', input: [] })).rejects.toMatchObject({ code: 'runtime/closed' })
})

describe('a process that is killed while it computes', () => {
  test('has had its attempt counted; the next one computes again under the same key', async () => {
    const log = join(folder, 'log')
    const args = [`sqlite:${join(folder, 'app.db')}`, log]
    const entries = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line) as { readonly attempt: number; readonly idempotencyKey: string }) : [])
    await using killed = startPeer('cpu-process.ts', args, () => undefined)
    await waitUntil('the first attempt computes', () => entries().length === 1)
    await killed.kill()
    const facts: { readonly output: Computed }[] = []
    await using next = startPeer<never, { readonly output: Computed }>('cpu-process.ts', args, fact => facts.push(fact))
    expect(await next.ended).toMatchObject({ code: 0 })
    const [before, after] = entries()
    expect([before?.attempt, after?.attempt]).toEqual([1, 2])
    expect(after?.idempotencyKey).toBe(before?.idempotencyKey)
    expect(facts).toEqual([{ output: { result: { attempt: 2, idempotencyKey: before?.idempotencyKey }, error: null } }])
  })
})

test('with a queue it computes on the pool of the worker that serves it', async () => {
  await using redis = await openTestRedis()
  const machine = computing('sumOf', { queue: 'cpu' })
  const tasks = { machines: { machine }, store: `${redis.url}?prefix=${redis.prefix}` }
  await using owner = await createRuntime(tasks)
  await using worker = await createWorker({ ...tasks, queues: { cpu: { concurrency: 2 } }, workers: { threads: 1 } })
  const actor = owner.actor(machine, '1')
  await actor.start({ given: { numbers: new Float32Array([1, 2]) } })
  expect(await actor.result()).toMatchObject({ result: { sum: 3, squares: new Float32Array([1, 4]) }, error: null })
  expect(worker.running).toBe(0)
  expect(owner.workers.info().threads).toEqual([])
})

test('any task may have something computed by scope.workers', async () => {
  const sum = task({ run: ({ workers }: TaskScope<null>) => workers?.run<typeof add>({ module, export: 'add', input: [1, 2] }) })
  runtime = await createRuntime({ machines: { sum }, store: 'memory:' }) as unknown as Runtime
  const actor = runtime.actor(sum, '1')
  await actor.start(null as never)
  expect(await actor.result()).toBe(3)
})

test('options that make no sense are refused at once', async () => {
  expect(() => cpuTask({ module: './heavy.ts', export: 'x' })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  expect(() => cpuTask({ module, export: 'add', timeout: -1 })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  await expect(createRuntime({ machines: {}, store: 'memory:', workers: { threads: 0 } })).rejects.toMatchObject({ code: 'config/invalid' })
})
