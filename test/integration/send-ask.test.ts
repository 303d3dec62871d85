import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { askAtHand, reply, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-ask-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
/** Each call makes a place to keep actors in, and gives what opens it: once per runtime. */
const places = {
  memory() {
    const store = createMemoryStore()
    return async () => store
  },
  sqlite() {
    const path = join(folder, `${++files}.db`)
    return () => openSqliteStore({ path, synchronous: 'NORMAL' })
  },
}

type Question = { type: 'ADD'; by: number } | { type: 'TOTAL' } | { type: 'LATER' } | { type: 'ANSWER' } | { type: 'WORK'; on: string } | { type: 'BREAK' } | { type: 'WAIT' } | { type: 'END' }

const till = setup({
  types: { context: {} as { total: number; done: string }, events: {} as Question, tags: {} as 'busy' | 'settled' },
  actors: { work: task({ run: ({ input }: TaskScope<string>) => `${input} done`, retry: 1 }) },
  actions: { total: reply(({ context }) => context.total) },
}).createMachine({
  context: { total: 0, done: '' },
  initial: 'open',
  states: {
    open: {
      on: {
        ADD: { actions: assign({ total: ({ context, event }) => context.total + event.by }) },
        TOTAL: { actions: reply(({ context }) => ({ total: context.total })) },
        LATER: {},
        ANSWER: { actions: reply(({ context }) => `answer ${context.total}`) },
        WORK: 'working',
        WAIT: 'waiting',
        BREAK: { actions: () => { throw new Error('broken drawer') } },
        END: 'ended',
      },
    },
    working: {
      tags: 'busy',
      invoke: {
        src: 'work',
        input: ({ event }) => (event as { on: string }).on,
        onDone: { target: 'settled', actions: [assign({ done: ({ event }) => event.output }), reply(({ event }) => event['output'])] },
      },
    },
    waiting: { tags: 'busy', after: { 60_000: 'settled' } },
    settled: { tags: 'settled', on: { TOTAL: { actions: reply(({ context }) => context.total) }, ADD: { actions: assign({ total: ({ context, event }) => context.total + event.by }) } } },
    ended: { type: 'final' },
  },
})
const machines = { till }

describe.each(Object.entries(places))('on %s', (_name, makePlace) => {
  test('an event whose send has resolved survives a crash at that instant', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    await actor.send({ type: 'ADD', by: 7 })
    await world.crash()
    await world.restart()
    expect(await world.runtime.actor(till, '1').snapshot()).toMatchObject({ seq: 2, context: { total: 7 } })
  })

  test('events of one sender are handled in the order of sending', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    await Promise.all(Array.from({ length: 300 }, (_, by) => actor.send({ type: 'ADD', by })))
    const entries = await actor.history({ from: 1, limit: 1000 })
    expect(entries.map(({ event }) => event?.['by'])).toEqual(Array.from({ length: 300 }, (_, by) => by))
  })

  test('ask resolves with the state right after its event, whatever else is waiting', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    const [first, second, third] = await Promise.all([actor.ask({ type: 'ADD', by: 1 }), actor.ask({ type: 'ADD', by: 10 }), actor.ask({ type: 'ADD', by: 100 })])
    expect([first, second, third].map(({ seq, context }) => [seq, context.total])).toEqual([[2, 1], [3, 11], [4, 111]])
  })

  test('an actor replies in the step of the question', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    await actor.send({ type: 'ADD', by: 4 })
    const answer = await actor.ask({ type: 'TOTAL' }, { until: 'reply' })
    expect(answer.reply).toEqual({ total: 4 })
    expect(answer.context.total).toBe(4)
  })

  test('an actor replies in a later step, to the oldest question first', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    const answered: string[] = []
    const first = actor.ask({ type: 'LATER' }, { until: 'reply' }).then(({ reply: value }) => answered.push(`first: ${value as string}`))
    const second = actor.ask({ type: 'LATER' }, { until: 'reply' }).then(({ reply: value }) => answered.push(`second: ${value as string}`))
    await actor.send({ type: 'ADD', by: 1 })
    expect(answered).toEqual([])
    await actor.send({ type: 'ANSWER' })
    await first
    await actor.send({ type: 'ADD', by: 1 })
    await actor.send({ type: 'ANSWER' })
    await second
    expect(answered).toEqual(['first: answer 1', 'second: answer 2'])
  })

  test('an actor that keeps who has asked answers that one, whoever waits beside it', async () => {
    const clerk = setup({ types: { context: {} as { readonly asks: readonly (string | null)[] }, events: {} as { readonly type: 'NOTE' | 'ANSWER_LAST' } } }).createMachine({
      context: { asks: [] },
      on: {
        NOTE: { actions: assign({ asks: ({ context, self }) => [...context.asks, askAtHand(self)] }) },
        ANSWER_LAST: { actions: [reply(({ context }) => context.asks.length, { to: ({ context }) => context.asks.at(-1) ?? null }), assign({ asks: ({ context }) => context.asks.slice(0, -1) })] },
      },
    })
    await using world = await createTestWorld({ machines: { clerk }, store: await makePlace()() })
    const actor = world.runtime.actor(clerk, '1')
    await actor.start()
    const order: unknown[] = []
    const asked = ['first', 'second'].map(async name => order.push([name, (await actor.ask({ type: 'NOTE' }, { until: 'reply' })).reply]))
    await actor.send({ type: 'NOTE' })
    for (let n = 0; n < 3; n++) await actor.send({ type: 'ANSWER_LAST' })
    await Promise.all(asked)
    // The third note was no question: nobody hears what is said to it.
    expect(order).toEqual([['second', 2], ['first', 1]])
  })

  test('an actor replies with the outcome of a task', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    const answer = await actor.ask({ type: 'WORK', on: 'counting' }, { until: 'reply' })
    expect(answer).toMatchObject({ reply: 'counting done', value: 'settled', context: { done: 'counting done' } })
  })

  test('errors and typed arrays in a reply come as they are, from elsewhere too', async () => {
    const oracle = setup({ types: { events: {} as { type: 'ASK' } } }).createMachine({ on: { ASK: { actions: reply(() => ({ vector: new Float32Array([1, 2.5]), reason: new TypeError('half') })) } } })
    const open = makePlace()
    await using owner = await createTestWorld({ machines: { oracle }, store: await open() })
    await using guest = await createTestWorld({ machines: { oracle }, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(oracle, '1').start()
    for (const { runtime } of [owner, guest]) {
      const answer = (await runtime.actor(oracle, '1').ask({ type: 'ASK' }, { until: 'reply' })).reply as { vector: unknown; reason: unknown }
      expect(answer.vector).toEqual(new Float32Array([1, 2.5]))
      expect(answer.reason).toMatchObject({ name: 'TypeError', message: 'half' })
      expect(answer.reason).toBeInstanceOf(Error)
    }
  })

  test('a question asked before the crash of the owner is answered after it', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    const actor = guest.runtime.actor(till, '1')
    await actor.start()
    const answer = actor.ask({ type: 'LATER' }, { until: 'reply', timeout: 600_000 })
    while ((await actor.snapshot()).seq < 2) await new Promise(resolve => setTimeout(resolve, 5))
    await owner.crash()
    await owner.restart()
    await actor.send({ type: 'ADD', by: 3 })
    await actor.send({ type: 'ANSWER' })
    expect((await answer).reply).toBe('answer 3')
  })

  test('ask waits until a tag is there', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    let settled = false
    const asked = actor.ask({ type: 'WAIT' }, { until: { tag: 'settled' }, timeout: 120_000 }).then(snapshot => ((settled = true), snapshot))
    await world.advance(59_999)
    expect(settled).toBe(false)
    await world.advance(1)
    expect((await asked).value).toBe('settled')
  })

  test('ask waits until a predicate holds, and sees each state on the way once', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    const seen: number[] = []
    const asked = actor.ask({ type: 'ADD', by: 1 }, { until: ({ context }) => (seen.push(context.total), context.total >= 4) })
    for (let count = 0; count < 5; count++) await actor.send({ type: 'ADD', by: 1 })
    expect((await asked).context.total).toBe(4)
    expect(seen).toEqual([1, 2, 3, 4])
  })

  test('a question to a paused actor waits with its event until the actor goes on', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    await actor.pause()
    let answered = false
    const processed = actor.ask({ type: 'ADD', by: 2 }).then(snapshot => ((answered = true), snapshot))
    const replied = actor.ask({ type: 'TOTAL' }, { until: 'reply' })
    const sent = actor.send({ type: 'ADD', by: 20 })
    await sent
    await world.settle()
    expect(answered).toBe(false)
    expect(await actor.snapshot()).toMatchObject({ status: 'paused', context: { total: 0 } })
    await actor.resume()
    expect((await processed).context.total).toBe(2)
    expect((await replied).reply).toEqual({ total: 2 })
  })

  test('an ask that poisons its actor is told why', async () => {
    await using world = await createTestWorld({ machines, store: await makePlace()() })
    const actor = world.runtime.actor(till, '1')
    await actor.start()
    await expect(actor.ask({ type: 'BREAK' })).rejects.toMatchObject({
      code: 'event/poisoned', address: 'till/1', message: expect.stringContaining('broken drawer'), cause: { message: 'broken drawer' },
    })
    // What is sent is accepted: its fate stands in the dead letters.
    await actor.send({ type: 'BREAK' })
    expect(await world.runtime.deadLetters.list()).toHaveLength(2)
    expect((await actor.ask({ type: 'ADD', by: 1 })).context.total).toBe(1)
  })

  test('a runtime that does not own the actor sends and asks all the same', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    const actor = guest.runtime.actor(till, '1')
    await actor.start()
    await actor.send({ type: 'ADD', by: 1 })
    expect((await actor.ask({ type: 'ADD', by: 1 })).context.total).toBe(2)
    expect((await actor.ask({ type: 'TOTAL' }, { until: 'reply' })).reply).toEqual({ total: 2 })
    expect((await actor.ask({ type: 'ADD', by: 1 }, { until: ({ context }) => context.total === 3 })).seq).toBeGreaterThanOrEqual(4)
    expect((await actor.ask({ type: 'WORK', on: 'sorting' }, { until: { tag: 'settled' } })).context.done).toBe('sorting done')
    expect(guest.runtime.health().counters.steps).toBe(0)
    await expect(guest.runtime.actor(till, '2').ask({ type: 'TOTAL' })).rejects.toMatchObject({ code: 'actor/unknown', address: 'till/2' })
    await expect(guest.runtime.actor(till, '2').send({ type: 'TOTAL' })).rejects.toMatchObject({ code: 'actor/unknown', address: 'till/2' })
    const broken = guest.runtime.actor(till, '3')
    await broken.start()
    await expect(broken.ask({ type: 'BREAK' })).rejects.toMatchObject({ code: 'event/poisoned', address: 'till/3', cause: { message: 'broken drawer' } })
    await broken.ask({ type: 'END' })
    await expect(broken.send({ type: 'TOTAL' })).rejects.toMatchObject({ code: 'actor/ended', address: 'till/3' })
  })

  test('events that a runtime sends to an owner that is down are handled by the next one', async () => {
    const open = makePlace()
    await using owner = await createTestWorld({ machines, store: await open() })
    await using guest = await createTestWorld({ machines, store: await open(), clock: owner.clock, seed: 2 })
    await owner.runtime.actor(till, '1').start()
    await owner.crash()
    for (let by = 1; by <= 3; by++) await guest.runtime.actor(till, '1').send({ type: 'ADD', by })
    expect((await guest.runtime.actor(till, '1').snapshot()).context.total).toBe(0)
    await owner.restart()
    expect((await guest.runtime.actor(till, '1').ask({ type: 'ADD', by: 10 })).context.total).toBe(16)
  })
})

