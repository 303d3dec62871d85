import { SimulatedClock, createActor, fromTransition } from 'xstate'
import type { AnyActorRef, AnyEventObject } from 'xstate'
import { expect, test } from 'vitest'
import { rateLimiter } from '../../machines/index.ts'
import type { RateLimiterInput } from '../../machines/index.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

function open(input: RateLimiterInput) {
  const clock = new SimulatedClock()
  const limiter = createActor(rateLimiter, { clock, input })
  const heard: AnyEventObject[] = []
  const caller = createActor(fromTransition((state: null, event: AnyEventObject) => (heard.push(event), state), null)).start()
  limiter.start()
  let asked = 0
  const request = (key = 'k') => {
    limiter.send({ type: 'limiter.request', id: String(++asked), key, from: caller as AnyActorRef })
    return heard.at(-1)?.['id'] === String(asked) ? heard.at(-1) : undefined
  }
  const pass = (ms: number): void => {
    for (let n = 0; n < ms; n++) clock.increment(1)
  }
  return { limiter, request, heard, pass, now: () => clock.now(), windows: () => limiter.getSnapshot().context.windows }
}

test('every transition of a limiter is taken by some path', () => {
  const from = { address: 'caller/1' }
  expectEveryTransition(rateLimiter, {
    input: { requestsMax: 1, waitingMax: 1, keysMax: 2 },
    events: [...['a', 'b', 'c'].flatMap(id => [{ type: 'limiter.request', id, key: 'k' }, { type: 'limiter.request', id, key: 'k', from }]), { type: 'limiter.request', id: 'd', key: 'other' }, { type: 'troupe.limiter.turned', key: 'k' }, { type: 'troupe.limiter.waited', key: 'k', id: 'a' }],
    explore: ({ context }) => Object.keys(context.windows).length < 2,
  })
})

test('so many are allowed per key, and whoever is refused is told when to ask again', () => {
  const { request, pass } = open({ requestsMax: 3, windowMs: 1_000 })
  for (let n = 0; n < 3; n++) expect(request()).toMatchObject({ type: 'limiter.allowed' })
  expect(request('other')).toMatchObject({ type: 'limiter.allowed' })
  pass(150)
  expect(request()).toEqual({ type: 'limiter.refused', id: '5', retryInMs: 1_000 })
  pass(1_000)
  expect(request()).toMatchObject({ type: 'limiter.allowed' })
})

test('in no time as long as the window are there more than so many, and none is refused for longer than that and a tenth', () => {
  const seed = Number(process.env['TROUPE_SEED'] ?? 7)
  const random = createSeededRandom(seed)
  const { request, pass, now } = open({ requestsMax: 5, windowMs: 200 })
  const allowed: number[] = []
  for (let n = 0; n < 3_000; n++) {
    if (request()?.type === 'limiter.allowed') allowed.push(now())
    else expect(now() - (allowed.at(-5) ?? 0), `TROUPE_SEED=${seed}`).toBeLessThanOrEqual(220)
    pass(Math.floor(random.next() ** 3 * 60))
  }
  allowed.forEach((at, index) => expect(at - (allowed[index - 5] ?? -Infinity), `TROUPE_SEED=${seed}`).toBeGreaterThanOrEqual(200))
  expect(allowed.length).toBeGreaterThan(500)
})

test('what is over the limit waits for its turn, in order, and is refused when that takes too long', () => {
  const { request, heard, pass } = open({ requestsMax: 2, windowMs: 1_000, waitingMax: 3, waitMs: 1_500 })
  const told = () => heard.splice(0).map(({ type, id }) => `${type as string} ${id as string}`)
  for (let n = 0; n < 6; n++) request()
  expect(told()).toEqual(['limiter.allowed 1', 'limiter.allowed 2', 'limiter.refused 6'])
  pass(1_100)
  expect(told()).toEqual(['limiter.allowed 3', 'limiter.allowed 4'])
  pass(400)
  expect(told()).toEqual(['limiter.refused 5'])
  expect(request()).toBeUndefined()
  pass(800)
  expect(told()).toEqual(['limiter.allowed 7'])
})

test('it forgets a key that is quiet, and refuses more keys than it can remember', () => {
  const { request, pass, windows } = open({ requestsMax: 1, windowMs: 100, keysMax: 2 })
  for (const key of ['a', '__proto__']) expect(request(key)).toMatchObject({ type: 'limiter.allowed' })
  expect(request('__proto__')).toMatchObject({ type: 'limiter.refused' })
  expect(request('toString')).toMatchObject({ type: 'limiter.refused' })
  pass(110)
  expect(windows()).toEqual({})
  expect(request('toString')).toMatchObject({ type: 'limiter.allowed' })
})

test.each([{ requestsMax: 0 }, { windowMs: 0 }, { max: 3 }])('%j is no way to begin', input => {
  const limiter = createActor(rateLimiter, { input: input as never })
  limiter.subscribe({ error: () => undefined })
  limiter.start()
  expect(limiter.getSnapshot().error).toMatchObject({ code: 'config/invalid' })
})
