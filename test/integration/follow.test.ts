import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { TroupeError } from 'troupe'
import type { Runtime, Store } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import type { InputOf } from '../../src/core/client/client.ts'
import { liveOperations } from '../../src/core/client/live.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { counters } from '../support/follow-machines.ts'
import { cursorOf, expectWhole, follow, open, places, take } from '../support/following.ts'
import type { Step } from '../support/following.ts'
import { waitUntil } from '../support/processes.ts'

describe('what is told', () => {
  test('every step of every actor, as it is committed, with the state after it; a cursor comes first', async () => {
    await using runtime = await open(createMemoryStore({ partitions: 4 }))
    await runtime.actor('counter', 'before').start()
    const { steps, items, stop } = await follow(runtime)
    await runtime.actor('counter', 'a').start()
    await runtime.actor('counter', 'a').send({ type: 'OFF' })
    await runtime.actor('other', 'b').start()
    await runtime.actor('other', 'b').send({ type: 'END' })
    await waitUntil('all steps are told', () => steps.length === 4)
    await stop()
    expect(items[0]?.type).toBe('cursor')
    for (const item of items) expect(liveOperations.follow.output.parse(item)).toEqual(item)
    expect(steps.filter(({ machine }) => machine === 'counter')).toMatchObject([
      { address: 'counter/a', run: 'counter/a', seq: 1, kind: 'start', states: ['on'], value: 'on', status: 'active', tags: ['lit'] },
      { address: 'counter/a', seq: 2, kind: 'event', event: { type: 'OFF' }, states: ['off'], value: 'off', tags: [] },
    ])
    expect(steps.filter(({ machine }) => machine === 'other')).toMatchObject([{ seq: 1 }, { seq: 2, status: 'done', states: ['ended'] }])
  })

  test.each<[string, InputOf<'follow'>, readonly string[]]>([
    ['of a machine', { machine: 'other' }, ['other/b 1', 'other/b 2']],
    ['of an address', { address: 'counter/a' }, ['counter/a 1', 'counter/a 2', 'counter/a 3']],
    ['of a run', { run: 'other/b' }, ['other/b 1', 'other/b 2']],
    ['of kinds', { kinds: ['start'] }, ['counter/a 1', 'other/b 1']],
    ['of types of events', { events: ['OFF', 'END'] }, ['counter/a 2', 'counter/a 3', 'other/b 2']],
    ['that end an actor', { ended: true, machine: 'counter' }, ['counter/a 3']],
  ])('only steps %s', async (_, filter, expected) => {
    await using runtime = await open('memory:')
    const { steps, stop } = await follow(runtime, filter)
    for (const [machine, key] of [['counter', 'a'], ['other', 'b']] as const) await runtime.actor(machine, key).start()
    await runtime.actor('counter', 'a').send({ type: 'OFF' })
    await runtime.actor('counter', 'a').ask({ type: 'END' })
    await runtime.actor('other', 'b').ask({ type: 'END' })
    await waitUntil('the steps are told', () => steps.length >= expected.length)
    await stop()
    expect(places(steps).toSorted()).toEqual(expected)
  })

  test('actors of Troupe itself are in no list, tally or stream, unless they are asked for by name', async () => {
    await using runtime = await open('memory:')
    const client = runtime.client()
    const all = await follow(runtime)
    const own = await follow(runtime, { machine: 'troupe.webhook' })
    const { id, secret } = await client.createWebhook({ url: 'https://example.com/hook', filter: { machine: 'nothing' } })
    await client.updateWebhook({ id, description: 'for nobody' })
    await runtime.actor('counter', 'a').start()
    await waitUntil('a step of each is told', () => all.steps.length > 0 && own.steps.length > 1)
    await all.stop()
    await own.stop()
    expect(places(all.steps)).toEqual(['counter/a 1'])
    expect(JSON.stringify(own.items)).not.toContain(secret)
    expect((await client.listActors({})).actors.map(({ address }) => address)).toEqual(['counter/a'])
    expect((await client.listActors({ machine: 'troupe.webhook' })).actors.length).toBeGreaterThan(0)
    expect(await client.tallyActors({})).toEqual({ total: 1, groups: [{ machine: 'counter', status: 'active', states: ['on'], count: 1 }] })
    expect((await client.tallyActors({ machine: 'troupe.webhook' })).total).toBeGreaterThan(0)
  })

  test('the steps of a commit are told one by one, and one may go on between them', async () => {
    await using runtime = await open('memory:')
    const from = await cursorOf(runtime)
    await runtime.actor('counter', 'a').start()
    await Promise.all(Array.from({ length: 20 }, () => runtime.actor('counter', 'a').send({ type: 'ADD' })))
    await runtime.actor('counter', 'a').ask({ type: 'ADD' })
    for (let count = 1; count <= 22; count++) {
      const first = await take(runtime, count, { from })
      const rest = await take(runtime, 22 - count, { from: first.at(-1)?.cursor ?? from })
      expectWhole([...first, ...rest], { 'counter/a': 22 })
    }
  })

  test('a stretch in which nothing passes ends with a cursor, so that it is not read again', async () => {
    await using runtime = await open('memory:')
    const { items, steps, stop } = await follow(runtime, { machine: 'other' })
    await runtime.actor('counter', 'a').start()
    for (let sent = 0; sent < 1_100; sent++) await runtime.actor('counter', 'a').ask({ type: 'ADD' })
    await waitUntil('a second cursor is told', () => items.length > 1)
    await stop()
    expect(steps).toEqual([])
    expect(items.map(({ type }) => type)).toEqual(['cursor', 'cursor'])
  })
})

