import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { TroupeError, createRuntime, remote, reply, task } from 'troupe'
import type { ActorHandle, RuntimeOptions, TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, createMachine, enqueueActions, fromPromise, raise, sendTo, setup, spawnChild } from 'xstate'
import type { AnyActorRef, AnyStateMachine } from 'xstate'
import { z } from 'zod'

/** Whatever is given to it, the process lives: no test may leave a failure that nobody has caught. */
const stray: unknown[] = []
const note = (error: unknown): void => void stray.push(error)
beforeAll(() => void process.on('unhandledRejection', note).on('uncaughtException', note))
afterAll(() => void process.off('unhandledRejection', note).off('uncaughtException', note))
afterEach(async () => {
  await new Promise(resolve => setTimeout(resolve, 1))
  expect(stray.splice(0)).toEqual([])
})

/** What a call was refused with: always a TroupeError that says what to do. */
async function refusal(call: () => unknown): Promise<TroupeError> {
  try {
    await call()
  } catch (error) {
    expect(error).toBeInstanceOf(TroupeError)
    expect((error as TroupeError).remedy).toMatch(/\w/)
    expect((error as TroupeError).message).toMatch(/\w/)
    return error as TroupeError
  }
  throw new Error('was not refused')
}

/** The TroupeError behind an event that poisoned its actor. */
function causeOf(error: TroupeError): TroupeError {
  expect(error).toMatchObject({ code: 'event/poisoned' })
  expect(error.cause).toBeInstanceOf(TroupeError)
  return error.cause as TroupeError
}

/** Runs a call that must leave an actor exactly as it was, and able to go on. */
async function unharmed<T>(actor: ActorHandle, call: () => Promise<T>): Promise<T> {
  const before = await actor.snapshot()
  const result = await call()
  const after = await actor.snapshot()
  expect({ status: after.status, value: after.value, context: after.context }).toEqual({ status: before.status, value: before.value, context: before.context })
  return result
}

const cell = setup({ types: { context: {} as { kept: unknown; count: number }, input: {} as unknown, events: {} as { type: string; value?: unknown } } }).createMachine({
  context: ({ input }) => ({ kept: input, count: 0 }),
  on: {
    KEEP: { actions: assign({ kept: ({ event }) => event.value }) },
    COUNT: { actions: assign({ count: ({ context }) => context.count + 1 }) },
  },
})

describe('a context changed in place', () => {
  const board = setup({
    types: { context: {} as { rows: { cells: number[]; name: string }[]; byName: Record<string, number> }, events: {} as { type: 'PUSH' | 'RENAME' | 'DELETE' | 'ADD' | 'SORT' | 'FINE' } },
    actions: {
      push: ({ context }) => context.rows[1]?.cells.push(9),
      rename: ({ context }) => void ((context.rows[0] as { name: string }).name = 'changed'),
      delete: ({ context }) => void delete context.byName['one'],
      add: ({ context }) => void (context.byName['new'] = 1),
      sort: ({ context }) => void context.rows.reverse(),
    },
  }).createMachine({
    context: { rows: [{ cells: [1], name: 'a' }, { cells: [2], name: 'b' }], byName: { one: 1 } },
    on: { PUSH: { actions: 'push' }, RENAME: { actions: 'rename' }, DELETE: { actions: 'delete' }, ADD: { actions: 'add' }, SORT: { actions: 'sort' }, FINE: { actions: assign({ byName: { two: 2 } }) } },
  })

  test.each([
    ['PUSH', 'context.rows[1].cells[1]'],
    ['RENAME', 'context.rows[0].name'],
    ['DELETE', 'context.byName.one'],
    ['ADD', 'context.byName.new'],
    ['SORT', 'context.rows[0]'],
  ] as const)('%s: the path is named to the asker and in the dead letter, and nothing is lost', async (type, path) => {
    await using world = await createTestWorld({ machines: { board } })
    const actor = world.runtime.actor(board, '1')
    await actor.start()
    const error = await unharmed(actor, () => refusal(() => actor.ask({ type })))
    expect(error).toMatchObject({ address: 'board/1' })
    const cause = causeOf(error)
    expect(cause).toMatchObject({ code: 'context/mutated', address: 'board/1', message: expect.stringContaining('context.') })
    expect((cause.details as { path: string }).path.startsWith(path)).toBe(true)
    const [letter] = await world.runtime.deadLetters.list()
    expect(letter).toMatchObject({ id: (error.details as { letter: string }).letter, address: 'board/1', message: { body: { event: { type } } }, cause: { code: 'context/mutated', details: cause.details } })
    await actor.send({ type: 'FINE' })
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor(board, '1').snapshot()).context).toEqual({ rows: [{ cells: [1], name: 'a' }, { cells: [2], name: 'b' }], byName: { two: 2 } })
  })

  test('the input of an actor belongs to its caller, who may go on changing it', async () => {
    await using world = await createTestWorld({ machines: { cell } })
    const input = { list: [1] }
    await world.runtime.actor(cell, '1').start(input)
    input.list.push(2)
    const value = { list: [1] }
    await world.runtime.actor(cell, '1').send({ type: 'KEEP', value })
    value.list.push(2)
    expect((await world.runtime.actor(cell, '1').snapshot()).context.kept).toEqual({ list: [1] })
  })
})

