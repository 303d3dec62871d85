import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createRuntime, remote } from 'troupe'
import type { ActorHandle, Runtime, Store } from 'troupe'
import { createMemoryStore, createSeededRandom, createVirtualClock } from 'troupe/testing'
import { fromCallback, setup } from 'xstate'
import { parseAddress, partitionOf } from '../../src/core/address.ts'
import { createAsker } from '../support/askers.ts'
import type { AskersParts, Plan } from '../support/askers.ts'
import { waitUntil } from '../support/processes.ts'
import { openTestRedis } from '../support/redis/open-test-redis.ts'
import { makeTempDir } from '../support/temp-dir.ts'

const PROBE_MS = 2_000
const PARTITIONS = 32
const question = { type: 'QUESTION' } as const

/** Actors that ask each other, on so many nodes. */
async function askers({ nodes = 1, wait, seed = 1, limits = {} }: { readonly nodes?: number; readonly wait?: AskersParts['wait']; readonly seed?: number; readonly limits?: { readonly askCycleMax?: number } } = {}) {
  const clock = createVirtualClock()
  const random = createSeededRandom(seed)
  const messages: string[] = []
  const mail = { isHeld: false }
  const store = tapped(createMemoryStore({ partitions: nodes === 1 ? 1 : PARTITIONS, shared: nodes > 1 }), data => messages.push(data), mail)
  const runtimes: Runtime[] = []
  const open = async () => {
    const node = runtimes.length
    const asker = createAsker({ runtime: () => runtimes[node] as Runtime, sleep: ms => new Promise(resolve => clock.setTimer(() => resolve(), ms)), ...(wait && { wait }) })
    /** Asks another actor from a callback, and so from no task. */
    const bystander = setup({
      types: { context: {} as { readonly outcome: string }, events: {} as { readonly type: 'QUESTION' } },
      actors: { code: fromCallback(() => void runtimes[node]?.at('asker/1').ask(question, { until: 'reply' }).catch((error: { code: string }) => errors.push(error.code))) },
    }).createMachine({ context: { outcome: '' }, initial: 'idle', states: { idle: { on: { QUESTION: 'busy' } }, busy: { invoke: { src: 'code', id: 'code' } } } })
    /** Waits for a durable child, then answers. */
    const boss = setup({
      types: { context: {} as { readonly outcome: string }, events: {} as { readonly type: 'QUESTION' } },
      actors: { asker: remote<typeof asker>('asker') },
    }).createMachine({
      context: { outcome: '' },
      invoke: { src: 'asker', id: 'worker', input: { asks: ['boss/1'], startsAtOnce: true } },
    })
    const runtime = await createRuntime({ machines: { asker, bystander, boss }, store, clock, random, limits })
    runtimes.push(runtime as unknown as Runtime)
    onTestFinished(() => runtime.close())
    return runtime
  }
  const errors: string[] = []
  const runtime = await open()
  while (runtimes.length < nodes) await open()
  await clock.advance(nodes > 1 ? 5_000 : 0)
  const at = (key: string | number) => runtime.actor('asker', `${key}`)
  return {
    runtime,
    runtimes,
    messages,
    mail,
    errors,
    at,
    /** In portions where there are many nodes: a skip is one look around, and leases would run out. */
    advance: async (ms: number) => {
      const portion = nodes === 1 ? ms : 1_000
      for (let passed = portion; passed < ms; passed += portion) await clock.advance(portion)
      await clock.advance(portion === 0 ? 0 : ms % portion || portion)
    },
    /** Starts all of them, then sends them to work. */
    begin: async (plans: Record<string, Plan>) => {
      for (const [key, plan] of Object.entries(plans)) await at(key).start(plan)
      for (const key of Object.keys(plans)) {
        await at(key).send({ type: 'GO' })
        await clock.advance(1)
      }
    },
    outcomes: (...keys: readonly (string | number)[]) => Promise.all(keys.map(async key => (await at(key).snapshot()).context.outcome)),
  }
}

/** Tells the text of each message that the store is given, and holds answers back. */
const tapped = (store: Store, hear: (data: string) => void, mail: { readonly isHeld: boolean }): Store =>
  new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (name === 'takeReplies' && mail.isHeld) return Promise.resolve([])
        const sent = name === 'append' ? args[0] : name === 'commit' ? (args[1] as { outbox: unknown }).outbox : []
        for (const { data } of sent as readonly { data: string }[]) hear(data)
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })

const deadlock = (...path: readonly (string | number)[]) =>
  `ask/deadlock: asker/${path[0]} waits for asker/${path[1]} in a cycle that nothing else can end: ${path.map(key => `asker/${key}`).join(' → ')}`

