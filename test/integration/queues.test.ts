import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRuntime, task } from 'troupe'
import type { Codec, QueueOptions, Runtime, RuntimeOptions, TaskOrder, TaskQueues } from 'troupe'
import { createMemoryStore } from 'troupe/testing'
import { createWorker } from 'troupe/worker'
import { fromPromise } from 'xstate'
import { partitionOf } from '../../src/core/address.ts'
import type { ActorId } from '../../src/core/address.ts'
import type { Store } from '../../src/core/store.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { waitUntil } from '../support/processes.ts'
import { hearers, jobOf, machines } from '../support/queue-machines.ts'
import type { Order, TaskFact } from '../support/queue-machines.ts'
import { openClient } from '../support/redis/open-client.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { WorkerPeer } from '../support/worker-peer.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** What the tasks that run in this process do. */
let here: TaskFact[] = []
hearers.add(fact => here.push(fact))
let store = ''
beforeEach(() => {
  here = []
  store = `${redis.url}?prefix=test-${randomUUID()}&partitions=4`
})

const quiet = (): void => undefined
type Jobs = Runtime<typeof machines>
const open = (options: Partial<RuntimeOptions<typeof machines>> = {}): Promise<Jobs> => createRuntime({ machines, store, onError: quiet, ...options })
const served = (more: QueueOptions = {}): Readonly<Record<string, QueueOptions>> => ({ gpu: { minIdleMs: 500, ...more } })
const ended = (runtime: Jobs, key: string, machine: keyof typeof machines = 'job') =>
  runtime.actor(machine, key).waitFor(({ value }) => value !== 'working', { timeout: 20_000 })
const run = async (runtime: Jobs, order: Order, machine: keyof typeof machines = 'job') => {
  const key = randomUUID()
  await runtime.actor(machine, key).start(order)
  return ended(runtime, key, machine)
}

