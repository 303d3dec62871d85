import { test } from 'vitest'
import { TroupeError, createRuntime } from 'troupe'
import type { Runtime, Store } from 'troupe'
import { createMemoryStore } from 'troupe/testing'
import { assign, setup } from 'xstate'
import { waitUntil } from '../support/processes.ts'

test('a partition that is lost while it is handed over, with more in its inbox than a batch takes, is let go', async () => {
  const note = setup({ types: { context: {} as { readonly notes: number } } }).createMachine({ context: { notes: 0 }, on: { NOTE: { actions: assign({ notes: ({ context }) => context.notes + 1 }) } } })
  const store = createMemoryStore({ partitions: 8, shared: true })
  const asked = Promise.withResolvers<void>()
  let isLost = false
  const commit: Store['commit'] = async (...args) => {
    if (!isLost) return store.commit(...args)
    await asked.promise
    // A turn for everything else: what never ends must not keep the test from ending.
    await new Promise(setImmediate)
    throw new TroupeError('lease/stale', 'another node has the partition')
  }
  const options = { machines: { note }, limits: { batchStepsMax: 4 }, onError: () => undefined }
  const first = await createRuntime({ ...options, store: { ...store, commit } })
  // Takes no part in the sharing.
  await using guest = await createRuntime({ ...options, store: Object.assign({}, store, { members: undefined }) as Store })
  const actors = Array.from({ length: 40 }, (_, key) => `note/${key}`)
  await Promise.all(actors.map(address => first.at(address).start()))

  isLost = true
  const send = (through: Runtime) => actors.flatMap(address => Array.from({ length: 3 }, () => through.at(address).send({ type: 'NOTE' })))
  const local = send(first as Runtime)
  await Promise.all(send(guest as Runtime))
  const second = await createRuntime({ ...options, store })
  await waitUntil('the first node hands over', () => first.health().counters.handovers > 0)
  asked.resolve()
  await Promise.all(local)
  isLost = false
  await first.close()
  await waitUntil('everything is noted once', async () => (await Promise.all(actors.map(address => second.at(address).snapshot()))).every(({ context }) => (context as { notes: number }).notes === 6))
  await second.close()
}, 10_000)
