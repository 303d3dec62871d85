import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from 'troupe'
import { machines } from './machines.ts'

test('an order is paid, approved and shipped', async t => {
  const runtime = await createRuntime({ machines, store: 'memory:' })
  t.after(() => runtime.close())
  const actor = runtime.actor('order', 'test')
  await actor.start({ cents: 1200 })
  await actor.send({ type: 'PAY' })
  await actor.waitFor(({ value }) => value === 'checking')
  const [asked] = (await runtime.client().listApprovals({})).approvals
  assert.ok(asked)
  await runtime.client().decide({ id: asked.id, approve: true, by: 'ann', revision: asked.revision })
  assert.equal(await actor.result(), 'receipt 1200')
})