test('an ask that takes too long ends, its event stays accepted', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  const asked = expect(actor.ask({ type: 'LATER' }, { until: 'reply', timeout: 1_000 })).rejects.toMatchObject({ code: 'ask/timeout', address: 'till/1', details: { timeoutMs: 1_000 }, retryable: true })
  await world.advance(999)
  expect((await actor.snapshot()).seq).toBe(2)
  await world.advance(1)
  await asked
  // Its reply comes too late and disturbs nobody.
  await actor.send({ type: 'ANSWER' })
})

test('an ask waits half a minute when nothing else is said', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  let outcome = 'waiting'
  const asked = actor.ask({ type: 'WAIT' }, { until: { tag: 'settled' } }).catch((error: { code: string }) => (outcome = error.code))
  await world.advance(29_999)
  expect(outcome).toBe('waiting')
  await world.advance(1)
  await asked
  expect(outcome).toBe('ask/timeout')
})

test('an ask that is answered in time leaves no timer behind', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  await actor.ask({ type: 'ADD', by: 1 }, { timeout: 1_000 })
  await world.advance(10_000)
})

test('an ask for a state that never comes because the actor ends is told so', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  const asked = expect(actor.ask({ type: 'ADD', by: 1 }, { until: { tag: 'settled' } })).rejects.toMatchObject({ code: 'actor/ended', address: 'till/1' })
  await actor.send({ type: 'END' })
  await asked
})

