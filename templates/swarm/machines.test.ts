import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('the highest number reaches everybody', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('gossip', 'test')
  await actor.start({})
  const { output } = await actor.result({ timeout: 60_000 })
  assert.equal(output?.ended, 'quiescent')
  assert.equal(output.board['best']?.value, 1999)
})