describe('addresses', () => {
  test('a machine that is not registered, by name and by object', async () => {
    await using world = await createTestWorld({ machines: { cell } })
    const other = createMachine({ id: 'other' })
    for (const call of [
      () => world.runtime.actor('nobody' as 'cell', '1'),
      () => world.runtime.actor('toString' as 'cell', '1'),
      () => world.runtime.actor('__proto__' as 'cell', '1'),
      () => world.runtime.actor(other, '1'),
      () => world.runtime.actor(createMachine({}), '1'),
      () => world.runtime.actor({} as AnyStateMachine, '1'),
      () => world.runtime.at('nobody/1'),
    ]) {
      expect(await refusal(call)).toMatchObject({ code: 'machine/unknown', status: 404, message: expect.stringContaining('registered are cell') })
    }
    await using empty = await createTestWorld({ machines: {} })
    expect(await refusal(() => empty.runtime.at('cell/1'))).toMatchObject({ code: 'machine/unknown', message: expect.stringContaining('none') })
  })

  test('an actor that was never started, whatever is asked of it', async () => {
    await using world = await createTestWorld({ machines: { cell } })
    const actor = world.runtime.actor(cell, 'nobody')
    const calls = {
      send: () => actor.send({ type: 'COUNT' }),
      ask: () => actor.ask({ type: 'COUNT' }),
      snapshot: () => actor.snapshot(),
      can: () => actor.can({ type: 'COUNT' }),
      nextEvents: () => actor.nextEvents(),
      result: () => actor.result(),
      waitFor: () => actor.waitFor({ tag: 'x' }),
      watch: () => actor.watch()[Symbol.asyncIterator]().next(),
      at: () => actor.at(1),
      fork: () => actor.fork(1, 'other'),
      pause: () => actor.pause(),
      resume: () => actor.resume(),
      stop: () => actor.stop(),
      cancel: () => actor.cancel(),
    }
    for (const [name, call] of Object.entries(calls)) expect(await refusal(call), name).toMatchObject({ code: 'actor/unknown', address: 'cell/nobody', status: 404 })
    expect((await world.runtime.actors()).actors).toEqual([])
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })

  test.each([[''], ['x'.repeat(2_000)], ['line\nbreak'], ['nul\u0000'], ['esc\u001b[2J'], ['del\u007f']])('the key %j', async key => {
    await using world = await createTestWorld({ machines: { cell } })
    expect(await refusal(() => world.runtime.actor(cell, key))).toMatchObject({ code: 'address/invalid', status: 400 })
    expect(await refusal(() => world.runtime.at(`cell/${key}`))).toMatchObject({ code: 'address/invalid' })
    const source = world.runtime.actor(cell, 'source')
    await source.start(null)
    expect(await refusal(() => source.fork(1, key))).toMatchObject({ code: 'address/invalid' })
    expect((await world.runtime.actors()).actors).toHaveLength(1)
  })

  test.each([[''], ['cell'], ['/1'], ['bad name/1'], ['../etc/passwd'], [`${'x'.repeat(200)}/1`]])('the address %j', async address => {
    await using world = await createTestWorld({ machines: { cell } })
    const error = await refusal(() => world.runtime.at(address))
    expect(['address/invalid', 'machine/unknown']).toContain(error.code)
  })

  test('a key that is no string', async () => {
    await using world = await createTestWorld({ machines: { cell } })
    for (const key of [undefined, null, 42, {}, []]) expect(await refusal(() => world.runtime.actor(cell, key as unknown as string))).toMatchObject({ code: 'address/invalid' })
    for (const address of [undefined, null, 42, {}]) expect(await refusal(() => world.runtime.at(address as unknown as string))).toMatchObject({ code: 'address/invalid' })
  })

  test("a key with '>' cannot be started or forked to", async () => {
    await using world = await createTestWorld({ machines: { cell } })
    expect(await refusal(() => world.runtime.actor(cell, 'a>b').start(null))).toMatchObject({ code: 'address/invalid', address: 'cell/a>b' })
    const source = world.runtime.actor(cell, 'source')
    await source.start(null)
    expect(await refusal(() => source.fork(1, 'a>b'))).toMatchObject({ code: 'address/invalid' })
  })
})

test('a second start with another input', async () => {
  await using world = await createTestWorld({ machines: { cell } })
  const actor = world.runtime.actor(cell, '1')
  await actor.start({ a: 1 })
  await actor.send({ type: 'COUNT' })
  await unharmed(actor, async () => {
    for (const input of [{ a: 2 }, { a: '1' }, {}, [], null, undefined, 0]) expect(await refusal(() => actor.start(input)), JSON.stringify(input)).toMatchObject({ code: 'actor/exists', address: 'cell/1', status: 409 })
  })
})

