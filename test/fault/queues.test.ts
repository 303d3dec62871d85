import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import type { QueueView } from 'troupe'
import { createSeededRandom } from 'troupe/testing'
import type { JobCommand, JobFact } from '../support/job-process.ts'
import { quiet } from '../support/job-rig.ts'
import type { Jobs } from '../support/job-rig.ts'
import { JobStream, expectOnce } from '../support/job-stream.ts'
import { startPeer, waitUntil } from '../support/processes.ts'
import { machines } from '../support/queue-machines.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { startProxy } from '../support/redis/tcp-proxy.ts'
import type { TcpProxy } from '../support/redis/tcp-proxy.ts'
import { WorkerCrew } from '../support/worker-crew.ts'
import type { WorkerPeer } from '../support/worker-peer.ts'

const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
const random = createSeededRandom(SEED)
const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T
const tell = (what: string, facts: object): void => console.log(`queues: ${what}, seed ${SEED} (set TROUPE_SEED to run it again) ${JSON.stringify(facts)}`)

const KILLS = 30
/** How long a worker may be silent in these tests. */
const MIN_IDLE_MS = 400
const LEASE_MS = 1_000
const served = { gpu: { minIdleMs: MIN_IDLE_MS, concurrency: 4, deliveriesMax: 1_000 } }

/** How often the queue has counted each task that is still active. */
async function deliveriesOf(keys: readonly string[]): Promise<readonly (readonly [key: string, deliveries: number])[]> {
  const states = await Promise.all(keys.map(key => redis.command('HGET', `{${new URL(store).searchParams.get('prefix')}:q:gpu}:index`, `default/job/${key}:1:1`)))
  return states.flatMap((state, index) => {
    const deliveries = /^a\|[^|]+\|(\d+)\|/.exec(String(state))?.[1]
    return deliveries === undefined ? [] : [[keys[index] ?? '', Number(deliveries)] as const]
  })
}

const queueOf = async (runtime: Jobs): Promise<QueueView | undefined> => (await runtime.queues()).find(({ queue }) => queue === 'gpu')

let redis: RedisServer
let store: string
beforeEach(async () => {
  redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
  store = `${redis.url}?prefix=test-${randomUUID()}&partitions=4`
})
afterEach(() => redis.stop())

const open = (at = store): Promise<Jobs> => createRuntime({ machines, store: at, limits: { leaseTtlMs: LEASE_MS }, onError: quiet })

test('workers that are killed at random: every task ends once, and runs again only where its worker died', async () => {
  await using runtime = await open()
  await using crew = new WorkerCrew(store, served)
  await crew.fill(4)
  const stream = new JobStream(runtime, 24, () => ({ do: 'sleep', ms: 20 + random.next() * 100 }))
  let kills = 0
  let inFlight = 0
  let counted = 0
  while (kills < KILLS) {
    for (let count = 1 + Math.floor(random.next() * 3); count > 0; count--) {
      await waitUntil('some worker runs something', () => crew.alive.some(({ open }) => open.length > 0))
      const victim = pick(crew.alive.filter(({ open }) => open.length > 0))
      await victim.kill()
      kills++
      const keys = victim.open
      inFlight += keys.length
      for (const [key, deliveries] of await deliveriesOf(keys)) {
        expect(deliveries, `deliveries of ${key}, counted before it ran`).toBeGreaterThanOrEqual(crew.begun(key).length)
        counted++
      }
    }
    await crew.fill(4)
    await stream.goOn(1 + Math.floor(random.next() * 8))
  }
  await crew.fill(4)
  await stream.goOn(24)
  await stream.finish()
  await expectOnce(runtime, stream.keys)
  const again = stream.keys.filter(key => crew.begun(key).length > 1)
  for (const key of again) expect(crew.begun(key).filter(({ isAlive }) => isAlive).length).toBeLessThanOrEqual(1)
  tell('kills of workers', { kills, inFlight, counted, jobs: stream.keys.length, ranAgain: again.length, most: Math.max(...stream.keys.map(key => crew.begun(key).length)) })
  // All under the same key and attempt number: `began` has found them by it.
  for (const key of stream.keys) expect(crew.begun(key).length).toBeGreaterThan(0)
  expect(crew.all.flatMap(({ tasks }) => tasks).every(({ attempt }) => attempt === 1)).toBe(true)
  expect(inFlight).toBeGreaterThanOrEqual(KILLS)
  expect(Math.min(again.length, counted)).toBeGreaterThan(0)
  expect(await queueOf(runtime)).toMatchObject({ active: 0, waiting: { medium: 0 }, ended: { deadLetters: 0 } })
}, 90_000)

