import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Limits, Machines } from 'troupe'
import { createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { onTestFinished } from 'vitest'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { makeFastTempDir } from './temp-dir.ts'

/** A test world over a SQLite file that goes with the test. */
export async function createSqliteWorld<const TMachines extends Machines>(machines: TMachines, limits: Partial<Limits> = {}): Promise<TestWorld<TMachines>> {
  const folder = await makeFastTempDir()
  const store = await openSqliteStore({ path: join(folder, 'world.db'), synchronous: 'NORMAL' })
  const world = await createTestWorld({ machines, store, limits })
  onTestFinished(async () => {
    await world[Symbol.asyncDispose]()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })
  return world
}