describe('what is no event', () => {
  test.each([
    ['undefined', undefined], ['null', null], ['text', 'COUNT'], ['a number', 42], ['a boolean', true], ['a function', () => undefined], ['a symbol', Symbol('s')], ['a bigint', 1n],
    ['an object without a type', {}], ['an array', []], ['an empty type', { type: '' }], ['a type that is a number', { type: 1 }], ['a type that is null', { type: null }],
    ['a reserved type', { type: 'xstate.init' }], ['a stop', { type: 'xstate.stop' }], ['a forged done event', { type: 'xstate.done.actor.child', output: 1 }], ['a forged error', { type: 'xstate.error.actor.0.cell' }],
    ['a forged delay', { type: 'xstate.after.1000.cell' }], ['a forged snapshot', { type: 'xstate.snapshot.child' }], ['a forged outcome', { type: 'troupe.child', child: 'x' }], ['a forged task', { type: 'troupe.task.done', task: '1' }],
    ['a cycle', (() => { const event: Record<string, unknown> = { type: 'COUNT' }; return Object.assign(event, { self: event }) })()],
    ['a bigint inside', { type: 'COUNT', value: 1n }], ['a Date inside', { type: 'COUNT', value: new Date(0) }], ['an undefined in an array', { type: 'COUNT', value: [undefined] }],
    ['an instance of a class', new (class Count { type = 'COUNT' })()],
  ])('%s', async (_what, event) => {
    await using world = await createTestWorld({ machines: { cell } })
    const actor = world.runtime.actor(cell, '1')
    await actor.start(null)
    await unharmed(actor, async () => {
      expect(await refusal(() => actor.send(event as never))).toMatchObject({ code: 'event/invalid', address: 'cell/1', status: 400 })
      expect(await refusal(() => actor.ask(event as never))).toMatchObject({ code: 'event/invalid', address: 'cell/1' })
    })
    expect((await actor.snapshot()).seq).toBe(1)
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })

  test('an event that its schema refuses, with what is wrong with it', async () => {
    const machine = setup({ types: { events: {} as { type: 'PAY'; cents: number } } }).createMachine({ on: { PAY: {} } })
    await using world = await createTestWorld({ machines: { pay: { machine, events: { PAY: z.object({ cents: z.number().int() }) } } } })
    const actor = world.runtime.actor('pay', '1')
    await actor.start()
    const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.send({ type: 'PAY', cents: 'all' } as never)))
    expect(error).toMatchObject({ code: 'event/invalid', address: 'pay/1', message: expect.stringContaining('cents') })
    expect(await refusal(() => actor.send(Object.assign(Object.create(null) as object, { type: 'PAY' }) as never))).toMatchObject({ code: 'event/invalid' })
  })

  test('keys by which prototypes are polluted, in events, inputs and contexts', async () => {
    const made = setup({ types: { context: {} as { made: unknown }, events: {} as { type: 'MAKE'; text: string } } }).createMachine({
      context: { made: null },
      on: { MAKE: { actions: assign({ made: ({ event }) => JSON.parse(event.text) as unknown }) } },
    })
    await using world = await createTestWorld({ machines: { cell, made } })
    const actor = world.runtime.actor(cell, '1')
    await actor.start(null)
    for (const key of ['__proto__', 'constructor', 'prototype', '$troupe']) {
      const poison = JSON.parse(`{"deep":[{"${key}":{"polluted":true}}]}`) as unknown
      expect(await unharmed(actor, () => refusal(() => actor.send({ type: 'KEEP', value: poison })))).toMatchObject({ code: 'event/invalid', details: { path: `event.value.deep[0].${key}` } })
      expect(await refusal(() => world.runtime.actor(cell, '2').start(poison))).toMatchObject({ code: 'event/invalid', details: { path: `input.deep[0].${key}` } })
      const maker = world.runtime.actor(made, key)
      await maker.start()
      const error = await unharmed(maker as ActorHandle, () => refusal(() => maker.ask({ type: 'MAKE', text: JSON.stringify(poison) })))
      expect(causeOf(error)).toMatchObject({ code: 'context/unserializable', details: { path: expect.stringContaining(`made.deep[0].${key}`) } })
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('events nested a hundred levels deep, and a hundred thousand', async () => {
    await using world = await createTestWorld({ machines: { cell } })
    const actor = world.runtime.actor(cell, '1')
    await actor.start(null)
    for (const depth of [100, 100_000]) {
      const value = JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown
      const error = await unharmed(actor, () => refusal(() => actor.send({ type: 'KEEP', value })))
      expect(error).toMatchObject({ code: 'event/invalid', message: expect.stringContaining('deeper than 64') })
      expect(error.message.length).toBeLessThan(1_000)
      expect(await refusal(() => world.runtime.actor(cell, '2').start(value))).toMatchObject({ code: 'event/invalid' })
    }
    await actor.send({ type: 'KEEP', value: JSON.parse('['.repeat(60) + ']'.repeat(60)) })
  })
})

describe('what JSON cannot hold', () => {
  const cycle = (() => { const value: Record<string, unknown> = {}; return Object.assign(value, { self: value }) })()
  const values: Record<string, () => unknown> = {
    'a Date': () => new Date(0), 'a Map': () => new Map([[1, 2]]), 'a Set': () => new Set([1]), 'a function': () => () => 1, NaN: () => Number.NaN, Infinity: () => Infinity, '-Infinity': () => -Infinity,
    'a bigint': () => 1n, 'a symbol': () => Symbol('s'), 'a cycle': () => cycle, 'an instance of a class': () => new (class Money { cents = 1 })(), 'a RegExp': () => /x/, 'a Promise': () => Promise.resolve(1),
    'an undefined in an array': () => [undefined], 'a WeakMap': () => new WeakMap(), 'an ArrayBuffer': () => new ArrayBuffer(1), 'a URL': () => new URL('http://a.b'),
  }
  const holder = setup({ types: { context: {} as { deep: unknown; count: number }, events: {} as { type: 'PUT'; what: string } | { type: 'END'; what: string } | { type: 'COUNT' } } }).createMachine({
    context: { deep: null, count: 0 },
    initial: 'open',
    states: {
      open: {
        on: {
          PUT: { actions: assign({ deep: ({ event }) => ({ list: [0, values[event.what]?.()] }) }) },
          COUNT: { actions: assign({ count: ({ context }) => context.count + 1 }) },
          END: 'ended',
        },
      },
      ended: { type: 'final' },
    },
    output: ({ event }) => ({ list: [0, values[(event as { what?: string }).what ?? 'a Map']?.()] }),
  })

  test.each(Object.keys(values))('in the context: %s', async what => {
    await using world = await createTestWorld({ machines: { holder } })
    const actor = world.runtime.actor(holder, '1')
    await actor.start()
    const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.ask({ type: 'PUT', what })))
    const cause = causeOf(error)
    expect(cause).toMatchObject({ code: 'context/unserializable', message: expect.stringContaining('context.deep.list[1]') })
    expect((cause.details as { path: string }).path).toContain('context.deep.list[1]')
    expect(await world.runtime.deadLetters.list()).toMatchObject([{ address: 'holder/1', cause: { code: 'context/unserializable' } }])
    expect((await actor.ask({ type: 'COUNT' })).context).toEqual({ deep: null, count: 1 })
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor(holder, '1').snapshot()).context).toEqual({ deep: null, count: 1 })
  })

  test.each(Object.keys(values))('in the first context, so that there is no actor: %s', async what => {
    const born = setup({}).createMachine({ context: () => ({ deep: { list: [0, values[what]?.()] } }) })
    await using world = await createTestWorld({ machines: { born } })
    const error = await refusal(() => world.runtime.actor(born, '1').start())
    expect(error).toMatchObject({ code: 'context/unserializable', message: expect.stringContaining('context.deep.list[1]') })
    expect(await refusal(() => world.runtime.actor(born, '1').snapshot())).toMatchObject({ code: 'actor/unknown' })
    expect((await world.runtime.actors()).actors).toEqual([])
  })

  test('in an input and in an output', async () => {
    await using world = await createTestWorld({ machines: { cell, holder } })
    for (const [what, make] of Object.entries(values)) {
      expect(await refusal(() => world.runtime.actor(cell, '1').start({ deep: [0, make()] })), what).toMatchObject({ code: 'event/invalid', details: { path: expect.stringContaining('input.deep[1]') } })
    }
    const actor = world.runtime.actor(holder, '1')
    await actor.start()
    const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.ask({ type: 'END', what: 'a Map' })))
    expect(causeOf(error)).toMatchObject({ code: 'context/unserializable', message: expect.stringContaining('output.list[1]') })
  })

  test('in what a task gives back: its machine hears of it, and it is not tried again', async () => {
    let runs = 0
    const asker = setup({
      types: { context: {} as { error: unknown }, events: {} as { type: 'GO' } },
      actors: { ask: task({ run: () => (runs++, new Map() as unknown) }) },
    }).createMachine({
      context: { error: null },
      initial: 'idle',
      states: { idle: { on: { GO: 'busy' } }, busy: { invoke: { src: 'ask', onDone: 'idle', onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) } } }, failed: {} },
    })
    await using world = await createTestWorld({ machines: { asker } })
    const actor = world.runtime.actor(asker, '1')
    await actor.start()
    await actor.send({ type: 'GO' })
    await world.settle()
    const snapshot = await actor.snapshot()
    expect(snapshot.value).toBe('failed')
    expect(snapshot.context.error).toMatchObject({ code: 'context/unserializable', details: { path: 'output' } })
    expect(runs).toBe(1)
  })

  test('in a reply, and in an event from one actor to another', async () => {
    const teller = setup({ types: { events: {} as { type: 'ASK' | 'TELL' } } }).createMachine({
      on: {
        ASK: { actions: reply(() => new Map()) },
        TELL: { actions: sendTo(() => ({ address: 'cell/1' }) as unknown as AnyActorRef, { type: 'KEEP', value: new Set([1]) }) },
      },
    })
    await using world = await createTestWorld({ machines: { teller, cell } })
    await world.runtime.actor(cell, '1').start(null)
    const actor = world.runtime.actor(teller, '1')
    await actor.start()
    for (const [type, path] of [['ASK', 'reply'], ['TELL', 'event.value']] as const) {
      const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.ask({ type }, { until: 'reply', timeout: 100 })))
      expect(causeOf(error)).toMatchObject({ code: 'event/invalid', details: { path } })
    }
    expect((await world.runtime.actor(cell, '1').snapshot()).context.kept).toBeUndefined()
  })
})

