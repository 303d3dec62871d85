import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('the manager asks both experts and answers', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('desk', 'test')
  await actor.start({ task: 'Buy it?' })
  const { status, output } = await actor.result()
  assert.equal(status, 'done')
  assert.equal(output, 'It is allowed. It is too dear.')
})
