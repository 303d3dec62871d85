import { TroupeError, actorAt, createRuntime, task } from 'troupe'
import type { Store } from 'troupe'
import { createMemoryStore, createTestWorld, createVirtualClock } from 'troupe/testing'
import { describe, expect, test, vi } from 'vitest'
import { assign, sendTo, setup } from 'xstate'

/** What crash points and kills have brought to light, each in its smallest form. */

const notes = setup({ types: { context: {} as { texts: readonly string[] }, events: {} as { type: 'NOTE'; text: string } | { type: 'BREAK' } } }).createMachine({
  context: { texts: [] },
  on: {
    NOTE: { actions: assign(({ context, event }) => ({ texts: [...context.texts, event.text] })) },
    BREAK: {
      actions: () => {
        throw new Error('broken')
      },
    },
  },
})

const machines = { notes }

type Verb = 'commit' | 'load' | 'nextDue' | 'takeReplies'

/** A store of which one verb fails at times, before or after it took effect. */
function failing(inner: Store, verb: Verb, shouldFail: () => boolean, when: 'before' | 'after' = 'before'): Store {
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...args: unknown[]) => unknown
      if (name !== verb) return call
      return async (...args: unknown[]): Promise<unknown> => {
        const result = when === 'after' && (await call(...args))
        if (shouldFail()) throw new TroupeError('store/failed', 'on purpose')
        return when === 'after' ? result : call(...args)
      }
    },
  })
}

/** Lets through what comes while it is open, and holds up the rest until it is opened. */
function createGate() {
  let way = Promise.resolve()
  let open = (): void => undefined
  return {
    close: (): void => void (way = new Promise(resolve => (open = resolve))),
    open: (): void => open(),
    pass: () => way,
  }
}

/** A store of which one verb waits at a gate. */
const holding = (inner: Store, verb: Verb, gate: ReturnType<typeof createGate>): Store =>
  new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...args: unknown[]) => unknown
      return name === verb ? (...args: unknown[]) => gate.pass().then(() => call(...args)) : call
    },
  })

test('the first new base after a restart holds the present state', async () => {
  await using world = await createTestWorld({ machines })
  const text = 'x'.repeat(1_000)
  await world.runtime.actor('notes', 'n').start()
  await world.runtime.actor('notes', 'n').send({ type: 'NOTE', text })
  for (let count = 2; count < 20; count++) {
    await world.crash()
    const runtime = await world.restart()
    await runtime.actor('notes', 'n').send({ type: 'NOTE', text })
    expect((await runtime.actor('notes', 'n').snapshot()).context.texts).toHaveLength(count)
  }
})

describe('events that wait for an actor that ends', () => {
  test('come to the dead letters when it is stopped', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('notes', 'n')
    await actor.start()
    await actor.pause()
    await actor.send({ type: 'NOTE', text: 'one' })
    await actor.send({ type: 'NOTE', text: 'two' })
    await actor.stop()
    await world.settle()
    expect((await world.runtime.deadLetters.list()).map(({ cause }) => cause.code)).toEqual(['actor/ended', 'actor/ended'])
  })

  test('come to the dead letters after a crash right behind the stop, too', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('notes', 'n')
    await actor.start()
    await actor.pause()
    await actor.send({ type: 'NOTE', text: 'one' })
    const dead = world.crash({ point: 'committed' })
    void actor.stop()
    await dead
    await world.restart()
    await world.settle()
    expect(await world.runtime.deadLetters.list()).toHaveLength(1)
  })
})

test('a dead letter can be replayed through a node that does not own its actor', async () => {
  const store = createMemoryStore()
  await using owner = await createRuntime({ machines, store })
  await using other = await createRuntime({ machines, store })
  await owner.actor('notes', 'n').start()
  await owner.actor('notes', 'n').send({ type: 'BREAK' })
  const [letter] = await other.deadLetters.list()
  await expect(other.deadLetters.replay(letter?.id ?? '')).rejects.toMatchObject({ code: 'event/poisoned' })
  expect(await other.deadLetters.list()).toHaveLength(1)
})