describe('a worker in a process of its own', () => {
  test('runs the tasks of actors that live elsewhere, and their outputs and errors come back as they are', async () => {
    await using runtime = await open()
    const before = runtime.actor('job', 'early')
    await before.start({ do: 'echo', value: 'early' })
    await using worker = await WorkerPeer.start(store, served())
    expect((await ended(runtime, 'early')).context.results).toEqual(['early'])
    const big = 'x'.repeat(900_000)
    const values = [undefined, null, 0, { deep: [{ list: [1, 'two', null] }] }, new Float32Array([1, 2.5]), new TypeError('kept'), big]
    const seen = await Promise.all(values.map(value => run(runtime, { do: 'echo', ...(value !== undefined && { value }) })))
    expect(seen.map(({ context }) => context.results[0])).toEqual([null, null, 0, { deep: [{ list: [1, 'two', null] }] }, new Float32Array([1, 2.5]), expect.objectContaining({ name: 'TypeError', message: 'kept' }), big])
    expect(here).toEqual([])
    expect(worker.tasks.filter(({ fact }) => fact === 'over')).toHaveLength(8)
    await waitUntil('the queue has forgotten what was handled', async () => (await redis.command('HLEN', `{${new URL(store).searchParams.get('prefix')}:q:gpu}:index`)) === 0)
  })

  test('reports failures: the owner backs off and counts, and the last one is the error', async () => {
    await using runtime = await open()
    await using worker = await WorkerPeer.start(store, served())
    expect((await run(runtime, { do: 'fail', times: 2 })).context).toMatchObject({ results: ['done in attempt 3'], error: null })
    expect((await run(runtime, { do: 'fail', times: 9 })).context).toMatchObject({ results: [], error: { name: 'TypeError', message: 'failed in attempt 3' } })
    const attempts = worker.tasks.map(({ attempt }) => attempt)
    expect(attempts).toEqual([1, 2, 3, 3, 1, 2, 3])
    const keys = worker.tasks.map(({ key }) => key)
    expect(new Set(keys)).toHaveProperty('size', 2)
    expect(runtime.health().counters.taskRetries).toBe(4)
  })

  test('aborts what takes too long or falls silent, and the error says which', async () => {
    await using runtime = await open()
    await using worker = await WorkerPeer.start(store, served())
    const [late, mute] = await Promise.all([run(runtime, { do: 'hang' }, 'timed'), run(runtime, { do: 'hang' }, 'silent')])
    expect([late.context.error, mute.context.error]).toMatchObject([{ code: 'task/timeout' }, { code: 'task/stalled' }])
    const reasons = worker.tasks.filter(({ fact }) => fact === 'aborted').map(({ reason }) => reason)
    expect(['task/stalled', 'task/timeout'].map(code => reasons.filter(reason => reason === code).length)).toEqual([3, 3])
  })

  test('hands details of heartbeats to the next attempt', async () => {
    await using runtime = await open()
    await using worker = await WorkerPeer.start(store, served())
    await runtime.actor('job', '1').start({ do: 'beat', page: 10, fails: true })
    await waitUntil('the second attempt runs', () => worker.tasks.length === 2)
    expect(worker.tasks.map(({ attempt, checkpoint }) => [attempt, checkpoint])).toEqual([[1, undefined], [2, { page: 11 }]])
  })

  test('that dies leaves the details of its heartbeats to the next one', async () => {
    await using runtime = await open()
    await using first = await WorkerPeer.start(store, served())
    await runtime.actor('job', '1').start({ do: 'beat', page: 20 })
    const prefix = new URL(store).searchParams.get('prefix')
    await waitUntil('the details are kept', async () => (await redis.command('HLEN', `{${prefix}:q:gpu}:details`)) === 1)
    await first.kill()
    await using second = await WorkerPeer.start(store, served())
    await waitUntil('the next one runs it', () => second.tasks.length === 1)
    expect(second.tasks).toEqual([{ ...first.tasks[0], checkpoint: { page: 21 } }])
  })

  test('is told when nobody wants a task any more: the actor leaves its state, is stopped or cancelled', async () => {
    await using runtime = await open()
    await using worker = await WorkerPeer.start(store, served())
    const keys = ['leaves', 'stops', 'cancels']
    for (const key of keys) await runtime.actor('job', key).start({ do: 'hang' })
    await waitUntil('all run', () => worker.tasks.length === 3)
    const [leaves, stops, cancels] = keys.map(key => runtime.actor('job', key))
    await leaves?.send({ type: 'LEAVE' })
    await stops?.stop()
    await cancels?.cancel()
    await waitUntil('all are aborted', () => worker.tasks.length === 6)
    expect(worker.tasks.slice(3).map(({ fact, reason }) => [fact, reason])).toEqual(Array(3).fill(['aborted', 'lease/stale']))
    expect(await runtime.queues()).toMatchObject([{ queue: 'default' }, { queue: 'gpu', active: 0, waiting: { high: 0, medium: 0, low: 0 } }])
  })

  test('tells watchers of progress', async () => {
    await using runtime = await open()
    const actor = runtime.actor('job', '1')
    const steps = ['first', { done: 0.5 }, new Uint8Array([1, 2])]
    await actor.start({ do: 'progress', steps })
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const entry of actor.watch({ from: 0, progress: true })) {
        if (entry.kind === 'progress') seen.push(entry)
        if (seen.length === steps.length) break
      }
    })()
    await using _worker = await WorkerPeer.start(store, served())
    await watching
    expect(seen).toEqual(steps.map(progress => ({ kind: 'progress', actor: 'default/job/1', task: '1', attempt: 1, progress })))
  })

  test('that closes gives back at once what it runs, and another one goes on without a counted crash', async () => {
    await using runtime = await open()
    // Nobody waits for its silence.
    await using first = await WorkerPeer.start(store, served({ minIdleMs: 60_000, deliveriesMax: 1 }))
    await runtime.actor('job', '1').start({ do: 'beat', page: 1 })
    await waitUntil('it runs', () => first.tasks.length === 1)
    await using second = await WorkerPeer.start(store, served({ minIdleMs: 60_000, deliveriesMax: 1 }))
    const from = performance.now()
    await first.close()
    await waitUntil('the other one runs it', () => second.tasks.length === 1)
    expect(performance.now() - from).toBeLessThan(1_000)
    expect(first.tasks[1]).toMatchObject({ fact: 'aborted', reason: 'runtime/closed' })
    expect(second.tasks).toEqual([{ ...first.tasks[0], checkpoint: { page: 2 } }])
    expect((await runtime.queues()).find(({ queue }) => queue === 'gpu')).toMatchObject({ active: 1, workers: [{ worker: second.name, active: 1 }] })
  })
})

