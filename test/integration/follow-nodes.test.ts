import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { encodeCursor } from '../../src/host/client/positions.ts'
import type { FollowCommand, FollowFact } from '../support/follow-process.ts'
import { cursorOf, expectWhole, follow, open, take } from '../support/following.ts'
import { startPeer, waitUntil } from '../support/processes.ts'
import { openTestRedis } from '../support/redis/open-test-redis.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-follow-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const stores: Readonly<Record<string, () => Promise<{ readonly url: string; close(): Promise<void> }>>> = {
  'one SQLite file': async () => ({ url: `sqlite:${join(folder, `${++files}.db`)}?partitions=4&synchronous=NORMAL`, close: async () => undefined }),
  'one Redis': async () => {
    const { url, prefix, close } = await openTestRedis()
    return { url: `${url}?prefix=${prefix}&partitions=4`, close }
  },
}

describe.each(Object.entries(stores))('two runtimes on %s', (_, place) => {
  test('each tells what the other commits, and one goes on from the cursor of the other', async () => {
    const { url, close } = await place()
    try {
      await using here = await open(url)
      await using there = await open(url)
      const from = await cursorOf(there)
      const heard = await follow(there)
      const keys = Array.from({ length: 12 }, (_item, index) => `k${index}`)
      for (const [index, key] of keys.entries()) {
        const runtime = index % 2 === 0 ? here : there
        await runtime.actor('counter', key).start()
        for (let sent = 0; sent < 5; sent++) await runtime.actor('counter', key).send({ type: 'ADD' })
      }
      const whole = Object.fromEntries(keys.map(key => [`counter/${key}`, 6]))
      await waitUntil('all is heard', () => heard.steps.length >= 72, 10_000)
      await heard.stop()
      expectWhole(heard.steps, whole)
      for (const count of [1, 30, 71]) {
        const first = await take(there, count, { from })
        expectWhole([...first, ...(await take(here, 72 - count, { from: first.at(-1)?.cursor ?? '' }))], whole)
      }
      // From before any partition had a row, whatever number its first one got.
      expectWhole(await take(here, 72, { from: encodeCursor({ positions: [0, 0, 0, 0], begun: undefined }) }), whole)
    } finally {
      await close()
    }
  })

  test('a process that follows is killed again and again, and its successors go on from its last cursor: nothing lost, nothing twice', { timeout: 60_000 }, async () => {
    const { url, close } = await place()
    try {
      await using runtime = await open(url)
      const told: Extract<FollowFact, { fact: 'step' }>[] = []
      let from = await cursorOf(runtime)
      const keys = ['a', 'b', 'c', 'd', 'e']
      for (const key of keys) await runtime.actor('counter', key).start()
      let sent = 0
      for (let life = 0; life < 4; life++) {
        const before = told.length
        await using process = startPeer<FollowCommand, FollowFact>('follow-process.ts', [url, from], fact => {
          from = fact.cursor
          if (fact.fact === 'step') told.push(fact)
        })
        const sends = (async () => {
          for (let count = 0; count < 40; count++, sent++) for (const key of keys) await runtime.actor('counter', key).ask({ type: 'ADD' }, { timeout: 20_000 })
        })()
        await waitUntil('it tells something', () => told.length > before + 20, 20_000)
        await process.kill()
        await sends
      }
      const rest = await take(runtime, keys.length * (sent + 1) - told.length, { from })
      expectWhole([...told, ...rest], Object.fromEntries(keys.map(key => [`counter/${key}`, sent + 1])))
    } finally {
      await close()
    }
  })
})
