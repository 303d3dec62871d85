import { expect, test } from 'vitest'
import { Webhook } from 'standardwebhooks'
import { createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import type { OutputOf } from '../../src/core/client/client.ts'
import { TroupeError } from '../../src/core/errors.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { createVirtualClock } from '../../src/testing/virtual-clock.ts'
import { createKey } from '../../src/webhooks/signature.ts'
import { deliveriesOf } from '../../src/webhooks/state.ts'
import type { WebhookContext } from '../../src/webhooks/state.ts'
import type { Follow } from '../../src/webhooks/take.ts'
import { Webhooks } from '../../src/webhooks/webhooks.ts'
import type { WebhooksOptions } from '../../src/webhooks/webhooks.ts'
import { openReceiver } from '../support/webhooks/receiver.ts'
import { waitUntil } from '../support/processes.ts'

type Item = OutputOf<'follow'>
type Step = Extract<Item, { type: 'step' }>['step']

/** A script of steps in place of the journals: positions are places in it. */
function openScript() {
  const steps: Step[] = []
  const asked: string[] = []
  let grown = Promise.withResolvers<void>()
  const gaps = new Set<number>()
  /** Positions that the store does not know. */
  const lost = new Set<string>()
  const follow: Follow = async function* ({ from: given }, { signal } = {}) {
    const from = given ?? String(steps.length)
    asked.push(from)
    if (lost.has(given ?? 'present')) throw new TroupeError('config/invalid', `there is no position ${from}`)
    yield { type: 'cursor', cursor: from }
    for (let at = Number(from); !signal?.aborted; ) {
      const step = steps[at]
      if (gaps.has(at)) throw new TroupeError('history/trimmed', `step ${at} is gone`, { details: { cursor: String(at + 1) } })
      if (step) {
        at++
        yield { type: 'step', step }
      } else await Promise.race([grown.promise, new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve(), { once: true }))])
    }
  }
  return {
    asked,
    follow,
    gaps,
    lost,
    tell: (...types: string[]) => {
      for (const type of types) {
        const seq = steps.length + 1
        steps.push({ seq, at: Date.UTC(2026, 0, 1) + seq, kind: 'event', event: { type, n: seq }, states: ['on'], status: 'active', value: 'on', tags: [], cursor: String(seq), address: `order/${seq}`, machine: type.startsWith('OWN') ? 'troupe.webhook' : 'order', run: `order/${seq}` })
      }
      grown.resolve()
      grown = Promise.withResolvers()
    },
  }
}

/** Webhooks over a script, in a world whose time stands still. */
async function open(options: WebhooksOptions = {}) {
  const receiver = await openReceiver()
  const script = openScript()
  const clock = createVirtualClock()
  const reports: unknown[] = []
  const at = (id: string) => world.runtime.actor('hook', id)
  const state = async (id: string) => (await at(id).snapshot()).context as WebhookContext
  const webhooks = new Webhooks(
    {
      clock, follow: script.follow, random: createSeededRandom(1), report: error => reports.push(error),
      actors: { start: (id, input) => at(id).start(input), state, list: () => Promise.resolve({ ids: [], cursor: undefined }), stop: id => at(id).stop() },
    },
    { allowPrivate: ['127.0.0.1'], retry: { jitter: 0 }, ...options },
  )
  const world: TestWorld<{ hook: typeof webhooks.machine }> = await createTestWorld({ machines: { hook: webhooks.machine }, clock })
  const key = await createKey('hmac')
  const start = (id: string, over: { readonly url?: string; readonly failuresMax?: number } = {}) =>
    at(id).start({ id, url: receiver.url, filter: {}, description: '', signature: 'hmac', failuresMax: 10, createdAt: 0, request: '', cursor: '0', ...key, ...over })
  const when = (why: string, holds: (context: WebhookContext) => boolean, id = 'a') => waitUntil(why, async () => holds(await state(id)))
  const close = async () => {
    await world[Symbol.asyncDispose]()
    await webhooks[Symbol.asyncDispose]()
    await receiver[Symbol.asyncDispose]()
  }
  return { receiver, script, clock, world, start, at, state, when, reports, secret: key.secret, [Symbol.asyncDispose]: close }
}

const outcomes = (context: WebhookContext) => deliveriesOf(context).toReversed().map(({ outcome, attempts, status }) => ({ outcome, attempts, status }))

