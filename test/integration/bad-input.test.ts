import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TroupeError, remote } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { assign, createMachine, fromCallback, fromPromise, fromTransition, raise, setup, spawnChild } from 'xstate'
import type { AnyStateMachine } from 'xstate'

/** Whatever is put in, the process lives: nothing may get as far as this. */
const strays: unknown[] = []
const stray = (error: unknown): void => void strays.push(error)
beforeAll(() => {
  process.on('unhandledRejection', stray)
  process.on('uncaughtException', stray)
})
afterAll(async () => {
  await new Promise(resolve => setTimeout(resolve, 20))
  process.off('unhandledRejection', stray)
  process.off('uncaughtException', stray)
  expect(strays).toEqual([])
  expect(Object.keys(Object.prototype)).toEqual([])
})
beforeEach(() => {
  expect(strays).toEqual([])
})

/** A TroupeError with all that a reader needs: a code, the actor, and what to do. */
function isToldWell(error: unknown, code: string, address: string | undefined): asserts error is TroupeError {
  expect(error).toBeInstanceOf(TroupeError)
  expect(error).toMatchObject({ code, address })
  expect((error as TroupeError).remedy.length).toBeGreaterThan(20)
}
const failureOf = (work: Promise<unknown>): Promise<unknown> => work.then(value => { throw new Error(`resolved with ${JSON.stringify(value)}`) }, (error: unknown) => error)

type World = TestWorld<{ m: AnyStateMachine }>
const worldOf = (machine: unknown, more: object = {}): Promise<World> => createTestWorld({ machines: { m: machine as AnyStateMachine }, ...more })
const started = async (machine: unknown, more: object = {}): Promise<World> => {
  const world = await worldOf(machine, more)
  await world.runtime.actor('m', '1').start()
  return world
}

const plain = setup({ types: { context: {} as { n: number; list: { a: number }[] }, events: {} as { type: 'UP' } | { type: 'PUSH' } | { type: 'DEEP' } } }).createMachine({
  context: () => ({ n: 0, list: [{ a: 1 }] }),
  on: {
    UP: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    PUSH: { actions: ({ context }) => void context.list.push({ a: 2 }) },
    DEEP: { actions: ({ context }) => { const [first] = context.list; if (first) first.a = 5 } },
  },
})

describe('a context that is changed in place', () => {
  test.each([['PUSH', 'context.list[1]'], ['DEEP', 'context.list[0].a']])('by %s is refused with its path, in the error and in the dead letter; the state is untouched', async (type, path) => {
    await using world = await started(plain)
    const actor = world.runtime.actor('m', '1')
    const error = await failureOf(actor.ask({ type }))
    isToldWell(error, 'event/poisoned', 'm/1')
    isToldWell(error.cause, 'context/mutated', 'm/1')
    expect(error.cause).toMatchObject({ message: `the machine of m/1 changed its context in place at ${path}`, details: { path }, cause: { name: 'TypeError' } })
    expect(await world.runtime.deadLetters.list()).toMatchObject([{ address: 'm/1', cause: { code: 'context/mutated', details: { path } }, message: { body: { event: { type } } } }])
    expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { n: 0, list: [{ a: 1 }] } })
    expect((await actor.ask({ type: 'UP' })).context).toMatchObject({ n: 1 })
  })

  test('a guard or an initial state may not either', async () => {
    const guarded = setup({ types: { context: {} as { list: number[] }, events: {} as { type: 'GO' } } }).createMachine({ context: { list: [] }, on: { GO: { guard: ({ context }) => context.list.push(1) > 0, actions: () => undefined } } })
    await using world = await started(guarded)
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    expect((await world.runtime.actor('m', '1').snapshot()).context).toEqual({ list: [] })
  })

  test('what is not the context\'s fault is not called so', async () => {
    const frozen = Object.freeze({ a: 1 })
    const other = setup({ types: { events: {} as { type: 'GO' } } }).createMachine({ on: { GO: { actions: () => { (frozen as { a: number }).a = 2 } } } })
    await using world = await started(other)
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    expect(error.cause).toMatchObject({ name: 'TypeError' })
  })
})

