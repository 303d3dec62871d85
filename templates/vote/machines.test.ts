import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import type { VoteResult } from 'troupe/patterns'
import { machines } from './machines.ts'

test('a tie is broken', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('release', 'test')
  await actor.start({ task: 'release 1.0?' })
  const { output } = await actor.result()
  assert.equal((output as VoteResult).choice, 'wait')
})
