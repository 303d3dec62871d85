import { agent, tool } from 'troupe/agents'
import type { AgentInput, AgentMachine, AgentOptions, Message, Model } from 'troupe/agents'
import { describe, expect, test } from 'vitest'
import { SimulatedClock, createActor, setup, toPromise, waitFor } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { z } from 'zod'
import { calls, modelOf, words } from '../support/agent-models.ts'

const add = tool({ name: 'add', description: 'Adds.', input: z.object({ a: z.number(), b: z.number() }), run: ({ a, b }) => a + b })
const one: readonly [string, unknown] = ['add', { a: 1, b: 2 }]

const basic = (options: Partial<AgentOptions<unknown>> & Pick<AgentOptions, 'model'>): AgentMachine => agent({ name: 'helper', instructions: 'Help.', modelCall: { retry: 1 }, ...options } as AgentOptions<unknown>)

const realClock = { setTimeout, clearTimeout: (id: number) => clearTimeout(id) } as unknown as SimulatedClock

function run(machine: AgentMachine, input: AgentInput = { task: 'go' }, clock = new SimulatedClock()) {
  const actor = createActor(machine, { input, clock }).start()
  return { actor, clock, output: toPromise(actor), until: (state: string) => waitFor(actor, snapshot => snapshot.matches(state as never)) }
}
const results = (messages: readonly Message[]) => messages.filter(message => message.role === 'tool').map(({ callId, result, isError }) => ({ callId, result, isError }))
const lastWords = (messages: readonly Message[] = []) => messages.findLast(({ role }) => role === 'user')

