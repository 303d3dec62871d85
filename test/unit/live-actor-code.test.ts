import { assign, createMachine, forwardTo, fromCallback, fromEventObservable, fromObservable, fromPromise, sendTo, setup } from 'xstate'
import type { AnyActorRef, AnyEventObject } from 'xstate'
import { beforeEach, describe, expect, test } from 'vitest'
import type { TaskDocument } from '../../src/core/document.ts'
import type { Step } from '../../src/host/xstate/effects.ts'
import { LiveRig, release } from '../support/differential/live-rig.ts'

let log: string[] = []
beforeEach(() => {
  log = []
})

interface Observer {
  next(value: unknown): void
  error(error: unknown): void
  complete(): void
}

describe('callbacks', () => {
  let sendBack: (event: AnyEventObject) => void
  const listener = fromCallback<AnyEventObject, { readonly fails?: boolean }>(({ sendBack: send, receive, input }) => {
    log.push('start')
    sendBack = send
    if (input.fails === true) throw { reason: 'will not', at: () => 1 }
    receive(event => {
      log.push(event.type)
      if (event.type === 'BREAK') throw new RangeError('broken')
      send({ type: 'HEARD' })
    })
    return () => log.push('end')
  })
  const machine = setup({ types: {} as { context: { readonly got: readonly unknown[] }; events: AnyEventObject }, actors: { listener } }).createMachine({
    context: { got: [] },
    initial: 'on',
    states: {
      on: { invoke: { id: 'listener', src: 'listener', input: {}, onError: { target: 'off', actions: assign({ got: ({ context, event }) => [...context.got, String(event.error)] }) } }, on: { TELL: { actions: forwardTo('listener') }, BREAK: { actions: forwardTo('listener') }, AGAIN: { target: 'on', reenter: true }, OFF: 'off' } },
      off: { on: { FAIL: 'failing' } },
      failing: { invoke: { id: 'listener', src: 'listener', input: { fails: true }, onError: { target: 'off', actions: assign({ got: ({ context, event }) => [...context.got, String(event.error)] }) } } },
    },
    on: { '*': { actions: assign({ got: ({ context, event }) => [...context.got, event.type] }) } },
  })

  test('start, hear and end only after the commit', () => {
    const rig = new LiveRig(machine)
    const started = rig.start()
    expect(log).toEqual([])
    expect(rig.live.isPinned).toBe(true)
    release(started.effects)
    const told = rig.send({ type: 'TELL' })
    expect(log).toEqual(['start'])
    release(told.effects)
    expect(log).toEqual(['start', 'TELL'])
    expect(rig.context).toEqual({ got: [] })
    expect(rig.wakes).toEqual([{ path: '', event: '{"type":"HEARD"}' }])
    rig.hear()
    expect(rig.context).toEqual({ got: ['HEARD'] })
    const off = rig.send({ type: 'OFF' })
    expect(log).toEqual(['start', 'TELL'])
    release(off.effects)
    expect(log).toEqual(['start', 'TELL', 'end'])
    expect(rig.live.isPinned).toBe(false)
    sendBack({ type: 'TOO_LATE' })
    expect(rig.wakes).toEqual([])
  })

  test('that are left before the commit never start', () => {
    const rig = new LiveRig(machine)
    const steps = [rig.start(), rig.send({ type: 'TELL' }), rig.send({ type: 'OFF' })]
    for (const { effects } of steps) release(effects)
    expect(log).toEqual([])
  })

  test('start again with a restored actor', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    rig.restart()
    expect(log).toEqual(['start', 'end'])
    rig.live.resumeLiveCode()
    rig.live.resumeLiveCode()
    expect(log).toEqual(['start', 'end', 'start'])
    release(rig.send({ type: 'TELL' }).effects)
    rig.hear()
    expect(rig.context).toEqual({ got: ['HEARD'] })
  })

  test('that throw in a listener end with that error, which the machine handles', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    release(rig.send({ type: 'BREAK' }).effects)
    release(rig.send({ type: 'TELL' }).effects)
    expect(log).toEqual(['start', 'BREAK'])
    rig.hear()
    expect([rig.value, rig.context]).toEqual(['off', { got: ['RangeError: broken'] }])
    expect(rig.live.isPinned).toBe(false)
  })

  test('that throw at their start what JSON cannot hold end with a text of it', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    release(rig.send({ type: 'OFF' }).effects)
    release(rig.send({ type: 'FAIL' }).effects)
    rig.hear()
    expect([rig.value, rig.context]).toEqual(['off', { got: ['Error: [object Object]'] }])
  })

  test('whose failure is heard after they were replaced do not end their successor', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    release(rig.send({ type: 'BREAK' }).effects)
    release(rig.send({ type: 'AGAIN' }).effects)
    rig.hear()
    expect([rig.value, rig.context, rig.live.isPinned]).toEqual(['on', { got: [] }, true])
  })

  test('that fail once their place is taken say nothing', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    const broken = rig.send({ type: 'BREAK' })
    const again = rig.send({ type: 'AGAIN' })
    release(broken.effects)
    release(again.effects)
    expect(rig.wakes).toEqual([])
  })
})

