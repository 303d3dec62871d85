import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('all sources are read and cited', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('study', 'test')
  await actor.start({ task: { question: 'What floats?', sources: ['a.md', 'b.md', 'c.md'] } })
  const { output } = await actor.result()
  assert.match(JSON.stringify(output), /Wood floats/)
  assert.match(JSON.stringify(output), /c\.md/)
})
