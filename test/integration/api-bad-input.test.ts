/** The HTTP part of the corpus of bad input: each is refused in words, changes nothing, and keeps nobody waiting. */
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { rawRequest, sendBytes, serve } from '../support/api/served.ts'
import type { Served } from '../support/api/served.ts'
import { guardLoop, STRETCH_MS_MAX } from '../support/loop-guard.ts'

let world: Served
const strays: unknown[] = []
const prototype = Object.getOwnPropertyNames(Object.prototype).toSorted()
const guard = guardLoop()
const bomb = gzipSync(Buffer.alloc(100 << 20, ' '))

beforeAll(async () => {
  world = await serve({ onError: error => void strays.push(error) })
  await world.call('POST', '/api/v1/actors', { machine: 'purse', key: '1' })
  await world.call('POST', '/api/v1/actors/purse/1/ask', { event: { type: 'put', cents: 1 } })
})
afterAll(async () => {
  guard[Symbol.dispose]()
  await world[Symbol.asyncDispose]()
})

const stateOf = async (): Promise<unknown> => ({ ...(await world.runtime.actors()), snapshot: await world.runtime.at('purse/1').snapshot() })
let before: unknown
beforeEach(async () => {
  before = await stateOf()
  guard.longestMs()
})
afterEach(async () => {
  expect(guard.longestMs(), 'longest stall of the event loop, in ms of CPU time').toBeLessThan(STRETCH_MS_MAX)
  expect(await stateOf()).toEqual(before)
  expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(prototype)
  expect(strays).toEqual([])
})

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const EVENTS = '/api/v1/actors/purse/1/events'
const JSON_TYPE = { 'content-type': 'application/json' }

/** Sends it; gives status and problem, which must say what is wrong. */
async function refused({ method = 'POST', path = EVENTS, headers = JSON_TYPE, body }: Sent): Promise<{ readonly status: number; readonly code: string; readonly detail: string }> {
  const { status, headers: told, text } = await rawRequest(world.url + path, { method, headers, ...(body !== undefined && { body }) })
  expect(told['content-type']).toBe('application/problem+json')
  const problem = JSON.parse(text)
  expect(problem).toMatchObject({ status, type: `urn:troupe:error:${problem.code}`, remedy: expect.any(String) })
  expect(problem.detail.length).toBeGreaterThan(10)
  return { status, code: problem.code, detail: problem.detail }
}

const put = (event: string): string => `{"event":${event}}`
const nest = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

