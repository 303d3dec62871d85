import { assign, createMachine, fromTransition, sendTo, setup, spawnChild, stopChild } from 'xstate'
import type { AnyActorRef, AnyEventObject } from 'xstate'
import { describe, expect, test } from 'vitest'
import { parseActorId } from '../../src/core/address.ts'
import type { ActorId } from '../../src/core/address.ts'
import { remote } from '../../src/core/remote.ts'
import { LiveRig } from '../support/differential/live-rig.ts'

describe('a restored actor', () => {
  const child = createMachine({ context: { n: 0 }, on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } } })
  const parent = setup({ actors: { child } }).createMachine({ id: 'p', initial: 'a', states: { a: { invoke: { id: 'one', src: 'child' }, on: { NEXT: 'b' } }, b: {} } })
  const root = setup({ actors: { parent } }).createMachine({ invoke: { id: 'mid', src: 'parent' } })

  test('does not live with a machine that has lost its state', () => {
    const rig = new LiveRig(parent)
    rig.start()
    expect(() => rig.restart(setup({ actors: { child } }).createMachine({ id: 'p', initial: 'c', states: { c: {} } }))).toThrow("'a'")
  })

  test('does not live with a machine that has lost the source of a child, at any depth', () => {
    const rig = new LiveRig(parent)
    rig.start()
    expect(() => rig.restart(createMachine({ id: 'p', initial: 'a', states: { a: {} } }))).toThrow("child 'one' has source 'child', which the machine does not have")
    const deep = new LiveRig(root)
    deep.start()
    const poorer = createMachine({ id: 'p', initial: 'a', states: { a: {} } })
    expect(() => deep.restart(setup({ actors: { parent: poorer } }).createMachine({ invoke: { id: 'mid', src: 'parent' } }))).toThrow("child 'mid/one' has source 'child'")
  })

  test('does not live with an error of a former life', () => {
    const rig = new LiveRig(parent)
    rig.start()
    Object.assign(rig.document.snapshot, { status: 'error', error: new RangeError('once') })
    expect(() => rig.restart()).toThrow('once')
  })

  test('goes on where it was, without running anything again', () => {
    let entries = 0
    const rig = new LiveRig(
      createMachine({
        context: { n: 0 },
        initial: 'a',
        states: { a: { entry: () => void entries++, always: { guard: ({ context }) => context.n > 100, target: 'b' }, on: { UP: { actions: assign({ n: ({ context }) => context.n + 1 }) } } }, b: {} },
      }),
    )
    rig.start()
    for (let life = 1; life <= 3; life++) {
      rig.send({ type: 'UP' })
      rig.restart()
      expect([entries, rig.context, rig.value]).toEqual([1, { n: life }, 'a'])
    }
  })

  test('hears the snapshots of its children once', () => {
    const sum = fromTransition((state: number, { n }: AnyEventObject & { n?: number }) => state + (n ?? 0), 0)
    const rig = new LiveRig(
      setup({ types: {} as { context: { readonly heard: number }; events: AnyEventObject }, actors: { sum } }).createMachine({
        context: { heard: 0 },
        invoke: { id: 'sum', src: 'sum', onSnapshot: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
      }),
    )
    rig.start()
    rig.send({ type: 'ADD', n: 1 }, '/sum')
    const { heard } = rig.context as { heard: number }
    rig.restart()
    expect(rig.context).toEqual({ heard })
    expect(rig.send({ type: 'ELSE' }).delta).toBeUndefined()
    rig.send({ type: 'ADD', n: 1 }, '/sum')
    expect(rig.context).toEqual({ heard: heard + 1 })
  })

  test('remembers what history states remember', () => {
    const rig = new LiveRig(
      createMachine({
        initial: 'on',
        states: { on: { initial: 'a', states: { a: { on: { NEXT: 'b' } }, b: { initial: 'x', states: { x: { on: { NEXT: 'y' } }, y: {} } }, back: { type: 'history', history: 'deep' } }, on: { OFF: 'off' } }, off: { on: { ON: 'on.back' } } },
      }),
    )
    rig.start()
    for (const type of ['NEXT', 'NEXT', 'OFF']) rig.send({ type })
    rig.restart()
    expect(rig.send({ type: 'ELSE' }).delta).toBeUndefined()
    expect(rig.send({ type: 'ON' }).delta).toBe('[[["snapshot","value"],{"on":{"b":"y"}}]]')
    rig.restart()
    expect(rig.value).toEqual({ on: { b: 'y' } })
    expect(rig.document.snapshot.historyValue).toEqual({ '(machine).on.back': [{ id: '(machine).on.b.y' }] })
  })

  test('takes rival eventless transitions in the order in which its states were entered', () => {
    const region = (name: string) => ({
      initial: 'one',
      states: { one: { on: { [name]: 'two' } }, two: { always: { guard: ({ context }: { context: { go: boolean } }) => context.go, target: 'end', actions: assign({ trail: ({ context }: { context: { trail: string[] } }) => [...context.trail, name] }) } }, end: {} },
    })
    const machine = createMachine({ types: {} as { context: { go: boolean; trail: string[] } }, context: { go: false, trail: [] }, type: 'parallel', states: { a: region('a'), b: region('b'), c: region('c') }, on: { GO: { actions: assign({ go: true }) } } } as never)
    const run = (restarts: boolean): unknown => {
      const rig = new LiveRig(machine)
      rig.start()
      for (const type of ['c', 'a', 'b', 'GO']) {
        if (restarts) rig.restart()
        rig.send({ type })
      }
      return (rig.context as { trail: unknown }).trail
    }
    expect(run(false)).toEqual(['c', 'a', 'b'])
    expect(run(true)).toEqual(['c', 'a', 'b'])
  })

  test('finds every reference to an actor in its tree again', () => {
    const friend = createMachine({ context: ({ input }: { input: unknown }) => ({ boss: (input as { boss: AnyActorRef }).boss, n: 0 }), on: { PING: { actions: sendTo(({ context }) => (context as { boss: AnyActorRef }).boss, { type: 'PONG' }) } } })
    const rig = new LiveRig(
      setup({ types: {} as { context: { readonly pongs: number; readonly me?: AnyActorRef; readonly all: readonly AnyActorRef[] } ; events: AnyEventObject }, actors: { friend } }).createMachine({
        context: ({ self, spawn }) => ({ pongs: 0, me: self as AnyActorRef, all: [spawn('friend', { id: 'f', input: { boss: self } })] }),
        on: { PING: { actions: sendTo('f', { type: 'PING' }) }, PONG: { actions: assign({ pongs: ({ context }) => context.pongs + 1 }) }, ME: { actions: sendTo(({ context }) => context.me as AnyActorRef, { type: 'PONG' }) }, ALL: { actions: sendTo(({ context }) => context.all[0] as AnyActorRef, { type: 'PING' }) } },
      }),
    )
    rig.start()
    for (let life = 0; life < 3; life++) {
      for (const type of ['PING', 'ME', 'ALL']) rig.send({ type })
      rig.restart()
    }
    expect((rig.context as { pongs: number }).pongs).toBe(9)
    expect(rig.send({ type: 'ELSE' }).delta).toBeUndefined()
  })
})

