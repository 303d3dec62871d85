import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import { createServer } from 'troupe/server'
import { rawRequest, sendBytes, serve } from '../support/api/served.ts'
import type { Served } from '../support/api/served.ts'

let world: Served
beforeAll(async () => { world = await serve({ origins: ['https://app.example'], hosts: ['troupe.internal'], metrics: () => 'troupe_up 1\n' }) })
afterAll(() => world[Symbol.asyncDispose]())

const start = (key: string): Promise<unknown> => world.call('POST', '/api/v1/actors', { machine: 'purse', key })
const put = (key: string, cents: number, headers: Readonly<Record<string, string>> = {}) => world.call('POST', `/api/v1/actors/purse/${key}/events`, { event: { type: 'put', cents } }, headers)

describe('an actor over HTTP', () => {
  test('is started, sent to, asked, looked at, paused and stopped', async () => {
    expect(await world.call('POST', '/api/v1/actors', { machine: 'purse', key: 'a/b c' })).toMatchObject({ status: 200, body: { address: 'purse/a/b c' } })
    const path = `/api/v1/actors/purse/${encodeURIComponent('a/b c')}`
    expect(await world.call('POST', `${path}/events`, { event: { type: 'put', cents: 5 } })).toMatchObject({ status: 200, body: { accepted: true } })
    expect(await world.call('POST', `${path}/ask`, { event: { type: 'put', cents: 7 } })).toMatchObject({ status: 200, body: { context: { cents: 12 } } })
    expect(await world.call('GET', `${path}?at=2`)).toMatchObject({ status: 200, body: { address: 'purse/a/b c', seq: 2, context: { cents: 5 } } })
    expect(await world.call('GET', `${path}/history?limit=2&full=true`)).toMatchObject({ body: { steps: [{ seq: 1 }, { seq: 2, context: { cents: 5 } }], lastSeq: 3 } })
    expect((await world.call('GET', `${path}/events`)).body.events).toContainEqual(expect.objectContaining({ type: 'put', legal: true }))
    expect(await world.call('POST', `${path}/pause`)).toMatchObject({ status: 200 })
    expect(await world.call('GET', '/api/v1/actors?status=paused')).toMatchObject({ body: { actors: [{ address: 'purse/a/b c' }] } })
    expect(await world.call('POST', `${path}/stop`)).toMatchObject({ status: 200 })
  })

  test('that is not there is a problem with code, place and remedy', async () => {
    const { status, headers, body } = await world.call('GET', '/api/v1/actors/purse/nobody', undefined, { 'x-request-id': 'mine-1' })
    expect(status).toBe(404)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toEqual({ type: 'urn:troupe:error:actor/unknown', title: 'Actor unknown', status: 404, code: 'actor/unknown', detail: expect.stringContaining('purse/nobody'), instance: '/api/v1/actors/purse/nobody', address: 'purse/nobody', remedy: expect.stringContaining('Start the actor'), requestId: 'mine-1' })
  })

  test('what its machine throws is told with its cause, and without stacks', async () => {
    await start('torn')
    const { status, text, body } = await world.call('POST', '/api/v1/actors/purse/torn/ask', { event: { type: 'break' } })
    expect(status).toBe(500)
    expect(body).toMatchObject({ code: 'event/poisoned', cause: { message: 'torn' } })
    expect(text).not.toContain('.ts:')
  })

  test('hears an event once, however often it is sent with one key, and refuses another under it', async () => {
    await start('once')
    const once = { 'idempotency-key': 'k1' }
    for (let round = 0; round < 3; round++) expect(await put('once', 5, once)).toMatchObject({ status: 200 })
    expect(await put('once', 6, once)).toMatchObject({ status: 409, body: { code: 'event/conflict' } })
    expect(await world.call('GET', '/api/v1/actors/purse/once')).toMatchObject({ body: { context: { cents: 5 } } })
  })

  test('that has not changed is not sent again', async () => {
    await start('tagged')
    const { headers } = await world.call('GET', '/api/v1/actors/purse/tagged')
    const tag = headers.get('etag') ?? ''
    expect(await world.call('GET', '/api/v1/actors/purse/tagged', undefined, { 'if-none-match': tag })).toMatchObject({ status: 304, text: '' })
    await put('tagged', 1)
    expect(await world.call('GET', '/api/v1/actors/purse/tagged', undefined, { 'if-none-match': tag })).toMatchObject({ status: 200, body: { context: { cents: 1 } } })
  })

  test('is not changed on the condition of a tag, which could not be kept', async () => {
    await start('conditional')
    expect(await put('conditional', 1, { 'if-match': '"x"' })).toMatchObject({ status: 400, body: { code: 'request/invalid' } })
  })
})