describe('a cycle of asks', () => {
  test('of two ends the younger ask with an error that names it; the other one gets its answer', async () => {
    const { advance, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2'] }, 2: { asks: ['asker/1'] } })
    await advance(PROBE_MS - 2)
    expect(await outcomes(1, 2)).toEqual(['', ''])
    await advance(1)
    expect(await outcomes(1, 2)).toEqual(['answered', deadlock(2, 1, 2)])
  })

  test('is found in an actor that asks itself', async () => {
    const { advance, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/1'] } })
    await advance(PROBE_MS)
    expect(await outcomes(1)).toEqual([deadlock(1, 1)])
  })

  test('is named whole, by the code, the address and the details of the error', async () => {
    const seen: unknown[] = []
    const { advance, begin, outcomes } = await askers({ wait: (runtime, address) => runtime.at(address).ask(question, { until: 'reply' }).catch(error => Promise.reject((seen.push(error), error))) })
    await begin({ 1: { asks: ['asker/2'] }, 2: { asks: ['asker/3'] }, 3: { asks: ['asker/1'] } })
    await advance(PROBE_MS)
    expect(await outcomes(1, 2, 3)).toEqual(['answered', 'answered', deadlock(3, 1, 2, 3)])
    expect(seen).toMatchObject([{ code: 'ask/deadlock', address: 'asker/1', retryable: false, details: { cycle: ['asker/3', 'asker/1', 'asker/2', 'asker/3'] } }])
  })

  test('is found by one that waits outside of the cycle too, who only waits until it is ended', async () => {
    const { advance, at, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2'] }, 2: { asks: ['asker/1'] }, 3: { asks: ['asker/1'] } })
    const outside = at(1).ask(question, { until: 'reply' })
    await advance(PROBE_MS)
    expect(await outcomes(1, 2, 3)).toEqual(['answered', deadlock(2, 1, 2), 'answered'])
    expect((await outside).reply).toBe('answered')
  })

  test('that closes long after an ask began is found', async () => {
    const { advance, at, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2'] }, 2: { workMs: 60_000, asks: [] } })
    await at(3).start({ asks: ['asker/1', 'asker/3'] })
    await advance(20_000)
    await at(3).send({ type: 'GO' })
    await advance(PROBE_MS)
    expect(await outcomes(3)).toEqual([deadlock(3, 3)])
  })

  test.each([
    ['an ask until a tag', (runtime, address) => runtime.at(address).ask(question, { until: { tag: 'over' }, timeout: 600_000 })],
    ['an ask until a predicate', (runtime, address) => runtime.at(address).ask(question, { until: ({ value }) => value === 'over' })],
    ['waitFor', (runtime, address) => runtime.at(address).waitFor({ tag: 'over' })],
    ['result', (runtime, address) => runtime.at(address).result()],
  ] satisfies [string, AskersParts['wait']][])('is found when its actors wait by %s', async (_, wait) => {
    const { advance, begin, outcomes } = await askers({ wait })
    await begin({ 1: { asks: ['asker/2'] }, 2: { asks: ['asker/1'] } })
    await advance(PROBE_MS)
    expect((await outcomes(2))[0]).toBe(deadlock(2, 1, 2))
  })

  test('is found by one way without hope, though another one that comes first has some', async () => {
    const { advance, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2', 'asker/3'] }, 2: { asks: ['asker/4'], mayBeTold: true }, 3: { asks: ['asker/4'] }, 4: { asks: ['asker/5'] }, 5: { asks: ['asker/1'] } })
    await advance(PROBE_MS)
    expect(await outcomes(1, 2, 3, 4, 5)).toEqual(['answered', 'answered', 'answered', 'answered', deadlock(5, 1, 3, 4, 5)])
  })

  test('is found when a parent that waits for its durable child is part of it', async () => {
    const { advance, runtime, errors } = await askers()
    await runtime.actor('boss', '1').start()
    await advance(PROBE_MS)
    const [child] = (await runtime.actors({ machine: 'asker' })).actors
    expect((await runtime.at(child?.address ?? '').snapshot()).context).toMatchObject({ outcome: expect.stringContaining(`end: ${child?.address} → boss/1 → ${child?.address}`) as string })
    expect(errors).toEqual([])
  })

  test.each(['sqlite', 'redis'])('is found on %s, by the clock of the system', async kind => {
    const opened = kind === 'redis' ? await openTestRedis() : undefined
    onTestFinished(() => opened?.close())
    const folder = await makeTempDir()
    onTestFinished(() => rm(folder, { recursive: true }))
    const store = opened ? `${opened.url}?prefix=${opened.prefix}&partitions=${PARTITIONS}` : `sqlite:${join(folder, 'a.db')}`
    const open = async (): Promise<Runtime> => {
      const asker = createAsker({ runtime: () => own, sleep: ms => sleep(ms) })
      const own: Runtime = (await createRuntime({ machines: { asker }, store, limits: { askProbeMs: 50 } })) as unknown as Runtime
      onTestFinished(() => own.close())
      return own
    }
    const runtimes = [await open(), await open()]
    if (kind === 'redis') await waitUntil('both own partitions', () => runtimes.every(runtime => runtime.health().partitions.owned.length > 0))
    const ring = Array.from({ length: 9 }, (_, n) => runtimes[0]?.at(`asker/${n}`) as ActorHandle<ReturnType<typeof createAsker>>)
    for (const [n, actor] of ring.entries()) await actor.start({ asks: [`asker/${(n + 1) % ring.length}`] })
    for (const actor of ring) await actor.send({ type: 'GO' })
    const ends = await Promise.all(ring.map(actor => actor.waitFor({ tag: 'over' })))
    const failed = ends.map(({ context }) => context.outcome).filter(outcome => outcome !== 'answered')
    expect(failed).toHaveLength(1)
    for (const actor of ring) expect(failed[0]).toContain(actor.address)
  })

  test('is found over many nodes', async () => {
    const { advance, begin, outcomes, runtimes } = await askers({ nodes: 3 })
    expect(runtimes.map(runtime => runtime.health().partitions.owned.length).every(owned => owned > 0)).toBe(true)
    const ring = Array.from({ length: 24 }, (_, n) => n)
    await begin(Object.fromEntries(ring.map(n => [n, { asks: [`asker/${(n + 1) % 24}`] }])))
    await advance(PROBE_MS)
    const all = await outcomes(...ring)
    expect(all.filter(outcome => outcome === 'answered')).toHaveLength(23)
    expect(all.filter(outcome => outcome !== 'answered')).toEqual([deadlock(23, ...ring)])
  })
})

test('a cycle is found after a node of it has gone, and its tasks ask again elsewhere', async () => {
  const { advance, begin, outcomes, runtimes } = await askers({ nodes: 2 })
  const ring = [0, 1, 2, 3, 4, 5, 6, 7]
  await begin(Object.fromEntries(ring.map(n => [n, { asks: [`asker/${(n + 1) % ring.length}`] }])))
  await runtimes[1]?.close()
  await advance(10 * PROBE_MS)
  const all = await outcomes(...ring)
  expect(all.filter(outcome => outcome === 'answered')).toHaveLength(7)
  expect(all.filter(outcome => outcome.startsWith('ask/deadlock'))).toHaveLength(1)
})

describe('what is no deadlock is let alone', () => {
  test('a chain that is slow but alive, on one node and on many', async () => {
    for (const nodes of [1, 2]) {
      const { advance, begin, outcomes } = await askers({ nodes })
      await begin({ 1: { asks: ['asker/2', 'asker/3'] }, 2: { asks: ['asker/3'] }, 3: { asks: ['asker/4'] }, 4: { workMs: 500_000 } })
      await advance(490_000)
      expect(await outcomes(1, 2, 3, 4)).toEqual(['', '', '', ''])
      await advance(10_000)
      expect(await outcomes(1, 2, 3, 4)).toEqual(['answered', 'answered', 'answered', 'answered'])
    }
  })

  test('a cycle of which one can still be told something: it goes on once it is', async () => {
    const { advance, at, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2'], mayBeTold: true }, 2: { asks: ['asker/1'] } })
    await advance(100_000)
    expect(await outcomes(1, 2)).toEqual(['', ''])
    await at(1).send({ type: 'TELL' })
    await advance(0)
    expect(await outcomes(1, 2)).toEqual(['told', 'answered'])
  })

  test('a cycle that a timer ends', async () => {
    const { advance, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2'], patienceMs: 100_000 }, 2: { asks: ['asker/1'] } })
    await advance(99_000)
    expect(await outcomes(1, 2)).toEqual(['', ''])
    await advance(1_000)
    expect(await outcomes(1, 2)).toEqual(['out of patience', 'answered'])
  })

  test('a question back that is answered at once', async () => {
    const back = (runtime: Runtime, address: string) => runtime.at(address).ask(question, { until: address === 'asker/1' ? 'processed' : 'reply', timeout: 600_000 })
    const { advance, begin, outcomes } = await askers({ wait: back })
    await begin({ 1: { asks: ['asker/2'] }, 2: { asks: ['asker/1'], workMs: 100_000 } })
    await advance(101_000)
    expect(await outcomes(1, 2)).toEqual(['answered', 'answered'])
  })

  test('an actor that is paused: it may be resumed', async () => {
    const { advance, at, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2'] }, 2: { asks: ['asker/1'] } })
    await at(1).pause()
    await advance(100_000)
    expect(await outcomes(1, 2)).toEqual(['', ''])
    await at(1).resume()
    await advance(100_000)
    expect(await outcomes(1, 2)).toEqual(['answered', deadlock(2, 1, 2)])
  })

  test('an ask from outside of all tasks', async () => {
    const { advance, at, begin } = await askers()
    await begin({ 1: { asks: ['asker/1'], mayBeTold: true } })
    const outside = at(1).ask(question, { until: 'reply' }).catch((error: { code: string }) => error.code)
    await advance(30_000)
    expect(await outside).toBe('ask/timeout')
  })

  test('an answer that is on its way', async () => {
    const { advance, begin, outcomes, runtimes, mail } = await askers({ nodes: 2 })
    const ownerOf = (key: string) => runtimes.findIndex(each => each.health().partitions.owned.includes(partitionOf(parseAddress(`asker/${key}`), PARTITIONS)))
    const far = ['2', '3', '4', '5', '6', '7', '8', '9'].find(key => ownerOf(key) !== ownerOf('1')) ?? ''
    await begin({ [far]: { asks: ['asker/1'], answersAtOnce: true } })
    mail.isHeld = true
    await begin({ 1: { asks: [`asker/${far}`] } })
    await advance(10_000)
    expect(await outcomes(1, far)).toEqual(['', ''])
    mail.isHeld = false
    await advance(2_000)
    expect(await outcomes(1, far)).toEqual(['answered', 'answered'])
  })

  test('code that a step of another actor has set going: it is not the code of the task that has sent the event', async () => {
    const { advance, begin, runtime, errors } = await askers({ wait: (from, address) => from.at(address).ask(question, { until: 'reply' }) })
    await runtime.actor('bystander', '1').start()
    await begin({ 1: { restMs: 1_000, asks: ['bystander/1'] } })
    await advance(40_000)
    expect(errors).toEqual(['ask/timeout'])
  })
})

test('an ask whose time is over names the cycle that might have ended by itself', async () => {
  const errors: unknown[] = []
  const { advance, begin } = await askers({ wait: (runtime, address) => runtime.at(address).ask(question, { until: 'reply' }).catch(error => Promise.reject((errors.push(error), error))) })
  await begin({ 1: { asks: ['asker/2'], mayBeTold: true }, 2: { asks: ['asker/3'] }, 3: { asks: ['asker/1'] } })
  await advance(30_000)
  expect(errors).toHaveLength(3)
  expect(errors[2]).toMatchObject({
    code: 'ask/timeout',
    message: 'asker/1 did not answer within 30000 ms; they wait for each other: asker/3 → asker/1 → asker/2 → asker/3, though asker/1 might go on by the event TELL',
    details: { cycle: ['asker/3', 'asker/1', 'asker/2', 'asker/3'] },
  })
})

describe('a probe', () => {
  test('is no step of any actor, and wakes none that has ended', async () => {
    const { advance, at, begin, outcomes } = await askers()
    await begin({ 1: { asks: ['asker/2', 'asker/3'] }, 2: { workMs: 1_000_000 }, 3: { workMs: 1_000_000 } })
    await at(3).stop()
    const before = await Promise.all([1, 2, 3].map(async key => (await at(key).history()).length))
    await advance(500_000)
    expect(await Promise.all([1, 2, 3].map(async key => (await at(key).history()).length))).toEqual(before)
    expect((await at(3).snapshot()).status).toBe('stopped')
    expect(await outcomes(1)).toEqual([''])
  })

  test('passes each wait once in a round, however many ways lead to it', async () => {
    const WIDTH = 6
    const { advance, begin, messages } = await askers({ nodes: 2 })
    const layers = Array.from({ length: 5 }, (_, layer) => Array.from({ length: WIDTH }, (__, n) => `${layer}.${n}`))
    const plans = layers.flatMap((keys, layer) => keys.map((key): [string, Plan] => [key, layer === 4 ? { workMs: 1_000_000 } : { asks: layers[layer + 1]?.map(next => `asker/${next}`) ?? [] }]))
    await begin(Object.fromEntries(plans.toReversed()))
    await begin({ top: { asks: ['asker/0.0'] } })
    await advance(PROBE_MS)
    const probes = new Map<string, number>()
    for (const data of messages) {
      const wait = /"kind":"probe","probe":\{"wait":"([^"]+)"/.exec(data)?.[1]
      if (wait !== undefined) probes.set(wait, (probes.get(wait) ?? 0) + 1)
    }
    expect(Math.max(...probes.values())).toBeGreaterThan(WIDTH)
    // Of the ways there are 6 x 6 x 6 x 6, of the waits on them 1 + 6 + 3 x 36.
    expect(Math.max(...probes.values())).toBeLessThanOrEqual(115)
  })

  test('goes no further than askCycleMax actors', async () => {
    const ring = async (size: number) => {
      const { advance, begin, outcomes } = await askers({ limits: { askCycleMax: 5 } })
      await begin(Object.fromEntries(Array.from({ length: size }, (_, n) => [n, { asks: [`asker/${(n + 1) % size}`] }])))
      await advance(300_000)
      return outcomes(0)
    }
    expect(await ring(5)).toEqual(['answered'])
    expect(await ring(6)).toEqual([''])
  })
})

test('of random crowds exactly one ask of each cycle is ended, and nothing else', async () => {
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const random = createSeededRandom(seed)
  let ended = 0
  for (let round = 0; round < 12; round++) {
    const size = 2 + Math.trunc(random.next() * 20)
    const keys = Array.from({ length: size }, (_, n) => n)
    // Each waits for one other, or works for a time: so the cycles are those of a function.
    const asks = keys.map(() => (random.next() < 0.85 ? Math.trunc(random.next() * size) : undefined))
    const { advance, begin, outcomes } = await askers({ nodes: 1 + (round % 3), seed: round + 1 })
    await begin(Object.fromEntries(asks.map((asked, n) => [n, asked === undefined ? { workMs: Math.trunc(random.next() * 50_000) } : { asks: [`asker/${asked}`] }])))
    await advance(120_000)
    const cycles = cyclesOf(asks)
    const failed = (await outcomes(...keys)).flatMap((outcome, n) => (outcome === 'answered' ? [] : [{ n, outcome }]))
    expect(failed, `seed ${seed}, round ${round}`).toHaveLength(cycles.length)
    ended += cycles.length
    for (const { n, outcome } of failed) {
      const cycle = cycles.find(each => each.includes(n)) ?? []
      const first = cycle.indexOf(n)
      expect(outcome, `seed ${seed}, round ${round}`).toBe(deadlock(...cycle.slice(first), ...cycle.slice(0, first), n))
    }
  }
  expect(ended).toBeGreaterThan(0)
})

test('of random crowds in which each asks several others none is left waiting, and each error names a cycle there is', async () => {
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const random = createSeededRandom(seed)
  let ended = 0
  for (let round = 0; round < 12; round++) {
    const size = 2 + Math.trunc(random.next() * 14)
    const keys = Array.from({ length: size }, (_, n) => n)
    const asks = keys.map(() => Array.from({ length: Math.trunc(random.next() * 4) }, () => Math.trunc(random.next() * size)))
    const { advance, begin, outcomes } = await askers({ nodes: 1 + (round % 3), seed: round + 1 })
    await begin(Object.fromEntries(asks.map((asked, n) => [n, { asks: asked.map(key => `asker/${key}`), workMs: Math.trunc(random.next() * 5_000) }])))
    await advance(120_000)
    for (const [n, outcome] of (await outcomes(...keys)).entries()) {
      if (outcome === 'answered') continue
      ended++
      const path = [...outcome.matchAll(/asker\/(\d+)/g)].slice(2).map(([, key]) => Number(key))
      expect([outcome.slice(0, 12), path[0], path.at(-1)], `seed ${seed}, round ${round}: ${outcome}`).toEqual(['ask/deadlock', n, n])
      for (const [at, key] of path.slice(1).entries()) expect(asks[path[at] ?? -1], `seed ${seed}, round ${round}: ${outcome}`).toContain(key)
    }
  }
  expect(ended).toBeGreaterThan(0)
})

function cyclesOf(next: readonly (number | undefined)[]): number[][] {
  const cycles: number[][] = []
  for (const start of next.keys()) {
    const path: number[] = []
    let at: number | undefined = start
    while (at !== undefined && !path.includes(at)) {
      path.push(at)
      at = next[at]
    }
    if (at === start && path.every(each => each >= start)) cycles.push(path)
  }
  return cycles
}
