import { assign, createMachine, emit, fromCallback, fromPromise, fromTransition, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate'
import type { AnyActorLogic, AnyActorRef } from 'xstate'
import { describe, expect, test } from 'vitest'
import { actorAt, reply } from '../../src/core/targets.ts'
import { TroupeError } from '../../src/core/errors.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import { isLogic, isMachine, kindOf } from '../../src/host/xstate/logic.ts'
import { ViewWatch } from '../../src/host/xstate/view-watch.ts'
import { LiveRig } from '../support/differential/live-rig.ts'

interface AnyEvent {
  readonly type: string
  readonly n?: number
}

function thrown(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

function refuses(code: ErrorCode, message: string, run: () => unknown): void {
  const error = thrown(run)
  expect(error).toBeInstanceOf(TroupeError)
  expect((error as TroupeError).code).toBe(code)
  expect(error.message).toContain(message)
}

describe('context', () => {
  const pushing = createMachine({
    context: { list: [1], deep: { n: 0 } },
    on: {
      PUSH: { actions: ({ context }) => void (context as { list: number[] }).list.push(2) },
      SET: { actions: ({ context }) => Object.assign((context as { deep: object }).deep, { n: 5 }) },
    },
  })

  test('changed in place is a loud error, and nothing of it is kept', () => {
    const rig = new LiveRig(pushing)
    rig.start()
    expect(thrown(() => rig.send({ type: 'PUSH' }))).toBeInstanceOf(TypeError)
    rig.restart()
    expect(rig.context).toEqual({ list: [1], deep: { n: 0 } })
  })

  test('changed in place is kept where the machine says it does that', () => {
    const rig = new LiveRig(createMachine({ ...pushing.config, context: () => ({ list: [1], deep: { n: 0 } }) }), { mutableContext: true })
    rig.start()
    expect(rig.send({ type: 'PUSH' }).delta).toBe('[[["snapshot","context","list"],1,[2]]]')
    expect(rig.send({ type: 'SET' }).delta).toBe('[[["snapshot","context","deep","n"],5]]')
    expect(rig.send({ type: 'ELSE' }).delta).toBeUndefined()
    rig.restart()
    expect(rig.context).toEqual({ list: [1, 2], deep: { n: 5 } })
    rig.send({ type: 'PUSH' })
    expect(rig.document.snapshot.context).toEqual({ list: [1, 2, 2], deep: { n: 5 } })
  })

  test('that JSON cannot hold is refused with its path, at the start and later', () => {
    refuses('context/unserializable', 'context.at is a Date', () => new LiveRig(createMachine({ context: { at: new Date(0) } })).start())
    const rig = new LiveRig(createMachine({ context: { m: {} }, on: { SET: { actions: assign({ m: () => ({ inner: new Map() }) }) } } }))
    rig.start()
    refuses('context/unserializable', 'context.m.inner is a Map', () => rig.send({ type: 'SET' }))
  })

  const vectors = (vector: Float32Array) =>
    createMachine({
      context: { vector, n: 0 },
      on: {
        SCALE: { actions: ({ context }) => (context as { vector: Float32Array }).vector.set([7]) },
        COUNT: { actions: assign({ n: ({ context }) => context.n + 1 }) },
        NEW: { actions: assign({ vector: ({ context }) => new Float32Array([context.n]) }) },
      },
    })

  test('with a typed array that is changed in place is kept', () => {
    const rig = new LiveRig(vectors(new Float32Array([1, 2])))
    rig.start()
    rig.send({ type: 'SCALE' })
    expect(rig.live.tagged).toBe(true)
    rig.restart()
    expect(rig.context).toEqual({ vector: new Float32Array([7, 2]), n: 0 })
    expect(rig.send({ type: 'COUNT' }).delta).toBe('[[["snapshot","context","n"],1]]')
    expect(rig.send({ type: 'SCALE' }).delta).toBeUndefined()
  })

  test('with a typed array that a child has changed in place is kept', () => {
    const parent = setup({ actors: { child: vectors(new Float32Array([1, 2])) } }).createMachine({ invoke: { id: 'child', src: 'child' } })
    const rig = new LiveRig(parent)
    rig.start()
    rig.send({ type: 'SCALE' }, '/child')
    expect(rig.document.snapshot.children?.['child']?.snapshot.context).toEqual({ vector: new Float32Array([7, 2]), n: 0 })
  })

  test('with typed arrays that are gone costs nothing any more', () => {
    const kept = new Uint8Array([1])
    const child = { ref: {} as AnyActorRef, shadow: { snapshot: {}, own: { status: 'active' as const, context: [{ kept }, null, 'x', { sessionId: 'x:1', kept: new Uint8Array(1) }] }, children: new Map() } }
    const shadow = { snapshot: { machine: {} }, own: { status: 'active' as const, context: { n: 1 } }, children: new Map([['c', child]]) }
    const views = new Set<ArrayBufferView>([kept, ...Array.from({ length: 100 }, () => new Uint8Array(1))])
    const watch = new ViewWatch()
    expect(watch.hasChanged(views, shadow)).toBe(false)
    expect([...views]).toEqual([kept])
    kept[0] = 2
    expect(watch.hasChanged(views, shadow)).toBe(true)
    expect(watch.hasChanged(views, shadow)).toBe(false)
  })

  test('is kept whichever of many typed arrays it holds now', () => {
    const rig = new LiveRig(vectors(new Float32Array([1])))
    rig.start()
    for (let round = 0; round < 300; round++) {
      rig.send({ type: 'COUNT' })
      rig.send({ type: 'NEW' })
    }
    expect(rig.document.snapshot.context).toEqual({ vector: new Float32Array([300]), n: 300 })
    rig.send({ type: 'SCALE' })
    expect(rig.document.snapshot.context).toEqual({ vector: new Float32Array([7]), n: 300 })
  })

  test('with typed arrays and mutableContext is written only when they change', () => {
    const rig = new LiveRig(vectors(new Float32Array([1, 2])), { mutableContext: true })
    rig.start()
    expect(rig.send({ type: 'COUNT' }).delta).toBe('[[["snapshot","context","n"],1]]')
    rig.send({ type: 'SCALE' })
    rig.restart()
    expect(rig.context).toEqual({ vector: new Float32Array([7, 2]), n: 1 })
  })
})

describe('children', () => {
  const worker = createMachine({ context: { n: 0 }, on: { WORK: { actions: assign({ n: ({ context }) => context.n + 1 }) } } })
  const base = setup({ types: {} as { context: { readonly ref?: AnyActorRef }; events: AnyEvent }, actors: { worker } })

  test.each([
    ['spawnChild', base.createMachine({ context: {}, on: { GO: { actions: spawnChild(worker, { id: 'w' }) as never } } })],
    ['spawn', base.createMachine({ context: {}, on: { GO: { actions: assign({ ref: ({ spawn }) => spawn(worker as never, { id: 'w' } as never) as unknown as AnyActorRef }) } } })],
  ])('of inline logic by %s are refused', (_how, machine) => {
    const rig = new LiveRig(machine)
    rig.start()
    refuses('machine/inline-child', "child 'w' is inline logic", () => rig.send({ type: 'GO' }))
  })

  test.each([
    ['spawnChild', base.createMachine({ context: {}, on: { GO: { actions: spawnChild('worker') } } })],
    ['spawn', base.createMachine({ context: {}, on: { GO: { actions: assign({ ref: ({ spawn }) => spawn('worker') }) } } })],
  ])('without an id by %s are refused', (_how, machine) => {
    const rig = new LiveRig(machine)
    rig.start()
    refuses('machine/child-without-id', 'a child was spawned without an id', () => rig.send({ type: 'GO' }))
  })

  test('are refused with the names of their parents', () => {
    const inner = base.createMachine({ context: {}, on: { GO: { actions: spawnChild('worker') } } })
    const middle = setup({ actors: { inner } }).createMachine({ invoke: { id: 'in', src: 'inner' } })
    const rig = new LiveRig(setup({ actors: { middle } }).createMachine({ invoke: { id: 'mid', src: 'middle' } }))
    rig.start()
    refuses('machine/child-without-id', 'a child of mid/in was spawned without an id', () => rig.send({ type: 'GO' }, '/mid/in'))
  })

  test('of an unknown source are refused', () => {
    const rig = new LiveRig(base.createMachine({ context: {}, on: { GO: { actions: spawnChild('nobody' as never, { id: 'w' }) } } }))
    rig.start()
    refuses('machine/invalid', "child 'w' has a source that is not in setup({ actors })", () => rig.send({ type: 'GO' }))
  })

  test.each(['__proto__', 'constructor', 'prototype'])('with the id %s are refused', id => {
    const rig = new LiveRig(base.createMachine({ context: {}, on: { GO: { actions: spawnChild('worker', { id: () => id }) } } }))
    rig.start()
    refuses('context/unserializable', `children.${id} is a key that is not allowed`, () => rig.send({ type: 'GO' }))
  })

  test('of inline logic in an invoke are found again after a restart', () => {
    const rig = new LiveRig(createMachine({ initial: 'on', states: { on: { invoke: { id: 'in', src: worker } } } }))
    rig.start()
    rig.send({ type: 'WORK' }, '/in')
    rig.restart()
    rig.send({ type: 'WORK' }, '/in')
    expect(rig.document.snapshot.children?.['in']?.snapshot.context).toEqual({ n: 2 })
  })

  test('get events by their path; a path that leads nowhere is nobody', () => {
    const rig = new LiveRig(setup({ actors: { worker, plain: fromTransition((state: number) => state + 1, 0) } }).createMachine({ invoke: [{ id: 'a/b~c', src: 'worker' }, { id: 'd~', src: 'worker' }, { id: 'plain', src: 'plain' }] }))
    rig.start()
    rig.send({ type: 'WORK' }, '/a~1b~0c')
    rig.send({ type: 'ANY' }, '/plain')
    rig.send({ type: 'WORK' }, '/d~0')
    expect(rig.document.snapshot.children?.['d~']?.snapshot.context).toEqual({ n: 1 })
    expect(rig.document.snapshot.children?.['a/b~c']?.snapshot.context).toEqual({ n: 1 })
    expect(rig.document.snapshot.children?.['plain']?.snapshot.context).toBe(1)
    for (const path of ['/nobody', '/constructor', '/__proto__', '/plain/inner', '/nobody/inner', '/a~1b~0c/x', '/toString/call']) expect(rig.send({ type: 'WORK' }, path).delta).toBeUndefined()
  })

  test('that are gone take nothing, also by a reference that was kept over a restart', () => {
    const keeper = base.createMachine({
      context: ({ spawn }) => ({ ref: spawn('worker', { id: 'w' }) }),
      on: { STOP: { actions: stopChild('w') }, POKE: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'WORK' }) }, POKE_LATER: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'WORK' }, { delay: 5 }) } },
    })
    const rig = new LiveRig(keeper)
    rig.start()
    rig.send({ type: 'STOP' })
    const text = JSON.stringify(rig.document)
    for (let life = 0; life < 2; life++) {
      rig.restart()
      expect(rig.send({ type: 'POKE' }).delta).toBeUndefined()
      expect(rig.send({ type: 'POKE_LATER' }).delta).toBeUndefined()
      expect(rig.live.dueAt).toBeNull()
    }
    expect(JSON.stringify(rig.document)).toBe(text)
    expect(JSON.stringify(rig.live.parts().snapshot.context)).toBe('{"ref":{"xstate$$type":1,"id":"w","path":"/w"}}')
  })
})

