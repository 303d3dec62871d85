import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { runUnderFaults } from '../support/faults/fault-world.ts'
import type { Fault, Run } from '../support/faults/fault-world.ts'
import { Sweep, callFaults, pointFaults } from '../support/faults/sweep.ts'
import { makeFastTempDir } from '../support/temp-dir.ts'

/** The same over a database, which tells a process nothing of its own commits. Each run has a file of its own. */
const sweep = new Sweep()
let dir: string
let calm: Run
let files = 0

async function withStore<T>(use: (store: Awaited<ReturnType<typeof openSqliteStore>>) => Promise<T>): Promise<T> {
  const path = join(dir, `${++files}`, 'run.db')
  const store = await openSqliteStore({ path, synchronous: 'NORMAL', partitions: 4 })
  try {
    return await use(store)
  } finally {
    await store.close()
    await rm(join(path, '..'), { recursive: true })
  }
}

async function strikeEach(faults: readonly Fault[]): Promise<void> {
  const { struck } = sweep.totals
  for (const fault of faults) await withStore(store => sweep.run({ store, faults: [fault] }))
  expect(sweep.failures).toEqual([])
  expect(sweep.totals.struck - struck).toBe(faults.length)
}

beforeAll(async () => {
  dir = await makeFastTempDir()
  calm = await withStore(store => runUnderFaults({ store, faults: [] }))
})

test('a process over SQLite may die at any visit of any crash point', () => strikeEach(pointFaults(calm)))

test('a process over SQLite may die before and after any write, and be refused one', () => strikeEach([...callFaults(calm, 'die', 'writes'), ...callFaults(calm, 'refuse', 'writes')]))

afterAll(async () => {
  console.log(`crash points, SQLite: ${JSON.stringify(sweep.totals)}`)
  await rm(dir, { recursive: true })
})
