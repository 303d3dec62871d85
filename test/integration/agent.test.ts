import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agent } from 'troupe/agents'
import type { AgentMachine } from 'troupe/agents'
import { createTestWorld } from 'troupe/testing'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { modelOf, words } from '../support/agent-models.ts'
import { makeTempDir } from '../support/temp-dir.ts'

let folder: string
let files = 0
beforeAll(async () => void (folder = await makeTempDir()))
afterAll(() => rm(folder, { recursive: true, force: true }))

const worldOf = async (helper: AgentMachine) => createTestWorld({ machines: { helper }, store: await openSqliteStore({ path: join(folder, `${++files}.db`) }) })

test('a session answers each ask with the outcome of its own turn, also when others wait or do not ask', async () => {
  const model = modelOf(request => words(`re: ${String((request.messages.findLast(({ role }) => role === 'user') as { content: string }).content)}`))
  await using world = await worldOf(agent({ name: 'helper', instructions: 'Help.', model }))
  const actor = world.runtime.actor('helper', '1')
  await actor.start()
  const asked = actor.ask({ type: 'user.message', content: 'one' }, { until: 'reply' })
  const told = actor.send({ type: 'user.message', content: 'two' })
  const askedToo = actor.ask({ type: 'user.message', content: 'three' }, { until: 'reply' })
  await told
  expect((await asked).reply).toMatchObject({ status: 'done', output: 're: one' })
  expect((await askedToo).reply).toMatchObject({ status: 'done', output: 're: three' })
})