describe('an endless loop', () => {
  const endless = (options?: { maxIterations: number }) => createMachine({ ...(options && { options }), initial: 'a', states: { a: { on: { GO: 'b' } }, b: { always: 'c' }, c: { always: 'b' } } })

  test('of eventless transitions ends at the limit of microsteps', () => {
    const rig = new LiveRig(endless(), { microstepsMax: 50 })
    rig.start()
    refuses('machine/endless-loop', 'more than 50 microsteps for one event, the limit microstepsMax', () => rig.send({ type: 'GO' }))
  })

  test("ends at the machine's own limit where it has one", () => {
    const rig = new LiveRig(endless({ maxIterations: 7 }))
    rig.start()
    refuses('machine/endless-loop', 'more than 7 microsteps for one event, the limit maxIterations of the machine', () => rig.send({ type: 'GO' }))
  })
})

describe('what leaves an actor', () => {
  test('is collected, and references to actors are addresses in it', () => {
    const helper = createMachine({})
    const machine = setup({ types: {} as { events: AnyEvent }, actors: { helper } }).createMachine({
      invoke: { id: 'helper', src: 'helper' },
      on: {
        TELL: { actions: sendTo(actorAt('order/42'), ({ self }) => ({ type: 'HELLO', from: self, list: [self.getSnapshot().children['helper'], null, 1], error: new Error('x'), bytes: new Uint8Array([1]) })) },
        PART: { actions: sendTo(() => ({ address: 'order/42', path: '/inner' }) as unknown as AnyActorRef, { type: 'HELLO' }) },
        UP: { actions: sendParent({ type: 'UPWARDS' }) },
        ANSWER: { actions: reply(({ event }) => ({ n: event.n })) },
        SAY: { actions: [emit({ type: 'one' }), emit({ type: 'two' })] },
      },
    })
    const rig = new LiveRig(machine)
    rig.start()
    const [sent] = rig.send({ type: 'TELL' }).effects.sends
    expect(sent?.to).toBe('default/order/42')
    expect(JSON.parse(sent?.event ?? '')).toMatchObject({ type: 'HELLO', from: { address: 'rig/1' }, list: [{ address: 'rig/1', path: '/helper' }, null, 1], error: { $troupe: 'Error' }, bytes: { $troupe: 'Uint8Array' } })
    expect(rig.send({ type: 'PART' }).effects.sends).toEqual([{ to: 'default/order/42', path: '/inner', type: 'HELLO', event: '{"type":"HELLO"}' }])
    expect(rig.send({ type: 'UP' }).effects.toParent).toEqual(['{"type":"UPWARDS"}'])
    expect(rig.send({ type: 'ANSWER', n: 3 } as AnyEvent).effects.replies).toEqual([{ value: { n: 3 } }])
    expect(rig.send({ type: 'SAY' }).effects.emitted).toEqual([{ type: 'one' }, { type: 'two' }])
    expect(rig.send({ type: 'ELSE' })).toEqual({ delta: undefined, effects: rig.send({ type: 'ELSE' }).effects })
  })

  test('is refused when it cannot be kept or is too large', () => {
    const machine = createMachine({ on: { BAD: { actions: sendTo(actorAt('order/42'), { type: 'X', f: () => 1 }) }, BIG: { actions: sendTo(actorAt('order/42'), { type: 'X', text: 'x'.repeat(200) }) } } })
    const bad = new LiveRig(machine)
    bad.start()
    refuses('event/invalid', 'event.f is a function', () => bad.send({ type: 'BAD' }))
    const big = new LiveRig(machine, { payloadBytesMax: 100 })
    big.start()
    refuses('payload/too-large', 'limit payloadBytesMax is 100', () => big.send({ type: 'BIG' }))
  })

  test('of a failed step is nothing, and the failure is thrown', () => {
    const rig = new LiveRig(createMachine({ on: { GO: { actions: [sendTo(actorAt('order/42'), { type: 'X' }), () => { throw new RangeError('no') }] } } }))
    rig.start()
    expect(thrown(() => rig.send({ type: 'GO' }))).toBeInstanceOf(RangeError)
  })
})