test('events are delivered in their order, signed, each with an id of its own; what webhooks do is not told', async () => {
  await using hooks = await open()
  await hooks.start('a')
  hooks.script.tell('A', 'OWN', 'B')
  await hooks.when('both are delivered', ({ statistics }) => statistics.delivered === 2)
  hooks.script.tell('C')
  await hooks.when('all are delivered', ({ statistics }) => statistics.delivered === 3)
  expect(hooks.receiver.events).toEqual(['A', 'B', 'C'])
  expect(hooks.receiver.received[0]?.event).toEqual({ id: hooks.receiver.received[0]?.headers['webhook-id'], type: 'actor.event', time: '2026-01-01T00:00:00.001Z', address: 'order/1', run: 'order/1', seq: 1, kind: 'event', event: { type: 'A', n: 1 }, states: ['on'], status: 'active', failure: null })
  expect(new Set(hooks.receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
  for (const { body, headers } of hooks.receiver.received) {
    expect(headers['content-type']).toBe('application/json')
    // The package knows the real time alone, so that of the delivery is put in its place.
    const { 'webhook-id': id = '', 'webhook-timestamp': at } = headers as Record<string, string>
    expect(new Webhook(hooks.secret).sign(id, new Date(Number(at) * 1000), body)).toBe(headers['webhook-signature'])
  }
})

test('a delivery is tried again after 1, 2 and 4 seconds, with the same id; those behind it wait for their turn', async () => {
  await using hooks = await open()
  const times: number[] = []
  hooks.receiver.answer = () => (times.push(hooks.clock.now()), times.length <= 3 ? 503 : 200)
  await hooks.start('a')
  hooks.script.tell('A', 'B')
  for (const [index, ms] of [1_000, 2_000, 4_000].entries()) {
    await hooks.when(`attempt ${index + 1} has failed`, ({ attempts }) => attempts === index + 1)
    await hooks.clock.advance(ms - 1)
    expect(hooks.receiver.received).toHaveLength(index + 1)
    await hooks.clock.advance(1)
  }
  await hooks.when('both are delivered', ({ statistics }) => statistics.delivered === 2)
  expect(times.map(time => time - (times[0] ?? 0))).toEqual([0, 1_000, 3_000, 7_000, 7_000])
  expect(hooks.receiver.events).toEqual(['A', 'A', 'A', 'A', 'B'])
  expect(new Set(hooks.receiver.received.slice(0, 4).map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  const context = await hooks.state('a')
  expect(outcomes(context)).toEqual([{ outcome: 'delivered', attempts: 4, status: 200 }, { outcome: 'delivered', attempts: 1, status: 200 }])
  expect(context.statistics).toMatchObject({ delivered: 2, failed: 0, retries: 3, failuresInARow: 0, lastStatus: 200 })
})

test('a receiver that says when to come again is asked then, but not after more than an hour', async () => {
  await using hooks = await open()
  const asked = ['120', new Date(hooks.clock.now() + 120_000 + 300_000).toUTCString(), '999999', 'soon']
  hooks.receiver.answer = () => ({ status: 429, headers: { 'retry-after': asked[hooks.receiver.received.length - 1] ?? '' } })
  await hooks.start('a')
  hooks.script.tell('A')
  for (const [index, ms] of [120_000, 300_000, 3_600_000, 8_000].entries()) {
    await hooks.when(`attempt ${index + 1} has failed`, ({ attempts }) => attempts === index + 1)
    expect((await hooks.state('a')).waitMs).toBe(ms)
    await hooks.clock.advance(ms)
  }
  await hooks.when('it has been asked again', ({ attempts }) => attempts === 5)
})

test('a receiver that is silent costs its time limit, one that is gone an attempt; the next event is told all the same', async () => {
  await using hooks = await open({ timeoutMs: 5_000, retry: 1 })
  hooks.receiver.answer = ({ event }) => (event.event?.type === 'A' ? 'silence' : 200)
  await hooks.start('a')
  hooks.script.tell('A', 'B')
  await waitUntil('it is asked', () => hooks.receiver.received.length === 1)
  await hooks.clock.advance(5_000)
  await hooks.when('the second is delivered', ({ statistics }) => statistics.delivered === 1)
  const [second, first] = deliveriesOf(await hooks.state('a'))
  expect(first).toMatchObject({ outcome: 'failed', status: null, ms: 5_000, error: { code: 'webhook/failed', message: expect.stringContaining('did not answer within 5000 ms') as string } })
  expect(second).toMatchObject({ outcome: 'delivered' })
  // What stands in a URL may be a secret of its own.
  expect(JSON.stringify(first)).not.toContain('t0ken')
})

test('after so many failures in a row it is disabled and says so; enabled again it goes on with what it has not told', async () => {
  await using hooks = await open({ retry: 1 })
  hooks.receiver.answer = () => 500
  await hooks.start('a', { failuresMax: 3 })
  hooks.script.tell('A', 'B', 'C', 'D')
  await hooks.when('it is disabled', ({ disabledReason }) => disabledReason !== null)
  await waitUntil('it is reported', () => hooks.reports.length > 0)
  expect(hooks.reports).toMatchObject([{ code: 'webhook/disabled', message: expect.stringContaining('3 deliveries in a row have failed') as string }])
  const history = await hooks.at('a').history({ limit: 100 })
  expect(history.flatMap(({ emitted = [] }) => emitted)).toEqual([expect.objectContaining({ type: 'webhook.disabled', id: 'a' })])
  await hooks.clock.advance(3_600_000)
  expect(hooks.receiver.events).toEqual(['A', 'B', 'C'])

  hooks.receiver.answer = () => 200
  hooks.script.tell('E')
  await hooks.at('a').send({ type: 'webhook.change', change: {}, isEnabled: true })
  await hooks.when('the rest is delivered', ({ statistics }) => statistics.delivered === 2)
  expect(hooks.receiver.events).toEqual(['A', 'B', 'C', 'D', 'E'])
  expect(await hooks.state('a')).toMatchObject({ disabledReason: null, statistics: { failed: 3, failuresInARow: 0 } })
})

test('a success in between begins the count of failures anew', async () => {
  await using hooks = await open({ retry: 1 })
  hooks.receiver.answer = ({ event }) => (event.event?.type === 'OK' ? 204 : 500)
  await hooks.start('a', { failuresMax: 2 })
  hooks.script.tell('A', 'OK', 'B', 'OK', 'C')
  await hooks.when('all are told', ({ statistics }) => statistics.delivered + statistics.failed === 5)
  expect(await hooks.state('a')).toMatchObject({ disabledReason: null, statistics: { failuresInARow: 1 } })
})

test('another URL is asked at once, whatever wait there was; another filter begins another wait', async () => {
  await using hooks = await open()
  await using other = await openReceiver()
  hooks.receiver.answer = () => ({ status: 503, headers: { 'retry-after': '3600' } })
  await hooks.start('a')
  hooks.script.tell('A')
  await hooks.when('it waits', ({ attempts }) => attempts === 1)
  await hooks.at('a').send({ type: 'webhook.change', change: { url: other.url } })
  await hooks.when('it is delivered', ({ statistics }) => statistics.delivered === 1)
  expect(other.events).toEqual(['A'])
  await waitUntil('it waits for the next', () => hooks.script.asked.at(-1) === '1')
  const waits = hooks.script.asked.length
  await hooks.at('a').send({ type: 'webhook.change', change: { filter: { machine: 'order' } } })
  await waitUntil('it waits anew', () => hooks.script.asked.length === waits + 1)
  hooks.script.tell('B')
  await hooks.when('it is delivered', ({ statistics }) => statistics.delivered === 2)
})

test('a position that is not retained any more is said in the log, and it goes on with what there is', async () => {
  await using hooks = await open()
  await hooks.start('a')
  hooks.script.tell('A')
  await hooks.when('it is delivered', ({ statistics }) => statistics.delivered === 1)
  await hooks.at('a').send({ type: 'webhook.change', change: {}, isEnabled: false })
  hooks.script.tell('B', 'C', 'D', 'E', 'F')
  for (const place of [1, 2, 4]) hooks.script.gaps.add(place)
  await hooks.at('a').send({ type: 'webhook.change', change: {}, isEnabled: true })
  await hooks.when('the rest is delivered', ({ statistics }) => statistics.delivered === 3)
  expect(hooks.receiver.events).toEqual(['A', 'D', 'F'])
  const logged = deliveriesOf(await hooks.state('a')).toReversed()
  expect(logged.filter(({ type }) => type === 'actor.event')).toHaveLength(3)
  // Gaps one right after the other are one.
  expect(logged.filter(({ type }) => type === 'webhook.gap')).toEqual([1, 2].map(() => expect.objectContaining({ outcome: 'failed', error: expect.objectContaining({ code: 'history/trimmed' }) as unknown }) as unknown))
})

test('where the store has lost its position itself, it says so and goes on from the present', async () => {
  await using hooks = await open()
  await hooks.start('a')
  hooks.script.tell('A')
  await hooks.when('it is delivered', ({ statistics }) => statistics.delivered === 1)
  await hooks.at('a').send({ type: 'webhook.change', change: {}, isEnabled: false })
  hooks.script.lost.add('1')
  hooks.script.tell('B')
  await hooks.at('a').send({ type: 'webhook.change', change: {}, isEnabled: true })
  await hooks.when('it is said', ({ logged }) => logged === 2)
  hooks.script.tell('C')
  await hooks.when('it goes on', ({ statistics }) => statistics.delivered === 2)
  expect(hooks.receiver.events).toEqual(['A', 'C'])
  expect(deliveriesOf(await hooks.state('a'))[1]).toMatchObject({ type: 'webhook.gap', error: { code: 'config/invalid' } })
})

test('a test or a delivery on demand that fails does not disable it', async () => {
  await using hooks = await open()
  await hooks.start('a', { failuresMax: 1 })
  const delivery = { at: 0, address: 'order/1', seq: 1, type: 'webhook.test', outcome: 'failed', attempts: 1, status: 500, ms: 1, error: null } as const
  await hooks.at('a').ask({ type: 'webhook.delivered', delivery })
  hooks.script.tell('A')
  await hooks.when('it is delivered', ({ statistics }) => statistics.delivered === 1)
  expect(await hooks.state('a')).toMatchObject({ disabledReason: null, logged: 2, statistics: { failed: 1, failuresInARow: 0 } })
})

test('journals that cannot be read are reported, and asked again', async () => {
  await using hooks = await open()
  hooks.script.lost.add('0').add('present')
  await hooks.start('a')
  await waitUntil('it is reported', () => hooks.reports.length === 1)
  hooks.script.lost.clear()
  hooks.script.tell('A')
  await hooks.clock.advance(5_000)
  await hooks.when('it is delivered', ({ statistics }) => statistics.delivered === 1)
})

test('the log keeps the latest hundred, and a delivery costs the same whatever there is', async () => {
  await using hooks = await open()
  await hooks.start('a')
  hooks.script.tell(...Array.from({ length: 150 }, (_, n) => `E${n}`))
  await hooks.when('all are delivered', ({ statistics }) => statistics.delivered === 150)
  const context = await hooks.state('a')
  expect(deliveriesOf(context).map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => 150 - n))
  expect(hooks.receiver.events).toEqual(Array.from({ length: 150 }, (_, n) => `E${n}`))
  const sizes = (await hooks.at('a').history({ limit: 1_000 })).map(({ delta }) => JSON.stringify(delta ?? '')).filter(delta => delta.includes('"log"')).map(({ length }) => length)
  expect(sizes).toHaveLength(150)
  expect(Math.max(...sizes.slice(-20))).toBeLessThan(Math.max(...sizes.slice(5, 25)) * 1.2)
})

test('without events its position is kept ever more seldom, and without a move not at all', async () => {
  await using hooks = await open()
  await hooks.start('a')
  await waitUntil('it waits', () => hooks.script.asked.length === 1)
  const seq = async () => (await hooks.at('a').snapshot()).seq
  const before = await seq()
  for (let hour = 0; hour < 24; hour++) await hooks.clock.advance(3_600_000)
  expect(await seq()).toBe(before)
  for (let hour = 0; hour < 12; hour++) {
    hooks.script.tell('OWN')
    await hooks.clock.settle()
    await hooks.clock.advance(3_600_000)
  }
  const steps = (await seq()) - before
  expect(steps).toBeGreaterThan(5)
  expect(steps).toBeLessThanOrEqual(2 * 12)
})

test('a process that dies between a delivery and its commit delivers again, with the same id', async () => {
  await using hooks = await open()
  hooks.receiver.answer = ({ event }) => {
    if (event.event?.type === 'B' && hooks.receiver.received.length === 2) void hooks.world.crash()
    return 200
  }
  await hooks.start('a')
  hooks.script.tell('A', 'B', 'C')
  await waitUntil('it is dead', () => hooks.world.isDown)
  await hooks.world.restart()
  await hooks.when('all are delivered', ({ statistics }) => statistics.delivered === 3)
  expect(hooks.receiver.events).toEqual(['A', 'B', 'B', 'C'])
  const ids = hooks.receiver.received.map(({ headers }) => headers['webhook-id'])
  expect(ids[1]).toBe(ids[2])
  expect(new Set(ids).size).toBe(3)
  expect((await hooks.state('a')).statistics).toMatchObject({ delivered: 3, failed: 0 })
})

test('however often its process dies while it waits, and wherever, each event is told', async () => {
  await using hooks = await open()
  await hooks.start('a')
  for (let death = 1; death <= 8; death++) {
    await hooks.world.crash()
    await hooks.world.restart()
    await hooks.clock.settle()
  }
  hooks.script.tell('A')
  // One that took its process down too often rests before it tries again.
  await hooks.clock.advance(5_000)
  await hooks.when('it is told', ({ statistics }) => statistics.delivered === 1)
  const points = ['take', 'step', 'commit', 'committed', 'release', 'task-start', 'task-end'] as const
  for (const point of points) {
    const dies = hooks.world.crash({ point })
    hooks.script.tell(point)
    await dies
    await hooks.world.restart()
    await hooks.clock.advance(5_000)
    await waitUntil(`it is told after a death at ${point}`, () => hooks.receiver.events.includes(point))
  }
  await hooks.when('all are told', ({ statistics }) => statistics.delivered === 1 + points.length)
  expect(new Set(hooks.receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1 + points.length)
})