test('a question that the actor did not answer takes no answer of the next one', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  let first: unknown = 'none'
  const ignored = actor.ask({ type: 'LATER' }, { until: 'reply', timeout: 10_000 }).then(({ reply: value }) => (first = value))
  expect((await actor.ask({ type: 'TOTAL' }, { until: 'reply' })).reply).toEqual({ total: 0 })
  expect(first).toBe('none')
  await actor.send({ type: 'ANSWER' })
  await ignored
  expect(first).toBe('answer 0')
})

test('a question that timed out is forgotten: what comes later answers those that still wait', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  const short = expect(actor.ask({ type: 'LATER' }, { until: 'reply', timeout: 1_000 })).rejects.toMatchObject({ code: 'ask/timeout' })
  const long = actor.ask({ type: 'LATER' }, { until: 'reply', timeout: 10_000 })
  await world.advance(1_000)
  await short
  await actor.send({ type: 'ANSWER' })
  expect((await long).reply).toBe('answer 0')
})

test('questions that nobody answers do not pile up in the actor', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  for (let round = 0; round < 20; round++) {
    const asked = actor.ask({ type: 'LATER' }, { until: 'reply', timeout: 10 }).catch(() => undefined)
    await world.advance(10)
    await asked
  }
  const [last] = await actor.history({ from: (await actor.snapshot()).seq - 1 })
  expect(last?.delta).toEqual([[['asks'], [expect.objectContaining({ request: expect.any(String) })]]])
})

