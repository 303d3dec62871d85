import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ClientOptions } from 'ws'
import { createKey } from '../../src/create-server.ts'
import { liveApart } from '../support/live-apart.ts'
import { eventually, liveRig } from '../support/live-rig.ts'
import type { LiveRig } from '../support/live-rig.ts'
import { STRETCH_MS_MAX } from '../support/loop-guard.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-live-bad-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Said {
  readonly type: string
  readonly id: string | null
  readonly from?: number
  readonly problem: { readonly code: string; readonly detail: string }
}

/** A WebSocket, what it is told, and how it ends. */
function dial(rig: LiveRig, path = '/ws', options: ClientOptions = {}, protocols: string[] = []) {
  const socket = new WebSocket(rig.url.replace('http', 'ws') + path, protocols, options)
  const said: Said[] = []
  const pongs: number[] = []
  socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as Said))
  socket.on('pong', () => pongs.push(pongs.length))
  const closed = new Promise<number>(resolve => socket.on('close', resolve))
  const refused = new Promise<number>(resolve => socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0)))
  socket.on('error', () => undefined)
  const opened = new Promise<void>(resolve => socket.on('open', resolve))
  const problems = (): string[] => said.filter(({ type }) => type === 'error').map(({ problem }) => problem.code)
  return { socket, said, pongs, closed, refused, opened, problems }
}

/** Many times, and in turns with what comes back. */
async function often(times: number, run: (count: number) => void): Promise<void> {
  for (let count = 0; count < times; count++) {
    run(count)
    if (count % 50 === 0) await new Promise(resolve => setImmediate(resolve))
  }
}

/** The actor is as it was, and the server's event loop was never blocked. */
async function unharmed(run: (rig: LiveRig, address: string) => Promise<void>, live: Parameters<typeof liveApart>[0] = {}): Promise<void> {
  await using rig = await liveApart(live)
  const { address } = await rig.client.startActor({ machine: 'counter', key: 'calm' })
  const before = await rig.client.snapshot({ address })
  const { inherited } = await rig.toll()
  await run(rig, address)
  expect(await rig.client.snapshot({ address })).toEqual(before)
  const toll = await rig.toll()
  expect(toll.inherited).toEqual(inherited)
  expect(toll.longestMs, 'longest block of the loop, in ms of CPU time').toBeLessThan(STRETCH_MS_MAX)
}

