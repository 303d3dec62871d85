import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('the chair answers when the letters have gone round', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('council', 'test')
  await actor.start({ task: 'Buy it?' })
  assert.equal((await actor.result()).output, 'law says: cheap, and allowed')
})