describe('owners', () => {
  test('that come and go leave tasks alone: each runs once, and the owner of then hears of it', async () => {
    await using _worker = await createWorker({ store, machines, queues: { gpu: { concurrency: 100 } }, onError: quiet })
    const keys = Array.from({ length: 24 }, (_, n) => String(n))
    const first = await open()
    for (const key of keys) await first.actor('job', key).start({ do: 'sleep', ms: 1_500 })
    await waitUntil('all run', () => here.length === keys.length)
    const second = await open()
    await waitUntil('both own something', () => [first, second].every(runtime => runtime.health().partitions.owned.length > 0))
    await first.close()
    const worked = await Promise.all(keys.map(key => ended(second, key)))
    expect(worked.map(({ context }) => context.results)).toEqual(keys.map(() => ['attempt 1']))
    expect(here.filter(({ fact }) => fact === 'began')).toHaveLength(keys.length)
    await second.close()
  })

  test('keep what ends while an actor is paused until it goes on', async () => {
    await using runtime = await open()
    const actor = runtime.actor('job', '1')
    await actor.start({ do: 'echo', value: 'kept' })
    await actor.pause()
    await using _worker = await createWorker({ store, machines, queues: { gpu: {} }, onError: quiet })
    await waitUntil('it has run, and that is settled', async () => here.length === 2 && (await runtime.queues()).some(({ ended: all }) => all?.completed === 1))
    expect(await actor.snapshot()).toMatchObject({ status: 'paused', value: 'working' })
    await actor.resume()
    expect((await ended(runtime, '1')).context.results).toEqual(['kept'])
  })
})

describe('who runs what', () => {
  test('a runtime that names the queue runs its tasks, for itself and for others', async () => {
    await using other = await open()
    await using runtime = await open({ queues: served() })
    for (let n = 0; n < 8; n++) expect((await run(n % 2 ? runtime : other, { do: 'echo', value: n })).context.results).toEqual([n])
    expect(here.filter(({ fact }) => fact === 'over')).toHaveLength(8)
  })

  test('tasks without a queue run in the owner, other queues wait for whoever serves them', async () => {
    const local = { plain: jobOf({ queue: 'default' }), promised: machines.job.provide({ actors: { work: fromPromise(async () => 'promised') as never } }) }
    await using runtime = await createRuntime({ machines: { ...machines, ...local }, store, onError: quiet })
    await runtime.actor('own', '1').start({ do: 'echo', value: 'later' })
    await runtime.actor('plain', '1').start({ do: 'echo', value: 'here' })
    await runtime.actor('promised', '1').start({ do: 'echo' })
    expect((await runtime.actor('plain', '1').waitFor(({ value }) => value !== 'working')).context.results).toEqual(['here'])
    expect((await runtime.actor('promised', '1').waitFor(({ value }) => value !== 'working')).context.results).toEqual(['promised'])
    await waitUntil('the other one waits', async () => (await runtime.queues()).some(({ queue, waiting }) => queue === 'own' && waiting.medium === 1))
    await using _worker = await createWorker({ store, machines, queues: { own: {} }, onError: quiet })
    expect((await runtime.actor('own', '1').waitFor(({ value }) => value !== 'working')).context.results).toEqual(['later'])
  })

  test('a worker needs the task only, under its full name; what it does not know is an error that says so', async () => {
    await using runtime = await open()
    const known = task({ run: () => 'known', queue: 'gpu' })
    await using worker = await createWorker({ store, tasks: { 'job/work': known }, queues: served(), onError: quiet })
    expect((await run(runtime, { do: 'echo' })).context.results).toEqual(['known'])
    expect((await run(runtime, { do: 'echo' }, 'urgent')).context.error).toMatchObject({ code: 'task/unknown', message: expect.stringMatching(new RegExp(`worker ${worker.name} of queue gpu does not know urgent/work, a task of urgent/.*; it knows job/work`)) })
  })

  test('limits hold over all workers, and the next one starts at once when a place is free', async () => {
    await using runtime = await open()
    const queues = { gpu: { total: 1, concurrency: 4 } }
    await using _first = await createWorker({ store, machines, queues, onError: quiet })
    await using _second = await createWorker({ store, machines, queues, onError: quiet })
    const from = performance.now()
    await Promise.all(Array.from({ length: 30 }, () => run(runtime, { do: 'sleep', ms: 2 })))
    expect(performance.now() - from).toBeLessThan(5_000)
    let active = 0
    for (const { fact } of here) expect((active += fact === 'began' ? 1 : -1)).toBeLessThanOrEqual(1)
    expect(here).toHaveLength(60)
  })

  test('no more than limits.tasksMax run in a worker without a bound of its own', async () => {
    await using runtime = await open()
    await using worker = await createWorker({ store, machines, queues: { gpu: { concurrency: Infinity } }, limits: { tasksMax: 3 }, onError: quiet })
    for (let n = 0; n < 5; n++) await runtime.actor('job', String(n)).start({ do: 'hang' })
    await waitUntil('three run', () => worker.running === 3)
    expect((await runtime.queues()).find(({ queue }) => queue === 'gpu')).toMatchObject({ active: 3, waiting: { medium: 2 } })
  })
})

