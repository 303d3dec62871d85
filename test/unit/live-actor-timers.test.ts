import { assign, cancel, createMachine, forwardTo, raise, sendParent, sendTo, setup, stopChild } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { describe, expect, test } from 'vitest'
import { TroupeError } from '../../src/core/errors.ts'
import { actorAt } from '../../src/core/targets.ts'
import { LiveRig } from '../support/differential/live-rig.ts'

interface AnyEvent {
  readonly type: string
  readonly n?: number
  readonly ref?: AnyActorRef
}

const counting = setup({ types: {} as { context: { readonly seen: readonly string[] }; events: AnyEvent }, actions: { see: assign({ seen: ({ context, event }) => [...context.seen, `${event.type}${event.n ?? ''}`] }) } })
const seen = (rig: LiveRig): unknown => (rig.context as { seen: unknown }).seen

describe('timers', () => {
  test('are absolute, survive a restart, and fire in order of due time, then of scheduling', () => {
    const rig = new LiveRig(
      counting.createMachine({
        context: { seen: [] },
        entry: [raise({ type: 'c' }, { delay: 30 }), raise({ type: 'a' }, { delay: 10 }), raise({ type: 'b' }, { delay: 10 }), raise({ type: 'early' }, { delay: -5 })],
        on: { '*': { actions: 'see' } },
      }),
    )
    rig.start()
    expect(rig.live.dueAt).toBe(1000)
    expect(rig.live.dueTimer(999)).toBeUndefined()
    rig.pass(9)
    expect(seen(rig)).toEqual(['early'])
    rig.restart()
    expect(rig.live.dueAt).toBe(1010)
    rig.pass(21)
    expect(seen(rig)).toEqual(['early', 'a', 'b', 'c'])
    expect(rig.live.dueAt).toBeNull()
    expect(rig.document.timers).toEqual({})
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 101 * 365 * 24 * 3600 * 1000])('of %d ms are refused', delay => {
    const rig = new LiveRig(counting.createMachine({ context: { seen: [] }, on: { GO: { actions: raise({ type: 'x' }, { delay }) } } }))
    rig.start()
    expect(() => rig.send({ type: 'GO' })).toThrow(TroupeError)
    expect(() => rig.send({ type: 'GO' })).toThrow("for event 'x' is no time that can come")
  })

  test('that a child may not have are its error, which its parent handles', () => {
    const child = createMachine({ on: { GO: { actions: raise({ type: 'x' }, { delay: Number.NaN }) } } })
    const rig = new LiveRig(setup({ types: {} as { context: { readonly error: string } }, actors: { child } }).createMachine({ context: { error: '' }, invoke: { id: 'child', src: 'child', onError: { actions: assign({ error: ({ event }) => (event.error as TroupeError).code }) } } }))
    rig.start()
    rig.send({ type: 'GO' }, '/child')
    expect(rig.context).toEqual({ error: 'timer/invalid' })
  })

  const cancelling = counting.createMachine({
    context: { seen: [] },
    on: {
      LATER: { actions: raise(({ event }) => ({ type: 'x', n: event.n ?? 0 }), { id: 'x', delay: ({ event }) => event.n ?? 0 }) },
      CANCEL: { actions: cancel('x') },
      OTHER: { actions: cancel('y') },
      x: { actions: 'see' },
    },
  })

  test('that are cancelled never fire, and a cancel of nothing does nothing', () => {
    const rig = new LiveRig(cancelling)
    rig.start()
    rig.send({ type: 'LATER', n: 10 } as AnyEvent)
    expect(rig.send({ type: 'OTHER' }).delta).toBeUndefined()
    const due = rig.live.dueTimer(2000)
    rig.send({ type: 'CANCEL' })
    expect(rig.live.dueTimer(2000)).toBeUndefined()
    expect(rig.live.fire(due as never).delta).toBeUndefined()
    rig.restart()
    rig.pass(50)
    expect(seen(rig)).toEqual([])
  })

  test('of one id fire each, as in XState, and a cancel reaches the last one only', () => {
    const rig = new LiveRig(cancelling)
    rig.start()
    for (const n of [30, 10, 20]) rig.send({ type: 'LATER', n } as AnyEvent)
    rig.restart()
    rig.send({ type: 'CANCEL' })
    rig.pass(40)
    expect(seen(rig)).toEqual(['x10', 'x30'])
  })

  test('of one id cannot be cancelled any more once an older one has fired, as in XState', () => {
    const rig = new LiveRig(cancelling)
    rig.start()
    for (const n of [10, 20]) rig.send({ type: 'LATER', n } as AnyEvent)
    rig.pass(10)
    rig.send({ type: 'CANCEL' })
    rig.pass(10)
    expect(seen(rig)).toEqual(['x10', 'x20'])
  })

  test('know their generation: one that was replaced by another of the same id is not that one', () => {
    const rig = new LiveRig(createMachine({ initial: 'on', states: { on: { after: { 100: 'off' }, on: { AGAIN: { target: 'on', reenter: true } } }, off: {} } }))
    rig.start()
    const first = rig.live.dueTimer(5000)
    rig.now += 60
    const { delta } = rig.send({ type: 'AGAIN' })
    expect(delta).toContain('"dueAt":1160')
    expect(rig.live.hasTimer(first?.key ?? '', first?.timer.generation ?? 0)).toBe(false)
    expect(rig.live.fire(first as never).delta).toBeUndefined()
    rig.pass(60)
    expect(rig.value).toBe('on')
    rig.pass(40)
    expect(rig.value).toBe('off')
  })

  test('may be dropped when their event cannot be handled', () => {
    const rig = new LiveRig(cancelling)
    rig.start()
    rig.send({ type: 'LATER', n: 10 } as AnyEvent)
    rig.keep(rig.live.dropTimer(rig.live.dueTimer(2000)?.key ?? ''))
    expect(rig.document.timers).toEqual({})
  })

  test('keep errors, typed arrays and references in their events', () => {
    const child = counting.createMachine({ context: { seen: [] }, on: { HEAR: { actions: 'see' } } })
    const rig = new LiveRig(
      setup({ types: {} as { context: { readonly got?: unknown; readonly peer?: AnyActorRef }; events: AnyEvent & { readonly facts?: unknown } }, actors: { child } }).createMachine({
        context: {},
        invoke: { id: 'child', src: 'child' },
        on: {
          GO: { actions: raise(({ self }) => ({ type: 'LATER', facts: { error: new RangeError('far'), bytes: new Uint8Array([1]) }, ref: self.getSnapshot().children['child'] as AnyActorRef }), { delay: 10 }) },
          LATER: { actions: [assign({ got: ({ event }) => event.facts, peer: ({ event }) => event.ref as AnyActorRef }), sendTo(({ event }) => event.ref as AnyActorRef, { type: 'HEAR' })] },
        },
      }),
    )
    rig.start()
    rig.send({ type: 'GO' })
    rig.restart()
    rig.pass(10)
    const { error, bytes } = (rig.context as { got: { error: Error; bytes: Uint8Array } }).got
    expect([error.name, error.message, bytes]).toEqual(['RangeError', 'far', new Uint8Array([1])])
    expect(rig.document.snapshot.children?.['child']?.snapshot.context).toEqual({ seen: ['HEAR'] })
  })

  test('with what JSON cannot hold are refused', () => {
    const rig = new LiveRig(createMachine({ on: { GO: { actions: raise({ type: 'x', f: () => 1 } as never, { delay: 10 }) } } }))
    rig.start()
    expect(() => rig.send({ type: 'GO' })).toThrow('event.f is a function')
  })

  test('for other durable actors send when they fire', () => {
    const rig = new LiveRig(createMachine({ on: { GO: { actions: sendTo(actorAt('order/1'), { type: 'PING' }, { delay: 10 }) } } }))
    rig.start()
    rig.send({ type: 'GO' })
    rig.restart()
    expect(rig.pass(10).flatMap(({ effects }) => effects.sends)).toEqual([{ to: 'default/order/1', path: undefined, type: 'PING', event: '{"type":"PING"}' }])
  })
})