describe('a body', () => {
  test.each<[string, string | Buffer, string]>([
    ['that is empty', '', 'event'],
    ['that breaks off', '{"event":{"type":"put",', 'not JSON'],
    ['of nothing but blanks', '   ', 'not JSON'],
    ['with a byte order mark', `\uFEFF${put('{"type":"put","cents":1}')}`, 'byte order mark'],
    ['in UTF-16', Buffer.from(put('{"type":"put"}'), 'utf16le'), 'JSON'],
    ['that is not UTF-8', Buffer.concat([Buffer.from('{"event":{"type":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}}')]), 'UTF-8'],
    ['with a lone surrogate in UTF-8', Buffer.concat([Buffer.from('{"event":{"type":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}}')]), 'UTF-8'],
    ['with a NUL', `{"event":{"type":"put\u0000"}}`, 'not JSON'],
    ['with a name twice', put('{"type":"close","type":"put"}'), '/event/type stands twice'],
    ['with a name twice, once in disguise', put('{"type":"close","\\u0074ype":"put"}'), '/event/type stands twice'],
    ['with a number out of range', put('{"type":"put","cents":1e400}'), '/event/cents is out of range'],
    ['with a number below range', put('{"type":"put","cents":[2,-1e999]}'), '/event/cents/1 is out of range'],
    ['that is no number', put('{"type":"put","cents":NaN}'), 'not JSON'],
    ['that is nested 100,000 deep', put(nest(100_000)), 'nested deeper'],
    ['that is nested 100,000 deep in objects', `{"event":{"type":"put","a":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}}`, 'nested deeper'],
    ['that opens 100,000 levels and closes none', '['.repeat(100_000), 'nested deeper'],
    ['with 200,000 names', put(`{"type":"put",${Array.from({ length: 200_000 }, (_, index) => `"${index}":1`).join(',')}}`), 'more than 20000 names'],
    ['with a million elements', put(`{"type":"put","list":[${'1,'.repeat(999_990)}1]}`), 'more than 50000 values'],
    ['with __proto__', put('{"type":"put","__proto__":{"polluted":true}}'), '/event/__proto__'],
    ['with __proto__ in disguise', put('{"type":"put","\\u005f_proto__":{"polluted":true}}'), '/event/__proto__'],
    ['with constructor deep inside', put('{"type":"put","a":[{"constructor":{"prototype":{"polluted":true}}}]}'), '/event/a/0/constructor'],
    ['that is an array', '[]', 'object'],
    ['that is null', 'null', 'object'],
    ['that is a text', '"event"', 'object'],
    ['with a text that never ends', '{"event":{"type":"put', 'not JSON'],
    ['with an escape that is none', '{"event":{"\\u00zz":1}}', 'not JSON'],
    ['with brackets that close nothing', ']]]}}}', 'not JSON'],
    ['with two values', `${put('{"type":"put"}')} 1`, 'not JSON'],
    ['with a comment', '{/* a */"event":{"type":"put"}}', 'not JSON'],
    ['without the event', '{}', 'event'],
    ['with an event that is no object', put('"put"'), 'event'],
    ['with an event without a type', put('{"cents":1}'), 'type'],
    ['with a type that is no text', put('{"type":1}'), 'type'],
    ['with a name that nobody asked for', '{"event":{"type":"put","cents":1},"tenant":"other"}', 'tenant'],
    ['that names another actor than the path', '{"event":{"type":"put","cents":1},"address":"purse/2"}', 'address'],
    ['with an event of the engine', put('{"type":"xstate.done.actor.pay"}'), 'xstate.'],
    ['with a payload against its schema', put('{"type":"put","cents":"1"}'), 'cents'],
  ])('%s is refused', async (_, body, said) => {
    const { status, detail } = await refused({ body })
    expect(status).toBe(400)
    expect(detail).toContain(said)
  })

  test.each<[string, Readonly<Record<string, string>>]>([
    ['without a content type', {}],
    ['as text', { 'content-type': 'text/plain' }],
    ['as a form, which any page can send', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['as XML', { 'content-type': 'application/xml' }],
    ['in another alphabet', { 'content-type': 'application/json; charset=utf-16' }],
    ['with a content type that only looks like it', { 'content-type': 'application/jsonp' }],
  ])('sent %s is refused', async (_, headers) => {
    expect(await refused({ headers, body: put('{"type":"put","cents":1}') })).toMatchObject({ status: 415, detail: expect.stringContaining('application/json') })
  })

  test('packed with gzip is not unpacked, however small it is', async () => {
    expect(bomb.length).toBeLessThan(200_000)
    expect(await refused({ headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: bomb })).toMatchObject({ status: 415, detail: expect.stringContaining('gzip') })
  })

  test('of 100 MB is refused before it has come, whether it says so or not', async () => {
    const block = Buffer.alloc(1 << 20, ' ')
    const declared = await sendBytes(world.url, `POST ${EVENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${100 << 20}\r\n\r\n`, block)
    expect(declared).toMatch(/^HTTP\/1\.1 413 .*payload\/too-large/s)
    const chunk = Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, Buffer.from('\r\n')])
    const chunked = await sendBytes(world.url, `POST ${EVENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`, ...Array.from({ length: 20 }, () => chunk))
    expect(chunked).toMatch(/^HTTP\/1\.1 413 .*payload\/too-large/s)
  })

  test('with two lengths, or a length and chunks, is no request', async () => {
    for (const headers of ['Content-Length: 2\r\nContent-Length: 3', 'Content-Length: 2\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity', 'Content-Length: -1', 'Content-Length: 1e3']) {
      const answer = await sendBytes(world.url, `POST ${EVENTS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n${headers}\r\n\r\n{}`)
      expect(answer, headers).toMatch(/^HTTP\/1\.1 400 /)
    }
  })

  test('under an idempotency key that another one has is refused', async () => {
    const headers = { ...JSON_TYPE, 'idempotency-key': 'reused' }
    await rawRequest(`${world.url}${EVENTS}`, { method: 'POST', headers, body: put('{"type":"put","cents":0}') })
    before = await stateOf()
    expect(await refused({ headers, body: put('{"type":"put","cents":2}') })).toMatchObject({ status: 409, code: 'event/conflict' })
    expect(await refused({ headers: { ...JSON_TYPE, 'idempotency-key': 'x'.repeat(256) }, body: put('{"type":"put","cents":2}') })).toMatchObject({ status: 400, detail: expect.stringContaining('idempotencyKey') })
    expect(await refused({ headers, body: '{"event":{"type":"put","cents":0},"idempotencyKey":"other"}' })).toMatchObject({ status: 400, detail: expect.stringContaining('idempotencyKey') })
  })
})

