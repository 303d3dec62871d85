import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('the stages follow each other', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('report', 'test')
  await actor.start({ task: '3 apples and 4 pears' })
  assert.equal((await actor.result()).output, 'There are 7.')
})