test('a worker that freezes is replaced, and what it says when it goes on is refused', async () => {
  await using runtime = await open()
  await using crew = new WorkerCrew(store, served)
  await crew.fill(2)
  let frozenTasks = 0
  const keys: string[] = []
  for (let round = 0; round < 4; round++) {
    const [frozen, other] = (round % 2 === 0 ? crew.all : crew.all.toReversed()) as [WorkerPeer, WorkerPeer]
    const batch = Array.from({ length: 6 }, () => randomUUID())
    keys.push(...batch)
    for (const key of batch) await runtime.actor('job', key).start({ do: 'who', ms: 150 })
    await waitUntil('it runs something', () => frozen.open.length > 0)
    frozen.freeze()
    for (const key of batch) await runtime.actor('job', key).waitFor(({ value }) => value === 'worked', { timeout: 20_000 })
    const taken = batch.filter(key => crew.begun(key).length > 1)
    frozenTasks += taken.length
    frozen.thaw()
    await waitUntil('it has ended what it ran', () => frozen.open.length === 0)
    for (const key of taken) expect((await runtime.actor('job', key).snapshot()).context.results).toEqual([other.pid])
  }
  await waitUntil('all is told', async () => (await queueOf(runtime))?.active === 0)
  await expectOnce(runtime, keys)
  const refused = crew.overs - keys.length
  tell('freezes of workers', { frozenTasks, refused, stale: runtime.health().counters.staleTasks })
  expect(frozenTasks).toBeGreaterThanOrEqual(4)
  expect(refused).toBeGreaterThan(0)
  expect((await queueOf(runtime))?.ended).toMatchObject({ completed: keys.length, failed: 0, deadLetters: 0 })
}, 60_000)

test('owners that are killed while tasks wait, run or have ended: nothing is lost or run again', async () => {
  await using crew = new WorkerCrew(store, { gpu: { ...served.gpu, minIdleMs: 10_000 } })
  const keys: string[] = []
  const seen = { waiting: 0, active: 0, done: 0 }
  for (let round = 0; round < 3; round++) {
    const started = new Set<string>()
    let isReady = false
    await using owner = startPeer<JobCommand, JobFact>('job-process.ts', [store, String(LEASE_MS)], fact => {
      if (fact.fact === 'ready') isReady = true
      if (fact.fact === 'started') started.add(fact.key)
    })
    await waitUntil('the owner is ready', () => isReady)
    const batch = Array.from({ length: 16 }, () => randomUUID())
    keys.push(...batch)
    for (const key of batch) owner.tell({ key, order: { do: 'sleep', ms: 30 + random.next() * 60 } })
    await waitUntil('all have begun', () => started.size === batch.length)
    if (round > 0) await waitUntil('some run, or have ended', () => batch.some(key => crew.begun(key).length > 0))
    await owner.kill()
    // From the queue itself: nobody is there to ask.
    const of = (name: string, command: 'XLEN' | 'ZCARD') => redis.command(command, `{${new URL(store).searchParams.get('prefix')}:q:gpu}:${name}`) as Promise<number>
    seen.waiting += await of('pending:medium', 'XLEN')
    seen.active += await of('active', 'XLEN')
    if (round === 0) await crew.fill(2)
    await waitUntil('all have run without an owner', async () => (await of('active', 'XLEN')) + (await of('pending:medium', 'XLEN')) === 0)
    seen.done += await of('done', 'ZCARD')
    await using heir = await open()
    for (const key of batch) await heir.actor('job', key).waitFor(({ value }) => value !== 'working', { timeout: 20_000 })
    await expectOnce(heir, batch)
    await waitUntil('all is settled', async () => (await of('done', 'ZCARD')) === 0)
  }
  for (const key of keys) expect(crew.begun(key)).toHaveLength(1)
  tell('kills of owners', { jobs: keys.length, ...seen })
  expect(Math.min(seen.waiting, seen.active, seen.done)).toBeGreaterThan(0)
}, 60_000)

