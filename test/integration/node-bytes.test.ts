import { describe, expect, test } from 'vitest'
import { TroupeError } from 'troupe'
import type { Store } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, fromCallback, setup } from 'xstate'

const note = setup({
  types: { context: {} as { n: number; text: string }, events: {} as { type: 'ADD'; text?: string } | { type: 'LATER' } | { type: 'END' }, input: {} as { text?: string } | undefined },
}).createMachine({
  context: ({ input }) => ({ n: 0, text: input?.text ?? '' }),
  initial: 'on',
  states: { on: { on: { LATER: 'waiting' } }, waiting: { after: { 1_000: { target: 'on', actions: assign({ n: ({ context }) => context.n + 100 }) } } }, off: { type: 'final' } },
  on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1, text: ({ context, event }) => event.text ?? context.text }) }, END: '.off' },
})
/** Something runs beside it, so it cannot go to rest. */
const awake = setup({ actors: { ear: fromCallback(() => undefined) } }).createMachine({ invoke: { src: 'ear' } })
const machines = { note, awake }

const KB = 1_024
const settled = (results: readonly PromiseSettledResult<unknown>[]) => results.filter(({ status }) => status === 'fulfilled').length

/** A store whose commits wait until they may go on, or fail as planned. */
function held(inner: Store = createMemoryStore()) {
  let gate = Promise.resolve()
  let open = (): void => undefined
  const failures: ('store/failed' | 'store/full' | 'lease/stale')[] = []
  const store = new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'commit') return value
      return async (...args: Parameters<Store['commit']>) => {
        await gate
        const code = failures.shift()
        if (code) throw new TroupeError(code, `planned ${code}`)
        return target.commit(...args)
      }
    },
  })
  return { store, failures, holdUp: () => void (gate = new Promise(resolve => (open = resolve))), goOn: () => open() }
}

describe('actors in memory', () => {
  test.each([1, 8])('go to rest beyond nodeBytesMax, with %i partitions, and come back as they were', async partitions => {
    await using world = await createTestWorld({ machines, store: createMemoryStore({ partitions }), limits: { nodeBytesMax: 4_000 * KB } })
    const all = Array.from({ length: 1_000 }, (_, key) => world.runtime.actor(note, String(key)))
    for (let round = 0; round < 3; round++) {
      await Promise.all(all.map(async (actor, n) => {
        if (round === 0) await actor.start({ text: 'x'.repeat((n % 10) * 400) })
        await actor.send({ type: 'ADD' })
      }))
      await world.advance(1_000)
      const { memory, actorsInMemory } = world.runtime.health()
      expect(memory.bytes).toBeLessThanOrEqual(4_000 * KB)
      expect(memory).toMatchObject({ bytesMax: 4_000 * KB, workBytes: 0 })
      // Not by resting all of them.
      expect(actorsInMemory).toBeGreaterThan(100)
    }
    expect(world.runtime.health()).toMatchObject({ ready: true, liveActors: 1_000 })
    expect(world.runtime.health().counters.evictions).toBeGreaterThan(1_000)
    for (const actor of all) expect((await actor.snapshot()).context.n).toBe(3)
  })

  test('of a partition at rest make room for those of a busy one', async () => {
    await using world = await createTestWorld({ machines, store: createMemoryStore({ partitions: 2 }), limits: { nodeBytesMax: 1_000 * KB } })
    const keys = Array.from({ length: 400 }, (_, key) => String(key))
    const text = 'x'.repeat(2_000)
    for (const key of keys) await world.runtime.actor(note, key).start({ text })
    await world.advance(2_000)
    expect(world.runtime.health().memory.bytes).toBeLessThanOrEqual(1_000 * KB)
    expect(world.runtime.health().ready).toBe(true)
  })
})

