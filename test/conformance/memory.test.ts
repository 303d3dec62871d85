import { describe, test } from 'vitest'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'

for (const partitions of [1, 4]) {
  storeConformance(`memory store, partitions ${partitions}`, async () => {
    const store = createMemoryStore({ partitions })
    return {
      partitions,
      open: async () => store,
      // Runtimes of one process share the store itself; closing it between them must take nothing away.
      reopen: async () => {
        await store.close()
        return store
      },
      teardown: () => store.close(),
    }
  }, { describe, test })
}