test('kill -9 of Redis with appendfsync always: every task ends once when it is back', async () => {
  const durable = `${store}&durability=power-loss`
  await using runtime = await open(durable)
  await using crew = new WorkerCrew(durable, served)
  await crew.fill(2)
  const stream = new JobStream(runtime, 16, () => ({ do: 'sleep', ms: 10 + random.next() * 60 }))
  let inFlight = 0
  for (let round = 0; round < 5; round++) {
    await stream.goOn(10)
    await waitUntil('tasks run', () => crew.alive.some(({ open }) => open.length > 0))
    inFlight += crew.alive.reduce((sum, { open }) => sum + open.length, 0)
    await redis.kill('SIGKILL')
    await redis.restart()
  }
  await stream.goOn(32)
  await stream.finish()
  await expectOnce(runtime, stream.keys)
  tell('kills of Redis', { inFlight, jobs: stream.keys.length, runs: crew.overs })
  expect(inFlight).toBeGreaterThanOrEqual(5)
}, 60_000)

test('a task that takes every worker down ends as crashed, and its actor and all others go on', async () => {
  await using runtime = await open()
  await using crew = new WorkerCrew(store, { gpu: { minIdleMs: MIN_IDLE_MS, concurrency: 4, deliveriesMax: 3 } })
  await crew.fill(2)
  await runtime.actor('job', 'poison').start({ do: 'die' })
  const failed = runtime.actor('job', 'poison').waitFor(({ value }) => value === 'failed', { timeout: 40_000 })
  let isOver = false
  void failed.finally(() => (isOver = true))
  await waitUntil('it is given up', async () => {
    await crew.fill(2)
    return isOver
  }, 40_000)
  expect((await failed).context.error).toMatchObject({ code: 'task/crashed', message: expect.stringContaining('3 workers went silent') })
  const deaths = crew.all.filter(({ isAlive }) => !isAlive).length
  tell('a poison task', { deaths })
  expect(crew.begun('poison')).toHaveLength(3)
  expect(deaths).toBe(3)
  await runtime.actor('job', 'next').start({ do: 'echo', value: 1 })
  await runtime.actor('job', 'next').waitFor(({ value }) => value === 'worked', { timeout: 20_000 })
  expect(await queueOf(runtime)).toMatchObject({ active: 0, ended: { deadLetters: 1 } })
}, 60_000)

const cuts: Readonly<Record<string, (proxy: TcpProxy) => Promise<void>>> = {
  'connections that are reset': async proxy => proxy.reset(),
  'answers that are lost after the write': async proxy => proxy.cutAfterWrite('EVALSHA'),
  'a link that swallows everything for longer than a worker may be silent': async proxy => {
    proxy.blackhole(true)
    await new Promise(resolve => setTimeout(resolve, MIN_IDLE_MS * 1.5))
    proxy.blackhole(false)
    proxy.reset()
  },
}
const hitsOf = ({ counts }: TcpProxy): number => Object.values(counts.hits).reduce((sum, count) => sum + count, 0)

describe.each(['worker', 'owner'] as const)('the link of the %s', whose => {
  test.each(Object.keys(cuts))('%s: every task ends once', async name => {
    await using proxy = await startProxy({ port: redis.port })
    const bad = store.replace(String(redis.port), String(proxy.port))
    await using runtime = await open(whose === 'owner' ? bad : store)
    await using crew = new WorkerCrew(whose === 'owner' ? store : bad, served)
    await crew.fill(1)
    const stream = new JobStream(runtime, 8, () => ({ do: 'sleep', ms: 5 + random.next() * 30 }))
    const strike = cuts[name] as (proxy: TcpProxy) => Promise<void>
    let inFlight = 0
    for (let round = 0; round < 4; round++) {
      await stream.goOn(8)
      const hits = hitsOf(proxy)
      await waitUntil('the fault has met traffic', async () => {
        inFlight += crew.alive.reduce((sum, { open }) => sum + open.length, 0)
        await strike(proxy)
        return hitsOf(proxy) > hits
      })
    }
    await proxy.heal()
    await stream.goOn(16)
    await stream.finish()
    await expectOnce(runtime, stream.keys)
    tell(`the link of the ${whose}: ${name}`, { hits: hitsOf(proxy), inFlight, jobs: stream.keys.length, runs: crew.overs })
    expect(inFlight).toBeGreaterThan(0)
  }, 60_000)
})
