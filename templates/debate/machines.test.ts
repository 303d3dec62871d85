import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('they meet in the middle', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('price', 'test')
  await actor.start({ task: 'What is it worth?' })
  assert.equal((await actor.result()).output, 80)
})
