import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import type { Runtime } from 'troupe'
import { assign, setup } from 'xstate'
import { startCluster } from '../support/redis/redis-cluster.ts'
import { startProxy } from '../support/redis/tcp-proxy.ts'
import type { TcpProxy } from '../support/redis/tcp-proxy.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { waitUntil } from '../support/processes.ts'

const tally = setup({ types: { context: {} as { readonly seen: readonly number[] }, events: {} as { readonly type: 'COUNT'; readonly n: number } } }).createMachine({
  context: { seen: [] },
  on: { COUNT: { actions: assign({ seen: ({ context, event }) => [...context.seen, event.n] }) } },
})

const ACTORS = 12
const quiet = () => undefined

/** Sends 1, 2, 3 … to every actor until it is told to stop; a send that failed is sent again under the same key. Gives back how far each came. */
function sendForever(runtime: Runtime<{ tally: typeof tally }>) {
  const progress = { stopped: false, sent: 0, failures: 0 }
  const lanes = Array.from({ length: ACTORS }, async (_, index) => {
    const handle = runtime.actor('tally', `${index}`)
    let n = 1
    for (; !progress.stopped; n++) {
      for (;;) {
        try {
          await handle.send({ type: 'COUNT', n }, { idempotencyKey: `n${n}` })
          progress.sent++
          break
        } catch {
          progress.failures++
          await new Promise(resolve => setTimeout(resolve, 5))
        }
      }
    }
    return n - 1
  })
  return { progress, stop: () => ((progress.stopped = true), Promise.all(lanes)) }
}

async function expectExact(runtime: Runtime<{ tally: typeof tally }>, reached: readonly number[]): Promise<void> {
  for (const [index, last] of reached.entries()) {
    const expected = Array.from({ length: last }, (_, n) => n + 1)
    await waitUntil(`actor ${index} has seen ${last}`, async () => (await runtime.actor('tally', `${index}`).snapshot()).context.seen.length >= last)
    expect((await runtime.actor('tally', `${index}`).snapshot()).context.seen).toEqual(expected)
  }
}

const faults: Readonly<Record<string, (proxy: TcpProxy) => Promise<void>>> = {
  'connections that are reset': async proxy => proxy.reset(),
  'answers that are lost after the write': async proxy => proxy.cutAfterWrite('EVALSHA'),
  'a link that swallows everything for a moment': async (proxy) => {
    proxy.blackhole(true)
    await new Promise(resolve => setTimeout(resolve, 60))
    proxy.blackhole(false)
    proxy.reset()
  },
  'pieces of seven bytes': async proxy => proxy.split(7),
}

const hitsOf = ({ counts }: TcpProxy): number => Object.values(counts.hits).reduce((sum, count) => sum + count, 0)

describe.each(['owner', 'sender'] as const)('the link of the %s', (whose) => {
  test.each(Object.keys(faults))('%s: nothing is lost, doubled or out of order', async (name) => {
    await using redis = await startRedis()
    await using proxy = await startProxy({ port: redis.port })
    const query = `?prefix=test-${randomUUID()}&partitions=4`
    const [bad, good] = [`redis://127.0.0.1:${proxy.port}${query}`, `${redis.url}${query}`]
    const options = { machines: { tally }, limits: { leaseTtlMs: 1_000 }, onError: quiet }
    const owner = await createRuntime({ ...options, store: whose === 'owner' ? bad : good })
    await Promise.all(Array.from({ length: ACTORS }, (_, index) => owner.actor('tally', `${index}`).start()))
    const sender = await createRuntime({ ...options, store: whose === 'owner' ? good : bad })
    const { progress, stop } = sendForever(sender)
    const strike = faults[name] as (proxy: TcpProxy) => Promise<void>
    const rounds = name.startsWith('pieces') ? 1 : 8
    for (let round = 0; round < rounds; round++) {
      const before = progress.sent
      await waitUntil('events are in flight', async () => progress.sent > before + ACTORS)
      const hits = hitsOf(proxy)
      await waitUntil('the fault has met traffic', async () => {
        await strike(proxy)
        return hitsOf(proxy) > hits
      })
    }
    const before = progress.sent
    await waitUntil('work goes on after the faults', async () => progress.sent > before + 5 * ACTORS)
    const reached = await stop()
    await proxy.heal()
    await expectExact(sender, reached)
    await Promise.all([owner.close(), sender.close()])
  }, 60_000)
})