describe('a WebSocket', () => {
  test('of a foreign origin, for a foreign host, at no place, or without an upgrade is refused with a status', () =>
    unharmed(async rig => {
      expect(await dial(rig, '/ws', { headers: { origin: 'https://evil.example' } }).refused).toBe(403)
      expect(await dial(rig, '/ws', { headers: { host: 'evil.example' } }).refused).toBe(403)
      expect(await dial(rig, '/nowhere').refused).toBe(404)
      expect(await dial(rig, '/ws/workflows/').refused).toBe(404)
      expect(await dial(rig, '/ws/workflows/%ff').refused).toBe(400)
    }))

  test('without a key or with a wrong one is refused, and nothing that it sends before is heard', async () => {
    const keys = join(folder, 'keys.json')
    const { key } = await createKey(keys, { name: 'vera', role: 'viewer' })
    await using rig = await liveRig({ keys })
    expect(await dial(rig).refused).toBe(401)
    expect(await dial(rig, '/ws', { headers: { authorization: 'Bearer tr_wrong' } }).refused).toBe(401)
    expect(await dial(rig, '/ws', {}, ['troupe', 'troupe.key.wrong']).refused).toBe(401)
    const raw = connect(Number(new URL(rig.url).port), '127.0.0.1')
    let answer = ''
    raw.on('data', chunk => (answer += String(chunk)))
    raw.write('GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x05hello')
    await new Promise(resolve => raw.on('close', resolve))
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(answer).not.toContain('101')
    const welcome = dial(rig, '/ws', {}, ['troupe', `troupe.key.${key}`])
    await welcome.opened
    expect(welcome.socket.protocol).toBe('troupe')
    welcome.socket.close()
    const unheard = dial(rig, '/stately', { headers: { authorization: `Bearer ${key}` } })
    await unheard.opened
    unheard.socket.send('{"type":"@xstate.actor","sessionId":"x"}')
    expect(await unheard.closed).toBe(4403)
  })

  test('that talks nonsense is told what is wrong with each message', () =>
    unharmed(async (rig, address) => {
      const { socket, opened, problems, closed } = dial(rig)
      await opened
      const deep = `${'['.repeat(100)}${']'.repeat(100)}`
      const nonsense = [
        '', 'garbage', 'null', '[]', '1e400', deep, '{"type":"subscribe"}', '{"type":"send","event":{"type":"ADD"}}', '{"type":"subscribe","id":"a","operation":"stopActor","input":{}}',
        '{"type":"subscribe","id":"a","operation":"follow","input":{"__proto__":{"polluted":1}}}', '{"type":"subscribe","type":"subscribe","id":"a","operation":"follow"}', '{"resumeFrom":3}', `{"type":"unsubscribe","id":"${'x'.repeat(200)}"}`,
      ]
      for (const message of nonsense) socket.send(message)
      await eventually('an answer to each', () => problems().length === nonsense.length)
      expect(new Set(problems())).toEqual(new Set(['request/invalid']))
      const subscribe = (id: string, operation: string, input: object): void => socket.send(JSON.stringify({ type: 'subscribe', id, operation, input }))
      subscribe('1', 'watch', { address, from: 99 })
      subscribe('2', 'watch', { address: 'counter/none' })
      subscribe('3', 'watch', { address: 'nonsense' })
      subscribe('4', 'follow', { from: 'bm9uc2Vuc2U' })
      subscribe('5', 'follow', { nonsense: true })
      subscribe('6', 'followGuests', { from: 'other.99999' })
      await eventually('five refusals', () => problems().length === nonsense.length + 5)
      expect(problems().slice(nonsense.length).toSorted()).toEqual(['actor/unknown', 'address/invalid', 'config/invalid', 'request/invalid', 'request/invalid'])
      socket.send(Buffer.from([1, 2]))
      expect(await closed).toBe(1003)
    }))

  test('that sends too much, too fast, or what is no text is closed with a code that says why', () =>
    unharmed(async rig => {
      const large = dial(rig)
      await large.opened
      large.socket.send('x'.repeat(100_000))
      expect(await large.closed).toBe(1009)
      const flood = dial(rig)
      await flood.opened
      await often(5_000, () => flood.socket.ping())
      expect(await flood.closed).toBe(4429)
      expect(flood.pongs.length).toBeLessThan(500)
      const greedy = dial(rig)
      await greedy.opened
      await often(10_000, id => greedy.socket.send(JSON.stringify({ type: 'subscribe', id: String(id), operation: 'followGuests' })))
      expect(await greedy.closed).toBe(4429)
      const utf8 = dial(rig)
      await utf8.opened
      utf8.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
      expect(await utf8.closed).toBe(1007)
    }))

  test('has a bounded number of streams, and a key a bounded number of connections, whatever storm they come in', () =>
    unharmed(async rig => {
      const { socket, opened, problems, said } = dial(rig)
      await opened
      for (let id = 0; id < 8; id++) socket.send(JSON.stringify({ type: 'subscribe', id: String(id), operation: 'followGuests' }))
      await eventually('two refusals', () => problems().length === 2)
      expect(problems()).toEqual(['access/limited', 'access/limited'])
      socket.send('{"type":"unsubscribe","id":"0"}')
      socket.send('{"type":"subscribe","id":"9","operation":"followGuests"}')
      await eventually('room again', () => said.some(({ type, id }) => type === 'open' && id === '9'))
      const storm: ReturnType<typeof dial>[] = []
      await often(200, () => storm.push(dial(rig)))
      const ends = await Promise.all(storm.map(({ opened: open, refused }) => Promise.race([open.then(() => 101), refused])))
      expect(ends.filter(status => status === 101)).toHaveLength(19)
      expect(ends.filter(status => status === 429)).toHaveLength(181)
      for (const peer of [...storm.map(one => one.socket), socket]) peer.close()
      await Promise.all(storm.filter((_, index) => ends[index] === 101).map(one => one.closed))
      await eventually('room for another', async () => {
        const next = dial(rig)
        const status = await Promise.race([next.opened.then(() => 101), next.refused])
        next.socket.close()
        return status === 101
      })
    }, { live: { subscriptionsMax: 6, connectionsPerKeyMax: 20 } }))

  test('whose peer says nothing is dropped; one that answers pings is kept, and one that begins again is told from there', () =>
    unharmed(async (rig, address) => {
      const silent = dial(rig, '/ws', { autoPong: false })
      const alive = dial(rig, `/ws/workflows/${encodeURIComponent(address)}`)
      expect(await silent.closed).toBeGreaterThan(0)
      await eventually('pings', () => alive.said.filter(({ type }) => type === 'ping').length > 5)
      expect(alive.socket.readyState).toBe(WebSocket.OPEN)
      expect(alive.said.find(({ type }) => type === 'open')).toEqual({ type: 'open', id: 'workflow', from: 1 })
      alive.socket.send('{"resumeFrom":0}')
      await eventually('the first step', () => alive.said.find(({ type }) => type === 'item'))
      expect(alive.said.filter(({ type }) => type === 'open').at(-1)).toEqual({ type: 'open', id: 'workflow', from: 0 })
      alive.socket.close()
    }, { live: { heartbeatMs: 50, silenceMs: 400 } }))
})
