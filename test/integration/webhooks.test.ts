import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import type { RuntimeOptions } from 'troupe'
import { Webhook } from 'standardwebhooks'
import { verifyWebhook } from 'troupe/webhooks'
import type { Client } from '../../src/core/client/client.ts'
import { startPeer, waitUntil } from '../support/processes.ts'
import { openTestRedis } from '../support/redis/open-test-redis.ts'
import { pickPort } from '../support/redis/pick-port.ts'
import type { NodeCommand, NodeFact } from '../support/webhooks/node-process.ts'
import { order } from '../support/webhooks/order.ts'
import { openReceiver } from '../support/webhooks/receiver.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-webhooks-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const LOOPBACK = { allowPrivate: ['127.0.0.1'] }
const ID = /^[\w-]{8,}$/
const failsWith = (code: string): Error => expect.objectContaining({ code }) as Error

async function open(options: Partial<RuntimeOptions> = {}) {
  const receiver = await openReceiver()
  const reports: unknown[] = []
  const runtime = await createRuntime({ machines: { order }, store: `sqlite:${join(folder, `${++files}.db`)}`, webhooks: LOOPBACK, onError: error => reports.push(error), ...options })
  const client = runtime.client()
  const close = async () => {
    await runtime.close()
    await receiver[Symbol.asyncDispose]()
  }
  return { receiver, reports, runtime, client, [Symbol.asyncDispose]: close }
}

async function pay(client: Client, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await client.startActor({ machine: 'order', key })
    await client.sendEvent({ address: `order/${key}`, event: { type: 'PAY', cents: 7 } })
  }
}

const delivered = (client: Client, id: string, count: number) => waitUntil(`${count} are delivered`, async () => (await client.webhook({ id })).statistics.delivered === count)