describe('timers between children', () => {
  const child = counting.createMachine({ id: 'child', context: { seen: [] }, initial: 'on', states: { on: { on: { LETTER: { actions: 'see' }, END: 'off' } }, off: { type: 'final' } } })
  const parent = setup({ actors: { child } }).createMachine({
    initial: 'on',
    states: {
      on: { invoke: { id: 'child', src: 'child' }, on: { POST: { actions: sendTo('child', { type: 'LETTER' }, { delay: 10 }) }, END: { actions: forwardTo('child') }, AGAIN: { target: 'on', reenter: true }, STOP: { actions: stopChild('child') } } },
    },
  })
  const letters = (rig: LiveRig): unknown => (rig.document.snapshot.children?.['child']?.snapshot.context as { seen?: unknown } | undefined)?.seen

  test('arrive at the child that they were meant for', () => {
    const rig = new LiveRig(parent)
    rig.start()
    rig.send({ type: 'POST' })
    rig.restart()
    rig.pass(10)
    expect(letters(rig)).toEqual(['LETTER'])
  })

  test.each([
    ['replaced', ['POST', 'AGAIN']],
    ['replaced after its end', ['POST', 'END', 'AGAIN']],
    ['ended before they were sent, then replaced', ['END', 'POST', 'AGAIN']],
    ['stopped', ['POST', 'STOP']],
  ])('do not arrive at another one when it was %s', (_how, events) => {
    for (const restarts of [false, true]) {
      const rig = new LiveRig(parent)
      rig.start()
      for (const type of events) {
        rig.send({ type })
        if (restarts) rig.restart()
      }
      rig.pass(50)
      expect(letters(rig) ?? []).toEqual([])
    }
  })

  test('of a child that has itself replaced are those of the new one', () => {
    const asker = counting.createMachine({
      context: { seen: [] },
      initial: 'fresh',
      states: {
        fresh: { after: { 50: 'old' }, on: { RENEW: { target: 'leaving', actions: [sendParent({ type: 'RENEW_ME' })] } } },
        leaving: { entry: [raise({ type: 'late' }, { delay: 5, id: 'late' }), cancel('xstate.after.50.(machine).fresh')], after: { 10: 'old' } },
        old: {},
      },
    })
    const renewing = setup({ actors: { asker } }).createMachine({ initial: 'on', states: { on: { invoke: { id: 'asker', src: 'asker' }, on: { RENEW_ME: { target: 'on', reenter: true } } } } })
    const rig = new LiveRig(renewing)
    rig.start()
    rig.now += 20
    rig.send({ type: 'RENEW' }, '/asker')
    expect(Object.values(rig.document.timers).map(({ source, dueAt }) => [source, dueAt])).toEqual([['/asker', 1070]])
    rig.restart()
    rig.pass(50)
    expect(rig.document.snapshot.children?.['asker']?.snapshot.value).toBe('old')
  })
})