describe('observables', () => {
  let observer: Observer
  const source = {
    subscribe: (given: unknown) => {
      observer = given as Observer
      log.push('subscribe')
      return { unsubscribe: () => log.push('unsubscribe') }
    },
  }
  const machine = setup({ types: {} as { context: { readonly got: readonly unknown[] }; events: AnyEventObject }, actors: { values: fromObservable(() => source as never), events: fromEventObservable(() => source as never) } }).createMachine({
    context: { got: [] },
    initial: 'values',
    states: {
      values: { invoke: { id: 'source', src: 'values', onSnapshot: { actions: assign({ got: ({ context, event }) => [...context.got, event.snapshot.context ?? 'nothing'] }) }, onDone: 'ended', onError: { target: 'ended', actions: assign({ got: ({ context, event }) => [...context.got, String(event.error)] }) } }, on: { AGAIN: { target: 'values', reenter: true }, EVENTS: 'events', OFF: 'ended' } },
      events: { invoke: { id: 'source', src: 'events', onDone: 'ended' }, on: { RING: { actions: assign({ got: ({ context }) => [...context.got, 'ring'] }) }, OFF: 'ended' } },
      ended: {},
    },
  })

  test('subscribe after the commit; what they say enters by the mailbox', () => {
    const rig = new LiveRig(machine)
    const started = rig.start()
    expect(log).toEqual([])
    release(started.effects)
    observer.next({ n: 1 })
    expect(rig.context).toEqual({ got: ['nothing'] })
    rig.hear()
    expect(rig.context).toEqual({ got: ['nothing', { n: 1 }] })
    expect(rig.document.snapshot.children?.['source']?.snapshot.context).toEqual({ n: 1 })
    observer.complete()
    rig.hear()
    expect([rig.value, rig.live.isPinned]).toEqual(['ended', false])
  })

  test('that fail hand their error over', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    observer.error(new RangeError('dry'))
    rig.hear()
    expect([rig.value, rig.context, rig.live.isPinned]).toEqual(['ended', { got: ['nothing', 'RangeError: dry'] }, false])
  })

  test('are unsubscribed when their state is left', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    release(rig.send({ type: 'OFF' }).effects)
    expect(log).toEqual(['subscribe', 'unsubscribe'])
    observer.next('too late')
    expect(rig.wakes).toEqual([])
  })

  test('are not heard through the one that has taken their place', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    observer.next('old')
    release(rig.send({ type: 'AGAIN' }).effects)
    rig.hear()
    expect(rig.context).toEqual({ got: ['nothing', 'nothing'] })
    observer.next('new')
    rig.hear()
    expect(rig.context).toEqual({ got: ['nothing', 'nothing', 'new'] })
  })

  test('subscribe again with a restored actor, unless they were complete', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    observer.next('one')
    rig.hear()
    rig.restart()
    rig.live.resumeLiveCode()
    expect(log).toEqual(['subscribe', 'unsubscribe', 'subscribe'])
    expect(rig.context).toEqual({ got: ['nothing', 'one'] })
    observer.complete()
    rig.hear()
    rig.restart()
    rig.live.resumeLiveCode()
    expect(log).toEqual(['subscribe', 'unsubscribe', 'subscribe'])
  })

  test('of events send them to the machine', () => {
    const rig = new LiveRig(machine)
    release(rig.start().effects)
    release(rig.send({ type: 'EVENTS' }).effects)
    observer.next({ type: 'RING' })
    rig.hear()
    expect(rig.context).toEqual({ got: ['nothing', 'ring'] })
    observer.complete()
    rig.hear()
    expect(rig.value).toBe('ended')
  })
})