describe('children', () => {
  const worker = createMachine({ initial: 'a', states: { a: {} } })
  type Go = { type: 'GO' }

  test.each<[string, AnyStateMachine]>([
    ['spawned', createMachine({ context: {}, initial: 'idle', states: { idle: { on: { GO: { actions: assign(({ spawn }) => ({ child: spawn(worker, { id: 'inline' }) })) } } } } }) as unknown as AnyStateMachine],
    ['spawned with spawnChild', createMachine({ initial: 'idle', states: { idle: { on: { GO: { actions: spawnChild(worker, { id: 'inline' }) as never } } } } })],
  ])('inline logic, %s, is refused with the name of the child', async (_how, machine) => {
    await using world = await createTestWorld({ machines: { parent: machine } })
    const actor = world.runtime.at('parent/1')
    await actor.start()
    const error = await unharmed(actor, () => refusal(() => actor.ask({ type: 'GO' })))
    expect(causeOf(error)).toMatchObject({ code: 'machine/inline-child', message: expect.stringContaining("'inline'") })
    expect((await actor.snapshot()).children).toEqual({})
  })

  test('inline logic that is invoked has its place in the machine for a name, and survives a restart', async () => {
    let runs = 0
    const parent = createMachine({ context: { got: null as unknown }, initial: 'busy', states: { busy: { invoke: { id: 'inline', src: fromPromise(async () => (++runs < 2 ? new Promise(() => undefined) : 'done')), onDone: { target: 'ready', actions: assign({ got: ({ event }) => event.output }) } } }, ready: {} } })
    await using world = await createTestWorld({ machines: { parent } })
    await world.runtime.actor(parent, '1').start()
    await world.settle()
    await world.restart()
    await world.settle()
    expect(await world.runtime.actor(parent, '1').snapshot()).toMatchObject({ value: 'ready', context: { got: 'done' } })
  })

  test.each<[string, AnyStateMachine]>([
    ['spawn', setup({ actors: { worker } }).createMachine({ context: {}, on: { GO: { actions: assign(({ spawn }) => ({ child: spawn('worker') })) } } }) as unknown as AnyStateMachine],
    ['spawnChild', setup({ actors: { worker } }).createMachine({ on: { GO: { actions: spawnChild('worker') as never } } })],
    ['enqueue.spawnChild', setup({ actors: { worker } }).createMachine({ on: { GO: { actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('worker')) } } })],
  ])('%s without an id', async (_how, machine) => {
    await using world = await createTestWorld({ machines: { parent: machine } })
    const actor = world.runtime.at('parent/1')
    await actor.start()
    const error = await unharmed(actor, () => refusal(() => actor.ask({ type: 'GO' })))
    expect(causeOf(error)).toMatchObject({ code: 'machine/child-without-id' })
    expect((await actor.snapshot()).children).toEqual({})
  })

  test('a source that setup does not have', async () => {
    const machine = createMachine({ on: { GO: '.busy' }, initial: 'idle', states: { idle: {}, busy: { invoke: { id: 'helper', src: 'nobody' } } } })
    await using world = await createTestWorld({ machines: { parent: machine } })
    const actor = world.runtime.at('parent/1')
    await actor.start()
    const error = await unharmed(actor, () => refusal(() => actor.ask({ type: 'GO' })))
    expect(causeOf(error)).toMatchObject({ code: 'machine/invalid', message: expect.stringContaining("'helper'") })
  })

  test('a remote machine that is not registered: the parent hears of it as the error of its child', async () => {
    const parent = setup({ types: { context: {} as { error: unknown }, events: {} as Go }, actors: { far: remote<typeof worker>('nobody') } }).createMachine({
      context: { error: null },
      initial: 'idle',
      states: { idle: { on: { GO: 'busy' } }, busy: { invoke: { src: 'far', onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) } } }, failed: {} },
    })
    await using world = await createTestWorld({ machines: { parent } })
    const actor = world.runtime.actor(parent, '1')
    await actor.start()
    await actor.send({ type: 'GO' })
    await world.settle()
    const snapshot = await actor.snapshot()
    expect(snapshot.value).toBe('failed')
    expect(snapshot.context.error).toMatchObject({ code: 'machine/unknown', message: expect.stringContaining('nobody') })
  })
})