test('kill -9 of Redis with appendfsync always: what was accepted is there when it is back', async () => {
  await using redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
  const store = `${redis.url}?prefix=test-${randomUUID()}&partitions=4&durability=power-loss`
  const options = { machines: { tally }, store, limits: { leaseTtlMs: 1_000 }, onError: quiet }
  const [first, second] = [await createRuntime(options), await createRuntime(options)]
  await Promise.all(Array.from({ length: ACTORS }, (_, index) => first.actor('tally', `${index}`).start()))
  const { progress, stop } = sendForever(second)
  for (let round = 0; round < 5; round++) {
    const before = progress.sent
    await waitUntil('events are in flight', async () => progress.sent > before + ACTORS)
    await redis.kill('SIGKILL')
    await redis.restart()
  }
  const before = progress.sent
  await waitUntil('work goes on', async () => progress.sent > before + 5 * ACTORS)
  await expectExact(second, await stop())
  await Promise.all([first.close(), second.close()])
}, 60_000)

test('SCRIPT FLUSH and CLIENT KILL in the middle of it change nothing', async () => {
  await using redis = await startRedis()
  const store = `${redis.url}?prefix=test-${randomUUID()}&partitions=4`
  const options = { machines: { tally }, store, limits: { leaseTtlMs: 1_000 }, onError: quiet }
  const [first, second] = [await createRuntime(options), await createRuntime(options)]
  await Promise.all(Array.from({ length: ACTORS }, (_, index) => first.actor('tally', `${index}`).start()))
  const { progress, stop } = sendForever(second)
  for (let round = 0; round < 10; round++) {
    const before = progress.sent
    await waitUntil('events are in flight', async () => progress.sent > before + ACTORS)
    await redis.command('SCRIPT', 'FLUSH')
    await redis.command('CLIENT', 'KILL', 'TYPE', round % 2 === 0 ? 'normal' : 'pubsub')
  }
  const before = progress.sent
  await waitUntil('work goes on', async () => progress.sent > before + 5 * ACTORS)
  await expectExact(second, await stop())
  await Promise.all([first.close(), second.close()])
}, 60_000)

describe('a Redis Cluster', () => {
  test('slots that move under traffic: nothing is lost, doubled or out of order', async () => {
    await using cluster = await startCluster({ masters: 3, replicas: 0 })
    const prefix = `test-${randomUUID()}`
    const store = `redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?prefix=${prefix}&partitions=4`
    const options = { machines: { tally }, store, limits: { leaseTtlMs: 1_000 }, onError: quiet }
    const [first, second] = [await createRuntime(options), await createRuntime(options)]
    await Promise.all(Array.from({ length: ACTORS }, (_, index) => first.actor('tally', `${index}`).start()))
    const { progress, stop } = sendForever(second)
    for (let partition = 0; partition < 4; partition++) {
      const before = progress.sent
      await waitUntil('events are in flight', async () => progress.sent > before + ACTORS)
      const slot = await cluster.slotOf(`{${prefix}:${partition}}`)
      const from = await cluster.ownerOf(slot)
      const to = cluster.nodes.find(node => node !== from)
      if (to) await cluster.moveSlot(slot, from, to)
    }
    const before = progress.sent
    await waitUntil('work goes on', async () => progress.sent > before + 5 * ACTORS)
    await expectExact(second, await stop())
    await Promise.all([first.close(), second.close()])
  }, 60_000)

  test('a failover loses nothing that was accepted at durability=failover', async () => {
    await using cluster = await startCluster({ config: { appendonly: 'yes' } })
    const store = `redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}?prefix=test-${randomUUID()}&partitions=4&durability=failover`
    const options = { machines: { tally }, store, limits: { leaseTtlMs: 1_000 }, onError: quiet }
    const [first, second] = [await createRuntime(options), await createRuntime(options)]
    await Promise.all(Array.from({ length: ACTORS }, (_, index) => first.actor('tally', `${index}`).start()))
    const { progress, stop } = sendForever(second)
    for (const replica of cluster.nodes.slice(3)) {
      const before = progress.sent
      await waitUntil('events are in flight', async () => progress.sent > before + ACTORS)
      await cluster.failover(replica)
    }
    const before = progress.sent
    await waitUntil('work goes on', async () => progress.sent > before + 5 * ACTORS)
    await expectExact(second, await stop())
    await Promise.all([first.close(), second.close()])
  }, 60_000)
})
