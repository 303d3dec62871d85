import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('the agent looks at the weather and answers', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('helper', 'test')
  await actor.start({ task: 'What do I wear in Lisbon today?' })
  const { status, output, usage } = await actor.result()
  assert.equal(status, 'done')
  assert.match(String(output), /jacket/)
  assert.equal(usage.toolCalls, 1)
})
