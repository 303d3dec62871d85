import { SimulatedClock, createActor, fromTransition } from 'xstate'
import type { AnyActorRef, AnyEventObject } from 'xstate'
import { describe, expect, test } from 'vitest'
import { circuitBreaker } from '../../machines/index.ts'
import type { CircuitBreakerInput } from '../../machines/index.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

const limits = { failuresMax: 3, windowMs: 1_000, openMs: 500, probesMax: 2, successesMin: 2, answerMs: 5_000, pendingMax: 10 } as const

/** A breaker and somebody who asks it. */
function open(input: CircuitBreakerInput = limits) {
  const clock = new SimulatedClock()
  const caller = createActor(fromTransition((heard: readonly AnyEventObject[], event: AnyEventObject) => [...heard, event], [])).start()
  const breaker = createActor(circuitBreaker, { clock, input }).start()
  let calls = 0
  const request = (id = String(++calls)) => {
    breaker.send({ type: 'breaker.request', id, from: caller as AnyActorRef })
    return caller.getSnapshot().context.at(-1)
  }
  const call = (how: 'succeeded' | 'failed') => {
    const answer = request()
    if (answer?.type === 'breaker.allowed') breaker.send({ type: `breaker.${how}`, id: answer['id'] as string })
    return answer
  }
  const pass = (ms: number): void => {
    for (let n = 0; n < ms; n++) clock.increment(1)
  }
  return { breaker, request, call, pass, state: () => breaker.getSnapshot().value, context: () => breaker.getSnapshot().context }
}

test('every transition of a breaker is taken by some path', () => {
  expectEveryTransition(circuitBreaker, {
    input: { ...limits, failuresMax: 2, pendingMax: 2 },
    events: [
      ...['a', 'b', 'c'].map(id => ({ type: 'breaker.request', id })),
      ...['a', 'b'].flatMap(id => ['breaker.succeeded', 'breaker.failed', 'troupe.breaker.expired'].map(type => ({ type, id }))),
      { type: 'troupe.breaker.forgotten', failure: 0 },
      { type: 'breaker.status' },
    ],
    explore: ({ context }) => context.activations < 2 && context.refusals < 2 && context.nextFailure < 2,
  })
})

describe('closed', () => {
  test('it allows all, and opens at so many failures within the window', () => {
    const { call, state, context } = open()
    for (let n = 0; n < 3; n++) expect(call('failed')).toMatchObject({ type: 'breaker.allowed' })
    expect(state()).toBe('open')
    expect(call('failed')).toEqual({ type: 'breaker.refused', id: '4', retryInMs: 500 })
    expect(context()).toMatchObject({ activations: 1, refusals: 1, failures: [], pending: [] })
  })

  test('failures that lie further apart than the window do not add up', () => {
    const { call, pass, state, context } = open()
    for (let n = 0; n < 20; n++) {
      call('failed')
      pass(501)
    }
    expect(state()).toBe('closed')
    expect(context().failures.length).toBeLessThan(3)
  })

  test('a failure told twice, or of somebody who never asked, counts once and not at all', () => {
    const { breaker, request, context } = open()
    request('a')
    for (const id of ['a', 'a', 'ghost']) breaker.send({ type: 'breaker.failed', id })
    expect(context().failures).toHaveLength(1)
  })

  test('a request that never reports back is forgotten', () => {
    const { request, pass, state, context } = open()
    for (let n = 0; n < 5; n++) request()
    pass(5_000)
    expect(context().pending).toEqual([])
    expect(state()).toBe('closed')
  })

  test('more requests at once than it can remember are refused', () => {
    const { request } = open()
    for (let n = 0; n < 10; n++) expect(request()).toMatchObject({ type: 'breaker.allowed' })
    expect(request()).toMatchObject({ type: 'breaker.refused' })
    expect(request('3')).toMatchObject({ type: 'breaker.allowed' })
  })
})

describe('open', () => {
  function tripped() {
    const rig = open()
    for (let n = 0; n < 3; n++) rig.call('failed')
    return rig
  }

  test('it says when to ask again, never too early', () => {
    const { request, pass, state } = tripped()
    let passed = 0
    for (const step of [50, 30, 170, 49, 1, 150, 49]) {
      pass(step)
      passed += step
      const { retryInMs } = request() as unknown as { retryInMs: number }
      expect(retryInMs).toBeGreaterThanOrEqual(500 - passed)
      expect(retryInMs).toBeLessThanOrEqual(500 - passed + 50)
    }
    pass(1)
    expect(state()).toBe('halfOpen')
  })

  test('what was allowed before it opened means nothing any more', () => {
    const rig = open()
    rig.request('old')
    for (let n = 0; n < 3; n++) rig.call('failed')
    rig.pass(500)
    rig.breaker.send({ type: 'breaker.succeeded', id: 'old' })
    rig.breaker.send({ type: 'breaker.failed', id: 'old' })
    expect(rig.state()).toBe('halfOpen')
  })

  test('half open, it lets a few try at once', () => {
    const { pass, request } = tripped()
    pass(500)
    expect([request('a'), request('b'), request('c')].map(answer => answer?.type)).toEqual(['breaker.allowed', 'breaker.allowed', 'breaker.refused'])
  })

  test('half open, successes close it and one failure opens it again', () => {
    const good = tripped()
    good.pass(500)
    good.call('succeeded')
    expect(good.state()).toBe('halfOpen')
    good.call('succeeded')
    expect(good.state()).toBe('closed')
    const bad = tripped()
    bad.pass(500)
    bad.call('succeeded')
    bad.call('failed')
    expect(bad.state()).toBe('open')
    expect(bad.context().activations).toBe(2)
  })

  test('a probe that says nothing has failed', () => {
    const { pass, request, state } = tripped()
    pass(500)
    request()
    pass(5_000)
    expect(state()).toBe('open')
  })
})

test('what it remembers is bounded, whatever happens', () => {
  const { breaker, request, call, pass, context } = open()
  for (let n = 0; n < 2_000; n++) {
    if (n % 3 === 0) request()
    else call(n % 5 === 0 ? 'succeeded' : 'failed')
    if (n % 7 === 0) pass(60)
    expect(context().pending.length).toBeLessThanOrEqual(10)
    expect(context().failures.length).toBeLessThan(3)
  }
  expect(Object.keys((breaker.getPersistedSnapshot() as unknown as { children: object }).children)).toEqual([])
})

test.each([{ failuresMax: 0 }, { windowMs: -1 }, { openMs: Number.NaN }, { probes: 1 }])('%j is no way to begin', input => {
  const breaker = createActor(circuitBreaker, { input: input as never })
  breaker.subscribe({ error: () => undefined })
  breaker.start()
  expect(breaker.getSnapshot().error).toMatchObject({ code: 'config/invalid' })
})