describe('endless loops', () => {
  const loops: Record<string, () => AnyStateMachine> = {
    always: () => createMachine({ initial: 'idle', states: { idle: { on: { GO: 'a' } }, a: { always: 'b' }, b: { always: 'a' } } }),
    raise: () => createMachine({ initial: 'idle', states: { idle: { on: { GO: { actions: raise({ type: 'GO' }) } } } } }),
    'always with a growing context': () => createMachine({ context: { n: 0 }, initial: 'idle', states: { idle: { on: { GO: 'a' } }, a: { always: { target: 'a', reenter: true, actions: assign({ n: ({ context }) => (context as { n: number }).n + 1 }) } } } }),
  }

  test.each(Object.keys(loops))('%s', async name => {
    await using world = await createTestWorld({ machines: { loop: { machine: (loops[name] as () => AnyStateMachine)(), limits: { microstepsMax: 500 } }, cell } })
    await world.runtime.actor(cell, '1').start(null)
    const actor = world.runtime.at('loop/1')
    await actor.start()
    const error = await unharmed(actor, () => refusal(() => actor.ask({ type: 'GO' })))
    expect(causeOf(error)).toMatchObject({ code: 'machine/endless-loop', address: 'loop/1', message: expect.stringContaining('500'), details: { limit: 500 } })
    expect(await world.runtime.deadLetters.list()).toMatchObject([{ address: 'loop/1', cause: { code: 'machine/endless-loop' } }])
    expect((await world.runtime.actor(cell, '1').ask({ type: 'COUNT' })).context.count).toBe(1)
  })

  test('in the initial state, with the default limit: there is no actor', async () => {
    const loop = createMachine({ initial: 'a', states: { a: { always: 'b' }, b: { always: 'a' } } })
    await using world = await createTestWorld({ machines: { loop } })
    expect(await refusal(() => world.runtime.actor(loop, '1').start())).toMatchObject({ code: 'machine/endless-loop', address: 'loop/1', details: { limit: 10_000 } })
    expect(await refusal(() => world.runtime.actor(loop, '1').snapshot())).toMatchObject({ code: 'actor/unknown' })
  })

  test('a machine that sends to itself for ever lets the others have their turns', async () => {
    const ping = createMachine({ on: { GO: { actions: sendTo(() => ({ address: 'ping/1' }) as unknown as AnyActorRef, { type: 'GO' }) } } })
    await using world = await createTestWorld({ machines: { ping, cell } })
    await world.runtime.actor(cell, '1').start(null)
    await world.runtime.actor(ping, '1').start()
    await world.runtime.actor(ping, '1').send({ type: 'GO' })
    expect((await world.runtime.actor(cell, '1').ask({ type: 'COUNT' })).context.count).toBe(1)
    await world.runtime.actor(ping, '1').stop()
  })
})

