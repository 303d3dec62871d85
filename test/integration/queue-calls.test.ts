import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import type { Codec, TaskOrder, TaskQueues } from 'troupe'
import { createWorker } from 'troupe/worker'
import { partitionOf } from '../../src/core/address.ts'
import type { ActorId } from '../../src/core/address.ts'
import type { Store } from '../../src/core/store.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { JobRig, ended, quiet, run } from '../support/job-rig.ts'
import { waitUntil } from '../support/processes.ts'
import { jobOf, machines } from '../support/queue-machines.ts'
import type { Order } from '../support/queue-machines.ts'
import { openClient } from '../support/redis/open-client.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'

const rig = new JobRig()

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
  const monitor = await openMonitor(rig.redis.url, line => log.push(line))
  await using runtime = await createRuntime({ machines: { secretive }, store: rig.store, codec, onError: quiet })
  const actor = runtime.actor('secretive', '1')
  await actor.start({ do: 'echo', value: secret('input') })
  const progress: unknown[] = []
  const watching = (async () => {
    for await (const entry of actor.watch({ from: 0, progress: true })) if (entry.kind === 'progress' && progress.push(entry.progress) === 3) break
  })()
  await using _worker = await createWorker({ store: rig.store, machines: { secretive }, codec, queues: { gpu: {} }, onError: quiet })
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
  await using runtime = await rig.open()
  await using worker = await createWorker({ store: rig.store, machines, queues: { gpu: {} }, onError: quiet })
  for (let round = 0; round < 5; round++) {
    await rig.redis.command('SCRIPT', 'FLUSH')
    expect((await run(runtime, { do: 'fail', times: 1 })).context.results).toEqual(['done in attempt 2'])
  }
  await rig.redis.command('SCRIPT', 'FLUSH')
  await worker.close()
})

test('on a Redis Cluster tasks, progress and calls to stop go the same ways, also while the queue moves', async () => {
  await using cluster = await startCluster({ masters: 3, replicas: 0 })
  const prefix = `test-${randomUUID()}`
  const url = `redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?prefix=${prefix}&partitions=4`
  await using runtime = await rig.open({ store: url })
  await using _worker = await createWorker({ store: url, machines, queues: { gpu: {} }, onError: quiet })
  const slot = await cluster.slotOf(`{${prefix}:q:gpu}`)
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
  await waitUntil('it runs', () => rig.here.at(-1)?.fact === 'began')
  await runtime.actor('job', '1').send({ type: 'LEAVE' })
  await waitUntil('it is aborted', () => rig.here.at(-1)?.fact === 'aborted')
  expect((await runtime.queues()).map(({ queue }) => queue)).toEqual(['default', 'gpu'])
})

describe('calls that cross', () => {
  /** A store whose queues wait, or fail, where the test says so. */
  async function storeWith(change: (queues: TaskQueues) => Partial<TaskQueues>): Promise<Store & AsyncDisposable> {
    const opened = await openRedisStore(rig.store)
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
    await using runtime = await rig.open({ store: crossed })
    const actor = runtime.actor('job', '1')
    await actor.start({ do: 'echo' })
    await waitUntil('it is being put', () => puts.length === 1)
    await actor.ask({ type: 'LEAVE' })
    failed.resolve()
    await waitUntil('it was tried again', () => puts.length === 2)
    expect(puts).toEqual([1, 0])
    const gpu = async () => (await runtime.queues()).find(({ queue }) => queue === 'gpu')
    await waitUntil('the queue is known', async () => (await gpu()) !== undefined)
    expect(await gpu()).toMatchObject({ waiting: { medium: 0 } })
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
    await using runtime = await rig.open({ store: crossed })
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
    await using runtime = await rig.open({ store: crossed })
    await using _worker = await createWorker({ store: rig.store, machines, queues: { gpu: {} }, onError: quiet })
    const actor = runtime.actor('job', '1')
    await actor.start({ do: 'beat', page: 1, fails: true })
    await waitUntil('the second attempt runs', () => rig.here.length === 2)
    await waitUntil('the first one is being settled', () => settles > 0)
    const before = reads
    await waitUntil('its result is read again by the look of every second', () => reads > before)
    expect(runtime.health().counters.staleTasks).toBe(0)
    await actor.send({ type: 'LEAVE' })
    await waitUntil('the second attempt is aborted', () => rig.here.some(({ fact, attempt }) => fact === 'aborted' && attempt === 2))
    settled.resolve()
  })

  test('a worker that was silent for too long goes on with what it is given again', async () => {
    await using runtime = await rig.open()
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
    await waitUntil('it is given the same again', () => rig.here.filter(({ fact }) => fact === 'began').length === 2)
    isFrozen = false
    thawed.resolve()
    expect((await ended(runtime, '1')).context.results).toEqual(['attempt 1'])
    expect(rig.here.map(({ fact }) => fact)).toEqual(['began', 'aborted', 'began', 'over'])
  })

  test('a result for an actor that is gone is forgotten', async () => {
    await using runtime = await rig.open()
    await using _worker = await createWorker({ store: rig.store, machines, queues: { gpu: {} }, onError: quiet })
    await run(runtime, { do: 'echo' })
    await using opened = await storeWith(() => ({}))
    const order: TaskOrder = { v: 1, task: 'job/work', actor: 'default/job/gone' as ActorId, id: '1', attempt: 1, failures: 0, attemptsMax: 1, idempotencyKey: 'gone', input: '{"do":"echo"}' }
    const id = 'default/job/gone:1:1'
    await opened.queues?.put('gpu', 'nobody', [{ id, partition: partitionOf(order.actor, 4), key: 'k', priority: 'low', data: JSON.stringify(order) }], new Map([[partitionOf(order.actor, 4), 1_000]]))
    await waitUntil('it has run', () => rig.here.some(({ fact, key }) => fact === 'over' && key === 'gone'))
    await waitUntil('it is forgotten', async () => (await opened.queues?.missing('gpu', [id]))?.length === 1)
  })
})