describe('a cursor', () => {
  test('of elsewhere, of the future, or that nobody gave is refused', async () => {
    await using runtime = await open(createMemoryStore({ partitions: 4 }))
    await using ahead = await open(createMemoryStore({ partitions: 4 }))
    await using narrow = await open('memory:')
    for (let key = 0; key < 20; key++) await ahead.actor('counter', String(key)).start()
    const refused = [await cursorOf(ahead), await cursorOf(narrow), '', 'x', 'AQ', '../../etc', 'A'.repeat(4_096), `${(await cursorOf(runtime)).slice(0, -1)}A`]
    for (const from of refused) await expect(take(runtime, 1, { from })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('cursor') })
  })

  test('before what is retained is refused, with one after it', async () => {
    await using world = await createTestWorld({ machines: { ...counters, counter: { machine: counters.counter, retention: { completedMs: 1_000 } } }, store: createMemoryStore() })
    const runtime = world.runtime as unknown as Runtime<typeof counters>
    const from = await cursorOf(runtime)
    await runtime.actor('counter', 'gone').start()
    await runtime.actor('counter', 'gone').ask({ type: 'END' })
    await runtime.actor('other', 'kept').start()
    await world.advance(60_000)
    expect((await runtime.client().listActors({ machine: 'counter' })).actors).toEqual([])
    const error = await take(runtime, 1, { from }).catch((thrown: unknown) => thrown as { code: string; details: { cursor: string } })
    expect(error).toMatchObject({ code: 'history/trimmed', details: { partition: 0, from: 1 } })
    expect(places(await take(runtime, 1, { from: 'details' in error ? error.details.cursor : '' }))).toEqual(['other/kept 1'])
  })
})

/** A store of which one verb answers as it is told to. */
const withVerb = <TVerb extends 'journal' | 'load'>(store: Store, verb: TVerb, answer: Store[TVerb]): Store => new Proxy(store, { get: (target, name) => (name === verb ? answer : Reflect.get(target, name, target)) })