describe('a machine that does not fit its checkpoints any more', () => {
  const machineOf = (states: Record<string, object>, extra: object = {}) => setup({}).createMachine({ context: { n: 0 }, initial: 'first', on: { ADD: { actions: assign({ n: ({ context }) => (context as { n: number }).n + 1 }) } }, states, ...extra } as never) as unknown as AnyStateMachine
  const old = machineOf({ first: { on: { NEXT: 'gone' } }, gone: {} })

  test('its state is gone: it is held as it was, sends wait, and a machine that fits goes on', async () => {
    await using world = await createTestWorld<{ shop: AnyStateMachine }>({ machines: { shop: old } })
    await world.runtime.at('shop/1').start()
    await world.runtime.at('shop/1').send({ type: 'NEXT' })
    await world.restart({ machines: { shop: machineOf({ first: {} }) } })
    const held = world.runtime.at('shop/1')
    await held.send({ type: 'ADD' })
    await held.send({ type: 'ADD' })
    const snapshot = await held.snapshot()
    expect(snapshot).toMatchObject({ status: 'held', failure: { code: 'actor/held', address: 'shop/1' } })
    expect(await refusal(() => held.pause())).toMatchObject({ code: 'actor/held', address: 'shop/1', status: 409 })
    expect((await world.runtime.actors({ status: 'held' })).actors).toMatchObject([{ address: 'shop/1', waiting: 2 }])
    await world.restart({ machines: { shop: old } })
    await world.settle()
    expect(await world.runtime.at('shop/1').snapshot()).toMatchObject({ status: 'active', value: 'gone', context: { n: 2 } })
    expect(await world.runtime.deadLetters.list()).toEqual([])
  })

  test('its state is gone, and a migration brings it to another one', async () => {
    await using world = await createTestWorld<{ shop: AnyStateMachine | { machine: AnyStateMachine; version: string; migrate: (snapshot: object) => never } }>({ machines: { shop: old } })
    await world.runtime.at('shop/1').start()
    await world.runtime.at('shop/1').send({ type: 'NEXT' })
    const next = machineOf({ first: {}, found: {} })
    await world.restart({ machines: { shop: { machine: next, version: '2', migrate: () => { throw new Error('not yet') } } } })
    await world.runtime.at('shop/1').send({ type: 'ADD' })
    expect(await world.runtime.at('shop/1').snapshot()).toMatchObject({ status: 'held', failure: { code: 'actor/held', cause: { message: 'not yet' } } })
    await world.restart({ machines: { shop: { machine: next, version: '2', migrate: snapshot => ({ ...snapshot, value: 'found' }) as never } } })
    await world.settle()
    expect(await world.runtime.at('shop/1').snapshot()).toMatchObject({ status: 'active', value: 'found', context: { n: 1 } })
  })

  test('the source of a child is gone', async () => {
    const worker = createMachine({ initial: 'a', states: { a: {} } })
    const withChild = setup({ actors: { worker } }).createMachine({ initial: 'first', context: { n: 0 }, states: { first: { invoke: { id: 'helper', src: 'worker' } } } }) as unknown as AnyStateMachine
    await using world = await createTestWorld<{ shop: AnyStateMachine }>({ machines: { shop: withChild } })
    await world.runtime.at('shop/1').start()
    await world.restart({ machines: { shop: machineOf({ first: {} }) } })
    await world.runtime.at('shop/1').send({ type: 'ADD' })
    expect(await world.runtime.at('shop/1').snapshot()).toMatchObject({ status: 'held', failure: { code: 'actor/held', cause: { message: expect.stringContaining("child 'helper' has source 'worker'") } } })
    await world.restart({ machines: { shop: withChild } })
    await world.settle()
    expect(await world.runtime.at('shop/1').snapshot()).toMatchObject({ status: 'active', children: { helper: { value: 'a' } } })
  })

  test('the machine is not registered any more: what waits for it is not touched', async () => {
    await using world = await createTestWorld<{ shop?: AnyStateMachine; cell?: AnyStateMachine }>({ machines: { shop: old } })
    await world.runtime.at('shop/1').start()
    await world.restart({ machines: { cell } })
    expect(await refusal(() => world.runtime.at('shop/1'))).toMatchObject({ code: 'machine/unknown' })
    expect((await world.runtime.actors()).actors).toHaveLength(1)
    await world.restart({ machines: { shop: old } })
    expect((await world.runtime.at('shop/1').ask({ type: 'NEXT' })).value).toBe('gone')
  })
})

