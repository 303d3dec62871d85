import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('every member has counted', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('measure', 'test')
  await actor.start({ task: 'the rain in spain' })
  assert.equal((await actor.result()).output, '6 vowels, 4 words, 14 letters')
})