describe('the registry', () => {
  test('a webhook is told of what happens after it was created, and shows what came of it', async () => {
    await using site = await open()
    const { client, receiver } = site
    await pay(client, 'before')
    const made = await client.createWebhook({ url: receiver.url, filter: { events: ['PAY'] }, description: 'payments' })
    expect(made).toEqual({
      id: expect.stringMatching(ID) as string, url: receiver.url, description: 'payments', filter: { events: ['PAY'] }, signature: 'hmac', publicKey: null, failuresMax: 10, status: 'enabled', disabledReason: null, createdAt: expect.any(Number) as number,
      statistics: { delivered: 0, failed: 0, retries: 0, failuresInARow: 0, lastAt: null, lastStatus: null, meanMs: null }, secret: expect.stringMatching(/^whsec_/) as string,
    })
    await pay(client, 'after')
    await delivered(client, made.id, 1)
    const [told] = receiver.received
    expect(told?.event).toMatchObject({ type: 'actor.event', address: 'order/after', run: 'order/after', kind: 'event', event: { type: 'PAY', cents: 7 }, states: ['paid'], status: 'active', failure: null })
    expect(new Webhook(made.secret ?? '').verify(told?.body ?? '', told?.headers as Record<string, string>)).toEqual(told?.event)
    expect(await verifyWebhook(told?.body ?? '', told?.headers ?? {}, made.secret ?? '')).toEqual(told?.event)
    expect((await client.webhook({ id: made.id })).statistics).toMatchObject({ delivered: 1, failed: 0, lastStatus: 200, meanMs: expect.any(Number) as number })
    expect(await client.listDeliveries({ id: made.id })).toEqual({ deliveries: [{ id: '1', at: expect.any(Number) as number, address: 'order/after', seq: told?.event.seq, type: 'actor.event', outcome: 'delivered', attempts: 1, status: 200, ms: expect.any(Number) as number, error: null }] })
  })

  test('with Ed25519 nobody but us has the key, and receivers verify with the public one', async () => {
    await using site = await open()
    const { client, receiver } = site
    const made = await client.createWebhook({ url: receiver.url, signature: 'ed25519', filter: { events: ['PAY'] } })
    expect(made).toMatchObject({ secret: null, publicKey: expect.stringMatching(/^whpk_/) as string })
    await pay(client, 'a')
    await delivered(client, made.id, 1)
    const [told] = receiver.received
    expect(await verifyWebhook(told?.body ?? '', told?.headers ?? {}, made.publicKey ?? '')).toEqual(told?.event)
  })

  test('the same request with the same idempotency key is one webhook, and another one is refused', async () => {
    await using site = await open()
    const { client, receiver } = site
    const request = { url: receiver.url, filter: { machine: 'order' }, idempotencyKey: 'k1' }
    const [first, second] = await Promise.all([client.createWebhook(request), client.createWebhook(request)])
    expect(second).toEqual(first)
    expect((await client.listWebhooks({})).webhooks).toHaveLength(1)
    await expect(client.createWebhook({ ...request, filter: {} })).rejects.toThrow(failsWith('event/conflict'))
  })

  test('webhooks are listed in pages, changed, disabled, enabled and deleted', async () => {
    await using site = await open()
    const { client, receiver } = site
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push((await client.createWebhook({ url: `${receiver.url}&n=${n}` })).id)
    const listed: string[] = []
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      const page = await client.listWebhooks({ limit: 2, ...(cursor !== undefined && { cursor }) })
      listed.push(...page.webhooks.map(({ id }) => id))
      cursor = page.cursor
    }
    expect(listed.toSorted()).toEqual(ids.toSorted())
    const [id = ''] = ids
    expect(await client.updateWebhook({ id, description: 'new', failuresMax: 3, filter: { machine: 'order', events: ['PAY'] }, enabled: false })).toMatchObject({ description: 'new', failuresMax: 3, filter: { machine: 'order', events: ['PAY'] }, url: receiver.url.concat('&n=0'), status: 'disabled', disabledReason: 'disabled by hand' })
    await pay(client, 'a')
    expect(await client.updateWebhook({ id, enabled: true })).toMatchObject({ status: 'enabled', disabledReason: null })
    // What happened while it was disabled is told as well.
    await delivered(client, id, 1)
    expect(await client.deleteWebhook({ id })).toEqual({ id })
    for (const call of [client.webhook, client.updateWebhook, client.deleteWebhook, client.listDeliveries, client.testWebhook]) await expect(call({ id })).rejects.toThrow(failsWith('webhook/unknown'))
    expect((await client.listWebhooks({})).webhooks).toHaveLength(4)
  })

  test.each([{ timeoutMs: 0 }, { timeoutMs: Number.NaN }, { webhooksMax: 1_001 }, { retry: 0 }])('options that make no sense are refused: %o', async webhooks => {
    await expect(createRuntime({ machines: { order }, store: 'memory:', webhooks })).rejects.toThrow(failsWith('config/invalid'))
  })

  test('there are no more than webhooksMax', async () => {
    await using site = await open({ webhooks: { ...LOOPBACK, webhooksMax: 2 } })
    const { client, receiver } = site
    const ids = [await client.createWebhook({ url: receiver.url, idempotencyKey: 'a' }), await client.createWebhook({ url: receiver.url })].map(({ id }) => id)
    await expect(client.createWebhook({ url: receiver.url })).rejects.toThrow(failsWith('webhook/limit'))
    expect(await client.createWebhook({ url: receiver.url, idempotencyKey: 'a' })).toMatchObject({ id: ids[0] })
    await client.deleteWebhook({ id: ids[1] ?? '' })
    await client.createWebhook({ url: receiver.url })
  })

  test.each(['http://127.0.0.1:9/', 'http://localhost:8080/', 'http://[::1]/', 'http://169.254.169.254/', 'file:///etc/passwd', 'https://user:pass@example.com/'])('%s is refused, when it is created and when it is changed', async url => {
    await using site = await open({ webhooks: { allowPrivate: ['receiver.example'] }, store: 'memory:' })
    const { id } = await site.client.createWebhook({ url: 'http://receiver.example/' })
    await expect(site.client.createWebhook({ url })).rejects.toThrow(failsWith('webhook/refused'))
    await expect(site.client.updateWebhook({ id, url })).rejects.toThrow(failsWith('webhook/refused'))
  })

  test('only an admin creates, changes and deletes; an operator tests and delivers again; a viewer looks', async () => {
    await using site = await open()
    const { runtime, client, receiver } = site
    const { id } = await client.createWebhook({ url: receiver.url })
    const denied = failsWith('access/denied')
    const viewer = runtime.client({ name: 'v', role: 'viewer' })
    const operator = runtime.client({ name: 'o', role: 'operator' })
    expect((await viewer.listWebhooks({})).webhooks).toHaveLength(1)
    await expect(viewer.testWebhook({ id })).rejects.toThrow(denied)
    await expect(operator.createWebhook({ url: receiver.url })).rejects.toThrow(denied)
    await expect(operator.updateWebhook({ id, enabled: false })).rejects.toThrow(denied)
    await expect(operator.deleteWebhook({ id })).rejects.toThrow(denied)
    expect(await operator.testWebhook({ id })).toMatchObject({ type: 'webhook.test', outcome: 'delivered' })
  })
})