describe('options of createRuntime', () => {
  const given = (options: object): (() => Promise<unknown>) => async () => {
    const runtime = await createRuntime({ machines: { cell }, store: 'memory:', ...options } as RuntimeOptions)
    await runtime.close()
  }

  test.each<[string, unknown]>([
    ['nothing', ''], ['no scheme', './app.db'], ['another scheme', 'postgres://db'], ['a number', 42], ['null', null], ['undefined', undefined], ['no file', 'sqlite:'], ['no file but options', 'sqlite:?synchronous=FULL'],
    ['another mode', 'sqlite:./x.db?synchronous=OFF'], ['an unknown option', 'sqlite:./x.db?wal=1'], ['no partitions', 'sqlite:./x.db?partitions=0'], ['half a partition', 'sqlite:./x.db?partitions=1.5'], ['too many partitions', 'sqlite:./x.db?partitions=2000'], ['partitions in words', 'sqlite:./x.db?partitions=many'],
  ])('store: %s', async (_what, store) => {
    expect(await refusal(given({ store }))).toMatchObject({ code: 'config/invalid', status: 400 })
  })

  test.each<[string, object]>([
    ['an unknown limit', { nosuch: 1 }], ['a key of all objects', { toString: 1 }], ['zero', { mailboxDepthMax: 0 }], ['a negative', { tasksMax: -1 }], ['NaN', { payloadBytesMax: Number.NaN }], ['text', { payloadBytesMax: '1 MB' }], ['null', { payloadBytesMax: null }],
  ])('limits: %s', async (_what, limits) => {
    expect(await refusal(given({ limits }))).toMatchObject({ code: 'config/invalid', message: expect.stringContaining(`limits.${Object.keys(limits)[0] as string}`) })
    expect(await refusal(given({ machines: { cell: { machine: cell, limits } } }))).toMatchObject({ code: 'config/invalid' })
  })

  test.each<[string, unknown]>([['zero', { concurrency: 0 }], ['half', { concurrency: 0.5 }], ['text', { concurrency: 'all' }], ['nothing', {}], ['null', null], ['a number', 3]])('queues: %s', async (_what, queue) => {
    expect(await refusal(given({ queues: { mail: queue } }))).toMatchObject({ code: 'config/invalid', message: expect.stringContaining('queues.mail') })
  })

  test.each<[string, unknown]>([['null', null], ['undefined', undefined], ['text', 'cell'], ['a number', 1]])('machines: %s', async (_what, machines) => {
    expect(await refusal(given({ machines }))).toMatchObject({ code: 'config/invalid' })
  })

  test.each<[string, object]>([
    ['null', { cell: null }], ['undefined', { cell: undefined }], ['text', { cell: 'machine' }], ['an empty object', { cell: {} }], ['a registration of nothing', { cell: { machine: null } }], ['a function', { cell: () => cell }],
    ['a name with a slash', { 'a/b': cell }], ['a name with a space', { 'a b': cell }], ['an empty name', { '': cell }], ["a name with '>'", { 'a>b': cell }], ['a long name', { ['x'.repeat(129)]: cell }],
  ])('a machine: %s', async (_what, machines) => {
    expect(await refusal(given({ machines }))).toMatchObject({ code: 'machine/invalid', status: 400 })
  })

  test.each<[string, object]>([
    ['retention', { retention: { completedMs: -1 } }], ['retention in words', { retention: { completedMs: 'a day' } }], ['a window', { supervision: { strategy: 'restart', windowMs: Number.NaN } }], ['restarts', { supervision: { strategy: 'restart', restartsMax: -1 } }],
    ['a strategy', { supervision: { strategy: 'pray' } }], ['a journal', { journal: 'none' }],
  ])('a registration: %s', async (_what, registration) => {
    expect(await refusal(given({ machines: { cell: { machine: cell, ...registration } } }))).toMatchObject({ code: 'config/invalid', message: expect.stringContaining("'cell'") })
  })

  test('one machine under two names is found by either name', async () => {
    await using world = await createTestWorld({ machines: { one: cell, two: cell } })
    await world.runtime.actor('one', '1').start(1)
    await world.runtime.actor('two', '1').start(2)
    expect((await world.runtime.actor('one', '1').snapshot()).context.kept).toBe(1)
    expect((await world.runtime.actor('two', '1').snapshot()).context.kept).toBe(2)
  })

  test('queries without sense', async () => {
    await using world = await createTestWorld({ machines: { cell } })
    await world.runtime.actor(cell, '1').start(null)
    const actor = world.runtime.actor(cell, '1')
    for (const call of [
      () => world.runtime.actors({ status: 'alive' as never }), () => world.runtime.actors({ limit: 0 }), () => world.runtime.actors({ limit: 1.5 }), () => world.runtime.deadLetters.list({ state: 'lost' as never }),
      () => actor.history({ from: -1 }), () => actor.history({ from: 0.5 }), () => actor.history({ limit: -3 }), () => actor.at(99), () => actor.at(-1), () => actor.at(0.5), () => actor.at(Number.NaN), () => actor.fork(99, 'x'), () => actor.watch({ from: 99 })[Symbol.asyncIterator]().next(),
    ]) {
      expect(await refusal(call), String(call)).toMatchObject({ code: 'config/invalid' })
    }
  })
})

describe('delays', () => {
  const clock = setup({ types: { context: {} as { rang: number }, events: {} as { type: 'SET'; ms: number } | { type: 'RING' } } }).createMachine({
    context: { rang: 0 },
    on: {
      SET: { actions: raise({ type: 'RING' }, { id: 'bell', delay: ({ event }) => (event as { ms: number }).ms }) },
      RING: { actions: assign({ rang: ({ context }) => context.rang + 1 }) },
    },
  })
  const given: Record<string, number> = { NaN: Number.NaN, Infinity, '1e308': 1e308 }
  const bad = setup({ types: { context: {} as { rang: number }, events: {} as { type: 'SET'; what: string } | { type: 'RING' } } }).createMachine({
    context: { rang: 0 },
    on: { SET: { actions: raise({ type: 'RING' }, { id: 'bell', delay: ({ event }) => given[(event as { what: string }).what] as number }) }, RING: { actions: assign({ rang: ({ context }) => context.rang + 1 }) } },
  })

  test.each(Object.keys(given))('of %s', async what => {
    await using world = await createTestWorld({ machines: { bad } })
    const actor = world.runtime.actor(bad, '1')
    await actor.start()
    const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.ask({ type: 'SET', what })))
    expect(causeOf(error)).toMatchObject({ code: 'timer/invalid', address: 'bad/1' })
    await world.advance(1e9)
    expect((await actor.snapshot()).context.rang).toBe(0)
  })

  test('below zero fire at once; of ninety years they wait', async () => {
    await using world = await createTestWorld({ machines: { clock } })
    const actor = world.runtime.actor(clock, '1')
    await actor.start()
    await actor.send({ type: 'SET', ms: -5 })
    await world.advance(0)
    expect((await actor.snapshot()).context.rang).toBe(1)
    await actor.send({ type: 'SET', ms: 90 * 365 * 86_400_000 })
    await world.advance(1_000)
    expect((await actor.snapshot()).context.rang).toBe(1)
  })
})

