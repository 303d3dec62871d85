import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { NOW, Owner, creation, idIn, recordOnly, recordOf, steps } from '../../src/testing/store-conformance/case.ts'
import { makeFastTempDir } from '../support/temp-dir.ts'

let dir: string
let store: Store
let owner: Owner
beforeEach(async () => {
  dir = await makeFastTempDir()
  store = await openSqliteStore({ path: join(dir, 'store.db') })
  owner = await Owner.of(store)
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true })
})

/** Rows that are really in the file, seen or not. */
function rowsOf(...tables: readonly ('actor' | 'base' | 'doomed' | 'journal')[]): readonly unknown[] {
  using db = new DatabaseSync(join(dir, 'store.db'), { readOnly: true })
  return tables.map((table) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
}

const sweep = (limit: number, journalBefore?: number) => store.sweep(owner.lease, { now: NOW, journalBefore, completedMax: {}, reclaim: 0, limit })

test('what a replaced actor leaves behind is deleted from the file by the next sweeps', async () => {
  const id = idIn(store, 'x')
  await owner.commit({ actors: [creation(id)] })
  for (let seq = 2; seq <= 100; seq++) await owner.commit({ actors: [steps(id, seq, { seq, ...(seq % 10 === 0 && { base: seq }) })] })
  await owner.commit({ actors: [recordOnly(id, { seq: 100, status: 'done' })] })
  await owner.commit({ actors: [creation(id)] })
  expect(rowsOf('actor', 'base', 'journal', 'doomed')).toEqual([1, 12, 101, 1])
  const left: unknown[] = []
  // 20 rows for each actor of the limit.
  for (let sweeps = 0; sweeps < 6; sweeps++) {
    await sweep(1)
    left.push(...rowsOf('journal'))
  }
  expect(left).toEqual([81, 61, 41, 21, 1, 1])
  expect(rowsOf('actor', 'base', 'journal', 'doomed')).toEqual([1, 1, 1, 0])
  expect((await store.load(id))?.record).toEqual(recordOf(id))
})

test('an actor that expired half trimmed leaves nothing in the file', async () => {
  const ids = ['x', 'y'].map((key) => idIn(store, key))
  await owner.commit({ actors: ids.map((id) => creation(id)) })
  for (let seq = 2; seq <= 40; seq++) await owner.commit({ actors: ids.map((id) => steps(id, seq, { seq, ...(seq === 30 && { base: seq }) })) })
  for (let sweeps = 0; sweeps < 5; sweeps++) await sweep(7, NOW + 20)
  expect((await store.history(ids[0] ?? idIn(store, 'x'), 0, 100)).length).toBeLessThan(40)
  await owner.commit({ actors: ids.map((id) => recordOnly(id, { seq: 40, status: 'done', expiresAt: NOW })) })
  for (let sweeps = 0; sweeps < 30; sweeps++) await sweep(7, NOW + 1_000)
  expect(rowsOf('actor', 'base', 'journal', 'doomed')).toEqual([0, 0, 0, 0])
})

test('more actors than a store remembers are written just as well', async () => {
  const ids = Array.from({ length: 21_000 }, (_, n) => idIn(store, `k${n}`))
  await owner.commit({ actors: ids.map((id) => creation(id)) })
  for (let seq = 2; seq <= 3; seq++) await owner.commit({ actors: ids.map((id) => steps(id, seq, { seq })) })
  for (const id of [ids[0], ids[10_500], ids.at(-1)]) {
    const loaded = id && (await store.load(id))
    expect(loaded?.rows.map(({ toSeq }) => toSeq)).toEqual([2, 3])
  }
  expect(await store.countLive(0)).toBe(21_000)
})
