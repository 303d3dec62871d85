import { agent, tool } from 'troupe/agents'
import type { AgentOptions, Message, Model } from 'troupe/agents'
import { mapReduce, parallel, supervisor } from 'troupe/patterns'
import type { Briefing, Decision } from 'troupe/patterns'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { calls, modelOf, words } from '../support/agent-models.ts'
import { createSqliteWorld } from '../support/sqlite-world.ts'

/** What models, tools and people do that they must not: a clear outcome each, on the runtime itself. */

const NAMES = Array.from({ length: 10 }, (_, index) => `t${index}`)
const tools = NAMES.map(name => tool({ name, description: name, input: z.unknown(), needsApproval: name === 't9', run: given => given }))
const throws = tool({ name: 'throws', description: '', input: z.unknown(), run: () => { throw new Error('out of paper') } })
const large = tool({ name: 'large', description: '', input: z.unknown(), run: () => 'x'.repeat(50_000_000) })
const never = tool({ name: 'never', description: '', input: z.unknown(), timeoutMs: 1_000, run: () => new Promise(() => undefined) })

const worker = (model: Model, options: Partial<AgentOptions> = {}) => agent({ name: 'worker', instructions: 'Work.', model, tools: [...tools, throws, large, never], modelCall: { timeoutMs: 1_000, retry: { attempts: 2, baseMs: 1 } }, ...options })

async function comesTo(machine: ReturnType<typeof worker>) {
  await using world = await createSqliteWorld({ worker: machine })
  const actor = world.runtime.actor('worker', '1')
  await actor.start({ task: 'go' })
  const result = actor.result()
  await world.advance(10_000)
  const outcome = await result
  expect(await world.runtime.deadLetters.list()).toEqual([])
  return { outcome, messages: (await actor.snapshot()).context.messages }
}

const told = (messages: readonly Message[]) => messages.flatMap(message => (message.role === 'tool' ? [message.isError ? (message.result as { error: string }).error : message.result] : []))

test.each<[string, Model, Partial<AgentOptions>, object, readonly unknown[]]>([
  ['times out', () => new Promise(() => undefined), {}, { status: 'failed', reason: 'the model: the attempt took longer than 1000 ms' }, []],
  ['streams garbage', async (_request, { onText }) => { onText('\uFFFD{"'); return { nonsense: 1 } as never }, {}, { status: 'failed', reason: expect.stringContaining("the model's answer is none") }, []],
  ['says 50 MB', modelOf(words('x'.repeat(50_000_000))), {}, { status: 'failed', reason: expect.stringContaining('bytes, the limit') }, []],
  ['calls an unknown tool, and mends it', modelOf(calls(['nope', {}]), words('ok')), { tools: tools.slice(0, 1) }, { status: 'done', output: 'ok' }, ["there is no tool 'nope'; there are: t0"]],
  ['calls an unknown tool again and again', modelOf(calls(['nope', {}])), {}, { status: 'failed', reason: expect.stringMatching(/loops|could not mend/) }, [expect.anything(), expect.anything(), expect.anything(), expect.anything()]],
  ['hands off to an agent that does not exist', modelOf(calls(['transfer_to_nobody', {}]), words('ok')), { handoffs: ['billing'], tools: [] }, { status: 'done', output: 'ok' }, ["there is no tool 'transfer_to_nobody'; there are: transfer_to_billing"]],
  ['hands off and calls a tool in the same turn', modelOf(calls(['t0', 1], ['transfer_to_billing', { reason: 'a bill' }])), { handoffs: ['billing'] }, { status: 'handed-off', output: { to: 'billing', reason: 'a bill' }, usage: { toolCalls: 0 } }, ['handed over to billing', 'not carried out: the conversation was handed over in the same answer']],
  ['loops', modelOf(calls(['t0', 1])), {}, { status: 'failed', reason: 'loops: it has called t0 5 times with the same input' }, [1, 1, 1, 1, 'not carried out: the same call again']],
  ['loops with other inputs', modelOf(request => calls(['t0', request.messages.length])), { budget: { turnsMax: 3 } }, { status: 'out-of-budget', reason: expect.stringContaining('turnsMax'), usage: { modelCalls: 3 } }, [1, 3, 5]],
  ['answers nothing', modelOf(words('')), {}, { status: 'empty', reason: expect.stringContaining('answered nothing') }, []],
  ['exceeds the budget in mid-turn', modelOf({ ...calls(['t0', 1], ['t1', 2]), usage: { inputTokens: 900, outputTokens: 200 } }), { budget: { tokensMax: 1_000 } }, { status: 'out-of-budget', reason: expect.stringContaining('1100 tokens'), usage: { toolCalls: 0 } }, ['not carried out: the budget is used up', 'not carried out: the budget is used up']],
  ['calls a tool that throws', modelOf(calls(['throws', {}]), words('ok')), {}, { status: 'done' }, ['out of paper']],
  ['calls a tool that gives 50 MB', modelOf(calls(['large', {}]), words('ok')), {}, { status: 'done' }, [expect.stringContaining('50000000 bytes or more, the limit is 262144')]],
  ['calls a tool that never returns', modelOf(calls(['never', {}]), words('ok')), {}, { status: 'done' }, ['the attempt took longer than 1000 ms']],
])('a model that %s', async (_what, model, options, expected, results) => {
  const { outcome, messages } = await comesTo(worker(model, options))
  expect(outcome).toMatchObject(expected)
  expect(told(messages)).toEqual(results)
})