describe('those who follow', () => {
  test('are told everything, however many they are and however slowly they read', async () => {
    await using runtime = await open(createMemoryStore({ partitions: 4 }))
    const seed = randomBytes(4).readUInt32LE()
    const random = createSeededRandom(seed)
    const keys = Array.from({ length: 10 }, (_, index) => `k${index}`)
    const allSent = Promise.withResolvers<void>()
    const readers = Array.from({ length: 30 }, (_, index) => {
      const left = new AbortController()
      const steps: Step[] = []
      const started = Promise.withResolvers<void>()
      const done = (async () => {
        for await (const item of runtime.client().follow({}, { signal: left.signal })) {
          if (item.type === 'cursor') started.resolve()
          else steps.push(item.step)
          // Some stall now and then, and one until the ring has gone on without it.
          if (index === 1 && steps.length === 7) await allSent.promise
          if (index % 3 === 0 && random.next() < 0.01) await new Promise(resolve => setTimeout(resolve, 20))
        }
      })()
      return { steps, started: started.promise, stop: () => (left.abort(), done) }
    })
    await Promise.all(readers.map(({ started }) => started))
    for (const key of keys) await runtime.actor('counter', key).start()
    for (let round = 0; round < 300; round++) await Promise.all(keys.map(key => runtime.actor('counter', key).send({ type: 'ADD' })))
    await waitUntil('others are told all', () => readers.some(({ steps }) => steps.length === 3_010), 30_000)
    allSent.resolve()
    await waitUntil(`all are told all (seed ${seed})`, () => readers.every(({ steps }) => steps.length >= 3_010), 30_000)
    for (const { stop } of readers) await stop()
    for (const { steps } of readers) expectWhole(steps, Object.fromEntries(keys.map(key => [`counter/${key}`, 301])))
  })

  test('read the journal once for all of them', async () => {
    const store = createMemoryStore()
    let reads = 0
    await using runtime = await open(withVerb(store, 'journal', (...place) => (reads++, store.journal(...place))))
    const all = await Promise.all(Array.from({ length: 100 }, () => follow(runtime)))
    await runtime.actor('counter', 'a').start()
    for (let sent = 0; sent < 50; sent++) await runtime.actor('counter', 'a').ask({ type: 'ADD' })
    await waitUntil('all are told', () => all.every(({ steps }) => steps.length === 51))
    for (const { stop } of all) await stop()
    expect(reads).toBeGreaterThan(0)
    expect(reads).toBeLessThanOrEqual(3 * 51)
    // What is told is one object, so that a server turns it into text once.
    expect(new Set(all.map(({ steps }) => steps[50])).size).toBe(1)
  })

  test('hear of a store that cannot be read, and go on from their cursor once it can', async () => {
    const store = createMemoryStore()
    let isBroken = false
    await using runtime = await open(withVerb(store, 'journal', async (...place) => {
      if (isBroken) throw new TroupeError('store/failed', 'no answer')
      return store.journal(...place)
    }))
    const from = await cursorOf(runtime)
    const broken = take(runtime, 10, { from })
    const failure = expect(broken).rejects.toMatchObject({ code: 'store/failed' })
    await runtime.actor('counter', 'a').start()
    const { steps, stop } = await follow(runtime)
    isBroken = true
    await runtime.actor('counter', 'a').ask({ type: 'ADD' })
    await failure
    await expect(stop()).rejects.toMatchObject({ code: 'store/failed' })
    isBroken = false
    expect(steps).toEqual([])
    expectWhole(await take(runtime, 2, { from }), { 'counter/a': 2 })
  })

  test('hear of a step whose state is damaged or lost, and may go on after it', async () => {
    const store = createMemoryStore()
    await using runtime = await open(withVerb(store, 'load', async (id, at) => {
      if (id.endsWith('/bad') && at !== undefined) throw new TroupeError('store/corrupt', 'the checkpoint is damaged')
      return store.load(id, at)
    }))
    const from = await cursorOf(runtime)
    for (const key of ['a', 'bad', 'b']) await runtime.actor('counter', key).start()
    const left: { details: { cursor: string } }[] = []
    const steps: Step[] = []
    const reading = (async () => {
      for await (const item of runtime.client().follow({ from })) if (item.type === 'step') steps.push(item.step)
    })().catch((error: typeof left[number]) => void left.push(error))
    await reading
    expect(left).toMatchObject([{ code: 'store/corrupt', address: 'counter/bad' }])
    expect([...places(steps), ...places(await take(runtime, 1, { from: left[0]?.details.cursor ?? '' }))]).toEqual(['counter/a 1', 'counter/b 1'])
  })

  test('end with the runtime, and with their signal', async () => {
    const runtime = await open('memory:')
    const one = await follow(runtime)
    const two = await follow(runtime)
    await one.stop()
    await runtime.close()
    await two.stop()
  })
})