describe('what nobody knows', () => {
  test('a machine', async () => {
    await using world = await worldOf(plain)
    try {
      world.runtime.actor('nobody' as 'm', '1')
      expect.unreachable()
    } catch (error) {
      isToldWell(error, 'machine/unknown', undefined)
      expect(error.message).toBe("no machine 'nobody' is registered; registered are m")
    }
  })

  test('an actor', async () => {
    await using world = await worldOf(plain)
    const actor = world.runtime.actor('m', 'nobody')
    for (const work of [() => actor.send({ type: 'UP' }), () => actor.ask({ type: 'UP' }), () => actor.snapshot(), () => actor.result(), () => actor.pause(), () => actor.resume(), () => actor.stop(), () => actor.cancel(), () => actor.at(1), () => actor.can({ type: 'UP' })]) {
      const error = await failureOf(work())
      isToldWell(error, 'actor/unknown', 'm/nobody')
    }
    expect((await world.runtime.actors()).actors).toEqual([])
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })
})

test('a second start with another input is refused, the actor goes on with the first', async () => {
  const named = setup({ types: { context: {} as { name: string }, input: {} as { name: string } } }).createMachine({ context: ({ input }) => ({ name: input.name }) })
  await using world = await worldOf(named)
  const actor = world.runtime.actor('m', '1')
  await actor.start({ name: 'Ada' })
  const error = await failureOf(actor.start({ name: 'Bob' }))
  isToldWell(error, 'actor/exists', 'm/1')
  expect((await actor.snapshot()).context).toEqual({ name: 'Ada' })
})

