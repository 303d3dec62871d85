import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer, createKey, listKeys, revokeKey } from 'troupe/server'
import { routes } from '../../src/api/app.ts'
import { roles } from '../../src/core/client/operation.ts'
import type { Role } from '../../src/core/client/operation.ts'
import { serve } from '../support/api/served.ts'
import type { Served } from '../support/api/served.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-keys-'))
const path = join(folder, 'keys.json')
const keys = {} as Record<Role, string>
const bearer = (key: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${key}` })
let world: Served

beforeAll(async () => {
  for (const role of roles) keys[role] = (await createKey(path, { name: role, role })).key
  world = await serve({ keys: path })
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Names nothing that is there: who is let in is answered by what the route says of that. */
const pathOf = (route: string): string => route.replaceAll(/\{\w+\}/g, 'none')
const mayCall = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)

/** A stream that is let in does not end: its head is all that is waited for. */
async function open(path: string, key: string): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const response = await fetch(world.url + path, { headers: bearer(key) })
  if (!response.ok) return { status: response.status, code: ((await response.json()) as { code: string }).code }
  await response.body?.cancel()
  return { status: response.status, code: undefined }
}

describe('every route', () => {
  test('there are more than 40', () => expect(routes.length).toBeGreaterThan(40))

  test.each(routes.map(({ name, method, path: route, role, stream }) => ({ name, method, route, role, stream })))('$method $route is for $role', async ({ method, route, role, stream }) => {
    const at = pathOf(route)
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    expect(await world.call(method, at, body)).toMatchObject({ status: 401, body: { code: 'access/unauthenticated' } })
    for (const caller of roles) {
      const { status, code } = stream ? await open(at, keys[caller]) : await world.call(method, at, body, bearer(keys[caller])).then(answer => ({ status: answer.status, code: answer.body?.code }))
      if (mayCall(caller, role)) expect([401, 403], caller).not.toContain(status)
      else expect({ status, code }, caller).toEqual({ status: 403, code: 'access/denied' })
    }
  })
})

test('pages of the API and probes need no key, metrics do', async () => {
  for (const open of ['/healthz', '/readyz', '/openapi.json', '/api/docs']) expect((await world.call('GET', open)).status, open).toBe(200)
  await using measured = await serve({ keys: path, metrics: () => '' })
  expect((await measured.call('GET', '/metrics')).status).toBe(401)
  expect((await measured.call('GET', '/metrics', undefined, bearer(keys.viewer))).status).toBe(200)
})

test('a caller is told whom it is taken for', async () => {
  expect(await world.call('GET', '/api/v1/me', undefined, bearer(keys.operator))).toMatchObject({ body: { name: 'operator', role: 'operator' } })
  await using open = await serve()
  expect(await open.call('GET', '/api/v1/me')).toMatchObject({ body: { name: null, role: 'admin' } })
})

test('a WebSocket needs a key like everything else, and a browser gives it as a subprotocol', async () => {
  const open = (protocols: string[]): Promise<string> =>
    new Promise(resolve => {
      const socket = new WebSocket(`${world.url.replace('http', 'ws')}/ws`, protocols)
      socket.on('open', () => { resolve('open'); socket.close() })
      socket.on('error', error => resolve(error.message))
    })
  expect(await open(['troupe'])).toContain('401')
  expect(await open(['troupe', `troupe.key.${keys.viewer}`])).toBe('open')
})

describe('a key', () => {
  test('has 256 random bits, is kept as a hash in a file of its owner, and is never listed', async () => {
    expect(keys.admin).toMatch(/^tr_[\w-]{43}$/)
    const text = readFileSync(path, 'utf8')
    for (const key of Object.values(keys)) expect(text).not.toContain(key.slice(3))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await listKeys(path)).toContainEqual({ name: 'viewer', role: 'viewer', createdAt: expect.any(String), revokedAt: null })
  })

  test('is refused when it is wrong in any way', async () => {
    for (const wrong of ['', 'tr_', keys.admin.slice(0, -1), `${keys.admin}x`, keys.admin.toUpperCase(), 'x'.repeat(5_000)]) {
      await using fresh = await serve({ keys: path })
      expect(await fresh.call('GET', '/api/v1/me', undefined, bearer(wrong)), wrong).toMatchObject({ status: 401, body: { code: 'access/unauthenticated' } })
    }
    await using fresh = await serve({ keys: path })
    expect(await fresh.call('GET', '/api/v1/me', undefined, { authorization: `Basic ${keys.admin}` })).toMatchObject({ status: 401 })
    // Not in URLs, which end up in logs.
    expect(await fresh.call('GET', `/api/v1/me?key=${keys.admin}`)).toMatchObject({ status: 401 })
  })

  test('works from when it is made until it is revoked, without a restart', async () => {
    const { key } = await createKey(path, { name: 'guest', role: 'viewer' })
    const status = async (): Promise<number> => (await world.call('GET', '/api/v1/me', undefined, bearer(key))).status
    await expect.poll(status, { timeout: 5_000, interval: 300 }).toBe(200)
    expect(await revokeKey(path, 'guest')).toMatchObject({ name: 'guest', revokedAt: expect.any(String) })
    await expect.poll(status, { timeout: 5_000, interval: 300 }).toBe(401)
    await expect(revokeKey(path, 'guest')).rejects.toMatchObject({ code: 'config/invalid' })
    await expect(createKey(path, { name: 'guest', role: 'admin' })).resolves.toMatchObject({ role: 'admin' })
    await revokeKey(path, 'guest')
  })

  test('has a name of its own, and is not lost when two are made at once', async () => {
    await expect(createKey(path, { name: 'viewer', role: 'viewer' })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('viewer') })
    const both = await Promise.allSettled(['left', 'right'].map(name => createKey(join(folder, 'raced.json'), { name, role: 'viewer' })))
    const made = both.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value.name] : []))
    expect((await listKeys(join(folder, 'raced.json'))).map(({ name }) => name).toSorted()).toEqual(made.toSorted())
    expect(made.length).toBeGreaterThan(0)
  })
})

describe('limits', () => {
  test('a key that calls too often waits, others do not', async () => {
    await using limited = await serve({ keys: path, rateLimit: { requests: 3, seconds: 30 } })
    const status = async (key: string) => limited.call('GET', '/api/v1/me', undefined, bearer(key))
    const first = await status(keys.viewer)
    expect(first.headers.get('ratelimit-policy')).toBe('"requests";q=3;w=30')
    expect(first.headers.get('ratelimit')).toMatch(/^"requests";r=2;t=\d+$/)
    await status(keys.viewer)
    expect((await status(keys.viewer)).status).toBe(200)
    const refused = await status(keys.viewer)
    expect(refused).toMatchObject({ status: 429, body: { code: 'access/limited' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(20)
    expect((await status(keys.operator)).status).toBe(200)
  })

  test('addresses are limited where there are no keys', async () => {
    await using limited = await serve({ rateLimit: { requests: 2, seconds: 30 } })
    const statuses = []
    for (let n = 0; n < 3; n++) statuses.push((await limited.call('GET', '/api/v1/me')).status)
    expect(statuses).toEqual([200, 200, 429])
  })

  test('who guesses keys is slowed down, who has one is not', async () => {
    await using guessed = await serve({ keys: path })
    const statuses = new Set<number>()
    for (let n = 0; n < 30; n++) statuses.add((await guessed.call('GET', '/api/v1/me', undefined, bearer(`tr_${n}`))).status)
    expect([...statuses]).toEqual([401, 429])
    expect((await guessed.call('GET', '/api/v1/me', undefined, bearer(keys.viewer))).status).toBe(200)
  })
})

describe('a server', () => {
  const refusal = (options: object): Promise<{ code: string; message: string }> => createServer({ runtime: world.runtime, port: 0, ...options }).then(async server => { await server.close(); throw new Error('it started') }, (error: { code: string; message: string }) => error)

  test.each(['0.0.0.0', '::', '192.168.1.1', 'example.com', '127.0.0.1.example.com'])('does not open to others at %s without keys', async host => {
    expect(await refusal({ host })).toMatchObject({ code: 'config/invalid', message: expect.stringContaining('keys create') })
  })

  test('does not start with a file of keys that is missing, empty, damaged or open to others', async () => {
    const other = join(folder, 'other.json')
    expect(await refusal({ keys: other })).toMatchObject({ code: 'config/invalid', message: expect.stringContaining('keys create') })
    writeFileSync(other, '{"version":1,"keys":[]}', { mode: 0o600 })
    expect(await refusal({ keys: other })).toMatchObject({ code: 'config/invalid', message: expect.stringContaining('no API key') })
    writeFileSync(other, '{"version":1,', { mode: 0o600 })
    expect(await refusal({ keys: other })).toMatchObject({ code: 'config/invalid', message: expect.stringContaining(other) })
    writeFileSync(other, readFileSync(path))
    chmodSync(other, 0o644)
    expect(await refusal({ keys: other })).toMatchObject({ code: 'config/invalid', message: expect.stringContaining('chmod 600') })
  })

  test('opens to others with keys', async () => {
    await using server = await createServer({ runtime: world.runtime, host: '0.0.0.0', port: 0, keys: path })
    const local = server.url.replace('0.0.0.0', '127.0.0.1')
    expect((await fetch(`${local}/api/v1/me`)).status).toBe(401)
    expect((await fetch(`${local}/api/v1/me`, { headers: bearer(keys.admin) })).status).toBe(200)
  })

  test('lets nobody in while its file of keys is damaged', async () => {
    const fragile = join(folder, 'fragile.json')
    const { key } = await createKey(fragile, { name: 'a', role: 'viewer' })
    const whole = readFileSync(fragile)
    const told: unknown[] = []
    await using served = await serve({ keys: fragile, onError: error => void told.push(error) })
    const status = async (): Promise<number> => (await served.call('GET', '/api/v1/me', undefined, bearer(key))).status
    expect(await status()).toBe(200)
    writeFileSync(fragile, 'x')
    await expect.poll(status, { timeout: 5_000, interval: 300 }).toBe(401)
    expect(told).toMatchObject([{ code: 'config/invalid' }])
    writeFileSync(fragile, whole)
    await expect.poll(status, { timeout: 5_000, interval: 300 }).toBe(200)
  })

  test('says so when its port is taken', async () => {
    expect(await refusal({ port: Number(new URL(world.url).port) })).toMatchObject({ code: 'config/invalid', message: expect.stringContaining('EADDRINUSE') })
  })
})