describe('a node that holds as much as it may', () => {
  test('takes no more events and starts, says why, and is ready again once the work is done', async () => {
    const { store, holdUp, goOn } = held()
    await using world = await createTestWorld({ machines, store, limits: { nodeBytesMax: 100 * KB } })
    const actor = world.runtime.actor(note, '1')
    await actor.start()
    holdUp()
    const sent = Array.from({ length: 200 }, () => actor.send({ type: 'ADD', text: 'x'.repeat(KB) }))
    const outcomes = Promise.allSettled(sent)
    await expect(actor.send({ type: 'ADD' })).rejects.toMatchObject({ code: 'node/busy', retryable: true, status: 503, address: 'note/1', message: expect.stringMatching(/nodeBytesMax is 102400: send again when work is done/) as unknown })
    await expect(world.runtime.actor(note, '2').start()).rejects.toMatchObject({ code: 'node/busy' })
    await expect(actor.ask({ type: 'ADD' })).rejects.toMatchObject({ code: 'node/busy' })
    const { ready, reasons, memory } = world.runtime.health()
    expect({ ready, reasons }).toMatchObject({ ready: false, reasons: [expect.stringContaining('nodeBytesMax is 102400')] })
    // Over by the last one at most.
    expect(memory.workBytes).toBeLessThan(102 * KB)
    goOn()
    const accepted = settled(await outcomes)
    expect(accepted).toBeGreaterThan(40)
    expect(accepted).toBeLessThan(100)
    await world.settle()
    expect(world.runtime.health()).toMatchObject({ ready: true, memory: { workBytes: 0 } })
    expect((await actor.ask({ type: 'ADD' })).context.n).toBe(accepted + 1)
  })

  test('goes on with what runs, and lets it be ended', async () => {
    const { store, holdUp, goOn } = held()
    await using world = await createTestWorld({ machines, store, limits: { nodeBytesMax: 100 * KB } })
    const [busy, timed, ending] = [world.runtime.actor(note, 'busy'), world.runtime.actor(note, 'timed'), world.runtime.actor(note, 'ending')]
    for (const actor of [busy, timed, ending]) await actor.start()
    await timed.send({ type: 'LATER' })
    holdUp()
    const outcomes = Promise.allSettled(Array.from({ length: 200 }, () => busy.send({ type: 'ADD', text: 'x'.repeat(KB) })))
    const stopped = ending.stop()
    await world.advance(2_000)
    expect(world.runtime.health().ready).toBe(false)
    goOn()
    await Promise.all([outcomes, stopped])
    await world.settle()
    expect((await timed.snapshot()).context.n).toBe(100)
    expect((await ending.snapshot()).status).toBe('stopped')
  })

  test('counts actors that cannot rest, and takes more when they have ended', async () => {
    await using world = await createTestWorld({ machines, limits: { nodeBytesMax: 200 * KB } })
    const started = await Promise.allSettled(Array.from({ length: 100 }, async (_, key) => {
      // One after the other, as callers come.
      await world.advance(key)
      return world.runtime.actor(awake, String(key)).start()
    }))
    const refused = started.length - settled(started)
    expect(started.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'node/busy' } })
    expect(refused).toBeGreaterThan(50)
    expect(world.runtime.health().ready).toBe(false)
    for (let key = 0; key < 20; key++) await world.runtime.actor(awake, String(key)).stop().catch(() => undefined)
    await world.advance(2_000)
    expect(world.runtime.health().ready).toBe(true)
    await world.runtime.actor(awake, 'another').start()
  })
})

describe('the account', () => {
  test.each(['store/failed', 'store/full', 'lease/stale'] as const)('is even again after commits that end with %s', async code => {
    const { store, failures } = held(createMemoryStore({ partitions: 2 }))
    await using world = await createTestWorld({ machines, store, limits: { commitRetriesMax: 1 }, onError: () => undefined })
    const actors = Array.from({ length: 20 }, (_, key) => world.runtime.actor(note, String(key)))
    for (const actor of actors) await actor.start()
    await actors[0]?.send({ type: 'LATER' })
    for (let round = 0; round < 5; round++) {
      failures.push(code, code, code)
      const sent = Promise.allSettled(actors.map(actor => actor.send({ type: 'ADD' })))
      await world.advance(5_000)
      await sent
    }
    await world.advance(20_000)
    const { memory, actorsInMemory } = world.runtime.health()
    expect(memory.workBytes).toBe(0)
    expect(memory.actorBytes > 0).toBe(actorsInMemory > 0)
    await world.runtime.close()
    expect(world.runtime.health().memory).toMatchObject({ actorBytes: 0, workBytes: 0 })
  })
})