describe('an event', () => {
  const cycle: Record<string, unknown> = { type: 'UP' }
  cycle['self'] = cycle
  class Money { cents = 1 }

  test.each<[string, unknown, RegExp]>([
    ['null', null, /not null/],
    ['undefined', undefined, /not undefined/],
    ['a string', 'UP', /not "?UP"?/],
    ['a number', 5, /not 5/],
    ['a list', ['UP'], /not \["UP"\]/],
    ['an object without a type', { kind: 'UP' }, /string type/],
    ['an empty type', { type: '' }, /string type/],
    ['a type that is no string', { type: 1 }, /string type/],
    ['a type of the timers', { type: 'xstate.after.1000.m.a' }, /'xstate.after.1000.m.a' is reserved/],
    ['a type of a child that is done', { type: 'xstate.done.actor.pay', output: 1 }, /reserved/],
    ['the type that stops', { type: 'xstate.stop' }, /reserved/],
    ['the type that starts', { type: 'xstate.init' }, /reserved/],
    ['a type of the engine', { type: 'troupe.task.done', task: '1', output: 1 }, /reserved/],
    ['a date inside', { type: 'UP', when: new Date(0) }, /event\.when is a Date/],
    ['a map inside', { type: 'UP', deep: { map: new Map() } }, /event\.deep\.map is a Map/],
    ['a set inside', { type: 'UP', list: [new Set()] }, /event\.list\[0\] is a Set/],
    ['NaN inside', { type: 'UP', n: Number.NaN }, /event\.n is NaN/],
    ['Infinity inside', { type: 'UP', n: -Infinity }, /event\.n is -Infinity/],
    ['a function inside', { type: 'UP', fn: () => 1 }, /event\.fn is a function/],
    ['a symbol inside', { type: 'UP', s: Symbol('s') }, /event\.s is a symbol/],
    ['a bigint inside', { type: 'UP', n: 1n }, /event\.n is a bigint/],
    ['a class instance inside', { type: 'UP', money: new Money() }, /event\.money is a Money/],
    ['a promise inside', { type: 'UP', later: Promise.resolve(1) }, /event\.later is a Promise/],
    ['a hole in a list', { type: 'UP', list: [1, undefined] }, /event\.list\[1\] is undefined/],
    ['itself inside', cycle, /event\.self.*cycle/],
    ['__proto__ inside', JSON.parse('{"type":"UP","__proto__":{"polluted":true}}'), /__proto__/],
    ['constructor inside', { type: 'UP', constructor: { prototype: 1 } }, /constructor/],
    ['a hundred thousand levels', JSON.parse(`{"type":"UP","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), /64 levels/],
  ])('that is or has %s is refused by name, and the actor is left alone', async (_name, event, message) => {
    await using world = await started(plain)
    const actor = world.runtime.actor('m', '1')
    for (const work of [() => actor.send(event as never), () => actor.ask(event as never)]) {
      const error = await failureOf(work())
      isToldWell(error, 'event/invalid', 'm/1')
      expect(error.message).toMatch(message)
    }
    expect(await actor.snapshot()).toMatchObject({ seq: 1, context: { n: 0 } })
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'])('may have the type %s: it is one like any other', async (type) => {
    const named = setup({ types: { context: {} as { n: number }, events: {} as { type: string } } }).createMachine({ context: { n: 0 }, on: { '*': { actions: assign({ n: ({ context }) => context.n + 1 }) }, constructor: { actions: assign({ n: 10 }) }, toString: { actions: assign({ n: 20 }) } } as never })
    await using world = await started(named)
    const actor = world.runtime.actor('m', '1')
    expect((await actor.ask({ type })).context).toEqual({ n: type === 'constructor' ? 10 : type === 'toString' ? 20 : 1 })
    expect((await actor.nextEvents()).map(({ schema, jsonSchema }) => [schema, jsonSchema])).toEqual([[undefined, undefined], [undefined, undefined], [undefined, undefined]])
  })

  test('with a million keys is refused for its size, quickly', async () => {
    await using world = await started(plain)
    const event = { type: 'UP', ...Object.fromEntries(Array.from({ length: 1_000_000 }, (_, key) => [`k${key}`, key])) }
    const error = await failureOf(world.runtime.actor('m', '1').send(event as never))
    isToldWell(error, 'payload/too-large', 'm/1')
    expect(error.details).toMatchObject({ limit: 1_048_576 })
  })
})

describe('an input that JSON cannot hold', () => {
  test.each<[string, unknown, RegExp]>([
    ['a date', { when: new Date(0) }, /input\.when is a Date/],
    ['a function', () => 1, /input is a function/],
    ['NaN', { list: [Number.NaN] }, /input\.list\[0\] is NaN/],
  ])('%s is refused with its path, and nobody is born', async (_name, input, message) => {
    await using world = await worldOf(plain)
    const error = await failureOf(world.runtime.actor('m', '1').start(input as never))
    isToldWell(error, 'context/unserializable', 'm/1')
    expect(error.message).toMatch(message)
    expect((await world.runtime.actors()).actors).toEqual([])
  })
})

describe('a context that JSON cannot hold', () => {
  class Account { cents = 1 }
  const cyclic = (): unknown => { const loop: Record<string, unknown> = {}; loop['inner'] = { loop }; return loop }
  const values: [string, () => unknown, RegExp][] = [
    ['a date', () => new Date(0), /context\.value is a Date/],
    ['a map', () => ({ deep: new Map() }), /context\.value\.deep is a Map/],
    ['NaN', () => [0, Number.NaN], /context\.value\[1\] is NaN/],
    ['a function', () => ({ fn: () => 1 }), /context\.value\.fn is a function/],
    ['a cycle', cyclic, /context\.value\.inner.*cycle/],
    ['a class instance', () => [{ account: new Account() }], /context\.value\[0\]\.account is a Account/],
    ['a bigint', () => 10n, /context\.value is a bigint/],
    ['a hole in a list', () => [undefined], /context\.value\[0\] is undefined/],
    ['a name that would pollute', () => JSON.parse('{"__proto__":1}') as unknown, /__proto__/],
  ]
  const keeper = (value: () => unknown) => setup({ types: { context: {} as { value: unknown; n: number }, events: {} as { type: 'KEEP' } | { type: 'UP' } } }).createMachine({
    context: { value: null, n: 0 },
    on: { KEEP: { actions: assign({ value }) }, UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  })

  test.each(values)('%s, taken by an event, poisons it with the path; the state is untouched', async (_name, value, message) => {
    await using world = await started(keeper(value))
    const actor = world.runtime.actor('m', '1')
    const error = await failureOf(actor.ask({ type: 'KEEP' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    isToldWell(error.cause, 'context/unserializable', 'm/1')
    expect((error.cause as Error).message).toMatch(message)
    expect((error.cause as TroupeError).details['path']).toMatch(/^context\.value/)
    expect(await actor.snapshot()).toMatchObject({ status: 'active', context: { value: null, n: 0 } })
    expect((await actor.ask({ type: 'UP' })).context).toMatchObject({ n: 1 })
  })

  test.each(values)('%s, there from the beginning, lets nobody be born', async (_name, value, message) => {
    await using world = await worldOf(createMachine({ context: () => ({ value: value() }) }))
    const error = await failureOf(world.runtime.actor('m', '1').start())
    isToldWell(error, 'context/unserializable', 'm/1')
    expect(error.message).toMatch(message)
    expect(error.details['path']).toMatch(/^context\.value/)
    await expect(world.runtime.actor('m', '1').snapshot()).rejects.toMatchObject({ code: 'actor/unknown' })
  })

  test('an output is held to the same', async () => {
    const machine = setup({ types: { events: {} as { type: 'END' }, output: {} as unknown } }).createMachine({ initial: 'on', states: { on: { on: { END: 'off' } }, off: { type: 'final' } }, output: () => new Date(0) })
    await using world = await started(machine)
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'END' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    expect(error.cause).toMatchObject({ code: 'context/unserializable', message: expect.stringContaining('output') })
    expect((await world.runtime.actor('m', '1').snapshot()).status).toBe('active')
  })

  test('what a durable child is given, or emitted, as well', async () => {
    const parent = setup({ types: { events: {} as { type: 'GO' } }, actors: { m: remote<AnyStateMachine>('m') } }).createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: { invoke: { id: 'c', src: 'm', input: () => ({ when: new Date(0) }) } } } })
    await using world = await createTestWorld({ machines: { m: plain, parent } })
    await world.runtime.actor('parent', '1').start()
    const error = await failureOf(world.runtime.actor('parent', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'parent/1')
    expect(error.cause).toMatchObject({ message: expect.stringMatching(/input\.when is a Date/) })
  })
})

describe('children that could not be found again after a restart', () => {
  const logics = {
    'a promise': fromPromise(() => Promise.resolve(1)),
    'a callback': fromCallback(() => undefined),
    'a transition': fromTransition((state: number) => state, 0),
    'a machine': createMachine({}),
  }

  test.each(Object.entries(logics))('%s that is spawned inline is refused, with what to do, and the step taken back', async (_name, logic) => {
    await using world = await started(createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: { entry: spawnChild(logic, { id: 'kid' }) } } }))
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    isToldWell(error.cause, 'machine/inline-child', 'm/1')
    expect((error.cause as Error).message).toContain("'kid'")
    expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ status: 'active', value: 'a' })
  })

  test('from the beginning: nobody is born', async () => {
    await using world = await worldOf(createMachine({ entry: spawnChild(logics['a promise'], { id: 'kid' }) }))
    isToldWell(await failureOf(world.runtime.actor('m', '1').start()), 'machine/inline-child', 'm/1')
    await expect(world.runtime.actor('m', '1').snapshot()).rejects.toMatchObject({ code: 'actor/unknown' })
  })

  test('logic that is invoked inline has its place in the machine to be found by: it is no mistake', async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    await using world = await started(createMachine({ initial: 'a', states: { a: { invoke: { src: fromPromise(() => promise), onDone: 'b' } }, b: {} } }))
    await world.crash()
    await world.restart()
    await world.settle()
    resolve(1)
    await world.settle()
    expect((await world.runtime.actor('m', '1').snapshot()).value).toBe('b')
  })

  test.each([
    ['spawnChild', createMachine({ on: { GO: { actions: spawnChild(logics['a transition']) } } })],
    ['spawnChild of a named source', setup({ actors: { kid: logics['a transition'] } }).createMachine({ on: { GO: { actions: spawnChild('kid') } } })],
    ['spawn', setup({ actors: { kid: logics['a transition'] } }).createMachine({ context: {}, on: { GO: { actions: assign({ kid: ({ spawn }: { spawn: (src: 'kid') => unknown }) => spawn('kid') }) as never } } })],
  ])('%s without an id is refused, and the step taken back', async (_name, machine) => {
    await using world = await started(machine)
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    isToldWell(error.cause, 'machine/child-without-id', 'm/1')
    expect((await world.runtime.actor('m', '1').snapshot()).children).toEqual({})
    expect((await world.runtime.actor('m', '1').snapshot()).status).toBe('active')
  })

  test('a child whose source is not there is refused by its name', async () => {
    await using world = await started(createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: { invoke: { id: 'kid', src: 'nowhere' } } } }))
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    expect((error.cause as Error).message).toMatch(/nowhere|'kid'/)
    expect((await world.runtime.actor('m', '1').snapshot()).value).toBe('a')
  })
})

describe('a machine that never comes to rest', () => {
  const loop = createMachine({
    context: { n: 0 },
    initial: 'calm',
    states: {
      calm: { on: { GO: 'a', RAISE: 'r' } },
      a: { always: 'b' }, b: { always: 'a' },
      r: { on: { AGAIN: { actions: raise({ type: 'AGAIN' }) } }, entry: raise({ type: 'AGAIN' }) },
    },
  })

  test.each(['GO', 'RAISE'])('by %s is stopped after its limit of microsteps, and back where it was', async (type) => {
    await using world = await started(loop, { limits: { microstepsMax: 500 } })
    const actor = world.runtime.actor('m', '1')
    const error = await failureOf(actor.ask({ type }))
    isToldWell(error, 'event/poisoned', 'm/1')
    isToldWell(error.cause, 'machine/endless-loop', 'm/1')
    expect(error.cause).toMatchObject({ message: expect.stringMatching(/500/) })
    expect(await actor.snapshot()).toMatchObject({ status: 'active', value: 'calm' })
  })

  test('from its beginning is not born', async () => {
    await using world = await worldOf(createMachine({ initial: 'a', states: { a: { always: 'b' }, b: { always: 'a' } } }), { limits: { microstepsMax: 100 } })
    const error = await failureOf(world.runtime.actor('m', '1').start())
    isToldWell(error, 'machine/endless-loop', 'm/1')
    expect((await world.runtime.actors()).actors).toEqual([])
  })

  test('does not hold up others', async () => {
    await using world = await createTestWorld({ machines: { loop, plain }, limits: { microstepsMax: 500 } })
    for (const name of ['loop', 'plain'] as const) await world.runtime.actor(name, '1').start()
    await Promise.all([world.runtime.actor('loop', '1').send({ type: 'GO' }), world.runtime.actor('plain', '1').send({ type: 'UP' })])
    expect((await world.runtime.actor('plain', '1').snapshot()).context.n).toBe(1)
  })
})

test('a machine whose persisted state no longer exists holds its actor, and nothing is overwritten', async () => {
  const store = createMemoryStore()
  const old = createMachine({ id: 'm', context: { n: 5 }, initial: 'draft', states: { draft: {} } })
  await using world = await started(old, { store })
  await world.crash()
  await world.restart({ machines: { m: createMachine({ id: 'm', initial: 'other', states: { other: {} } }) as AnyStateMachine } })
  const actor = world.runtime.actor('m', '1')
  await actor.send({ type: 'GO' })
  const { status, failure, context } = await actor.snapshot()
  expect({ status, context }).toEqual({ status: 'held', context: { n: 5 } })
  expect(failure).toMatchObject({ name: 'TroupeError', code: 'actor/held', address: 'm/1', message: expect.stringContaining('version 1'), cause: { message: expect.stringContaining('draft') } })
  isToldWell(await failureOf(actor.pause()), 'actor/held', 'm/1')
  await world.crash()
  await world.restart({ machines: { m: old as AnyStateMachine } })
  await world.settle()
  expect(await world.runtime.actor('m', '1').snapshot()).toMatchObject({ status: 'active', value: 'draft', context: { n: 5 } })
})

test('a machine that spawns itself without end comes to an end, and others go on', async () => {
  const selfish = setup({ types: { context: {} as { depth: number }, input: {} as { depth: number } }, actors: { selfish: remote<AnyStateMachine>('selfish') } }).createMachine({
    context: ({ input }) => ({ depth: input.depth }),
    invoke: { id: 'me', src: 'selfish', input: ({ context }: { context: { depth: number } }) => ({ depth: context.depth + 1 }) },
  })
  await using world = await createTestWorld({ machines: { selfish, plain }, limits: { activeActorsMax: 50 } })
  await world.runtime.actor('plain', '1').start()
  await world.runtime.actor('selfish', '1').start({ depth: 0 })
  await world.settle()
  expect(await world.runtime.actor('selfish', '1').snapshot()).toMatchObject({ status: 'failed', failure: { message: expect.stringContaining('50 active actors') } })
  expect((await world.runtime.actor('plain', '1').ask({ type: 'UP' })).context.n).toBe(1)
  expect(world.runtime.health().liveActors).toBe(2)
  await using deep = await createTestWorld({ machines: { selfish } })
  await deep.runtime.actor('selfish', '1').start({ depth: 0 })
  await deep.settle()
  // Without the limit the address of the last one would be too long.
  expect(await deep.runtime.actor('selfish', '1').snapshot()).toMatchObject({ status: 'failed', failure: { message: expect.stringContaining('too long') } })
})

describe('a delay that is no time', () => {
  test.each([Number.NaN, Infinity, 1e308])('%s poisons the event that asked for it', async (delay) => {
    await using world = await started(setup({ delays: { strange: () => delay } }).createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: { after: { strange: 'a' } } } }))
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    isToldWell(error.cause, 'timer/invalid', 'm/1')
    expect((await world.runtime.actor('m', '1').snapshot()).value).toBe('a')
  })

  test('one before now is now, one of thirty days is thirty days', async () => {
    await using world = await started(setup({ delays: { past: () => -1, month: () => 2_592_000_000 } }).createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: { after: { past: 'c' } }, c: { after: { month: 'd' } }, d: {} } }))
    const actor = world.runtime.actor('m', '1')
    await actor.send({ type: 'GO' })
    await world.settle()
    expect((await actor.snapshot()).value).toBe('c')
    await world.advance(2_591_999_999)
    expect((await actor.snapshot()).value).toBe('c')
    await world.advance(1)
    expect((await actor.snapshot()).value).toBe('d')
  })
})

test('code of users that throws what is no error harms nobody', async () => {
  for (const thrown of [null, undefined, 'text', 42, { code: 'x' }, Symbol('s')]) {
    await using world = await started(createMachine({ on: { GO: { actions: () => { throw thrown } } } }))
    const error = await failureOf(world.runtime.actor('m', '1').ask({ type: 'GO' }))
    isToldWell(error, 'event/poisoned', 'm/1')
    expect((await world.runtime.actor('m', '1').snapshot()).status).toBe('active')
    expect(await world.runtime.deadLetters.list()).toHaveLength(1)
  }
})

test('a task that throws what nobody can write down fails its own actor, and no other of its partition', async () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  for (const thrown of [1n, cycle, new Map(), () => undefined, Symbol('s')]) {
    const machine = setup({ actors: { work: fromPromise(async () => { throw thrown }) } }).createMachine({ initial: 'on', states: { on: { invoke: { id: 'work', src: 'work' } } } })
    await using world = await createTestWorld({ machines: { m: machine, plain: createMachine({ initial: 'a', states: { a: { on: { GO: 'b' } }, b: {} } }) }, store: createMemoryStore() })
    await world.runtime.actor('m', '1').start()
    const ended = expect(world.runtime.actor('m', '1').result()).rejects.toMatchObject({ code: 'actor/failed' })
    await world.advance(100_000)
    await ended
    for (let key = 0; key < 64; key++) {
      await world.runtime.actor('plain', `${key}`).start()
      expect(await world.runtime.actor('plain', `${key}`).ask({ type: 'GO' })).toMatchObject({ value: 'b' })
    }
  }
})