describe('deliveries', () => {
  test('a test is delivered now, and its outcome told and logged', async () => {
    await using site = await open()
    const { client, receiver } = site
    const { id, secret } = await client.createWebhook({ url: receiver.url })
    expect(await client.testWebhook({ id })).toMatchObject({ id: '1', type: 'webhook.test', outcome: 'delivered', status: 200, error: null })
    const [told] = receiver.received
    expect(await verifyWebhook(told?.body ?? '', told?.headers ?? {}, secret ?? '')).toMatchObject({ type: 'webhook.test', kind: 'test' })
    receiver.answer = () => 500
    expect(await client.testWebhook({ id })).toMatchObject({ id: '2', outcome: 'failed', status: 500, error: { code: 'webhook/failed' } })
    expect((await client.listDeliveries({ id, limit: 1 })).deliveries.map(one => one.id)).toEqual(['2'])
  })

  test('one that failed is delivered once more on demand: the same event under the same id', async () => {
    await using site = await open({ webhooks: { ...LOOPBACK, retry: 1 } })
    const { client, receiver } = site
    const { id } = await client.createWebhook({ url: receiver.url, filter: { events: ['PAY'] } })
    receiver.answer = () => 503
    await pay(client, 'a')
    await waitUntil('it has failed', async () => (await client.webhook({ id })).statistics.failed === 1)
    receiver.answer = () => 200
    expect(await client.redeliver({ id, delivery: '1' })).toMatchObject({ id: '2', outcome: 'delivered', address: 'order/a', status: 200 })
    const [first, second] = receiver.received
    expect(second?.body).toBe(first?.body)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect((await client.webhook({ id })).statistics).toMatchObject({ delivered: 1, failed: 1, failuresInARow: 1 })
    await expect(client.redeliver({ id, delivery: '99' })).rejects.toThrow(failsWith('webhook/unknown'))
  })

  test('filters hold all at once: machine, actor, kinds, events, ends', async () => {
    await using site = await open()
    const { client, receiver } = site
    const hear = async (name: string, filter: object) => [name, (await client.createWebhook({ url: `${receiver.url}&hook=${name}`, filter })).id] as const
    const hooks = Object.fromEntries([
      await hear('one', { address: 'order/a', events: ['PAY'] }), await hear('starts', { kinds: ['start'] }), await hear('ends', { ended: true }), await hear('others', { machine: 'nobody' }), await hear('all', { machine: 'order' }),
    ])
    await pay(client, 'a', 'b')
    await client.sendEvent({ address: 'order/a', event: { type: 'DONE' } })
    await delivered(client, hooks['one'] ?? '', 1)
    await delivered(client, hooks['starts'] ?? '', 2)
    await delivered(client, hooks['ends'] ?? '', 1)
    await delivered(client, hooks['all'] ?? '', 5)
    expect((await client.webhook({ id: hooks['others'] ?? '' })).statistics.delivered).toBe(0)
    const end = receiver.received.find(({ event }) => event.event?.type === 'DONE')
    expect(end?.event).toMatchObject({ address: 'order/a', status: 'done', states: ['done'] })
  })

  test('a failure is told with its cause, and without its stack', async () => {
    await using site = await open({ machines: { order: { machine: order, supervision: { strategy: 'escalate' } } } })
    const { client, receiver } = site
    const { id } = await client.createWebhook({ url: receiver.url, filter: { ended: true } })
    await client.startActor({ machine: 'order', key: 'a' })
    await client.sendEvent({ address: 'order/a', event: { type: 'BREAK' } })
    await waitUntil('it is told', async () => (await client.webhook({ id })).statistics.delivered > 0)
    expect(receiver.received[0]?.event).toMatchObject({ address: 'order/a', status: 'failed', failure: { name: 'TroupeError', message: expect.stringContaining('broken on purpose') as string } })
    expect(Object.keys(receiver.received[0]?.event.failure ?? {})).toEqual(['name', 'message', 'code'])
  })

  test('an event that is too large is told without its payload, one as deep as may be as it is; both hold up nobody', async () => {
    await using site = await open()
    const { client, receiver } = site
    const { id } = await client.createWebhook({ url: receiver.url, filter: { events: ['PAY'] } })
    await client.startActor({ machine: 'order', key: 'a' })
    const deep = JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`) as unknown
    for (const more of [{ text: 'x'.repeat(300 << 10) }, { deep }, { text: 'y'.repeat(200 << 10) }, { text: 'z'.repeat(200 << 10) }]) await client.sendEvent({ address: 'order/a', event: { type: 'PAY', ...more } })
    await delivered(client, id, 4)
    expect(receiver.received.map(({ event }) => [event.truncated ?? false, Object.keys(event.event ?? {})])).toEqual([[true, ['type']], [false, ['type', 'deep']], [false, ['type', 'text']], [false, ['type', 'text']]])
    expect(await client.redeliver({ id, delivery: '1' })).toMatchObject({ outcome: 'delivered' })
    expect(receiver.received[4]?.body).toBe(receiver.received[0]?.body)
  })

  test('a receiver that is slow holds up nobody else', async () => {
    await using site = await open()
    await using slow = await openReceiver()
    slow.answer = () => 'silence'
    const { client, receiver } = site
    const stuck = await client.createWebhook({ url: slow.url, filter: { events: ['PAY'] } })
    const others = await Promise.all(Array.from({ length: 30 }, () => client.createWebhook({ url: receiver.url, filter: { events: ['PAY'] } })))
    await pay(client, ...Array.from({ length: 20 }, (_, n) => `k${n}`))
    for (const { id } of others) await delivered(client, id, 20)
    expect(receiver.received).toHaveLength(600)
    expect((await client.webhook({ id: stuck.id })).statistics.delivered).toBe(0)
    expect(slow.received).toHaveLength(1)
    // Each webhook tells in the order of the actor; ids are its own.
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(600)
  })

  test('disabled after too many failures it says so to onError and to whoever follows webhooks', async () => {
    await using site = await open({ webhooks: { ...LOOPBACK, retry: 1 } })
    const { client, receiver, reports } = site
    const { id } = await client.createWebhook({ url: receiver.url, filter: { events: ['PAY'] }, failuresMax: 2 })
    const notices: unknown[] = []
    const left = new AbortController()
    const following = (async () => {
      for await (const item of client.follow({ machine: 'troupe.webhook' }, { signal: left.signal })) if (item.type === 'step') notices.push(...(item.step.emitted ?? []))
    })().catch(() => undefined)
    receiver.answer = () => 500
    await pay(client, 'a', 'b', 'c')
    await waitUntil('it is disabled', async () => (await client.webhook({ id })).status === 'disabled')
    await waitUntil('it is said', () => reports.length > 0 && notices.length > 0)
    expect((await client.webhook({ id })).disabledReason).toMatch(/2 deliveries in a row have failed, the last one because .* answered 500/)
    expect(reports).toMatchObject([{ code: 'webhook/disabled' }])
    expect(notices).toMatchObject([{ type: 'webhook.disabled', id }])
    expect(receiver.received).toHaveLength(2)
    left.abort()
    await following
  })
})

describe('what is kept from others', () => {
  test('secrets are in no answer but that of the creation, and actors of webhooks are out of reach', async () => {
    await using site = await open()
    const { client, receiver, reports } = site
    const followed: unknown[] = []
    const left = new AbortController()
    const following = (async () => {
      for await (const item of client.follow({ machine: 'troupe.webhook' }, { signal: left.signal })) followed.push(item)
    })()
    await waitUntil('it follows', () => followed.length === 1)
    const { id, secret } = await client.createWebhook({ url: receiver.url, description: 'd' })
    const ed = await client.createWebhook({ url: receiver.url, signature: 'ed25519' })
    await pay(client, 'a')
    await delivered(client, id, 2)
    const address = `troupe.webhook/${id}`
    await waitUntil('steps of webhooks were told', () => JSON.stringify(followed).includes(address))
    left.abort()
    await following
    const shown = JSON.stringify([
      await client.listWebhooks({}), await client.webhook({ id }), await client.updateWebhook({ id, description: 'e' }), await client.listDeliveries({ id }), await client.testWebhook({ id }), await client.listActors({}), await client.listActors({ machine: 'troupe.webhook' }), await client.tallyActors({}),
      await client.pending({}), await client.listMachines({}), await client.health({}), await client.webhook({ id: ed.id }), reports, receiver.received, followed,
    ])
    expect(shown).not.toContain((secret ?? '').slice(6))
    expect(shown).not.toContain('whsk_')
    const denied = failsWith('access/denied')
    await expect(client.snapshot({ address })).rejects.toThrow(denied)
    await expect(client.history({ address, full: true })).rejects.toThrow(denied)
    await expect(client.sendEvent({ address, event: { type: 'webhook.change', change: {} } })).rejects.toThrow(denied)
    await expect(client.forkActor({ address, seq: 1 })).rejects.toThrow(denied)
    await expect(client.stopActor({ address })).rejects.toThrow(denied)
    await expect(client.startActor({ machine: 'troupe.webhook', input: {} })).rejects.toThrow(denied)
    await expect(client.bulk({ filter: { machine: 'troupe.webhook' }, action: 'stop' })).rejects.toThrow(denied)
    await expect(client.pending({ machine: 'troupe.webhook' })).rejects.toThrow(denied)
    await expect(client.timeline({ address })).rejects.toThrow(denied)
    await expect(Array.fromAsync(client.watch({ address, from: 0, full: true }))).rejects.toThrow(denied)
  })

  test('webhooks are in no list of actors or machines, and in no message about machines', async () => {
    await using site = await open()
    const { client, runtime, receiver } = site
    await client.createWebhook({ url: receiver.url })
    expect((await client.listActors({})).actors).toEqual([])
    expect((await client.tallyActors({})).total).toBe(0)
    expect((await client.listMachines({})).machines.map(({ name }) => name)).toEqual(['order'])
    await expect(client.machine({ name: 'nobody' })).rejects.toThrow(/registered are order$/)
    expect(() => runtime.at('nobody/1')).toThrow(/registered are order$/)
    await expect(createRuntime({ machines: { 'troupe.mine': order }, store: 'memory:' })).rejects.toThrow(failsWith('machine/invalid'))
  })

  test('what waits for steps takes no place from tasks of others', async () => {
    await using site = await open({ queues: { default: { concurrency: 1 } } })
    const made = await Promise.all([1, 2, 3].map(() => site.client.createWebhook({ url: site.receiver.url, filter: { events: ['PAY'] } })))
    await pay(site.client, 'a')
    for (const { id } of made) await delivered(site.client, id, 1)
    const queues = await site.runtime.queues()
    expect(queues.find(({ queue }) => queue === 'default')?.active).toBe(0)
  })

  test('without a webhook nothing of them runs', async () => {
    await using site = await open({ store: 'memory:' })
    expect(site.runtime.health()).toMatchObject({ runningTasks: 0, actorsInMemory: 0 })
  })
})

describe('docs/webhooks.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/webhooks.md'), 'utf8')

  test('the receiver takes what is delivered, tells of each event once, and refuses everything else', async () => {
    const [, code = ''] = /```ts\n(import [^]*?)\n```/.exec(page) ?? []
    expect(code.split('\n').length).toBeLessThanOrEqual(16)
    // Inside the package, so that it imports it by its name.
    const file = join(import.meta.dirname, `../../tmp/webhook-receiver-${process.pid}.ts`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, code)
    await using site = await open()
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const port = pickPort()
    const receiver = spawn(process.execPath, ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning', file], { env: { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) }, stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      let printed = ''
      receiver.stdout.on('data', (data: Buffer) => (printed += String(data)))
      const url = `http://127.0.0.1:${port}/`
      await waitUntil('it listens', () => fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status === 401, () => false))
      const { id } = await site.client.createWebhook({ url, secret, filter: { events: ['PAY'] } })
      await pay(site.client, 'a', 'b')
      await delivered(site.client, id, 2)
      expect(await site.client.redeliver({ id, delivery: '1' })).toMatchObject({ outcome: 'delivered', status: 204 })
      await waitUntil('it has told of both', () => printed.split('\n').length > 2)
      expect(printed).toBe('order/a PAY\norder/b PAY\n')
    } finally {
      receiver.kill()
      rmSync(file)
    }
  })

  test('what is told has the members that the page shows', async () => {
    const [, shown = '{}'] = /```json\n([^]*?)\n```/.exec(page) ?? []
    await using site = await open({ store: 'memory:' })
    const { id } = await site.client.createWebhook({ url: site.receiver.url, filter: { events: ['PAY'] } })
    await pay(site.client, 'a')
    await delivered(site.client, id, 1)
    expect(Object.keys(site.receiver.received[0]?.event ?? {})).toEqual(Object.keys(JSON.parse(shown) as object))
  })
})

