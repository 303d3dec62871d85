import { describe, expect, test } from 'vitest'
import { TroupeError, task } from 'troupe'
import type { Store } from 'troupe'
import { createMemoryStore, createTestWorld, createVirtualClock } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { actorId, partitionOf } from '../../src/core/address.ts'

const counter = setup({ types: { context: {} as { n: number }, events: {} as { type: 'ADD' | 'LATER' | 'WORK' } }, actors: { work: task({ run: () => 5, retry: 1 }) } }).createMachine({
  context: { n: 0 },
  initial: 'idle',
  on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  states: {
    idle: { on: { LATER: 'waiting', WORK: 'busy' } },
    waiting: { after: { 1_000: { target: 'idle', actions: assign({ n: ({ context }) => context.n + 10 }) } } },
    busy: { invoke: { src: 'work', onDone: { target: 'idle', actions: assign({ n: ({ context, event }) => context.n + event.output }) } } },
  },
})
const machines = { counter }

type Verb = 'commit' | 'take' | 'load' | 'renew' | 'release' | 'nextDue' | 'takeReplies' | 'sweep' | 'claim'
type Call = (...args: unknown[]) => Promise<unknown>

/** A store whose calls can be made to fail, before or after they are done. */
function fragileStore(inner: Store = createMemoryStore()) {
  const plans = new Map<Verb, ((call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>)[]>()
  const store = new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const plan = plans.get(name as Verb)?.shift()
        const call = () => (value as Call).apply(target, args)
        return plan ? plan(call, args) : call()
      }
    },
  })
  const next = (verb: Verb, ...steps: ((call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>)[]) => void plans.set(verb, [...(plans.get(verb) ?? []), ...steps])
  const failing = (code: 'store/failed' | 'store/full' | 'lease/stale') => async () => { throw new TroupeError(code, `planned ${code}`) }
  return {
    store,
    next,
    fails: (verb: Verb, code: 'store/failed' | 'store/full' | 'lease/stale', times = 1) => next(verb, ...Array.from({ length: times }, () => failing(code))),
    /** The call is done, its answer is lost. */
    loses: (verb: Verb) => next(verb, async call => { await call(); throw new TroupeError('store/failed', 'the answer was lost') }),
  }
}

async function open(fragile: ReturnType<typeof fragileStore>, extra: { onError?: (error: unknown) => void; limits?: object } = {}) {
  const world = await createTestWorld({ machines, store: fragile.store, onError: () => undefined, ...extra })
  const actor = world.runtime.actor(counter, '1')
  await actor.start()
  return { world, actor }
}

describe('a commit that fails', () => {
  test('for a moment is repeated with the same id, and the event counts once', async () => {
    const fragile = fragileStore()
    const { world, actor } = await open(fragile)
    fragile.fails('commit', 'store/failed', 2)
    fragile.loses('commit')
    const sent = actor.ask({ type: 'ADD' })
    await world.advance(2_000)
    expect((await sent).context.n).toBe(1)
    expect((await actor.snapshot()).seq).toBe(2)
    await world.runtime.close()
  })

  test('for good is told to the sender, and nothing of it is kept', async () => {
    const fragile = fragileStore()
    const errors: unknown[] = []
    const { world, actor } = await open(fragile, { limits: { commitRetriesMax: 2 }, onError: error => errors.push(error) })
    fragile.fails('commit', 'store/failed', 3)
    const sent = actor.send({ type: 'ADD' }).catch((error: unknown) => error)
    await world.advance(5_000)
    expect(await sent).toMatchObject({ code: 'store/failed', retryable: true })
    expect(errors).toHaveLength(1)
    expect((await actor.ask({ type: 'ADD' })).context.n).toBe(1)
    await world.runtime.close()
  })

  test('on a full disk is told at once, and the next one goes through when there is room', async () => {
    const fragile = fragileStore()
    const { world, actor } = await open(fragile)
    fragile.fails('commit', 'store/full')
    await expect(actor.send({ type: 'ADD' })).rejects.toMatchObject({ code: 'store/full', status: 507, retryable: true })
    await world.advance(100)
    expect((await actor.ask({ type: 'ADD' })).context.n).toBe(1)
    await world.runtime.close()
  })

  test('with the result of a task in it: the result is not lost', async () => {
    const fragile = fragileStore()
    const { world, actor } = await open(fragile)
    await actor.send({ type: 'WORK' })
    fragile.fails('commit', 'store/full')
    await world.advance(1_000)
    expect(await actor.snapshot()).toMatchObject({ value: 'idle', context: { n: 5 } })
    await world.runtime.close()
  })

  test('with a timer in it: the timer fires later, once', async () => {
    const fragile = fragileStore()
    const { world, actor } = await open(fragile)
    await actor.send({ type: 'LATER' })
    fragile.fails('commit', 'store/full')
    fragile.fails('nextDue', 'store/failed')
    await world.advance(10_000)
    expect(await actor.snapshot()).toMatchObject({ value: 'idle', context: { n: 10 } })
    await world.runtime.close()
  })
})

test('reads of a batch that fail are told to the sender, and the partition goes on', async () => {
  const fragile = fragileStore()
  const { world, actor } = await open(fragile)
  // Once where it is read ahead, once where it is needed.
  fragile.fails('load', 'store/failed', 2)
  await expect(world.runtime.actor(counter, '2').start()).rejects.toMatchObject({ code: 'store/failed' })
  await world.advance(100)
  expect((await actor.ask({ type: 'ADD' })).context.n).toBe(1)
  await world.runtime.close()
})