test('works behind one that the store has failed are done all the same', async () => {
  // Once as all three are read ahead, once as the first is needed.
  let loads = 0
  const store = failing(createMemoryStore(), 'load', () => [1, 4].includes(++loads))
  const onError = vi.fn()
  await using runtime = await createRuntime({ machines, store, onError })
  const starts = await Promise.allSettled(['a', 'b', 'c'].map(key => runtime.actor('notes', key).start()))
  expect(starts.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(onError).toHaveBeenCalledOnce()
})

test('what a commit has asked for is let out, although the store cannot tell what is due next', async () => {
  const gate = Promise.withResolvers<void>()
  const late = setup({}).createMachine({ initial: 'waiting', states: { waiting: { after: { 10: 'over' } }, over: {} } })
  const busy = setup({ actors: { first: task({ run: () => gate.promise }), second: task({ run: () => 'done' }) } }).createMachine({
    initial: 'one',
    states: { one: { invoke: { src: 'first', onDone: 'two' } }, two: { invoke: { src: 'second', onDone: 'over' } }, over: { type: 'final' } },
  })
  let failures = 0
  const store = failing(createMemoryStore(), 'nextDue', () => failures-- > 0)
  await using world = await createTestWorld({ machines: { late, busy }, store, onError: vi.fn() })
  await world.runtime.actor('late', 'l').start()
  await world.runtime.actor('busy', 'b').start()
  await world.settle()
  // The result of the first task and a timer come in one batch; after its commit the partition looks for the next timer.
  world.clock.step(20)
  failures = 1
  gate.resolve()
  await world.advance(1_000)
  expect((await world.runtime.actor('busy', 'b').snapshot()).value).toBe('over')
})

test('a take-over that fails half-way is made again', async () => {
  const alarm = setup({}).createMachine({ initial: 'armed', states: { armed: { after: { 15_000: 'rung' } }, rung: {} } })
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  await using first = await createTestWorld({ machines: { alarm }, store, clock })
  await first.runtime.actor('alarm', 'a').start()
  let failures = 0
  await using second = await createTestWorld({ machines: { alarm }, store: failing(store, 'nextDue', () => failures-- > 0), clock, seed: 2, onError: vi.fn() })
  failures = 1
  await first.crash()
  for (let waited = 0; waited < 30_000; waited += 1_000) await clock.advance(1_000)
  expect(failures).toBeLessThan(1)
  expect((await second.runtime.actor('alarm', 'a').snapshot()).value).toBe('rung')
})

test('answers that the store did not hand out are asked for again', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  let failures = 5
  await using _owner = await createTestWorld({ machines, store, clock })
  await using guest = await createTestWorld({ machines, store: failing(store, 'takeReplies', () => failures-- > 0), clock, seed: 2, onError: vi.fn() })
  const started = guest.runtime.actor('notes', 'n').start()
  for (let waited = 0; waited < 10; waited++) await clock.advance(1_000)
  await started
  expect(failures).toBeLessThan(1)
})

test('a request whose answer the store has lost ends with an error', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  await using _owner = await createTestWorld({ machines, store, clock })
  await using guest = await createTestWorld({ machines, store: failing(store, 'takeReplies', () => true, 'after'), clock, seed: 2, onError: vi.fn() })
  const started = expect(guest.runtime.actor('notes', 'n').start()).rejects.toMatchObject({ code: 'ask/timeout', address: 'notes/n' })
  await clock.advance(30_000)
  await started
})

test('a send repeated with its key through another node is a success also after the actor has ended', async () => {
  const once = setup({ types: { events: {} as { type: 'END' } } }).createMachine({ initial: 'open', states: { open: { on: { END: 'over' } }, over: { type: 'final' } } })
  const store = createMemoryStore()
  await using owner = await createRuntime({ machines: { once }, store })
  await using other = await createRuntime({ machines: { once }, store })
  await owner.actor('once', 'o').start()
  await owner.actor('once', 'o').ask({ type: 'END' }, { idempotencyKey: 'k' })
  await owner.actor('once', 'o').send({ type: 'END' }, { idempotencyKey: 'k' })
  await other.actor('once', 'o').send({ type: 'END' }, { idempotencyKey: 'k' })
  await expect(other.actor('once', 'o').send({ type: 'END' }, { idempotencyKey: 'l' })).rejects.toMatchObject({ code: 'actor/ended' })
})

describe('a commit that took effect unheard', () => {
  test('is not done again by the next owner', async () => {
    const [inner, clock] = [createMemoryStore(), createVirtualClock()]
    let isCut = false
    const store = failing(
      inner,
      'commit',
      () => {
        // While the first one wonders what became of its commit, its lease runs out and another one has it for a moment.
        if (isCut) void inner.claim({ partition: 0, node: 'other', token: 'other', now: clock.now() + 10_001, ttlMs: 1 })
        return isCut
      },
      'after',
    )
    await using world = await createTestWorld({ machines, store, clock, onError: vi.fn() })
    await world.runtime.actor('notes', 'n').start()
    isCut = true
    const sent = expect(world.runtime.actor('notes', 'n').send({ type: 'NOTE', text: 'one' })).rejects.toMatchObject({ code: 'store/failed' })
    await clock.settle()
    isCut = false
    for (let waited = 0; waited < 20; waited++) await clock.advance(1_000)
    await sent
    expect((await world.runtime.actor('notes', 'n').snapshot()).context.texts).toEqual(['one'])
  })

  test('does not keep the partition from its owner until the lease has run out', async () => {
    const clock = createVirtualClock()
    let failures = 0
    const store = failing(createMemoryStore(), 'commit', () => failures-- > 0, 'after')
    await using world = await createTestWorld({ machines, store, clock, onError: vi.fn() })
    await world.runtime.actor('notes', 'n').start()
    failures = 6
    const sent = expect(world.runtime.actor('notes', 'n').send({ type: 'NOTE', text: 'one' })).rejects.toMatchObject({ code: 'store/failed' })
    await clock.advance(2_000)
    await sent
    const again = world.runtime.actor('notes', 'n').send({ type: 'NOTE', text: 'two' })
    await clock.advance(2_000)
    await again
    await clock.advance(0)
    expect((await world.runtime.actor('notes', 'n').snapshot()).context.texts).toEqual(['one', 'two'])
  })
})