test.each([-1, Number.NaN, Infinity, 2 ** 31])('a timeout that is none is refused, not taken for one that is over: %s', async (timeout) => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  await expect(actor.ask({ type: 'ADD', by: 1 }, { timeout })).rejects.toMatchObject({ code: 'config/invalid', address: 'till/1' })
  await expect(actor.waitFor({ tag: 'settled' }, { timeout })).rejects.toMatchObject({ code: 'config/invalid', address: 'till/1' })
  expect((await actor.snapshot()).seq).toBe(1)
})

test('an ask for a reply whose actor ends without one times out', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  const asked = expect(actor.ask({ type: 'LATER' }, { until: 'reply', timeout: 100 })).rejects.toMatchObject({ code: 'ask/timeout' })
  await actor.send({ type: 'END' })
  await world.advance(100)
  await asked
})

test('an actor that nobody asked replies into the void', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  await actor.send({ type: 'TOTAL' })
  expect(await actor.snapshot()).toMatchObject({ seq: 2, status: 'active' })
})

test('an event that the state does not know changes nothing', async () => {
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(till, '1')
  await actor.start()
  await actor.send({ type: 'WAIT' })
  const before = await actor.snapshot()
  const after = await actor.ask({ type: 'ADD', by: 1 })
  expect(after).toMatchObject({ value: before.value, context: before.context, status: 'active' })
})

test('a trace context is handed on with everything an event causes', async () => {
  const store = createMemoryStore()
  const seen: string[] = []
  const spy = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'append') return value
      return (...args: Parameters<typeof store.append>) => {
        seen.push(...args[0].map(({ data }) => data))
        return store.append(...args)
      }
    },
  })
  await using owner = await createTestWorld({ machines, store })
  await using guest = await createTestWorld({ machines, store: spy, clock: owner.clock, seed: 2 })
  await guest.runtime.actor(till, '1').start()
  await guest.runtime.actor(till, '1').send({ type: 'ADD', by: 1 }, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
  expect(JSON.parse(seen.at(-1) ?? '')).toMatchObject({ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
})