test('ten tools of which one needs approval: nine run, the tenth waits, across a crash, for one decision of the right person in time', async () => {
  const ran: string[] = []
  const counted = NAMES.map(name => tool({ name, description: name, input: z.unknown(), needsApproval: name === 't9', run: () => void ran.push(name) }))
  const model = modelOf(calls(...NAMES.map(name => [name, 1, name] as const)), words('all'))
  await using world = await createSqliteWorld({ worker: worker(model, { tools: counted, approvals: { approvers: ['ann'], timeoutMs: 60_000 } }) })
  const actor = () => world.runtime.actor('worker', '1')
  const decide = async (by: string, approve: boolean) => (await actor().ask({ type: 'approval.decide', callId: 't9', approve, by }, { until: 'reply' })).reply
  await actor().start({ task: 'go' })
  await world.settle()
  await world.crash()
  await world.restart()
  await world.settle()
  expect(await actor().snapshot()).toMatchObject({ value: 'awaitingApproval', context: { calls: [{ id: 't9', state: 'awaiting' }] } })
  expect(ran.toSorted()).toEqual(NAMES.slice(0, 9))
  expect(await decide('eve', true)).toEqual({ accepted: false, reason: 'eve may not decide on t9' })
  const [first, second] = await Promise.all([decide('ann', true), decide('ann', false)])
  expect([first, second]).toEqual([{ accepted: true }, { accepted: false, reason: expect.stringContaining("no call 't9' waits") as string }])
  expect(await actor().result()).toMatchObject({ status: 'done', usage: { toolCalls: 10 } })
  expect(ran.filter(name => name === 't9')).toHaveLength(1)
})

test('an approval that expires halts the call, and comes too late afterwards', async () => {
  const model = modelOf(calls(['t9', 1, 't9']), request => words(JSON.stringify(request.messages.at(-1))))
  await using world = await createSqliteWorld({ worker: worker(model, { approvals: { timeoutMs: 60_000 } }) })
  await world.runtime.actor('worker', '1').start()
  await world.runtime.actor('worker', '1').send({ type: 'user.message', content: 'go' })
  await world.advance(61_000)
  expect((await world.runtime.actor('worker', '1').ask({ type: 'approval.decide', callId: 't9', approve: true }, { until: 'reply' })).reply).toMatchObject({ accepted: false, reason: expect.stringContaining('has expired') as string })
  const { context } = await world.runtime.actor('worker', '1').snapshot()
  expect(context.ending).toMatchObject({ status: 'done', output: expect.stringContaining('nobody has decided on it in time') as string })
  expect(context.usage.toolCalls).toBe(0)
})

const delegate = ({ members, turn, reports }: Briefing): Decision => (turn === 1 ? { kind: 'delegate', tasks: members.map(({ name }) => ({ member: name, task: 'x' })) } : { kind: 'finish', answer: reports.map(({ reason }) => reason) })

test('a pattern that is its own member ends where it is too deep, and says that it may be a cycle', async () => {
  await using world = await createSqliteWorld({ round: supervisor({ name: 'round', manager: delegate, members: { self: 'round' }, onFailure: 'fail', limits: { depthMax: 3 } }), each: parallel({ name: 'each', members: ['each'], limits: { depthMax: 3 } }) })
  for (const name of ['round', 'each'] as const) {
    await world.runtime.actor(name, '1').start({ task: 'x' })
    expect(await world.runtime.actor(name, '1').result(), name).toMatchObject({ status: 'failed', reason: expect.stringContaining('the limit depthMax is 3: is there a cycle?') as string })
  }
})

test('a pattern with a member that nobody has registered is refused before anything runs', async () => {
  await expect(createSqliteWorld({ crew: parallel({ name: 'crew', members: ['ghost'] }) })).rejects.toMatchObject({ code: 'machine/unknown', message: expect.stringContaining("no machine 'ghost' is registered") as string })
})

test('work for a member that there is not, and for 10,000 of them, is an outcome that says so', async () => {
  const crew = (tasks: number) => supervisor({ name: 'crew', manager: () => ({ kind: 'delegate', tasks: Array.from({ length: tasks }, () => ({ member: tasks > 1 ? 'ann' : 'ghost', task: 1 })) }), members: { ann: worker(modelOf(words('hi'))) } })
  await using world = await createSqliteWorld({ one: crew(1), many: crew(10_000), all: mapReduce({ name: 'all', map: worker(modelOf(words('hi'))) }) })
  await world.runtime.actor('one', '1').start({ task: 'x' })
  await world.runtime.actor('many', '1').start({ task: 'x' })
  await world.runtime.actor('all', '1').start({ task: Array.from({ length: 10_000 }, (_, index) => index) })
  expect(await world.runtime.actor('one', '1').result()).toMatchObject({ status: 'failed', reason: expect.stringContaining("there is no member 'ghost'; the members are ann") as string })
  expect(await world.runtime.actor('many', '1').result()).toMatchObject({ status: 'failed', reason: expect.stringContaining('10000 pieces of work at once, the limit is 1000') as string })
  expect(await world.runtime.actor('all', '1').result()).toMatchObject({ status: 'failed', reason: '10000 pieces of work at once, the limit fanOutMax is 1000', members: [] })
  expect(() => parallel({ name: 'p', members: Array.from({ length: 10_000 }, () => 'ann') })).toThrow('the limit fanOutMax is 1000')
})