test('what a batch has left when its partition goes to another node goes there too', async () => {
  const alarm = setup({ types: { events: {} as { type: 'POKE' } } }).createMachine({ initial: 'armed', states: { armed: { after: { 10: 'rung' } }, rung: {} } })
  const [inner, clock, gate] = [createMemoryStore(), createVirtualClock(), createGate()]
  const store = holding(inner, 'load', gate)
  await using first = await createTestWorld({ machines: { alarm }, store, clock, limits: { batchStepsMax: 1 }, onError: () => undefined })
  await first.runtime.actor('alarm', 'a').start()
  await first.crash()
  gate.close()
  const runtime = await first.restart()
  clock.step(10)
  // One batch takes the timer and the event; the timer's step fills it.
  const poked = runtime.actor('alarm', 'a').send({ type: 'POKE' })
  await clock.settle()
  // Another node has the lease for a moment; the first one hears of it as it renews.
  await inner.claim({ partition: 0, node: 'other', token: 'other', now: clock.now() + 10_001, ttlMs: 1 })
  await clock.advance(4_000)
  expect(runtime.health().partitions.owned).toEqual([])
  gate.open()
  for (let waited = 0; waited < 20; waited++) await clock.advance(1_000)
  await poked
  expect((await runtime.actor('alarm', 'a').snapshot()).value).toBe('rung')
})

test('a timer that is due while the result of a task waits does not take the task for interrupted', async () => {
  const gate = Promise.withResolvers<string>()
  const attempts: number[] = []
  const busy = setup({
    actors: {
      work: task({
        run: ({ attempt }) => {
          attempts.push(attempt)
          return gate.promise
        },
      }),
    },
  }).createMachine({
    type: 'parallel',
    states: {
      clock: { initial: 'early', states: { early: { after: { 10: 'late' } }, late: {} } },
      work: { initial: 'busy', states: { busy: { invoke: { src: 'work', onDone: 'over' } }, over: {} } },
    },
  })
  await using world = await createTestWorld({ machines: { busy } })
  await world.runtime.actor('busy', 'b').start()
  await world.settle()
  // The clock jumps past the timer, and the task ends before anybody has looked at it.
  world.clock.step(20)
  gate.resolve('done')
  await world.advance(1_000)
  expect((await world.runtime.actor('busy', 'b').snapshot()).value).toEqual({ clock: 'late', work: 'over' })
  expect(attempts).toEqual([1])
  expect(world.runtime.health().counters.staleTasks).toBe(0)
})

test('what an actor sends does not overtake what it has sent before', async () => {
  const list = setup({ types: { context: {} as { numbers: readonly number[] }, events: {} as { type: 'ADD'; n: number } } }).createMachine({
    context: { numbers: [] },
    on: { ADD: { actions: assign(({ context, event }) => ({ numbers: [...context.numbers, event.n] })) } },
  })
  const relay = setup({ types: { events: {} as { type: 'GO'; n: number } } }).createMachine({
    on: { GO: { actions: sendTo(actorAt('list/l'), ({ event }) => ({ type: 'ADD', n: event.n })) } },
  })
  const [inner, clock, gate] = [createMemoryStore(), createVirtualClock(), createGate()]
  await using world = await createTestWorld({ machines: { list, relay }, store: holding(inner, 'load', gate), clock })
  await using guest = await createTestWorld({ machines: { list, relay }, store: inner, clock, seed: 2 })
  await world.runtime.actor('list', 'l').start()
  await world.runtime.actor('relay', 'r').start()
  await world.crash()
  const runtime = await world.restart()
  gate.close()
  const first = runtime.actor('relay', 'r').send({ type: 'GO', n: 1 })
  await clock.settle()
  // While the relay is loaded its second event reaches the inbox, and the answer to the first comes to lie behind that.
  await guest.runtime.actor('relay', 'r').send({ type: 'GO', n: 2 })
  gate.open()
  await first
  await clock.settle()
  expect((await runtime.actor('list', 'l').snapshot()).context.numbers).toEqual([1, 2])
})
