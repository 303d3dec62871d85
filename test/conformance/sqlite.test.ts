import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { makeFastTempDir } from '../support/temp-dir.ts'

for (const partitions of [1, 4]) {
  for (const synchronous of ['FULL', 'NORMAL'] as const) {
    storeConformance(`SQLite store, partitions ${partitions}, ${synchronous}`, async () => {
      const dir = await makeFastTempDir()
      const stores: Store[] = []
      const open = async () => {
        const store = await openSqliteStore({ path: join(dir, 'store.db'), partitions, synchronous })
        stores.push(store)
        return store
      }
      return {
        partitions,
        open,
        reopen: open,
        async teardown() {
          for (const store of stores) await store.close()
          await rm(dir, { recursive: true })
        },
      }
    }, { describe, test })
  }
}
