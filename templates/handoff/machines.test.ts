import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import type { Outcome } from 'troupe/agents'
import { machines } from './machines.ts'

test('the customer ends up with billing', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('desk', 'test')
  await actor.start()
  const { reply } = await actor.ask({ type: 'user.message', content: 'My bill is wrong' }, { until: 'reply', timeout: 30_000 })
  assert.equal((reply as Outcome).output, 'Your bill is corrected.')
  assert.ok((await actor.snapshot()).tags.has('billing'))
})