describe('a lease that is lost', () => {
  test('in a commit: the work goes to the partition when it is claimed again, exactly once', async () => {
    const fragile = fragileStore()
    const { world, actor } = await open(fragile, { limits: { leaseTtlMs: 3_000 } })
    fragile.fails('commit', 'lease/stale')
    const asked = actor.ask({ type: 'ADD' }, { timeout: 60_000 })
    asked.catch(() => undefined)
    await world.settle()
    expect(world.runtime.health().counters.fenced).toBe(1)
    await world.advance(5_000)
    await world.advance(5_000)
    expect((await asked).context.n).toBe(1)
    expect(world.runtime.health()).toMatchObject({ partitions: { owned: [0] } })
    await world.runtime.close()
  })

  test('in a renewal: its tasks are aborted, and its actors go on with the next lease', async () => {
    const fragile = fragileStore()
    const { world, actor } = await open(fragile, { limits: { leaseTtlMs: 3_000 } })
    await actor.send({ type: 'LATER' })
    fragile.next('renew', async (_call, [leases]) => leases)
    await world.advance(1_000)
    await world.advance(4_000)
    await world.advance(4_000)
    expect(await world.runtime.actor(counter, '1').snapshot()).toMatchObject({ value: 'idle', context: { n: 10 } })
    await world.runtime.close()
  })
})

test('upkeep and release that fail are reported and tried again', async () => {
  const fragile = fragileStore()
  const errors: unknown[] = []
  const { world, actor } = await open(fragile, { onError: error => errors.push(error) })
  fragile.fails('renew', 'store/failed')
  await world.advance(4_000)
  fragile.fails('sweep', 'store/failed')
  await world.advance(31_000)
  expect(errors).toHaveLength(2)
  expect((await actor.ask({ type: 'ADD' })).context.n).toBe(1)
  fragile.fails('release', 'store/failed')
  await world.runtime.close()
  expect(errors).toHaveLength(3)
})

test('two runtimes share the partitions of a store; when one closes the other takes all, and answers travel between them', async () => {
  const store = createMemoryStore({ partitions: 4 })
  const clock = createVirtualClock()
  const fragile = fragileStore(store)
  await using one = await createTestWorld({ machines, store, clock, limits: { leaseTtlMs: 3_000 } })
  const errors: unknown[] = []
  await using two = await createTestWorld({ machines, store: fragile.store, clock, seed: 2, limits: { leaseTtlMs: 3_000 }, onError: error => errors.push(error) })
  const actor = two.runtime.actor(counter, 'a')
  await actor.start()
  expect((await actor.ask({ type: 'ADD' })).context.n).toBe(1)
  // A look for answers that fails is reported; the next change brings them.
  fragile.fails('takeReplies', 'store/failed')
  const asked = actor.ask({ type: 'ADD' }, { timeout: 60_000 })
  await clock.settle()
  await one.runtime.actor(counter, 'b').start()
  expect((await asked).context.n).toBe(2)
  expect(errors).toHaveLength(1)
  await one.runtime.close()
  await clock.advance(5_000)
  expect(two.runtime.health().partitions.owned).toEqual([0, 1, 2, 3])
  expect((await actor.ask({ type: 'ADD' })).context.n).toBe(3)
  expect(two.runtime.health().counters.takeovers).toBe(4)
})

test('after it is closed a runtime takes nothing, and says so to who waits', async () => {
  const { world, actor } = await open(fragileStore())
  const waiting = Promise.all([actor.result(), actor.waitFor(({ context }) => context.n > 5), actor.ask({ type: 'ADD' }, { until: 'reply' })].map(promise => promise.catch((error: TroupeError) => error.code)))
  await world.settle()
  await world.runtime.close()
  await world.runtime.close()
  expect(await waiting).toEqual(['runtime/closed', 'runtime/closed', 'runtime/closed'])
  await expect(actor.send({ type: 'ADD' })).rejects.toMatchObject({ code: 'runtime/closed', status: 503 })
  await expect(actor.start()).rejects.toMatchObject({ code: 'runtime/closed' })
  expect(world.runtime.health()).toMatchObject({ ready: false, reasons: ['the runtime is closing'] })
})

test('a checkpoint that is damaged harms nobody else', async () => {
  const fragile = fragileStore()
  const { world, actor } = await open(fragile)
  await actor.send({ type: 'ADD' })
  await world.restart()
  const damaged = world.runtime.actor(counter, '1')
  for (const damage of [
    (stored: { base: object }) => ({ ...stored, base: { ...stored.base, data: '{"half":' } }),
    (stored: { rows: readonly unknown[] }) => ({ ...stored, rows: [] }),
    (stored: { rows: readonly { data: string }[] }) => ({ ...stored, rows: stored.rows.map(row => ({ ...row, data: row.data.replaceAll('"seq":2', '"seq":3') })) }),
  ]) {
    fragile.next('load', async call => damage((await call()) as never))
    await expect(damaged.ask({ type: 'ADD' })).rejects.toMatchObject({ code: 'store/corrupt', address: 'counter/1' })
  }
  expect((await damaged.ask({ type: 'ADD' })).context.n).toBe(2)
  await world.runtime.close()
  expect(partitionOf(actorId({ tenant: 'default', machine: 'counter', key: '1' }), 1)).toBe(0)
})