/** Reads nothing of what it has sealed, and opens it for the actor it belongs to only. */
function sealing(): Codec {
  const secret = randomBytes(32)
  const aad = ({ tenant, machine, key }: Parameters<Codec['encode']>[1]): Buffer => Buffer.from(JSON.stringify([tenant, machine, key]))
  return {
    encode(text, context) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(aad(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
    },
    decode(data, context) {
      const bytes = Buffer.from(data, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, 12)).setAAD(aad(context)).setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
    },
  }
}

test('with a codec nothing of inputs, keys, details, progress, outputs and errors can be read on its way', async () => {
  const codec = sealing()
  const secret = (name: string): string => `canary-${name}`
  const scopes: { readonly idempotencyKey: string; readonly checkpoint: unknown }[] = []
  const secretive = jobOf({
    key: () => 'open',
    idempotency: input => secret(`key-${JSON.stringify(input)}`),
    async run({ attempt, heartbeat, progress, idempotencyKey, checkpoint }) {
      scopes.push({ idempotencyKey, checkpoint })
      heartbeat(secret('details'))
      progress(secret('progress'))
      if (attempt < 3) throw new Error(secret('error'))
      return secret('output')
    },
  })
  const log: string[] = []
  const monitor = await openMonitor(redis.url, line => log.push(line))
  await using runtime = await createRuntime({ machines: { secretive }, store, codec, onError: quiet })
  const actor = runtime.actor('secretive', '1')
  await actor.start({ do: 'echo', value: secret('input') })
  const progress: unknown[] = []
  const watching = (async () => {
    for await (const entry of actor.watch({ from: 0, progress: true })) if (entry.kind === 'progress' && progress.push(entry.progress) === 3) break
  })()
  await using _worker = await createWorker({ store, machines: { secretive }, codec, queues: { gpu: {} }, onError: quiet })
  expect((await actor.waitFor(({ value }) => value !== 'working')).context.results).toEqual([secret('output')])
  await watching
  expect(progress).toEqual(Array(3).fill(secret('progress')))
  expect(scopes.map(({ checkpoint }) => checkpoint)).toEqual([undefined, secret('details'), secret('details')])
  expect(new Set(scopes.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set([secret(`key-${JSON.stringify({ do: 'echo', value: secret('input') })}`)]))
  monitor.disconnect()
  expect(log.some(line => line.includes('q:gpu'))).toBe(true)
  expect(log.filter(line => line.includes('canary'))).toEqual([])
})

/** All that clients say to a server. */
async function openMonitor(url: string, onLine: (line: string) => void): Promise<{ disconnect(): void }> {
  const client = openClient(url)
  const monitor = await client.monitor()
  monitor.on('monitor', (_time: string, args: readonly string[]) => onLine(args.join(' ')))
  return { disconnect: () => [monitor, client].forEach(each => each.disconnect()) }
}

test('scripts that Redis forgets in between are given to it again', async () => {
  await using runtime = await open()
  await using worker = await createWorker({ store, machines, queues: { gpu: {} }, onError: quiet })
  for (let round = 0; round < 5; round++) {
    await redis.command('SCRIPT', 'FLUSH')
    expect((await run(runtime, { do: 'fail', times: 1 })).context.results).toEqual(['done in attempt 2'])
  }
  await redis.command('SCRIPT', 'FLUSH')
  await worker.close()
})

test('on a Redis Cluster tasks, progress and calls to stop go the same ways, also while the queue moves', async () => {
  await using cluster = await startCluster({ masters: 3, replicas: 0 })
  const prefix = `test-${randomUUID()}`
  const url = `redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?prefix=${prefix}&partitions=4`
  await using runtime = await open({ store: url })
  await using _worker = await createWorker({ store: url, machines, queues: { gpu: {} }, onError: quiet })
  const slot = Number(await cluster.nodes[0]?.command('CLUSTER', 'KEYSLOT', `{${prefix}:q:gpu}`))
  let isMoved = false
  const moving = (async () => {
    const from = await cluster.ownerOf(slot)
    const to = cluster.nodes.find(node => node !== from)
    if (to) await cluster.moveSlot(slot, from, to)
    isMoved = true
  })()
  for (let n = 0; n < 20 || !isMoved; n++) expect((await run(runtime, { do: n % 4 === 0 ? 'fail' : 'sleep', times: 1, ms: 1 } as Order)).value).toBe('worked')
  await moving
  await runtime.actor('job', '1').start({ do: 'hang' })
  await waitUntil('it runs', () => here.at(-1)?.fact === 'began')
  await runtime.actor('job', '1').send({ type: 'LEAVE' })
  await waitUntil('it is aborted', () => here.at(-1)?.fact === 'aborted')
  expect((await runtime.queues()).map(({ queue }) => queue)).toEqual(['default', 'gpu'])
})

describe('calls that cross', () => {
  /** A store whose queues wait, or fail, where the test says so. */
  async function storeWith(change: (queues: TaskQueues) => Partial<TaskQueues>): Promise<Store & AsyncDisposable> {
    const opened = await openRedisStore(store)
    if (!opened.queues) throw new Error('Redis has queues')
    return { ...opened, queues: { ...opened.queues, ...change(opened.queues) }, [Symbol.asyncDispose]: () => opened.close() }
  }

  test('what is called off while its put fails is not put by a later try', async () => {
    const puts: number[] = []
    const failed = Promise.withResolvers<void>()
    await using crossed = await storeWith(queues => ({
      async put(queue, node, attempts, epochs) {
        puts.push(attempts.length)
        if (puts.length > 1) return queues.put(queue, node, attempts, epochs)
        await failed.promise
        throw new Error('planted')
      },
    }))
    await using runtime = await open({ store: crossed })
    const actor = runtime.actor('job', '1')
    await actor.start({ do: 'echo' })
    await waitUntil('it is being put', () => puts.length === 1)
    await actor.ask({ type: 'LEAVE' })
    failed.resolve()
    await waitUntil('it was tried again', () => puts.length === 2)
    expect(puts).toEqual([1, 0])
    expect((await runtime.queues()).find(({ queue }) => queue === 'gpu')).toMatchObject({ waiting: { medium: 0 } })
  })

  test('what is called off while it is put is taken back after that', async () => {
    const sent = Promise.withResolvers<void>()
    let isPut = false
    await using crossed = await storeWith(queues => ({
      async put(...args) {
        await sent.promise
        await queues.put(...args)
        isPut = true
      },
    }))
    await using runtime = await open({ store: crossed })
    const actor = runtime.actor('job', '1')
    await actor.start({ do: 'echo' })
    await actor.ask({ type: 'LEAVE' })
    sent.resolve()
    await waitUntil('it was put', () => isPut)
    await waitUntil('it was taken back', async () => (await runtime.queues()).every(({ waiting }) => waiting.medium === 0))
  })

  test('a result that is read again before it is settled is one, and the next attempt can still be called off', async () => {
    const settled = Promise.withResolvers<void>()
    let [settles, reads] = [0, 0]
    await using crossed = await storeWith(queues => ({
      async settle(...args) {
        settles++
        await settled.promise
        await queues.settle(...args)
      },
      async results(...args) {
        const results = await queues.results(...args)
        reads += results.length
        return results
      },
    }))
    await using runtime = await open({ store: crossed })
    await using _worker = await createWorker({ store, machines, queues: { gpu: {} }, onError: quiet })
    const actor = runtime.actor('job', '1')
    await actor.start({ do: 'beat', page: 1, fails: true })
    await waitUntil('the second attempt runs', () => here.length === 2)
    await waitUntil('the first one is being settled', () => settles > 0)
    const before = reads
    await waitUntil('its result is read again by the look of every second', () => reads > before)
    expect(runtime.health().counters.staleTasks).toBe(0)
    await actor.send({ type: 'LEAVE' })
    await waitUntil('the second attempt is aborted', () => here.some(({ fact, attempt }) => fact === 'aborted' && attempt === 2))
    settled.resolve()
  })

  test('a worker that was silent for too long goes on with what it is given again', async () => {
    await using runtime = await open()
    const thawed = Promise.withResolvers<void>()
    let isFrozen = true
    await using crossed = await storeWith(queues => ({
      async extend(...args) {
        if (isFrozen) await thawed.promise
        return queues.extend(...args)
      },
    }))
    await using _worker = await createWorker({ store: crossed, machines, queues: { gpu: { minIdleMs: 300, concurrency: 3 } }, onError: quiet })
    await runtime.actor('job', '1').start({ do: 'sleep', ms: 1_000 })
    await waitUntil('it is given the same again', () => here.filter(({ fact }) => fact === 'began').length === 2)
    isFrozen = false
    thawed.resolve()
    expect((await ended(runtime, '1')).context.results).toEqual(['attempt 1'])
    expect(here.map(({ fact }) => fact)).toEqual(['began', 'aborted', 'began', 'over'])
  })

  test('a result for an actor that is gone is forgotten', async () => {
    await using runtime = await open()
    await using _worker = await createWorker({ store, machines, queues: { gpu: {} }, onError: quiet })
    await run(runtime, { do: 'echo' })
    await using opened = await storeWith(() => ({}))
    const order: TaskOrder = { v: 1, task: 'job/work', actor: 'default/job/gone' as ActorId, id: '1', attempt: 1, failures: 0, attemptsMax: 1, idempotencyKey: 'gone', input: '{"do":"echo"}' }
    const id = 'default/job/gone:1:1'
    await opened.queues?.put('gpu', 'nobody', [{ id, partition: partitionOf(order.actor, 4), key: 'k', priority: 'low', data: JSON.stringify(order) }], new Map([[partitionOf(order.actor, 4), 1_000]]))
    await waitUntil('it has run', () => here.some(({ fact, key }) => fact === 'over' && key === 'gone'))
    await waitUntil('it is forgotten', async () => (await opened.queues?.missing('gpu', [id]))?.length === 1)
  })
})

describe('what createWorker refuses', () => {
  const refusal = (message: string) => expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(message) })

  test.each([
    ['a store without queues', { store: 'memory:', machines, queues: { gpu: {} } }, 'needs a store with shared queues'],
    ['a given store without queues', { store: createMemoryStore(), machines, queues: { gpu: {} } }, 'needs a store with shared queues'],
    ['no queues', { machines, queues: {} }, 'needs queues'],
    ['queues that are not there', { machines }, 'needs queues'],
    ['nothing to run', { queues: { gpu: {} } }, 'nothing to run'],
    ['a queue that makes no sense', { machines, queues: { gpu: { concurrency: 0 } } }, 'queues.gpu.concurrency'],
    ['the queue of the nodes themselves', { machines, queues: { default: {} } }, 'default'],
    ['a task that is none', { tasks: { 'job/work': 3 }, queues: { gpu: {} } }, "tasks['job/work']"],
    ['a limit that is none', { machines, queues: { gpu: {} }, limits: { taskMax: 1 } }, 'limits.taskMax'],
  ])('%s', async (_what, options, message) => {
    await expect(createWorker({ store, ...options } as never)).rejects.toEqual(refusal(message))
  })
})
