import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRuntime, task } from 'troupe'
import { assign, setup } from 'xstate'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { waitUntil } from '../support/processes.ts'

const KB = 1_024
const MB = 1_024 * KB
const LEASE_MS = 1_500

const gates = new Map<string, () => void>()
const order = setup({
  types: { context: {} as { readonly text: string; readonly n: number }, input: {} as { readonly text: string }, events: {} as { readonly type: 'ADD' } | { readonly type: 'END' } | { readonly type: 'LATER' } | { readonly type: 'WORK' } },
  actors: { work: task({ retry: 1, run: ({ idempotencyKey }) => new Promise<number>(resolve => gates.set(idempotencyKey, () => resolve(100))) }) },
}).createMachine({
  context: ({ input }) => ({ text: input.text, n: 0 }),
  initial: 'on',
  states: {
    on: { on: { LATER: 'waiting', WORK: 'working' } },
    waiting: { after: { 500: { target: 'on', actions: assign({ n: ({ context }) => context.n + 10 }) } } },
    working: { invoke: { src: 'work', onDone: { target: 'on', actions: assign({ n: ({ context, event }) => context.n + event.output }) } } },
    off: { type: 'final' },
  },
  on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) }, END: '.off' },
})
const machines = { order }

const open = (redis: RedisServer, prefix: string) => createRuntime({ machines, store: `${redis.url}?prefix=${prefix}&partitions=8`, limits: { leaseTtlMs: LEASE_MS }, onError: () => undefined })
/** Ten runs that complete: few at once, or the buffers of their connection would be most of the memory. */
async function complete(runtime: Awaited<ReturnType<typeof open>>, from: number, text: string): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, async (_, n) => {
    const actor = runtime.actor(order, String(from + n))
    await actor.start({ text })
    await actor.send({ type: 'END' })
  }))
}
const newPrefix = (): string => `test-${randomUUID()}`
const usedBytes = async (redis: RedisServer): Promise<number> => Number(/^used_memory:(\d+)/m.exec(String(await redis.command('INFO', 'memory')))?.[1])
const setMax = (redis: RedisServer, bytes: number): Promise<unknown> => redis.command('CONFIG', 'SET', 'maxmemory', Math.round(bytes))

