import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('the third draft is good enough', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('title', 'test')
  await actor.start({ task: 'Lift-off' })
  assert.equal((await actor.result()).output, 'Lift-off!!')
})
