import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { afterAll, beforeAll } from 'vitest'
import type { Machines } from '../../src/host/definition.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { makeTempDir } from './temp-dir.ts'

/** Worlds of one test file, each with a SQLite file of its own that outlives their crashes. */
export function sqliteWorlds(): <const TMachines extends Machines>(machines: TMachines) => Promise<TestWorld<TMachines>> {
  let folder = ''
  let files = 0
  beforeAll(async () => void (folder = await makeTempDir()))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return async <const TMachines extends Machines>(machines: TMachines) => createTestWorld({ machines, store: await openSqliteStore({ path: join(folder, `${++files}.db`), synchronous: 'NORMAL' }) } as never) as Promise<TestWorld<TMachines>>
}
