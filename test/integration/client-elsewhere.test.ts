import { createRuntime } from 'troupe'
import { createMemoryStore } from 'troupe/testing'
import { clientConformance } from '../support/client-conformance.ts'
import { clientMachines } from '../support/client-machines.ts'

/** About half of what it asks is done by the other node. */
clientConformance('of a node that shares the partitions with another one', async () => {
  const store = createMemoryStore({ partitions: 8, shared: true })
  const options = { machines: clientMachines, store, onError: () => undefined }
  const owner = await createRuntime(options)
  const runtime = await createRuntime(options)
  return {
    runtime,
    client: caller => runtime.client(caller),
    async [Symbol.asyncDispose]() {
      await runtime.close()
      await owner.close()
    },
  }
})
