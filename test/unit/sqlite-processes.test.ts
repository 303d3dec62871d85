import { readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Lease } from '../../src/core/store.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { Owner, commitOf, creation, idIn, message } from '../../src/testing/store-conformance/case.ts'
import { startChild } from '../support/child.ts'
import { makeTempDir } from '../support/temp-dir.ts'

let dir: string
let path: string
beforeEach(async () => {
  dir = await makeTempDir()
  path = join(dir, 'store.db')
})
afterEach(() => rm(dir, { recursive: true }))

const aliveFiles = async () => (await readdir(dir)).filter((name) => name.endsWith('.alive'))
const request = (node: string) => ({ partition: 0, node, token: `token of ${node}`, now: Date.now(), ttlMs: 60_000 })

test('S7: the partition of a process that was killed is granted at once, and its lock file is gone', async () => {
  const store = await openSqliteStore({ path })
  await using child = startChild('sqlite-process.ts', ['hold', path])
  const lease = (await child.next()) as Lease
  expect(await store.claim(request('b'))).toMatchObject({ ok: false, owner: 'held' })
  expect(await aliveFiles()).toHaveLength(1)
  await child.kill('SIGKILL')
  const result = await store.claim(request('b'))
  expect(result).toMatchObject({ ok: true, lease: { epoch: lease.epoch + 1 } })
  expect(await aliveFiles()).toHaveLength(1)
  await expect(store.commit(lease, commitOf(1))).rejects.toMatchObject({ code: 'lease/stale' })
  await store.close()
  expect(await aliveFiles()).toEqual([])
})

test('S7: a process that is frozen is alive: its partition is refused until the lease has run out', async () => {
  const store = await openSqliteStore({ path })
  await using child = startChild('sqlite-process.ts', ['hold', path])
  await child.next()
  child.process.kill('SIGSTOP')
  expect(await store.claim(request('b'))).toMatchObject({ ok: false })
  expect(await store.claim({ ...request('b'), now: Date.now() + 3_600_001 })).toMatchObject({ ok: true })
  child.process.kill('SIGCONT')
  await store.close()
})

test('S7: a node that starts again under its old name gets its partition back at once', async () => {
  await using first = startChild('sqlite-process.ts', ['hold', path, 'same-name'])
  const lease = (await first.next()) as Lease
  await first.kill('SIGKILL')
  await using second = startChild('sqlite-process.ts', ['hold', path, 'same-name'])
  expect(await second.next()).toMatchObject({ node: 'same-name', epoch: lease.epoch + 1 })
  expect(await aliveFiles()).toHaveLength(1)
})

test('node ids that are no file names are taken', async () => {
  const store = await openSqliteStore({ path })
  for (const [turn, node] of ['../../x', 'a/b', 'n'.repeat(5_000), '\u{1f3ad}\n'].entries()) {
    expect((await store.claim({ ...request(node), now: Date.now() + turn * 100_000 })).ok).toBe(true)
  }
  expect(await aliveFiles()).toHaveLength(4)
  await store.close()
  expect((await readdir(dir)).toSorted()).toEqual(['store.db'])
})

test('S5, S10: processes that work on one file lose nothing, double nothing and see whole commits only', async () => {
  const partitions = 3
  const count = 200
  const store = await openSqliteStore({ path, partitions })
  const children = Array.from({ length: partitions }, (_, partition) => startChild('sqlite-process.ts', ['work', path, String(partition), String(count)]))
  const working = Promise.all(children.map((child) => child.rest()))
  let done = false
  void working.finally(() => (done = true)).catch(() => undefined)
  let midway = 0
  while (!done) {
    for (let partition = 0; partition < partitions; partition++) {
      const records = (await store.list({ tenant: 'default', limit: 100 })).records.filter((record) => record.partition === partition)
      expect(new Set(records.map(({ seq }) => seq)).size).toBeLessThanOrEqual(1)
      if (records[0] && records[0].seq > 1 && records[0].seq < count) midway++
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await working).toEqual(children.map(() => ['done']))
  expect(midway).toBeGreaterThan(0)
  for (let partition = 0; partition < partitions; partition++) {
    const from = (partition + partitions - 1) % partitions
    const inbox = (await store.take(partition, 0, 10_000)).map(({ id }) => id)
    expect(inbox.filter((id) => id.startsWith(`${from}:`) && !id.includes('accepted'))).toEqual(Array.from({ length: count - 1 }, (_, n) => `${from}:${n + 2}`))
    expect(inbox.filter((id) => id.startsWith(`${partition}:accepted`))).toHaveLength(count - 1)
    const loaded = await store.load(idIn(store, 'left', { partition }))
    expect(loaded?.rows).toHaveLength(count - 1)
  }
  await store.close()
})

test('a call waits for the lock of another process without blocking, keeps the order of calls, and fails in the end', async () => {
  const store = await openSqliteStore({ path })
  const id = idIn(store, 'x')
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const waiting = Promise.all(['m1', 'm2', 'm3'].map((each) => store.append([message(id, each)], 10)))
  // Reads do not wait.
  expect(await store.take(0, 0, 10)).toEqual([])
  other.exec('ROLLBACK')
  await store.append([message(id, 'm4')], 10)
  await waiting
  expect((await store.take(0, 0, 10)).map((each) => each.id)).toEqual(['m1', 'm2', 'm3', 'm4'])
  other.exec('BEGIN IMMEDIATE')
  const started = performance.now()
  await expect(store.append([message(id, 'm5')], 10)).rejects.toMatchObject({ code: 'store/failed', message: expect.stringContaining('locked by another process') })
  expect(performance.now() - started).toBeGreaterThan(4_000)
  other.exec('ROLLBACK')
  other.close()
  const owner = await Owner.of(store)
  await owner.commit({ actors: [creation(id)] })
  await store.close()
})

test('the lock file of a process that was killed before it wrote its name into the store goes when the next one opens it', async () => {
  await using child = startChild('sqlite-process.ts', ['hold', path])
  await child.next()
  const [held] = await aliveFiles()
  const orphan = `store.db.${'0'.repeat(24)}.alive`
  await writeFile(join(dir, orphan), '')
  const young = `store.db.${'1'.repeat(24)}.alive`
  await writeFile(join(dir, young), '')
  const longAgo = new Date(Date.now() - 60_000)
  for (const file of [orphan, held ?? '']) await utimes(join(dir, file), longAgo, longAgo)
  const store = await openSqliteStore({ path, partitions: 1 })
  expect(await store.claim({ ...request('b'), now: Date.now() + 3_600_001 })).toMatchObject({ ok: true })
  expect(await aliveFiles()).toEqual(expect.arrayContaining([held, young]))
  expect(await aliveFiles()).not.toContain(orphan)
  await store.close()
})
