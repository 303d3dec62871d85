import { createServer as createTcpServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { eventually, liveRig } from '../support/live-rig.ts'

const EVENTS = 400
const ACTORS = 5
/** More than a client keeps for a stream that is not read. */
const BEHIND = 1_500

/** A way to the server that is cut at will. */
async function cuttableLink(target: number, port = 0): Promise<{ readonly port: number; readonly cut: () => number; readonly close: () => void }> {
  const links = new Set<Socket>()
  const server = createTcpServer(socket => {
    const onward = connect(target, '127.0.0.1')
    for (const end of [socket, onward]) {
      links.add(end)
      end.on('error', () => undefined)
      end.on('close', () => (links.delete(end), socket.destroy(), onward.destroy()))
    }
    socket.pipe(onward)
    onward.pipe(socket)
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const cut = (): number => {
    const count = links.size
    for (const link of links) link.resetAndDestroy()
    return count
  }
  return { port: (server.address() as AddressInfo).port, cut, close: () => (server.close(), cut()) }
}

describe.each([['a WebSocket', {}], ['server-sent events', { WebSocket: null }]])('a stream over %s', (_, platform) => {
  test('goes on after each cut where it was: nothing is lost, nothing is told twice', async () => {
    const seed = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
    console.log(`seed ${seed}`)
    const random = createSeededRandom(seed)
    await using rig = await liveRig()
    const link = await cuttableLink(Number(new URL(rig.url).port))
    const client = createClient({ url: `http://127.0.0.1:${link.port}`, ...platform })
    const actors = await Promise.all(Array.from({ length: ACTORS }, (_each, key) => rig.client.startActor({ machine: 'counter', key: `c${key}` })))
    const followed: string[] = []
    const watched: number[] = []
    let isReady = false
    const following = (async () => {
      for await (const item of client.follow({})) {
        if (item.type === 'step') followed.push(`${item.step.address} ${item.step.seq}`)
        else isReady = true
      }
    })()
    const [first = { address: '' }] = actors
    const watching = (async () => {
      for await (const item of client.watch({ ...first, from: 1 })) if (item.type === 'step') watched.push(item.step.seq)
    })()
    await eventually('the follower at the present', () => isReady)
    let cuts = 0
    for (let sent = 0; sent < EVENTS; sent++) {
      await rig.client.sendEvent({ address: actors[sent % ACTORS]?.address ?? '', event: { type: 'ADD', n: sent } })
      if (random.next() > 0.03) continue
      await eventually('a connection to cut', () => link.cut() > 0)
      cuts++
    }
    for (const actor of actors) await rig.client.sendEvent({ ...actor, event: { type: 'END' } })
    await watching
    await eventually('all steps', () => followed.length >= EVENTS + ACTORS)
    client.close()
    await following
    link.close()
    expect(cuts, 'cuts that hit a connection').toBeGreaterThan(2)
    expect(watched).toEqual(Array.from({ length: EVENTS / ACTORS + 1 }, (_each, index) => index + 2))
    expect(followed.toSorted()).toEqual(actors.flatMap(({ address }) => Array.from({ length: EVENTS / ACTORS + 1 }, (_each, index) => `${address} ${index + 2}`)).toSorted())
  })

  test('has a reader that is behind lose nothing, in bounded memory on both sides', async () => {
    await using rig = await liveRig()
    const client = createClient({ url: rig.url, ...platform })
    const actor = await client.startActor({ machine: 'counter', key: 'slow' })
    const seen: number[] = []
    const stream = client.watch({ ...actor, from: 0 })[Symbol.asyncIterator]()
    await stream.next()
    for (let sent = 0; sent < BEHIND; sent += 100) await Promise.all(Array.from({ length: 100 }, () => rig.client.sendEvent({ ...actor, event: { type: 'ADD' } })))
    await rig.client.sendEvent({ ...actor, event: { type: 'END' } })
    for (let next = await stream.next(); !next.done; next = await stream.next()) if (next.value.type === 'step') seen.push(next.value.step.seq)
    expect(seen).toEqual(Array.from({ length: BEHIND + 1 }, (_each, index) => index + 2))
    client.close()
  })

  test('says once when its server is gone and once when it is back, for all streams of the client', async () => {
    await using rig = await liveRig()
    const link = await cuttableLink(Number(new URL(rig.url).port))
    const told: boolean[] = []
    const client = createClient({ url: `http://127.0.0.1:${link.port}`, ...platform, onConnection: isOpen => told.push(isOpen) })
    const heard = [0, 0]
    const following = heard.map(async (_none, index) => {
      for await (const _item of client.follow({})) heard[index] = (heard[index] ?? 0) + 1
    })
    await eventually('both at the present', () => heard.every(count => count > 0))
    expect(told).toEqual([])
    link.close()
    await eventually('word that it is gone', () => told.length > 0)
    const back = await cuttableLink(Number(new URL(rig.url).port), link.port)
    await rig.client.startActor({ machine: 'counter', key: 'meanwhile' })
    const before = [...heard]
    await eventually('both going on', () => heard.every((count, index) => count > (before[index] ?? 0)), 60_000)
    expect(told).toEqual([false, true])
    client.close()
    await Promise.all(following)
    back.close()
  })

  test('waits for a server that comes back, and says when there was none', async () => {
    const nobody = createClient({ url: 'http://127.0.0.1:9', ...platform })
    await expect(nobody.follow({})[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'server/unreachable' })
    nobody.close()
  })
})