test('completed runs keep a Redis with a maxmemory from filling up, and nothing is refused', async () => {
  await using redis = await startRedis()
  // So that the memory fills in seconds, but leaves room for what comes between two looks.
  await redis.command('SETRANGE', 'ballast', 14 * MB, 'x')
  await setMax(redis, 20 * MB)
  await using runtime = await open(redis, newPrefix())
  await runtime.actor(order, 'live').start({ text: 'live' })
  const text = 'x'.repeat(4 * KB)
  for (let at = 0; at < 1_200; at += 10) {
    await complete(runtime, at, text)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  await waitUntil('it is under its limit', () => runtime.health().ready && (runtime.health().store?.bytes ?? Infinity) < 18 * MB)
  const { store, compaction, counters } = runtime.health()
  expect(store?.bytesMax).toBe(18 * MB)
  expect(counters.compacted).toBeGreaterThan(300)
  expect(compaction).toMatchObject({ reclaimed: counters.compacted, last: { reason: expect.stringMatching(/^the store holds \d+ bytes, 90 % of its own limit is 18874368$/) as unknown } })
  expect((await runtime.actor(order, 'live').ask({ type: 'ADD' })).context).toEqual({ text: 'live', n: 1 })
}, 90_000)

test('a Redis full of what lives takes no more from outside, and does when maxmemory is raised', async () => {
  await using redis = await startRedis()
  await using runtime = await open(redis, newPrefix())
  const actors = Array.from({ length: 200 }, (_, key) => runtime.actor(order, String(key)))
  await Promise.all(actors.map(actor => actor.start({ text: 'x'.repeat(10 * KB) })))
  // Over 90 %, but with room for what runs.
  await setMax(redis, (await usedBytes(redis)) / 0.93)
  await waitUntil('it refuses', () => actors[0]?.send({ type: 'ADD' }).then(() => false, (error: { code: string }) => error.code === 'store/full') ?? false)
  await expect(runtime.actor(order, 'new').start({ text: '' })).rejects.toMatchObject({ code: 'store/full', retryable: true, message: expect.stringContaining('90 % of its own limit') as unknown })
  expect(runtime.health()).toMatchObject({ ready: false, reasons: [expect.stringContaining('90 % of its own limit') as unknown], compaction: { last: null } })
  await actors[1]?.stop()
  await setMax(redis, 0)
  await waitUntil('it takes more', () => runtime.actor(order, 'new').start({ text: '' }).then(() => true, () => false))
  expect(runtime.health()).toMatchObject({ ready: true, store: { bytesMax: null } })
}, 60_000)

test('when memory runs out nothing accepted is lost, leases last, and what waited goes on when there is room', async () => {
  await using redis = await startRedis()
  const prefix = newPrefix()
  await using first = await open(redis, prefix)
  await using second = await open(redis, prefix)
  await waitUntil('all is owned, by both as chance has it', () => [first, second].reduce((sum, runtime) => sum + runtime.health().partitions.owned.length, 0) === 8)
  const epochs = async () => (await first.cluster()).partitions.map(({ epoch }) => epoch)
  const before = await epochs()
  const actors = Array.from({ length: 20 }, (_, key) => (key % 2 === 0 ? first : second).actor(order, String(key)))
  await Promise.all(actors.map(actor => actor.start({ text: 'x'.repeat(100 * KB) })))
  const [timed, working] = [first.actor(order, '0'), first.actor(order, '1')]
  await timed.send({ type: 'LATER' })
  await working.send({ type: 'WORK' })
  const taken = new Map(actors.map(actor => [actor, 0]))
  const add = async (actor: (typeof actors)[number]): Promise<string> => {
    try {
      await actor.send({ type: 'ADD' })
      taken.set(actor, (taken.get(actor) ?? 0) + 1)
      return 'taken'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  expect(await Promise.all(actors.map(add))).toEqual(actors.map(() => 'taken'))
  await waitUntil('the task runs', () => gates.size === 1)
  await setMax(redis, (await usedBytes(redis)) - 2 * MB)
  // Two leases long: the timer falls due, the task ends, and all is refused with one error.
  const refusals = new Set<string>()
  const until = performance.now() + 2 * LEASE_MS
  while (performance.now() < until) {
    for (const outcome of await Promise.all(actors.map(add))) refusals.add(outcome)
    for (const finish of gates.values()) finish()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  expect([...refusals]).toEqual(['store/full'])
  expect(await epochs()).toEqual(before)
  await setMax(redis, 0)
  await waitUntil('events are taken again', async () => (await Promise.all(actors.map(add))).every(outcome => outcome === 'taken'))
  const extra = new Map([['order/0', 10], ['order/1', 100]])
  for (const actor of actors) {
    const expected = (taken.get(actor) ?? 0) + (extra.get(actor.address) ?? 0)
    await waitUntil(`${actor.address} has done what was accepted`, async () => (await actor.snapshot()).context.n === expected)
  }
  expect(await epochs()).toEqual(before)
  for (const { health } of [first, second].map(runtime => ({ health: runtime.health() }))) expect(health.counters).toMatchObject({ fenced: 0, deadLetters: 0 })
}, 60_000)

test('a Redis without a byte left is freed by compaction alone, also by a node that has just begun', async () => {
  await using redis = await startRedis()
  const prefix = newPrefix()
  {
    await using runtime = await open(redis, prefix)
    await runtime.actor(order, 'live').start({ text: 'live' })
    for (let at = 0; at < 300; at += 10) await complete(runtime, at, 'x'.repeat(10 * KB))
    await setMax(redis, (await usedBytes(redis)) - MB)
    await expect(runtime.actor(order, 'new').start({ text: 'x'.repeat(10 * KB) })).rejects.toMatchObject({ code: 'store/full' })
    await waitUntil('a start is taken', () => runtime.actor(order, 'new').start({ text: '' }).then(() => true, () => false))
    expect(runtime.health().counters.compacted).toBeGreaterThan(10)
    await setMax(redis, (await usedBytes(redis)) - MB)
  }
  await using runtime = await open(redis, prefix)
  await waitUntil('a start is taken', () => runtime.actor(order, 'another').start({ text: '' }).then(() => true, () => false))
  expect((await runtime.actor(order, 'live').ask({ type: 'ADD' })).context).toEqual({ text: 'live', n: 1 })
}, 60_000)

test('a cluster is as full as its fullest primary', async () => {
  await using cluster = await startCluster({ replicas: 0 })
  const store = await openRedisStore(`redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}/?prefix=${newPrefix()}&partitions=8`)
  const size = async () => (await store.size?.()) ?? { bytes: 0, bytesMax: 0 }
  expect((await size()).bytesMax).toBeUndefined()
  const [first, second] = cluster.nodes as [RedisServer, RedisServer]
  await setMax(first, 100 * MB)
  await setMax(second, 2 * (await usedBytes(second)))
  const { bytes, bytesMax = 0 } = await size()
  const [half, all] = [bytesMax / 2, await Promise.all(cluster.nodes.map(usedBytes))]
  // One primary is half full, so all that the cluster takes is twice what it has.
  expect(Math.abs(bytes / half - 1)).toBeLessThan(0.2)
  expect(Math.abs(bytes / all.reduce((sum, used) => sum + used) - 1)).toBeLessThan(0.2)
  await store.close()
}, 60_000)
