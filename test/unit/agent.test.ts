import { agent, tool } from 'troupe/agents'
import type { AgentInput, AgentMachine, AgentOptions, Message } from 'troupe/agents'
import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import { calls, modelOf, words } from '../support/agent-models.ts'

const add = tool({ name: 'add', description: 'Adds.', input: z.object({ a: z.number(), b: z.number() }), run: ({ a, b }) => a + b })

const basic = (options: Partial<AgentOptions<unknown>> & Pick<AgentOptions, 'model'>): AgentMachine => agent({ name: 'helper', instructions: 'Help.', modelCall: { retry: 1 }, ...options } as AgentOptions<unknown>)

function run(machine: AgentMachine, input: AgentInput = { task: 'go' }) {
  const actor = createActor(machine, { input }).start()
  return { actor, output: toPromise(actor) }
}
const results = (messages: readonly Message[]) => messages.filter(message => message.role === 'tool').map(({ callId, result, isError }) => ({ callId, result, isError }))

describe('a task', () => {
  test('is done with the words of the model, and its usage', async () => {
    const model = Object.assign(modelOf(words('hello')), { modelId: 'tiny' })
    const { actor, output } = run(basic({ model, prices: { tiny: { input: 1, output: 2 } } }))
    expect(await output).toEqual({ kind: 'outcome', status: 'done', output: 'hello', reason: null, usage: { inputTokens: 10, outputTokens: 5, modelCalls: 1, toolCalls: 0, costUsd: 20e-6 } })
    expect(actor.getSnapshot().value).toBe('done')
    expect(model.requests[0]).toMatchObject({ instructions: 'Help.', messages: [{ role: 'user', content: 'go' }] })
  })

  test('calls tools in parallel and tells the model what came of them', async () => {
    const model = modelOf(calls(['add', { a: 1, b: 2 }], ['add', { a: 3, b: 4 }]), words('10'))
    const outcome = await run(basic({ model, tools: [add] })).output
    expect(outcome).toMatchObject({ status: 'done', output: '10', usage: { modelCalls: 2, toolCalls: 2 } })
    expect(results(model.requests[1]?.messages ?? [])).toEqual([{ callId: 'c1', result: 3, isError: false }, { callId: 'c2', result: 7, isError: false }])
  })
})