describe('a task', () => {
  test('is done with the words of the model, and its usage', async () => {
    const model = Object.assign(modelOf(words('hello')), { modelId: 'tiny' })
    const { actor, output } = run(basic({ model, prices: { tiny: { input: 1, output: 2 } } }))
    expect(await output).toEqual({ kind: 'outcome', status: 'done', output: 'hello', reason: null, usage: { inputTokens: 10, outputTokens: 5, modelCalls: 1, toolCalls: 0, costUsd: 20e-6 } })
    expect(actor.getSnapshot().value).toBe('done')
    expect(model.requests[0]).toMatchObject({ instructions: 'Help.', messages: [{ role: 'user', content: 'go' }] })
  })

  test('calls tools in parallel and tells the model what came of them', async () => {
    const model = modelOf(calls(one, ['add', { a: 3, b: 4 }]), words('10'))
    const outcome = await run(basic({ model, tools: [add] })).output
    expect(outcome).toMatchObject({ status: 'done', output: '10', usage: { modelCalls: 2, toolCalls: 2 } })
    expect(results(model.requests[1]?.messages ?? [])).toEqual([{ callId: 'c1', result: 3, isError: false }, { callId: 'c2', result: 7, isError: false }])
  })

  test('gives instructions, tools and guardrails the data it was started with', async () => {
    const seen: unknown[] = []
    const who = tool({ name: 'who', description: 'Who asks.', input: z.object({}), run: (_input, { data }) => void seen.push(data) })
    const model = modelOf(calls(['who', {}]), words('Ann'))
    const machine = basic({ model, tools: [who], instructions: data => `Help ${(data as { name: string }).name}.`, guardrails: { input: [(_value, { data }) => { seen.push(data); return null }] } })
    expect(await run(machine, { task: 'who am I?', data: { name: 'Ann' } }).output).toMatchObject({ status: 'done' })
    expect(model.requests[0]?.instructions).toBe('Help Ann.')
    expect(seen).toEqual([{ name: 'Ann' }, { name: 'Ann' }])
  })

  test('goes on with a conversation that others have had', async () => {
    const model = modelOf(words('yes'))
    await run(basic({ model }), { messages: [{ role: 'user', content: 'Tea?' }, { role: 'assistant', content: 'Which?', toolCalls: [] }], task: 'Green.' }).output
    expect(model.requests[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
  })
})

describe('an answer that cannot be used', () => {
  test.each([
    ['an unknown tool', calls(['fly', {}]), "there is no tool 'fly'; there are: add"],
    ['wrong arguments', calls(['add', { a: 1 }]), 'the arguments of add are wrong: b: Invalid input: expected number, received undefined'],
    ['malformed JSON', { ...calls(), toolCalls: [{ id: 'c1', tool: 'add', input: null, malformed: '{"a":1,' }] }, 'the arguments are not JSON that can be kept'],
  ])('with %s goes back to the model, which mends it', async (_what, faulty, error) => {
    const model = modelOf(faulty, calls(one), words('3'))
    expect(await run(basic({ model, tools: [add] })).output).toMatchObject({ status: 'done', output: '3', usage: { toolCalls: 1 } })
    expect(results(model.requests[1]?.messages ?? [])).toEqual([{ callId: 'c1', result: { error }, isError: true }])
  })

  test('is mended so often and no more', async () => {
    let n = 0
    const model = modelOf(() => calls(['fly', { n: n++ }]))
    const { actor, output } = run(basic({ model, tools: [add], limits: { repairsMax: 2 } }))
    expect(await output).toMatchObject({ status: 'failed', reason: expect.stringContaining('could not mend its calls in 2 attempts'), usage: { modelCalls: 3 } })
    expect(actor.getSnapshot().value).toBe('failed')
  })

  test('is run where it is sound and mended where it is not', async () => {
    const model = modelOf(calls(one, ['add', {}]), words('3'))
    await run(basic({ model, tools: [add] })).output
    expect(results(model.requests[1]?.messages ?? [])).toMatchObject([{ callId: 'c2', isError: true }, { callId: 'c1', result: 3, isError: false }])
  })

  test('with calls under ids that were used before gets ids of its own', async () => {
    const model = modelOf(calls([...one, 'x'], ['add', { a: 2, b: 2 }, 'x'], ['add', { a: 3, b: 3 }, '']), calls(['add', { a: 4, b: 4 }, 'x']), words('ok'))
    await run(basic({ model, tools: [add] })).output
    expect(results(model.requests[2]?.messages ?? []).map(({ callId, result }) => [callId, result])).toEqual([['x', 3], ['x.1.1', 4], ['call.1.2', 6], ['x.2.0', 8]])
  })

  test('that says nothing is asked for again, and then the outcome is empty', async () => {
    const model = modelOf(words(' '))
    expect(await run(basic({ model, limits: { repairsMax: 2 } })).output).toMatchObject({ status: 'empty', usage: { modelCalls: 3 } })
    expect(lastWords(model.requests[1]?.messages)).toMatchObject({ content: expect.stringContaining('answered nothing') })
  })

  test('that was cut off or filtered is not taken for a whole one', async () => {
    expect(await run(basic({ model: modelOf({ ...words('Once upon'), finish: 'length' }) })).output).toMatchObject({ status: 'failed', output: 'Once upon', reason: expect.stringContaining('cut off') })
    expect(await run(basic({ model: modelOf({ ...words(''), finish: 'content-filter' }) })).output).toMatchObject({ status: 'blocked' })
  })

  test.each([['nothing', undefined], ['no text', { toolCalls: [] }], ['calls without a tool', { text: '', toolCalls: [{}] }]])('of a model that gives garbage (%s) fails with what is wrong', async (_what, garbage) => {
    expect(await run(basic({ model: (async () => garbage) as unknown as Model })).output).toMatchObject({ status: 'failed', reason: expect.stringContaining("the model's answer is none") })
  })
})

describe('structured output', () => {
  const output = z.object({ city: z.string(), at: z.coerce.date() })

  test('is read from JSON, also in a fence, and handed out as plain JSON', async () => {
    const model = modelOf(words('Here:\n```json\n{"city":"Bonn","at":"2026-01-02"}\n```'))
    expect(await run(basic({ model, output })).output).toMatchObject({ status: 'done', output: { city: 'Bonn', at: '2026-01-02T00:00:00.000Z' } })
    expect(model.requests[0]?.output).toMatchObject({ type: 'object', required: ['city', 'at'] })
  })

  test('that does not fit is mended, with what is wrong in view, so often and no more', async () => {
    const model = modelOf(words('Bonn'), words('{"city":1,"at":"2026-01-02"}'), words('{"city":"Bonn","at":"2026-01-02"}'))
    expect(await run(basic({ model, output })).output).toMatchObject({ status: 'done' })
    expect(lastWords(model.requests[2]?.messages)).toMatchObject({ content: expect.stringContaining('city: Invalid input: expected string') })
    expect(await run(basic({ model: modelOf(words('Bonn')), output, limits: { repairsMax: 1 } })).output).toMatchObject({ status: 'failed', output: 'Bonn', reason: expect.stringContaining('not JSON'), usage: { modelCalls: 2 } })
  })
})

describe('a tool', () => {
  const toolRun = async (options: Partial<Parameters<typeof tool>[0]>) => {
    const model = modelOf(calls(['it', {}]), words('ok'))
    const it = tool({ name: 'it', description: 'It.', input: z.object({}), run: () => 'done', ...options })
    expect(await run(basic({ model, tools: [it] }), undefined, realClock).output).toMatchObject({ status: 'done' })
    return results(model.requests[1]?.messages ?? [])[0]
  }

  test('that throws is an error that the model is told', async () => {
    expect(await toolRun({ run: () => { throw new Error('out of paper') } })).toMatchObject({ isError: true, result: { error: 'out of paper' } })
  })

  test('that gives 50 MB is refused, and the model told how much is too much', async () => {
    expect(await toolRun({ run: () => 'x'.repeat(50 << 20) })).toMatchObject({ isError: true, result: { error: expect.stringContaining('the limit is 262144') } })
    expect(await toolRun({ run: () => ['ü'.repeat(60)], resultBytesMax: 100 })).toMatchObject({ isError: true, result: { error: expect.stringContaining('has 124 bytes') } })
  })

  test('that gives what is no JSON, or not what it promised, is an error that the model is told', async () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect(await toolRun({ run: () => cycle })).toMatchObject({ isError: true, result: { error: expect.stringContaining('JSON') } })
    expect(await toolRun({ run: () => 7, output: z.string() })).toMatchObject({ isError: true, result: { error: expect.stringContaining('expected string') } })
    expect(await toolRun({ run: () => undefined })).toMatchObject({ isError: false, result: null })
    expect(await toolRun({ run: () => ({ at: new Date(0) }) })).toMatchObject({ isError: false, result: { at: '1970-01-01T00:00:00.000Z' } })
  })

  test('is tried again only where that was asked for', async () => {
    let attempts = 0
    const flaky = () => { if (++attempts < 3) throw new Error('not yet'); return attempts }
    expect(await toolRun({ run: flaky })).toMatchObject({ isError: true })
    attempts = 0
    expect(await toolRun({ run: flaky, retry: { attempts: 3, baseMs: 0 } })).toMatchObject({ isError: false, result: 3 })
  })

  test('called again and again with the same input is a loop', async () => {
    const { actor, output } = run(basic({ model: modelOf(calls(one)), tools: [add], limits: { repeatsMax: 4 } }))
    expect(await output).toMatchObject({ status: 'failed', reason: 'loops: it has called add 4 times with the same input', usage: { modelCalls: 4, toolCalls: 3 } })
    expect(results(actor.getSnapshot().context.messages)).toHaveLength(4)
  })

  test('with a name or options that cannot be is refused when it is made', () => {
    expect(() => tool({ name: 'a b', description: '', input: z.object({}), run: () => 1 })).toThrow("tool 'a b'")
    expect(() => tool({ name: 'pay', description: '', input: z.object({}), run: () => 1, idempotent: false, retry: 3 })).toThrow('cannot be tried again')
    expect(() => basic({ model: modelOf(words('')), tools: [add, add] })).toThrow('same name')
    expect(() => basic({ model: modelOf(words('')), budget: { turnsMax: 0 } })).toThrow("agent 'helper': turnsMax must be a positive number, not 0")
  })
})

describe('budgets', () => {
  test('of model calls, tokens and cost are looked at before the call', async () => {
    let n = 0
    const busy = () => Object.assign(modelOf(() => calls(['add', { a: n++, b: 0 }])), { modelId: 'm' })
    const prices = { m: { input: 1e6, output: 1e6 } }
    const { actor, output } = run(basic({ model: busy(), tools: [add], budget: { turnsMax: 3 } }))
    expect(await output).toMatchObject({ status: 'out-of-budget', reason: expect.stringContaining('turnsMax'), usage: { modelCalls: 3, toolCalls: 3 } })
    expect(actor.getSnapshot().value).toBe('outOfBudget')
    expect(await run(basic({ model: busy(), tools: [add], budget: { tokensMax: 50 } })).output).toMatchObject({ status: 'out-of-budget', usage: { modelCalls: 3, inputTokens: 30, outputTokens: 15 } })
    expect(await run(basic({ model: busy(), tools: [add], prices, budget: { costUsdMax: 20 } })).output).toMatchObject({ status: 'out-of-budget', usage: { modelCalls: 2, costUsd: 30 } })
  })

  test('exceeded in mid-turn stop the turn: its tools do not run', async () => {
    const { actor, output } = run(basic({ model: modelOf(calls(one)), tools: [add], budget: { tokensMax: 12 } }))
    expect(await output).toMatchObject({ status: 'out-of-budget', usage: { modelCalls: 1, toolCalls: 0 } })
    expect(results(actor.getSnapshot().context.messages)).toMatchObject([{ callId: 'c1', isError: true, result: { error: expect.stringContaining('budget') } }])
  })

  test('exceeded by the last answer do not take it back', async () => {
    expect(await run(basic({ model: modelOf(words('long')), budget: { tokensMax: 12 } })).output).toMatchObject({ status: 'done', output: 'long' })
  })

  test('of time end the work wherever it is, and leave no call without a result', async () => {
    const never = tool({ name: 'never', description: 'Never ends.', input: z.object({}), run: () => new Promise(() => undefined) })
    const { actor, clock, output, until } = run(basic({ model: modelOf(calls(['never', {}])), tools: [never], budget: { wallMs: 5_000 } }))
    await until('acting')
    clock.increment(5_000)
    expect(await output).toMatchObject({ status: 'out-of-budget', reason: expect.stringContaining('wallMs') })
    expect(results(actor.getSnapshot().context.messages)).toMatchObject([{ callId: 'c1', isError: true }])
  })

  test('count what failed attempts have used', async () => {
    const broken = Object.assign(new Error('broke off'), { usage: { inputTokens: 7, outputTokens: 1 } })
    expect(await run(basic({ model: modelOf(broken, words('ok')), modelCall: { retry: { attempts: 2, baseMs: 0 } } }), undefined, realClock).output).toMatchObject({ status: 'done', usage: { inputTokens: 17, outputTokens: 6 } })
    expect(await run(basic({ model: modelOf(broken) })).output).toMatchObject({ status: 'failed', reason: 'the model: broke off', usage: { inputTokens: 7, outputTokens: 1, modelCalls: 1 } })
  })
})

describe('guardrails', () => {
  const noSwearing = (value: unknown) => (/damn/.test(String(value)) ? 'swearing' : null)

  test('refuse what comes in, before any model call', async () => {
    const model = modelOf(words('fine'))
    const { actor, output } = run(basic({ model, guardrails: { input: [noSwearing] } }), { task: 'damn it' })
    expect(await output).toMatchObject({ status: 'blocked', output: null, reason: 'input guardrail: noSwearing: swearing' })
    expect(actor.getSnapshot().value).toBe('blocked')
    expect(model.requests).toEqual([])
  })

  test('refuse what goes out, and let the rest pass', async () => {
    const guardrails = { input: [noSwearing], output: [async (value: unknown) => noSwearing(value)] }
    expect(await run(basic({ model: modelOf(words('damn')), guardrails })).output).toMatchObject({ status: 'blocked', output: null, usage: { modelCalls: 1 } })
    expect(await run(basic({ model: modelOf(words('fine')), guardrails })).output).toMatchObject({ status: 'done', output: 'fine' })
  })

  test('that fail let nothing pass', async () => {
    const { clock, output } = run(basic({ model: modelOf(words('fine')), guardrails: { output: [() => { throw new Error('no net') }] } }))
    for (let attempt = 0; attempt < 5; attempt++) {
      await new Promise(setImmediate)
      clock.increment(60_000)
    }
    expect(await output).toMatchObject({ status: 'failed', output: null, reason: 'a guardrail failed: no net' })
  })
})

describe('a handoff', () => {
  const handoffs = [{ to: 'billing', description: 'Knows invoices.' }, { to: 'sales' }]

  test('ends the task, with whom, why and the conversation', async () => {
    const model = modelOf(calls(['transfer_to_billing', { reason: 'an invoice' }]))
    const { actor, output } = run(basic({ model, handoffs }))
    expect(await output).toMatchObject({ status: 'handed-off', output: { to: 'billing', reason: 'an invoice', messages: [{ role: 'user' }, { role: 'assistant' }, { role: 'tool', isError: false }] } })
    expect(actor.getSnapshot().value).toBe('handedOff')
    expect(model.requests[0]?.tools.map(({ name }) => name)).toEqual(['transfer_to_billing', 'transfer_to_sales'])
  })

  test('is exclusive: no other call of the same answer runs', async () => {
    const { actor, output } = run(basic({ model: modelOf(calls(one, ['transfer_to_billing', {}], ['transfer_to_sales', {}])), tools: [add], handoffs }))
    expect(await output).toMatchObject({ status: 'handed-off', output: { to: 'billing' }, usage: { toolCalls: 0 } })
    expect(results(actor.getSnapshot().context.messages).map(({ callId, isError }) => [callId, isError])).toEqual([['c2', false], ['c1', true], ['c3', true]])
  })

  test('to an agent that does not exist is an error that the model can mend', async () => {
    const model = modelOf(calls(['transfer_to_nobody', {}]), words('I cannot.'))
    expect(await run(basic({ model, handoffs })).output).toMatchObject({ status: 'done' })
    expect(results(model.requests[1]?.messages ?? [])).toMatchObject([{ isError: true, result: { error: "there is no tool 'transfer_to_nobody'; there are: transfer_to_billing, transfer_to_sales" } }])
  })

  test('of a session is told to its parent, and the session waits again', async () => {
    const told: unknown[] = []
    const desk = setup({ actors: { triage: basic({ model: modelOf(words('Hello.'), calls(['transfer_to_billing', {}])), handoffs }) } }).createMachine({
      invoke: { id: 'triage', src: 'triage', input: { reports: true } },
      on: { 'agent.*': { actions: ({ event }) => void told.push(event) } },
    })
    const parent = createActor(desk).start()
    const child = parent.getSnapshot().children['triage'] as AnyActorRef
    child.send({ type: 'user.message', content: 'hi' })
    child.send({ type: 'user.message', content: 'my invoice' })
    await waitFor(parent, () => told.length === 2)
    expect(told).toMatchObject([{ type: 'agent.answered', agent: 'helper', outcome: { status: 'done', output: 'Hello.' } }, { type: 'agent.handed-off', agent: 'helper', to: 'billing', messages: { length: 5 } }])
    expect(child.getSnapshot()).toMatchObject({ value: 'idle' })
    child.send({ type: 'agent.end' })
    expect(child.getSnapshot()).toMatchObject({ value: 'ended' })
    expect(told, 'what was told when it was done').toHaveLength(2)
  })

  test('takes as much of the conversation along as it may, from the end', async () => {
    const messages = Array.from({ length: 30 }, (_, index): Message => ({ role: 'user', content: `${index} ${'x'.repeat(100_000)}` }))
    const outcome = await run(basic({ model: modelOf(calls(['transfer_to_billing', {}])), handoffs }), { task: 'go', messages }).output
    const { messages: passed } = outcome.output as unknown as { messages: readonly Message[] }
    expect(passed.at(-1)).toMatchObject({ role: 'tool', result: 'handed over to billing' })
    expect(JSON.stringify(passed).length).toBeLessThan(512 << 10)
    expect(passed.length).toBeGreaterThan(5)
  })

  test('may be to any agent, by a name that every provider takes', async () => {
    const model = modelOf(calls(['transfer_to_desk_eu', {}]))
    expect(await run(basic({ model, handoffs: ['desk.eu'] })).output).toMatchObject({ status: 'handed-off', output: { to: 'desk.eu' } })
    expect(model.requests[0]?.tools.map(({ name }) => name)).toEqual(['transfer_to_desk_eu'])
  })

  test.each([[['a', 'a']], [['a.b', 'a_b']], [['a b']], [['x'.repeat(64)]]])('that cannot be told from another, or has no name, is refused when it is made', named => {
    expect(() => basic({ model: modelOf(), handoffs: named })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  })
})

describe('memory', () => {
  const told: readonly Message[] = Array.from({ length: 5 }, (_, n): Message[] => [
    { role: 'user', content: `question ${n}` },
    { role: 'assistant', content: '', toolCalls: [{ id: `c${n}`, tool: 'add', input: {} }] },
    { role: 'tool', callId: `c${n}`, tool: 'add', result: n, isError: false },
    { role: 'assistant', content: `answer ${n}`, toolCalls: [] },
  ]).flat()
  const seen = async (memory: NonNullable<AgentOptions['memory']>) => {
    const model = modelOf(words('ok'))
    const { actor, output } = run(basic({ model, memory }), { messages: told, task: 'now' })
    await output
    expect(actor.getSnapshot().context.messages).toHaveLength(22)
    return model.requests
  }

  test('keeps a window, which begins with what the user has said', async () => {
    expect((await seen({ kind: 'window', messagesMax: 4 }))[0]?.messages).toHaveLength(1)
    expect((await seen({ kind: 'window', messagesMax: 6 }))[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user'])
  })

  test('keeps a window of tokens, by an estimate of yours too', async () => {
    expect((await seen({ kind: 'tokens', tokensMax: 11, estimate: () => 2 }))[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user'])
    expect((await seen({ kind: 'tokens', tokensMax: 100 }))[0]?.messages.length).toBeLessThan(8)
  })

  test('never hides what the user has asked', async () => {
    const model = modelOf(calls(one), calls(['add', { a: 2, b: 2 }]), words('ok'))
    await run(basic({ model, tools: [add], memory: { kind: 'window', messagesMax: 2 } })).output
    expect(model.requests[2]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
  })

  test('sums up what is old by a model call of its own, which counts', async () => {
    const summariser = modelOf(words('five questions'))
    const model = modelOf(words('ok'))
    const { actor, output } = run(basic({ model, memory: { kind: 'summarise', messagesMax: 10, keep: 6, model: summariser } }), { messages: told, task: 'now' })
    expect(await output).toMatchObject({ status: 'done', usage: { modelCalls: 2, inputTokens: 20 } })
    expect(actor.getSnapshot().context.summary).toEqual({ text: 'five questions', upTo: 16 })
    expect(model.requests[0]?.messages.map(message => ('content' in message ? message.content : message.role))).toEqual([expect.stringContaining('five questions'), 'question 4', '', 'tool', 'answer 4', 'now'])
    expect(summariser.requests[0]?.messages[0]).toMatchObject({ content: expect.stringContaining('user: question 0\n\nassistant: \n[calls add {}]\n\nadd: 0') })
  })

  test('takes a view of yours', async () => {
    expect((await seen({ kind: 'custom', view: messages => messages.slice(-1) }))[0]?.messages).toEqual([{ role: 'user', content: 'now' }])
  })
})

describe('approval', () => {
  const pay = tool({ name: 'pay', description: 'Pays.', input: z.object({ cents: z.number() }), needsApproval: ({ cents }) => cents > 100, run: ({ cents }) => `paid ${cents}` })
  const ten = calls(...Array.from({ length: 10 }, (_, n): readonly [string, unknown] => ['pay', { cents: n === 4 ? 500 : n }]))

  test('of one call in ten: nine run, the tenth waits, and runs once it is approved', async () => {
    const model = modelOf(ten, words('ok'))
    const { actor, output, until } = run(basic({ model, tools: [pay] }))
    await until('awaitingApproval')
    expect(results(actor.getSnapshot().context.messages)).toHaveLength(9)
    expect(actor.getSnapshot().context.calls).toEqual([{ id: 'c5', tool: 'pay', input: { cents: 500 }, state: 'awaiting' }])
    actor.send({ type: 'approval.decide', callId: 'c5', approve: true })
    expect(await output).toMatchObject({ status: 'done', usage: { toolCalls: 10, modelCalls: 2 } })
    expect(results(model.requests[1]?.messages ?? []).at(-1)).toEqual({ callId: 'c5', result: 'paid 500', isError: false })
  })

  test('that is refused is told to the model, with who and why', async () => {
    const model = modelOf(calls(['pay', { cents: 500 }]), words('ok'))
    const { actor, output, until } = run(basic({ model, tools: [pay] }))
    await until('awaitingApproval')
    actor.send({ type: 'approval.decide', callId: 'c1', approve: false, by: 'ann', reason: 'too much' })
    expect(await output).toMatchObject({ status: 'done', usage: { toolCalls: 0 } })
    expect(results(model.requests[1]?.messages ?? [])).toEqual([{ callId: 'c1', result: { error: 'rejected by ann: too much' }, isError: true }])
  })

  test('that nobody gives in time counts as refused', async () => {
    const model = modelOf(calls(['pay', { cents: 500 }]), words('ok'))
    const { clock, output, until } = run(basic({ model, tools: [pay], approvals: { timeoutMs: 60_000 } }))
    await until('awaitingApproval')
    clock.increment(60_000)
    expect(await output).toMatchObject({ status: 'done', usage: { toolCalls: 0 } })
    expect(results(model.requests[1]?.messages ?? [])).toMatchObject([{ isError: true, result: { error: 'rejected: nobody has decided on it in time' } }])
  })

  test('is needed where the predicate cannot tell', async () => {
    const odd = tool({ name: 'odd', description: 'Odd.', input: z.object({}), needsApproval: () => { throw new Error('no idea') }, run: () => 1 })
    await run(basic({ model: modelOf(calls(['odd', {}])), tools: [odd] })).until('awaitingApproval')
  })
})