test('pages are followed by the Link of the page before, to the last', async () => {
  for (let n = 0; n < 5; n++) await start(`paged-${n}`)
  const seen: string[] = []
  let next: string | undefined = '/api/v1/actors?text=paged&limit=2'
  while (next !== undefined) {
    const { body, headers }: Awaited<ReturnType<Served['call']>> = await world.call('GET', next)
    seen.push(...body.actors.map(({ key }: { key: string }) => key))
    next = /^<([^>]*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
  }
  expect(seen).toEqual(['paged-0', 'paged-1', 'paged-2', 'paged-3', 'paged-4'])
})

describe('the names of other tools', () => {
  const json = (method: string, path: string, body?: unknown) => world.call(method, path, body)

  test('a workflow is an actor', async () => {
    expect(await json('POST', '/api/v1/workflows', { machine: 'purse', key: 'w' })).toMatchObject({ status: 200, body: { id: 'purse/w', address: 'purse/w' } })
    expect(await json('POST', '/api/v1/workflows/purse/execute', { key: 'w2' })).toMatchObject({ status: 200, body: { id: 'purse/w2' } })
    expect(await json('POST', '/api/v1/workflows/purse%2Fw/execute', { event: { type: 'put', cents: 3 } })).toMatchObject({ status: 200, body: { id: 'purse/w' } })
    expect(await json('POST', '/api/v1/workflows/purse%2Fw/execute', {})).toMatchObject({ status: 400, body: { code: 'request/invalid', detail: expect.stringContaining('event') } })
    expect(await json('GET', '/api/v1/workflows/purse%2Fw/status')).toMatchObject({ body: { address: 'purse/w', context: { cents: 3 } } })
    expect(await json('POST', '/api/v1/workflows/purse%2Fw/pause')).toMatchObject({ status: 200, body: { address: 'purse/w' } })
    expect(await json('GET', '/api/workflow/purse%2Fw/status')).toMatchObject({ body: { status: 'paused' } })
    expect(await json('POST', '/api/v1/workflows/purse%2Fw/resume')).toMatchObject({ status: 200 })
    expect(await json('POST', '/api/v1/workflows/purse%2Fw/cancel')).toMatchObject({ status: 200 })
    expect(await json('POST', '/api/workflow/purse%2Fw2/cancel')).toMatchObject({ status: 200 })
    expect(await json('POST', '/api/v1/patterns', { pattern: 'purse' })).toMatchObject({ status: 404, body: { code: 'machine/unknown' } })
  })

  test('metrics and circuit breakers are views of actors', async () => {
    await json('POST', '/api/v1/actors', { machine: 'breaker', key: 'model' })
    expect(await json('GET', '/api/circuit-breakers/status')).toMatchObject({ status: 200, body: { breakers: [{ address: 'breaker/model', state: 'closed', failures: 0, activations: 0, refusals: 0 }] } })
    expect(await json('GET', '/api/workflow/metrics')).toMatchObject({ status: 200, body: { actors: { total: expect.any(Number) }, node: { ready: true } } })
  })
})

describe('HTTP', () => {
  test('each answer has a request id, its own where none fit to keep was sent', async () => {
    expect((await world.call('GET', '/healthz', undefined, { 'x-request-id': 'a.b-C_9' })).headers.get('x-request-id')).toBe('a.b-C_9')
    expect((await world.call('GET', '/healthz', undefined, { 'x-request-id': 'no "quotes"' })).headers.get('x-request-id')).toMatch(/^[\w-]{36}$/)
  })

  test('HEAD is GET without a body', async () => {
    await start('head')
    const head = await world.call('HEAD', '/api/v1/actors/purse/head')
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers.get('etag')).toBe((await world.call('GET', '/api/v1/actors/purse/head')).headers.get('etag'))
    expect(await world.call('HEAD', '/api/v1/live')).toMatchObject({ status: 200, text: '' })
  })

  test('another method than a path takes is told which it takes', async () => {
    const { status, headers, body } = await world.call('PUT', '/api/v1/actors', {})
    expect(status).toBe(405)
    expect(headers.get('allow')?.split(', ').toSorted()).toEqual(['GET', 'HEAD', 'POST'])
    expect(body.detail).toContain('PUT')
    expect(await world.call('GET', '/api/v1/nothing')).toMatchObject({ status: 404, body: { code: 'request/unknown' } })
  })

  test('every answer keeps browsers from guessing, framing and leaking', async () => {
    for (const path of ['/healthz', '/api/v1/health', '/api/v1/none', '/api/docs', '/api/v1/actors/purse/none/live']) {
      const { headers } = await world.call('GET', path)
      expect(Object.fromEntries(headers), path).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY', 'content-security-policy': expect.stringContaining(`default-src 'none'`) })
    }
  })

  test('pages of an allowed origin may call, others and foreign names of this address may not', async () => {
    const url = `${world.url}/api/v1/health`
    const allowed = { origin: 'https://app.example' }
    expect(await rawRequest(url, { headers: allowed })).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': 'https://app.example', vary: 'Origin' } })
    expect(await rawRequest(url, { method: 'OPTIONS', headers: { ...allowed, 'access-control-request-method': 'POST' } })).toMatchObject({ status: 204, headers: { 'access-control-allow-methods': expect.stringContaining('POST'), 'access-control-allow-headers': expect.stringContaining('idempotency-key') } })
    for (const origin of ['https://evil.example', 'null', 'https://app.example.evil.example', `${world.url}.evil.example`]) {
      for (const method of ['GET', 'POST', 'OPTIONS']) expect(await rawRequest(url, { method, headers: { origin } }), origin).toMatchObject({ status: 403, headers: expect.not.objectContaining({ 'access-control-allow-origin': expect.anything() }) })
    }
    expect(await rawRequest(url, { headers: { origin: world.url } })).toMatchObject({ status: 200 })
    expect(await rawRequest(url, { headers: { host: 'troupe.internal:80' } })).toMatchObject({ status: 200 })
    for (const host of ['evil.example', 'localhost.evil.example', 'evil.example:4747']) {
      const answer = await rawRequest(url, { headers: { host } })
      expect(answer.status, host).toBe(403)
      expect(JSON.parse(answer.text), host).toMatchObject({ code: 'access/origin' })
    }
  })

  test('probes and metrics answer', async () => {
    expect(await world.call('GET', '/healthz')).toMatchObject({ status: 200, body: { alive: true } })
    expect(await world.call('GET', '/readyz')).toMatchObject({ status: 200, body: { ready: true, reasons: [] } })
    expect(await world.call('GET', '/metrics')).toMatchObject({ status: 200, text: 'troupe_up 1\n' })
  })

  test('a request whose headers or body never end is given up in time', async () => {
    const [headers, body] = await Promise.all([sendBytes(world.url, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: '), sendBytes(world.url, `POST /api/v1/actors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`)])
    expect(headers).toMatch(/^HTTP\/1\.1 408 .*did not come in time/s)
    expect(body).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/)
  })

  test('what is no HTTP is refused in words', async () => {
    expect(await sendBytes(world.url, 'GET / HTTP/1.1\r\nno header\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"request\/invalid"/s)
    expect(await sendBytes(world.url, `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 .*headers are too large/s)
  })
})

test('the page of the API is made of files of this server alone', async () => {
  const { text, headers } = await world.call('GET', '/api/docs')
  expect(headers.get('content-security-policy')).toContain(`script-src 'self'`)
  const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link).filter(link => !link.startsWith('data:'))
  expect(links.length).toBeGreaterThan(2)
  for (const link of links) expect(await world.call('GET', new URL(link, `${world.url}/api/docs`).pathname), link).toMatchObject({ status: 200 })
})

test('a runtime that is not ready says why', async () => {
  const runtime = await createRuntime({ machines: {}, store: 'memory:' })
  await using server = await createServer({ runtime, port: 0, ui: false })
  await runtime.close()
  const response = await fetch(`${server.url}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toEqual({ ready: false, reasons: [expect.stringContaining('closing')] })
})

test('a server that closes lets what is under way end, and has others come again', async () => {
  await using closing = await serve()
  await closing.call('POST', '/api/v1/actors', { machine: 'purse', key: '1' })
  const result = closing.call('GET', '/api/v1/actors/purse/1/result?timeoutMs=20000')
  await expect.poll(() => closing.call('GET', '/healthz')).toMatchObject({ status: 200 })
  const done = closing.server.close()
  await expect.poll(() => closing.call('GET', '/healthz')).toMatchObject({ status: 503, body: { code: 'runtime/closed' } })
  expect((await closing.call('GET', '/healthz')).headers.get('retry-after')).toBe('1')
  await closing.runtime.at('purse/1').send({ type: 'close' })
  expect(await result).toMatchObject({ status: 200 })
  await done
  await expect(fetch(`${closing.url}/healthz`)).rejects.toThrow()
})

test('runtime.inspect() serves the runtime until it closes', async () => {
  const runtime = await createRuntime({ machines: {}, store: 'memory:' })
  const { url } = await runtime.inspect({ port: 0 })
  expect((await fetch(`${url}/api/v1/health`)).status).toBe(200)
  expect((await fetch(url)).headers.get('content-type')).toContain('text/html')
  await runtime.close()
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
})
