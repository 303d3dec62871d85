import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('the squares are added up', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('squares', 'test')
  await actor.start({ task: [1, 2, 3, 4] })
  assert.equal((await actor.result()).output, 30)
})