describe('promises', () => {
  const machine = setup({ types: {} as { context: { readonly got: readonly unknown[] }; events: AnyEventObject }, actors: { ask: fromPromise(async ({ input }: { input: { readonly of: AnyActorRef | string } }) => input.of) } }).createMachine({
    context: { got: [] },
    initial: 'asking',
    states: {
      asking: {
        invoke: { id: 'ask', src: 'ask', input: ({ self }) => ({ of: self as AnyActorRef }), onDone: { target: 'idle', actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) }, onError: { target: 'idle', actions: assign({ got: ({ context, event }) => [...context.got, String(event.error)] }) } },
        on: { AGAIN: { target: 'asking', reenter: true }, OFF: 'idle', POKE: { actions: sendTo('ask', { type: 'WHAT' }) } },
      },
      idle: { on: { ASK: 'asking' } },
    },
  })
  const taskOf = (step: Step): TaskDocument => step.effects.tasks[0] as TaskDocument

  test('are asked for, and not run', () => {
    const rig = new LiveRig(machine)
    const task = taskOf(rig.start())
    expect(task).toMatchObject({ path: '/ask', attempt: 1, failures: 0, dueAt: null, crashes: 0 })
    expect([...rig.live.tasks.keys()]).toEqual([task.id])
    expect(rig.live.isPinned).toBe(true)
    expect(rig.live.taskRef(task)?.id).toBe('ask')
    expect(rig.send({ type: 'POKE' }).delta).toBeUndefined()
  })

  test.each([
    ['done', { output: 'yes' }, 'yes'],
    ['failed', { error: new RangeError('no') }, 'RangeError: no'],
  ])('that are %s tell the machine, once', (_how, outcome, got) => {
    const rig = new LiveRig(machine)
    const task = taskOf(rig.start())
    rig.keep(rig.live.settleTask(task, outcome))
    expect([rig.value, rig.context, rig.live.isPinned]).toEqual(['idle', { got: [got] }, false])
    expect(rig.keep(rig.live.settleTask(task, outcome)).delta).toBeUndefined()
    rig.restart()
    rig.send({ type: 'ASK' })
    rig.keep(rig.live.settleTask(task, outcome))
    expect([rig.value, rig.context]).toEqual(['asking', { got: [got] }])
  })

  test.each(['OFF', 'AGAIN'])('that are left by %s are cancelled; what they still say is nobody’s', type => {
    const rig = new LiveRig(machine)
    const task = taskOf(rig.start())
    const step = rig.send({ type })
    expect(step.effects.cancelled).toEqual([task.id])
    expect(step.effects.tasks.map(({ id }) => id)).toEqual(type === 'AGAIN' ? [expect.not.stringMatching(`^${task.id}$`)] : [])
    rig.keep(rig.live.settleTask(task, { output: 'late' }))
    expect(rig.context).toEqual({ got: [] })
  })

  test('are known after a restart, with their attempts and their input', () => {
    const rig = new LiveRig(machine)
    const task = taskOf(rig.start())
    rig.keep(rig.live.updateTask({ ...task, attempt: 2, failures: 1, dueAt: 5000 }))
    expect([rig.live.dueAt, rig.live.isPinned]).toEqual([5000, false])
    rig.restart()
    const again = rig.live.tasks.get(task.id) as TaskDocument
    expect(again).toMatchObject({ attempt: 2, failures: 1, dueAt: 5000 })
    expect((again.input as { of: AnyActorRef }).of).toBe(rig.live.taskRef({ ...task, path: '' }))
    rig.keep(rig.live.updateTask({ ...again, dueAt: null }))
    expect([rig.live.dueAt, rig.live.isPinned]).toEqual([null, true])
    rig.keep(rig.live.settleTask(again, { output: 'at last' }))
    expect(rig.context).toEqual({ got: ['at last'] })
  })

  test('of several due times give the earliest', () => {
    const rig = new LiveRig(createMachine({ invoke: [{ id: 'a', src: fromPromise(async () => 1) }, { id: 'b', src: fromPromise(async () => 1) }], after: { 8000: {} } }))
    const [a, b] = rig.start().effects.tasks
    rig.keep(rig.live.updateTask({ ...(a as TaskDocument), dueAt: 7000 }))
    rig.keep(rig.live.updateTask({ ...(b as TaskDocument), dueAt: 6000 }))
    expect(rig.live.dueAt).toBe(6000)
  })
})