describe('many nodes', () => {
  test('when the node that delivers is killed another one goes on: every event is told, each under one id', async () => {
    await using redis = await openTestRedis()
    await using receiver = await openReceiver()
    const store = `${redis.url}?prefix=${redis.prefix}&partitions=8`
    let ready = 0
    let created = false
    const ordered: string[] = []
    const hear = (fact: NodeFact) => {
      if (fact.fact === 'ready') ready++
      else if (fact.fact === 'created') created = true
      else ordered.push(...fact.keys)
    }
    const start = () => startPeer<NodeCommand, NodeFact>('webhooks/node-process.ts', [store, '1500'], hear)
    await using first = start()
    await waitUntil('the first is there', () => ready === 1)
    const hooks = 4
    first.tell({ do: 'create', url: receiver.url, count: hooks })
    await waitUntil('the webhooks are there', () => created)
    await using second = start()
    await waitUntil('the second is there', () => ready === 2)
    const keys = (from: number) => Array.from({ length: 15 }, (_, n) => `k${from + n}`)
    // Some deliveries are under way when their node dies.
    receiver.answer = async () => (await new Promise(resolve => setTimeout(resolve, 20)), 200)
    second.tell({ do: 'orders', keys: keys(0) })
    await waitUntil('some are told', () => receiver.received.length >= 10)
    await first.kill()
    await waitUntil('the orders are there', () => ordered.length === 15)
    second.tell({ do: 'orders', keys: keys(15) })
    const distinct = () => new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size
    await waitUntil('all are told', () => distinct() === hooks * 30, 60_000)
    const addresses = receiver.received.map(({ event }) => event.address)
    for (const key of [...keys(0), ...keys(15)]) expect(addresses.filter(address => address === `order/${key}`).length, key).toBeGreaterThanOrEqual(hooks)
    // Once more is what was under way when a node went, not everything.
    expect(receiver.received.length).toBeLessThan(hooks * 30 * 1.5)
  })
})
