/** Circuit breaker and rate limiter as durable actors that others ask. */
import { actorAt } from 'troupe'
import { circuitBreaker, rateLimiter } from 'troupe/machines'
import type { BreakerAnswer, BreakerStatus, LimiterAnswer } from 'troupe/machines'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'
import { assign, sendTo, setup } from 'xstate'
import { createSqliteWorld } from '../support/sqlite-world.ts'

type Answer = BreakerAnswer | LimiterAnswer
type Order = { readonly type: 'CALL'; readonly id: string; readonly fails: boolean } | { readonly type: 'ACT'; readonly id: string; readonly key: string }

/** Calls what the breaker lets through, and acts when the limiter does; keeps what it was told. */
const agent = setup({
  types: { context: {} as { readonly told: readonly string[]; readonly failing: readonly string[] }, events: {} as Answer | Order },
  actions: {
    note: assign({ told: ({ context, event }) => [...context.told, `${event.type} ${event.id}`] }),
    report: sendTo(actorAt('breaker/nlp'), ({ context, event }) => ({ type: context.failing.includes(event.id) ? 'breaker.failed' : 'breaker.succeeded', id: event.id })),
  },
}).createMachine({
  context: { told: [], failing: [] },
  on: {
    CALL: {
      actions: [
        assign({ failing: ({ context, event }) => (event.fails ? [...context.failing, event.id] : context.failing) }),
        sendTo(actorAt('breaker/nlp'), ({ event, self }) => ({ type: 'breaker.request', id: event.id, from: self })),
      ],
    },
    ACT: { actions: sendTo(actorAt('limiter/calls'), ({ event, self }) => ({ type: 'limiter.request', id: event.id, key: event.key, from: self })) },
    'breaker.allowed': { actions: ['note', 'report'] },
    'breaker.refused': { actions: 'note' },
    'limiter.allowed': { actions: 'note' },
    'limiter.refused': { actions: 'note' },
  },
})

const machines = { breaker: circuitBreaker, limiter: rateLimiter, agent }

test('a breaker that has opened stays open over a crash, lets one try after its time, and closes', async () => {
  const world = await createSqliteWorld(machines)
  const breaker = () => world.runtime.actor(circuitBreaker, 'nlp')
  const call = async (id: string, fails = false) => {
    await world.runtime.actor(agent, 'a').send({ type: 'CALL', id, fails })
    await world.settle()
    return (await world.runtime.actor(agent, 'a').snapshot()).context.told.at(-1)
  }
  await breaker().start({ failuresMax: 5, windowMs: 60_000, openMs: 30_000 })
  await world.runtime.actor(agent, 'a').start()
  for (let n = 0; n < 5; n++) {
    expect(await call(`f${n}`, true)).toBe(`breaker.allowed f${n}`)
    await world.advance(1_000)
  }
  expect(await call('x')).toBe('breaker.refused x')
  await world.crash()
  await world.restart()
  expect(await call('y')).toBe('breaker.refused y')
  expect((await breaker().ask({ type: 'breaker.request', id: 'z' }, { until: 'reply' })).reply).toMatchObject({ type: 'breaker.refused', id: 'z', retryInMs: 30_000 })
  await world.advance(30_000)
  expect((await breaker().snapshot()).value).toBe('halfOpen')
  expect(await call('probe')).toBe('breaker.allowed probe')
  expect((await breaker().ask({ type: 'breaker.status' }, { until: 'reply' })).reply).toEqual({ type: 'breaker.state', state: 'closed', failures: 0, pending: 0, activations: 1, refusals: 3, retryInMs: 0 } satisfies BreakerStatus)
})

test('failures before a crash count after it, until the window is over', async () => {
  const world = await createSqliteWorld(machines)
  const breaker = () => world.runtime.actor(circuitBreaker, 'data')
  const fail = async (id: string) => {
    await breaker().send({ type: 'breaker.request', id })
    await breaker().send({ type: 'breaker.failed', id })
  }
  await breaker().start({ failuresMax: 3, windowMs: 120_000 })
  await fail('a')
  await world.advance(60_000)
  await fail('b')
  await world.crash()
  await world.restart()
  await world.advance(60_001)
  await fail('c')
  expect(await breaker().snapshot()).toMatchObject({ value: 'closed', context: { failures: [1, 2] } })
  await fail('d')
  expect((await breaker().snapshot()).value).toBe('open')
})

test('all nodes share a breaker', async () => {
  const store = createMemoryStore()
  await using owner = await createTestWorld({ machines, store })
  await using guest = await createTestWorld({ machines, store, clock: owner.clock, seed: 2 })
  await owner.runtime.actor(circuitBreaker, 'nlp').start({ failuresMax: 1 })
  await guest.runtime.actor(circuitBreaker, 'nlp').send({ type: 'breaker.request', id: '1' })
  await guest.runtime.actor(circuitBreaker, 'nlp').send({ type: 'breaker.failed', id: '1' })
  expect((await owner.runtime.actor(circuitBreaker, 'nlp').ask({ type: 'breaker.request', id: '2' }, { until: 'reply' })).reply).toMatchObject({ type: 'breaker.refused' })
})

test('a hundred a minute per agent and workflow type, over a crash, and the rest waits its turn', async () => {
  const world = await createSqliteWorld(machines)
  const limiter = () => world.runtime.actor(rateLimiter, 'calls')
  const told = async () => (await world.runtime.actor(agent, 'a').snapshot()).context.told.map(line => line.split(' ')[0]).filter(type => type === 'limiter.allowed').length
  await limiter().start({ requestsMax: 100, windowMs: 60_000, waitingMax: 50, waitMs: 120_000 })
  await world.runtime.actor(agent, 'a').start()
  for (let n = 0; n < 120; n++) await world.runtime.actor(agent, 'a').send({ type: 'ACT', id: String(n), key: 'a/report' })
  await world.settle()
  expect(await told()).toBe(100)
  expect((await limiter().ask({ type: 'limiter.request', id: 'x', key: 'a/report' }, { until: 'reply' })).reply).toMatchObject({ type: 'limiter.refused', retryInMs: 66_000 })
  expect((await limiter().ask({ type: 'limiter.request', id: 'x', key: 'a/chart' }, { until: 'reply' })).reply).toMatchObject({ type: 'limiter.allowed' })
  await world.crash()
  await world.restart()
  await world.advance(59_999)
  expect(await told()).toBe(100)
  await world.advance(6_001)
  expect(await told()).toBe(120)
})

test('what does not say who asks for what is refused at the door', async () => {
  const world = await createSqliteWorld(machines)
  await world.runtime.actor(circuitBreaker, 'nlp').start()
  await world.runtime.actor(rateLimiter, 'calls').start()
  await expect(world.runtime.actor(circuitBreaker, 'nlp').send({ type: 'breaker.request', id: '1', from: { address: 'nobody' } })).rejects.toMatchObject({ code: 'event/invalid' })
  await expect(world.runtime.actor(rateLimiter, 'calls').send({ type: 'limiter.request', id: '1' } as never)).rejects.toMatchObject({ code: 'event/invalid' })
  await expect(world.runtime.at('breaker/nlp').send({ type: 'troupe.breaker.forgotten', failure: 0 })).rejects.toMatchObject({ code: 'event/invalid' })
  await expect(world.runtime.actor(rateLimiter, 'other').start({ requestsMax: 0 })).rejects.toMatchObject({ code: 'config/invalid' })
})