describe('a path', () => {
  test.each<[string, string, number]>([
    ['of nobody', '/api/v1/actors/purse/nobody', 404],
    ['of no machine', '/api/v1/actors/none/1', 404],
    ['of a machine with a bad name', '/api/v1/actors/pu%20rse/1', 400],
    ['of braces', '/api/v1/actors/%7B%7D/%7B%7D', 400],
    ['of a star', '/api/v1/actors/purse/*', 404],
    ['with a colon', '/api/v1/actors/purse/:key', 404],
    ['with line ends', '/api/v1/actors/purse/a%0d%0aset-cookie:%20x', 400],
    ['with NUL', '/api/v1/actors/purse/a%00', 400],
    ['that climbs', '/api/v1/actors/%2e%2e/%2e%2e/%2e%2e/etc/passwd', 404],
    ['that climbs inside a key', '/api/v1/actors/purse/..%2f..%2fetc', 404],
    ['with a key of 5,000 letters', `/api/v1/actors/purse/${'k'.repeat(5_000)}`, 400],
    ['with an encoding that breaks off', '/api/v1/actors/purse/%e4%b', 400],
    ['with an encoding that is not UTF-8', '/api/v1/actors/purse/%c3%28', 400],
    ['with an overlong encoding', '/api/v1/actors/purse/%c0%af', 400],
    ['with an empty key', '/api/v1/actors/purse/', 404],
    ['of a past that is a text', '/api/v1/actors/purse/1?at=first', 400],
    ['of a past before the first', '/api/v1/actors/purse/1?at=-1', 400],
    ['of a past that is huge', '/api/v1/actors/purse/1?at=1e300', 400],
    ['of a past that is yet to come', '/api/v1/actors/purse/1?at=9007199254740991', 400],
    ['with a limit of none', '/api/v1/actors?limit=0', 400],
    ['with a limit of too many', '/api/v1/actors?limit=100000', 400],
    ['with a limit that stands twice', '/api/v1/actors?limit=1&limit=2', 400],
    ['with a status that there is not', '/api/v1/actors?status=asleep', 400],
    ['with what nobody asked for', '/api/v1/actors?tenant=other', 400],
    ['with __proto__', '/api/v1/actors?__proto__=1', 400],
    ['of no dead letter', '/api/v1/dead-letters/none', 404],
    ['of no machine to draw', '/api/v1/machines/__proto__', 404],
    ['of no workflow', '/api/v1/workflows/none/status', 400],
  ])('%s is refused', async (_, path, status) => {
    expect(await refused({ method: 'GET', path, headers: {} })).toMatchObject({ status })
  })

  test('may be as long as headers may', async () => {
    expect(await sendBytes(world.url, `GET /${'a'.repeat(50_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  })
})

describe('a request', () => {
  test.each<[string, string]>([
    ['of no HTTP', 'hello\r\n\r\n'],
    ['of another version', 'GET / HTTP/9.9\r\n\r\n'],
    ['of TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\r\n\r\n'],
    ['without a host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['with a line end in a header', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\nb\u0000\r\n\r\n'],
    ['with a method of its own', 'STEAL /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ])('%s is refused', async (_, bytes) => {
    expect(await sendBytes(world.url, bytes)).toMatch(/^HTTP\/1\.1 4\d\d /)
  })

  test('with a request id of two lines gets another one', async () => {
    const { headers } = await rawRequest(`${world.url}/healthz`, { headers: { 'x-request-id': 'a'.repeat(129) } })
    expect(headers['x-request-id']).toMatch(/^[\w-]{36}$/)
  })

  test('that nobody waits for any more is given up', async () => {
    const leaving = new AbortController()
    const result = fetch(`${world.url}/api/v1/actors/purse/1/result`, { signal: leaving.signal })
    await expect.poll(() => rawRequest(`${world.url}/healthz`)).toMatchObject({ status: 200 })
    leaving.abort()
    await expect(result).rejects.toThrow()
  })
})

test('a server that has heard all of this still answers', async () => {
  expect(await world.call('GET', '/readyz')).toMatchObject({ status: 200, body: { ready: true } })
})