describe('payloads over the limit', () => {
  const limits = { payloadBytesMax: 1_000, checkpointBytesMax: 3_000 }
  const big = 'é'.repeat(600)

  test('an event and an input', async () => {
    await using world = await createTestWorld({ machines: { cell: { machine: cell, limits } } })
    const actor = world.runtime.actor('cell', '1')
    const expected = { code: 'payload/too-large', address: 'cell/1', status: 413, message: expect.stringMatching(/payloadBytesMax is 1000/), details: { bytes: expect.any(Number), limit: 1_000 } }
    expect(await refusal(() => actor.start(big))).toMatchObject(expected)
    expect(await refusal(() => actor.snapshot())).toMatchObject({ code: 'actor/unknown' })
    await actor.start(null)
    const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.send({ type: 'KEEP', value: big })))
    expect(error).toMatchObject({ ...expected, details: { bytes: Buffer.byteLength(JSON.stringify({ type: 'KEEP', value: big })) } })
    // Just below it, it is taken.
    await actor.send({ type: 'KEEP', value: 'x'.repeat(970) })
  })

  test('a checkpoint that grows too large', async () => {
    await using world = await createTestWorld({ machines: { cell: { machine: cell, limits: { ...limits, payloadBytesMax: 1e6 } } } })
    const actor = world.runtime.actor('cell', '1')
    await actor.start(null)
    const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.ask({ type: 'KEEP', value: 'x'.repeat(4_000) })))
    expect(causeOf(error)).toMatchObject({ code: 'payload/too-large', address: 'cell/1', message: expect.stringContaining('checkpointBytesMax is 3000'), details: { bytes: expect.any(Number), limit: 3_000 } })
    expect((causeOf(error).details as { bytes: number }).bytes).toBeGreaterThan(4_000)
    expect(await refusal(() => world.runtime.actor('cell', '2').start('x'.repeat(4_000)))).toMatchObject({ code: 'payload/too-large', address: 'cell/2' })
    await actor.send({ type: 'KEEP', value: 'small' })
    expect((await actor.snapshot()).context.kept).toBe('small')
  })

  test('the output of a task: its machine hears of it, and it is not tried again', async () => {
    let runs = 0
    const asker = setup({
      types: { context: {} as { error: unknown } },
      actors: { ask: task({ run: ({ input }: TaskScope<number>) => (runs++, 'x'.repeat(input)) }) },
    }).createMachine({ context: { error: null }, initial: 'busy', states: { busy: { invoke: { src: 'ask', input: 5_000, onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) } } }, failed: {} } })
    await using world = await createTestWorld({ machines: { asker }, limits: { payloadBytesMax: 1_000 } })
    const actor = world.runtime.actor(asker, '1')
    await actor.start()
    await world.settle()
    const snapshot = await actor.snapshot()
    expect(snapshot.value).toBe('failed')
    expect(snapshot.context.error).toMatchObject({ code: 'payload/too-large', message: expect.stringContaining('payloadBytesMax is 1000'), details: { bytes: 5_002, limit: 1_000 } })
    expect(runs).toBe(1)
  })

  test('what one actor sends another, and the input of its child', async () => {
    const far = setup({ types: { input: {} as string, context: {} as object } }).createMachine({ context: {} })
    const teller = setup({ types: { events: {} as { type: 'TELL' | 'SPAWN' } }, actors: { far: remote<typeof far>('far') } }).createMachine({
      on: {
        TELL: { actions: sendTo(() => ({ address: 'cell/1' }) as unknown as AnyActorRef, { type: 'KEEP', value: big }) },
        SPAWN: { actions: spawnChild('far', { id: 'child', input: big }) },
      },
    })
    await using world = await createTestWorld({ machines: { teller, cell, far }, limits: { payloadBytesMax: 1_000 } })
    await world.runtime.actor(cell, '1').start(null)
    const actor = world.runtime.actor(teller, '1')
    await actor.start()
    for (const type of ['TELL', 'SPAWN'] as const) {
      const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.ask({ type })))
      expect(causeOf(error)).toMatchObject({ code: 'payload/too-large', address: 'teller/1', details: { limit: 1_000 } })
    }
    expect((await world.runtime.actors()).actors).toHaveLength(2)
  })
})

describe('what a machine throws', () => {
  const thrown: Record<string, () => unknown> = {
    undefined: () => undefined, null: () => null, 'text': () => 'oops', 'a number': () => 7, 'a bigint': () => 1n, 'an object': () => ({ a: 1 }), 'a symbol': () => Symbol('s'),
    'a cycle': () => { const value: Record<string, unknown> = {}; value['self'] = value; return value },
    'an object whose conversions throw': () => ({ toJSON() { throw new Error('a') }, toString() { throw new Error('b') } }),
    'an error with details that JSON cannot hold': () => new TroupeError('config/invalid', 'mine', { details: { big: 1n } }),
    'a frozen error': () => Object.freeze(new Error('cold')),
  }
  const thrower = setup({ types: { context: {} as { n: number }, events: {} as { type: 'THROW'; what: string } | { type: 'ADD' } } }).createMachine({
    context: { n: 0 },
    on: { THROW: { actions: ({ event }) => { throw thrown[event.what]?.() } }, ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  })

  test.each(Object.keys(thrown))('%s', async what => {
    await using world = await createTestWorld({ machines: { thrower } })
    const actor = world.runtime.actor(thrower, '1')
    await actor.start()
    const error = await unharmed(actor as ActorHandle, () => refusal(() => actor.ask({ type: 'THROW', what })))
    expect(error).toMatchObject({ code: 'event/poisoned', address: 'thrower/1' })
    expect(await world.runtime.deadLetters.list()).toMatchObject([{ address: 'thrower/1' }])
    expect((await actor.ask({ type: 'ADD' })).context.n).toBe(1)
  })
})

test('a store of its own that is none is refused', async () => {
  for (const store of [{}, []]) await expect(createRuntime({ machines: { cell }, store: store as never })).rejects.toMatchObject({ code: 'config/invalid' })
  await using world = await createTestWorld({ machines: { cell }, store: createMemoryStore() })
  expect(world.runtime.health().ready).toBe(true)
})