describe('a live actor', () => {
  test('shows status, output and its snapshot as of a step', () => {
    const rig = new LiveRig(createMachine({ context: { n: 1 }, initial: 'a', states: { a: { on: { GO: 'b' } }, b: { type: 'final' } }, output: ({ context }) => ({ n: (context as { n: number }).n }) }))
    rig.start()
    expect([rig.live.status, rig.live.output, rig.live.tagged]).toEqual(['active', undefined, false])
    const before = rig.live.persisted()
    rig.send({ type: 'GO' })
    expect([rig.live.status, rig.live.output]).toEqual(['done', { n: 1 }])
    expect([before().value, rig.live.persisted()().value]).toEqual(['a', 'b'])
    expect(rig.document.snapshot).toMatchObject({ status: 'done', output: { n: 1 }, value: 'b' })
    rig.restart()
    expect(rig.live.status).toBe('done')
    expect(rig.send({ type: 'GO' }).delta).toBeUndefined()
  })

  test('is stopped with all that it has spawned', () => {
    const child = createMachine({ after: { 10: {} } })
    const rig = new LiveRig(setup({ actors: { child } }).createMachine({ invoke: { id: 'child', src: 'child' }, after: { 20: {} } }))
    rig.start()
    expect(Object.keys(rig.document.timers)).toHaveLength(2)
    rig.keep(rig.live.stop())
    expect(rig.document.snapshot.status).toBe('stopped')
    expect(rig.document.timers).toEqual({})
  })

  test('may be of any logic', () => {
    const count = new LiveRig(fromTransition((state: number, { n }: AnyEvent) => state + (n ?? 0), 1))
    count.start()
    count.send({ type: 'ADD', n: 2 } as AnyEvent)
    count.restart()
    count.send({ type: 'ADD', n: 3 } as AnyEvent)
    expect(count.context).toBe(6)
    const promise = new LiveRig(fromPromise(async ({ input }: { input: number }) => input), {}, 4)
    const [task] = promise.start().effects.tasks
    expect(task).toMatchObject({ path: '', input: 4, attempt: 1 })
    promise.restart()
    promise.keep(promise.live.settleTask(promise.live.tasks.get(task?.id ?? '') as never, { output: 5 }))
    expect([promise.live.status, promise.live.output]).toEqual(['done', 5])
  })
})

describe('logic', () => {
  test('is told by its kind', () => {
    const bare = { transition: (state: unknown) => state, getInitialSnapshot: () => ({}), getPersistedSnapshot: (state: unknown) => state } as unknown as AnyActorLogic
    expect(kindOf(bare)).toBe('pure')
    expect(kindOf({ ...bare, start: () => undefined })).toBe('live')
    expect(kindOf({ ...bare, start: () => undefined, transition: () => { throw new Error('no') } })).toBe('live')
    expect(kindOf(createMachine({}))).toBe('pure')
    const promise = fromPromise(async () => 1)
    expect([kindOf(promise), kindOf(promise)]).toEqual(['task', 'task'])
    expect(kindOf(fromCallback(() => undefined))).toBe('live')
    expect([isMachine(createMachine({})), isMachine(promise), isMachine(null), isMachine('x')]).toEqual([true, false, false, false])
    expect([isLogic(promise), isLogic(null), isLogic({}), isLogic({ transition: () => 1 }), isLogic('x')]).toEqual([true, false, false, false, false])
  })
})
