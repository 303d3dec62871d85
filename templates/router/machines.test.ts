import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('an invoice goes to billing', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('desk', 'test')
  await actor.start({ task: 'my invoice' })
  assert.equal((await actor.result()).output, 'billing: my invoice')
})
