import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { waitUntil } from '../support/processes.ts'
import { openClient } from '../support/redis/open-client.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { RespReader } from '../support/redis/request-reader.ts'
import { startProxy } from '../support/redis/tcp-proxy.ts'
import type { TcpProxy } from '../support/redis/tcp-proxy.ts'

const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)

describe('the proxy before a server', () => {
  let redis: RedisServer
  let proxy: TcpProxy
  let client: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    await redis.command('FLUSHALL')
    proxy = await startProxy({ port: redis.port })
    client = openClient(`redis://127.0.0.1:${proxy.port}`)
    await client.ping()
  })
  afterEach(async () => {
    client.disconnect()
    await proxy.stop()
  })

  /** Leaves a command without an answer, as the server has none yet. */
  const ask = async (): Promise<{ readonly outcome: Promise<unknown> }> => {
    const outcome = client.blpop('never', 0).catch((error: unknown) => error)
    await waitUntil('the server has the question', async () => /blocked_clients:1/.test(await redis.command('INFO', 'clients') as string))
    return { outcome }
  }

  test('passes what it is given, and counts connections', async () => {
    const value = 'x'.repeat(300_000)
    await client.set('key', value)
    expect(await client.get('key')).toBe(value)
    const second = openClient(`redis://127.0.0.1:${proxy.port}`)
    await second.ping()
    expect(proxy.counts).toEqual({ connections: 2, open: 2, hits: { delay: 0, split: 0, blackhole: 0, reset: 0, cutAfterWrite: 0 } })
    second.disconnect()
    await waitUntil('it has gone', () => proxy.counts.open === 1)
  })

  test('delays each way, and keeps the order when the delay is taken back', async () => {
    proxy.delay(40)
    const askedAt = performance.now()
    await client.ping()
    expect(performance.now() - askedAt).toBeGreaterThan(75)
    proxy.delay(300)
    const slow = client.rpush('list', 'first')
    await waitUntil('it is on its way', () => proxy.counts.hits.delay === 3)
    proxy.delay(0)
    await Promise.all([slow, client.rpush('list', 'second')])
    expect(await redis.command('LRANGE', 'list', 0, -1)).toEqual(['first', 'second'])
  })

  test('resets open connections, and counts those that waited for an answer', async () => {
    proxy.reset()
    await waitUntil('the client has noticed', () => client.status === 'end')
    expect(proxy.counts.hits.reset).toBe(0)
    client = openClient(`redis://127.0.0.1:${proxy.port}`)
    const { outcome } = await ask()
    proxy.reset()
    expect(await outcome).toBeInstanceOf(Error)
    expect(proxy.counts).toMatchObject({ hits: { reset: 1 } })
    await waitUntil('the server has noticed', async () => /blocked_clients:0/.test(await redis.command('INFO', 'clients') as string))
  })

  test('a black hole accepts, and swallows requests', async () => {
    proxy.blackhole(true)
    const outcome = client.set('key', 'value').catch((error: unknown) => error)
    const raw = connect(proxy.port, '127.0.0.1')
    await once(raw, 'connect')
    await waitUntil('the request is swallowed', () => proxy.counts.hits.blackhole === 1)
    expect(await redis.command('EXISTS', 'key')).toBe(0)
    raw.destroy()
    await proxy.heal()
    expect(await outcome).toBeInstanceOf(Error)
  })

  test('a black hole swallows answers, and what has lost one is of no use any more', async () => {
    const { outcome } = await ask()
    proxy.blackhole(true)
    await redis.command('RPUSH', 'never', 'answer')
    await waitUntil('the answer is swallowed', () => proxy.counts.hits.blackhole === 1)
    await proxy.heal()
    expect(await outcome).toBeInstanceOf(Error)
    await waitUntil('both sides are closed', () => proxy.counts.open === 0)
    client = openClient(`redis://127.0.0.1:${proxy.port}`)
    expect(await client.ping()).toBe('PONG')
  })

  test('refuses new connections while open ones go on', async () => {
    await proxy.refuse(true)
    expect((await once(connect(proxy.port, '127.0.0.1'), 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' })
    expect(await client.ping()).toBe('PONG')
    await proxy.refuse(false)
    const third = openClient(`redis://127.0.0.1:${proxy.port}`)
    expect(await third.ping()).toBe('PONG')
    third.disconnect()
  })

  test('splits what passes into pieces, which are still the same bytes', async () => {
    proxy.split(3)
    await client.set('key', 'a value of some length')
    const raw = connect(proxy.port, '127.0.0.1')
    const pieces: string[] = []
    raw.on('data', piece => pieces.push(piece.toString()))
    raw.write('GET key\r\n')
    await waitUntil('all is there', () => pieces.join('') === '$22\r\na value of some length\r\n')
    expect(pieces.length).toBeGreaterThan(2)
    expect(proxy.counts.hits.split).toBeGreaterThanOrEqual(3)
    raw.destroy()
  })

  test('cuts after a write: the server has it, the client gets no answer', async () => {
    proxy.cutAfterWrite('SET')
    expect(await client.ping()).toBe('PONG')
    expect(proxy.counts.hits.cutAfterWrite).toBe(0)
    const outcome = await client.set('key', 'value').catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(Error)
    expect(proxy.counts.hits.cutAfterWrite).toBe(1)
    expect(await redis.command('GET', 'key')).toBe('value')
    client = openClient(`redis://127.0.0.1:${proxy.port}`)
    expect(await client.set('key', 'again')).toBe('OK')
  })

  test('cuts between two requests of one pipeline, each of them in pieces', async () => {
    proxy.split(1_000)
    proxy.cutAfterWrite(/^\*3\r\n\$3\r\nset\r\n\$1\r\nb\r\n/i)
    const big = 'x'.repeat(100_000)
    const outcomes = ['a', 'b', 'c'].map(key => client.set(key, big).catch((error: unknown) => error))
    expect((await Promise.all(outcomes)).slice(1).every(outcome => outcome instanceof Error)).toBe(true)
    expect(await redis.command('EXISTS', 'a', 'b')).toBe(2)
    expect(await redis.command('EXISTS', 'c')).toBe(0)
    expect(await redis.command('STRLEN', 'b')).toBe(100_000)
  })

  test('cuts between two requests that have come together', async () => {
    const raw = connect(proxy.port, '127.0.0.1')
    const answers: string[] = []
    raw.on('data', piece => answers.push(piece.toString()))
    proxy.cutAfterWrite('SET b')
    raw.write('SET a 1\r\nSET b 2\r\nSET c 3\r\n')
    expect((await once(raw, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' })
    expect(answers).toEqual([])
    expect(await redis.command('MGET', 'a', 'b', 'c')).toEqual(['1', '2', null])
  })

  test('a cut waits for the server, however long it takes', async () => {
    proxy.cutAfterWrite('EVAL')
    const script = "local t = redis.call('TIME'); local stop = t[1] * 1000 + t[2] / 1000 + 200; repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > stop; return redis.call('SET', 'slow', 'done')"
    await expect(client.eval(script, 0)).rejects.toThrow()
    expect(await redis.command('GET', 'slow')).toBe('done')
  })

  test('a healed network has no fault left', async () => {
    proxy.delay(10_000)
    proxy.split(1)
    proxy.cutAfterWrite()
    await proxy.refuse(true)
    await proxy.heal()
    const second = openClient(`redis://127.0.0.1:${proxy.port}`)
    expect(await second.set('key', 'value')).toBe('OK')
    expect(await client.get('key')).toBe('value')
    expect(proxy.counts.hits).toEqual({ delay: 0, split: 0, blackhole: 0, reset: 0, cutAfterWrite: 0 })
    second.disconnect()
  })

  test('stops, whatever fault is on', async () => {
    proxy.blackhole(true)
    const outcome = client.ping().catch((error: unknown) => error)
    await proxy.stop()
    expect(await outcome).toBeInstanceOf(Error)
    await waitUntil('nothing is open', () => proxy.counts.open === 0)
  })
})

test('passes and cuts any protocol over TCP', async () => {
  const heard: string[] = []
  const server = createServer(socket => socket.on('data', piece => {
    heard.push(piece.toString())
    socket.write(`you said ${piece.toString()}`)
  }))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const proxy = await startProxy({ port: (server.address() as AddressInfo).port, protocol: 'any' })
  const client = connect(proxy.port, '127.0.0.1')
  client.write('hello')
  expect(String((await once(client, 'data'))[0])).toBe('you said hello')
  proxy.cutAfterWrite('pay')
  client.write('pay 100')
  expect((await once(client, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' })
  expect(heard).toEqual(['hello', 'pay 100'])
  await proxy.stop()
  server.close()
})

test(`finds the requests in a stream however it is cut (seed ${SEED})`, () => {
  const random = createSeededRandom(SEED)
  const below = (n: number): number => Math.floor(random.next() * n)
  const word = (): string => '*$\r\n1é'.repeat(below(4)) + String(below(1_000))
  for (let round = 0; round < 300; round++) {
    const requests = Array.from({ length: 1 + below(5) }, () => {
      if (below(5) === 0) return `PING ${below(9)}\r\n`
      const words = Array.from({ length: 1 + below(4) }, word)
      return `*${words.length}\r\n${words.map(each => `$${Buffer.byteLength(each)}\r\n${each}\r\n`).join('')}`
    })
    const stream = Buffer.from(requests.join(''))
    const reader = new RespReader()
    const found: string[] = []
    for (let at = 0; at < stream.length; ) {
      const piece = stream.subarray(at, at + 1 + below(40))
      const ends = reader.read(piece)
      found.push(...ends.map(({ bytes }) => bytes.toString()))
      for (const { bytes, end } of ends) expect(stream.subarray(at + end - bytes.length, at + end).equals(bytes)).toBe(true)
      at += piece.length
    }
    expect(found).toEqual(requests)
  }
})