describe('a durable child', () => {
  const machine = setup({ types: {} as { context: { readonly got: readonly unknown[] }; events: AnyEventObject }, actors: { researcher: remote('researcher') } }).createMachine({
    context: { got: [] },
    initial: 'on',
    states: {
      on: {
        invoke: {
          id: 'r',
          src: 'researcher' as never,
          input: { topic: 'x' },
          onDone: { target: 'off', actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) },
          onError: { target: 'off', actions: assign({ got: ({ context, event }) => [...context.got, String(event.error)] }) },
          onSnapshot: { actions: assign({ got: ({ context, event }) => [...context.got, (event.snapshot as { value?: unknown }).value ?? 'born'] }) },
        },
        on: { ASK: { actions: sendTo('r', { type: 'ASK' } as never) }, LATER: { actions: sendTo('r', { type: 'ASK' } as never, { delay: 10 }) }, OFF: 'off', AGAIN: { target: 'on', reenter: true } },
      },
      off: { on: { ON: 'on' } },
    },
  })
  const begin = () => {
    const rig = new LiveRig(machine)
    const [spawn] = rig.start().effects.spawns
    if (!spawn) throw new Error('no spawn')
    return { rig, spawn, id: spawn.id }
  }

  test('is asked for at its birth, with its address in the run of its parent, and not again after a restart', () => {
    const { rig, spawn } = begin()
    expect(spawn).toMatchObject({ machine: 'researcher', input: '{"topic":"x"}', path: '/r', sync: true })
    expect(parseActorId(spawn.id)).toMatchObject({ tenant: 'default', machine: 'researcher', key: 'rig/1>r#1' })
    rig.restart()
    expect(rig.send({ type: 'ELSE' }).effects.spawns).toEqual([])
  })

  test('gets events as messages, at once and later', () => {
    const { rig, id } = begin()
    const sent = { to: id, path: undefined, type: 'ASK', event: '{"type":"ASK"}' }
    expect(rig.send({ type: 'ASK' }).effects.sends).toEqual([sent])
    rig.send({ type: 'LATER' })
    rig.restart()
    expect(rig.pass(10).flatMap(({ effects }) => effects.sends)).toEqual([sent])
  })

  test('is stopped when its state is left; a new one has another address', () => {
    const { rig, id } = begin()
    const { effects } = rig.send({ type: 'AGAIN' })
    expect(effects.stops).toEqual([id])
    expect(effects.spawns.map(spawn => parseActorId(spawn.id).key)).toEqual(['rig/1>r#2'])
    expect(rig.send({ type: 'OFF' }).effects.stops).toEqual(effects.spawns.map(spawn => spawn.id))
  })

  test.each([
    ['done', { type: 'done', output: 42 }, [42]],
    ['failed', { type: 'error', error: { name: 'RangeError', message: 'lost' } }, ['RangeError: lost']],
  ] as const)('that is %s tells its parent', (_how, outcome, got) => {
    const { rig, id } = begin()
    rig.restart()
    rig.keep(rig.live.settleChild('/r', id, outcome))
    expect([rig.value, (rig.context as { got: unknown[] }).got.slice(1)]).toEqual(['off', got])
    expect(rig.keep(rig.live.settleChild('/r', id, outcome)).delta).toBeUndefined()
  })

  test('shows its snapshots, and when stopped is an error to a parent that handles errors', () => {
    const { rig, id } = begin()
    rig.keep(rig.live.settleChild('/r', id, { type: 'snapshot', snapshot: { value: 'reading', context: {} } }))
    expect(rig.context).toEqual({ got: ['born', 'reading'] })
    rig.keep(rig.live.settleChild('/r', id, { type: 'stopped' }))
    expect(rig.value).toBe('off')
    expect(rig.context).toEqual({ got: ['born', 'reading', expect.stringContaining('was stopped')] })
  })

  test('of former times is not heard', () => {
    const { rig, id } = begin()
    rig.send({ type: 'AGAIN' })
    expect(rig.live.settleChild('/r', id, { type: 'done', output: 'old' }).delta).toBeUndefined()
    expect(rig.live.settleChild('/nobody', id, { type: 'done', output: 'old' }).delta).toBeUndefined()
    expect(rig.live.settleChild('/r', 'default/researcher/other' as ActorId, { type: 'done', output: 'old' }).delta).toBeUndefined()
  })

  test('is an address in what leaves its parent', () => {
    const telling = setup({ types: {} as { events: AnyEventObject }, actors: { researcher: remote('researcher') } }).createMachine({
      entry: spawnChild('researcher' as never, { id: 'r' } as never),
      on: { TELL: { actions: sendTo(() => ({ address: 'order/1' }) as unknown as AnyActorRef, ({ self }) => ({ type: 'MEET', who: self.getSnapshot().children['r'] })) }, STOP: { actions: stopChild('r') } },
    })
    const rig = new LiveRig(telling)
    expect(rig.start().effects.spawns[0]).toMatchObject({ sync: false, input: 'null' })
    expect(rig.send({ type: 'TELL' }).effects.sends[0]?.event).toBe('{"type":"MEET","who":{"address":"researcher/rig/1>r#1"}}')
    expect(rig.send({ type: 'STOP' }).effects.stops).toHaveLength(1)
  })
})
