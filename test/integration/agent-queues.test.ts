import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import { agent, tool } from 'troupe/agents'
import type { AgentMachine } from 'troupe/agents'
import { createWorker } from 'troupe/worker'
import { z } from 'zod'
import { calls, modelOf, words } from '../support/agent-models.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** The same agent in two processes: where its model and its tool run is what they say. */
function helperAt(place: string): AgentMachine {
  const where = tool({ name: 'where', description: 'Where it runs.', input: z.object({}), queue: 'io', run: (_input, { data }) => ({ place, data }) })
  const model = modelOf(calls(['where', {}]), ({ messages }) => words(`${place}: ${JSON.stringify(messages.at(-1))}`))
  return agent({ name: 'helper', instructions: 'Help.', model, tools: [where], modelCall: { queue: 'llm' } })
}

test('models and tools with a queue run in the workers that serve it, with all they need', async () => {
  const store = `${redis.url}?prefix=test-${randomUUID()}`
  await using runtime = await createRuntime({ machines: { helper: helperAt('here') }, store })
  await using _worker = await createWorker({ store, machines: { helper: helperAt('there') }, queues: { llm: {}, io: {} } })
  const actor = runtime.actor('helper', '1')
  await actor.start({ task: 'go', data: { user: 'ann' } })
  const { status, output } = await actor.result()
  expect(status).toBe('done')
  expect(output).toContain('there: {"role":"tool"')
  expect(output).toContain('"result":{"place":"there","data":{"user":"ann"}}')
})
