import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { agent, tool } from 'troupe/agents'
import type { AgentOptions, Message } from 'troupe/agents'
import { saga } from 'troupe/machines'
import { handoff, loopUntil, mapReduce, parallel, pipeline, router, supervisor, swarm, vote } from 'troupe/patterns'
import type { PeerRule, SwarmOptions } from 'troupe/patterns'
import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import type { AnyStateMachine } from 'xstate'
import { z } from 'zod'
import { calls, modelOf, words } from '../support/agent-models.ts'
import { createSqliteWorld } from '../support/sqlite-world.ts'

/** Code of users that throws, or gives what no checkpoint can hold: a clear outcome each, and never a dead letter. */

const boom = (): never => { throw new Error('boom') }
const date = (): never => new Date(0) as never
const bigint = (): never => 1n as never
const cycle: { self?: unknown } = {}
cycle.self = cycle
const deep = JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown

/** A machine that ends at once with what it is given by a function. */
const given = (output: (task: unknown) => unknown) =>
  setup({ types: { input: {} as { task: unknown }, context: {} as { task: unknown } } }).createMachine({ id: 'given', context: ({ input }) => ({ task: input.task }), initial: 'over', states: { over: { type: 'final' } }, output: ({ context }) => output(context.task) as never })
const echo = given(said => said ?? 'nothing')

async function comesTo(machine: AnyStateMachine | object, input: unknown = { task: 'x' }): Promise<unknown> {
  await using world = await createSqliteWorld({ subject: machine as AnyStateMachine, echo, broken: given(boom) })
  const subject = world.runtime.actor('subject', '1')
  await subject.start(input as never)
  const result = subject.result()
  result.catch(() => undefined)
  await world.advance(100_000)
  expect((await world.runtime.deadLetters.list()).filter(({ address }) => address === 'subject/1')).toEqual([])
  return result
}

const says = (reason: string | RegExp) => ({ status: 'failed', reason: expect.stringMatching(reason) as string })

describe('an agent', () => {
  const doIt = (options: object = {}) => [tool({ name: 'do', description: 'Does.', input: z.unknown(), run: said => said, ...options })]
  const worker = (options: Partial<AgentOptions<unknown>>) => agent({ name: 'worker', instructions: 'Work.', model: modelOf(calls(['do', 1]), words('over')), tools: doIt(), ...options } as AgentOptions<unknown>)
  const answering = (text: string, output: z.ZodType) => worker({ output, model: modelOf(words(text)) })
  const asking = (queue: boolean, options: Partial<AgentOptions<unknown>>) => worker({ ...options, ...(queue && { modelCall: { queue: 'default' } }) })

  test.each([true, false])('whose instructions or memory throw, or give what cannot be kept, has failed, and is not tried again (queue: %s)', async queue => {
    expect(await comesTo(asking(queue, { instructions: boom }))).toMatchObject(says('the model: boom'))
    expect(await comesTo(asking(queue, { memory: { kind: 'custom', view: boom } }))).toMatchObject(says('the model: boom'))
    expect(await comesTo(asking(queue, { memory: { kind: 'custom', view: () => [date()] } }))).toMatchObject(says(/the request\.messages\[0\] is a Date/))
  })

  test.each<[string, ReturnType<typeof agent>, RegExp]>([
    ['throws', answering('{}', z.unknown().transform(boom)), /does not fit its schema: boom/],
    ['is asynchronous', answering('{}', z.unknown().refine(async () => true)), /does not fit its schema: .*Promise/],
    ['makes what is no JSON', answering('{}', z.unknown().transform(bigint)), /does not fit its schema: .*BigInt/],
    ['lets a forbidden key through', answering('{"constructor":1}', z.unknown()), /it\.constructor is a key that is not allowed/],
    ['lets a prototype through', answering('{"__proto__":{"admin":true}}', z.unknown()), /it\.__proto__ is a key that is not allowed/],
    ['lets any depth through', answering(JSON.stringify(deep), z.unknown()), /is nested deeper than 32 levels/],
  ])('whose answer is checked by a schema that %s has failed', async (_what, subject, reason) => {
    expect(await comesTo(subject)).toMatchObject(says(reason))
  })

  test('with 50,000 faults in its answer is told of the first ones', async () => {
    const outcome = await comesTo(answering(JSON.stringify(Array.from({ length: 50_000 }, () => 1)), z.array(z.string())))
    expect(outcome).toMatchObject(says('does not fit its schema: 0: Invalid input'))
    expect((outcome as { reason: string }).reason.length).toBeLessThan(3_000)
  })

  test('reads a fence in an answer of 200,000 line breaks in no time', async () => {
    expect(await comesTo(answering(`\`\`\`json${'\n'.repeat(200_000)}`, z.object({})))).toMatchObject(says('it is not JSON'))
    expect(await comesTo(answering('Here:\n```json\n{"a":1}\n```\n', z.object({ a: z.number() })))).toMatchObject({ status: 'done', output: { a: 1 } })
  })

  test.each<[string, object, unknown]>([
    ['whose check throws', { input: z.unknown().refine(boom) }, /cannot be checked: boom/],
    ['whose check is asynchronous', { input: z.unknown().refine(async () => true) }, /cannot be checked: .*Promise/],
    ['that throws a cycle', { run: () => { throw cycle } }, /Object/],
    ['that throws a bigint', { run: () => { throw 1n } }, /1/],
    ['that gives a forbidden key', { run: () => ({ constructor: 1 }) }, /key that is not allowed/],
    ['that gives any depth', { run: () => deep }, /nested deeper/],
  ])('is told of a tool %s', async (_what, options, error) => {
    const model = modelOf(calls(['do', 1]), words('over'))
    expect(await comesTo(worker({ model, tools: doIt(options) }))).toMatchObject({ status: 'done', output: 'over' })
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({ role: 'tool', isError: true, result: { error: expect.stringMatching(error as RegExp) } })
  })

  test.each([{ constructor: 1 }, deep])('is told of arguments that cannot be kept, and may mend them', async input => {
    const model = modelOf(calls(['do', input]), calls(['do', 1]), words('over'))
    expect(await comesTo(worker({ model }))).toMatchObject({ status: 'done', output: 'over', usage: { toolCalls: 1 } })
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({ isError: true, result: { error: 'the arguments are not JSON that can be kept' } })
  })

  test('runs every call, whatever the model calls them', async () => {
    const ran: unknown[] = []
    const model = modelOf(calls(['do', 1, 'a'], ['do', 2, 'a'], ['do', 3, 'a.1.1'], ['do', 4, 'x/y'], ['do', 5, '\u0000\n#'], ['do', 6, ''], ['do', 7, '__proto__']), words('over'))
    expect(await comesTo(worker({ model, tools: doIt({ run: (said: unknown) => ran.push(said) }) }))).toMatchObject({ status: 'done', usage: { toolCalls: 7 } })
    expect(new Set(ran)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]))
  })

  test('that throws what is no JSON from its model has failed, saying so', async () => {
    expect(await comesTo(worker({ model: () => { throw cycle } }))).toMatchObject(says('the model: '))
  })
})

test.each<[string, AnyStateMachine | object, object]>([
  ['a reducer that gives a bigint', parallel({ name: 'p', members: ['echo'], reduce: bigint }), says('output is a bigint')],
  ['a reducer that gives a forbidden key', parallel({ name: 'p', members: ['echo'], reduce: () => ({ constructor: 1 }) }), says('output.constructor is a key')],
  ['a reducer that gives holes', parallel({ name: 'p', members: ['echo'], reduce: () => [undefined] }), says('output\\[0\\] is undefined')],
  ['tasks that are no JSON', parallel({ name: 'p', members: ['echo'], input: date }), says("the task for 'echo' is a Date")],
  ['items that throw', mapReduce({ name: 'p', map: 'echo', items: boom }), says('boom')],
  ['a validation that throws', parallel({ name: 'p', members: { e: { member: 'echo', validate: boom } } }), says('boom')],
  ['a validation that makes a date', parallel({ name: 'p', members: { e: { member: 'echo', validate: z.unknown().transform(date) } } }), { status: 'done', output: { e: '1970-01-01T00:00:00.000Z' } }],
  ['a validation that makes a bigint', parallel({ name: 'p', members: { e: { member: 'echo', validate: z.unknown().transform(bigint) } } }), says('not valid: .*BigInt')],
  ['a classifier that throws', router({ name: 'p', routes: ['echo'], classify: boom }), says('boom')],
  ['a critic that throws', loopUntil({ name: 'p', refiner: 'echo', critic: boom }), says('boom')],
  ['feedback that is no JSON', loopUntil({ name: 'p', refiner: 'echo', critic: () => ({ accepted: false, feedback: bigint() }) }), says("the task for 'refiner'.feedback is a bigint")],
  ['a tally that throws', vote({ name: 'p', voters: ['echo'], tally: boom }), says('boom')],
  ['a tally of what is no text', vote({ name: 'p', voters: ['echo'], tally: () => [bigint()] }), says('output.choice is a bigint')],
  ['a choice that is no text', vote({ name: 'p', voters: ['echo'], choiceOf: bigint }), says('is a bigint')],
  ['a choice that is a prototype', vote({ name: 'p', voters: ['echo'], choiceOf: () => '__proto__' }), says('output.counts.__proto__ is a key')],
  ['a manager that throws', supervisor({ name: 'p', manager: boom, members: ['echo'] }), says("'manager' is failed: boom")],
  ['a manager that answers a date', supervisor({ name: 'p', manager: () => ({ kind: 'finish', answer: date() }), members: ['echo'] }), says('answer is a Date')],
  ['a stage whose input throws', pipeline({ name: 'p', stages: [{ name: 'one', member: 'echo', input: boom }] }), says('boom')],
  ['a durable member that throws', parallel({ name: 'p', members: { b: { member: remote('broken', { spread: true }), retry: { attempts: 2, baseMs: 1 } } } }), says('boom')],
  ['what looks like an outcome and is none', parallel({ name: 'p', members: { a: given(() => ({ kind: 'outcome' })), b: given(() => ({ kind: 'outcome', status: 'great', usage: {} })) } }), { status: 'done', output: { a: { kind: 'outcome' }, b: { status: 'great' } } }],
])('%s is a clear outcome of its pattern', async (_what, machine, expected) => {
  expect(await comesTo(machine)).toMatchObject(expected)
})

test('a member that is given no task is given null, so that an agent is not left waiting as a session', async () => {
  const idle = agent({ name: 'idle', instructions: '', model: modelOf(words('what shall I do?')) })
  expect(await comesTo(parallel({ name: 'p', members: { idle }, input: () => undefined }))).toMatchObject({ status: 'done', output: { idle: 'what shall I do?' } })
})

test.each(['constructor', '__proto__', 'toString', 'valueOf'])("a member cannot be called '%s', nor a step of a saga", name => {
  expect(() => vote({ name: 'p', voters: JSON.parse(`{${JSON.stringify(name)}:"echo"}`) as Record<string, string> })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  expect(() => saga({ name: 's', steps: [{ name, do: 'echo' }] })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
})

test.each([0.5, 1.5, Number.NaN, Infinity, 0, -1])('a limit of %d pieces of work, which might never begin, is refused', concurrencyMax => {
  expect(() => parallel({ name: 'p', members: ['echo'], limits: { concurrencyMax } })).toThrow(/limits\.concurrencyMax must be a positive whole number/)
  expect(() => swarm({ name: 'p', peers: 2, rule: () => undefined, limits: { concurrencyMax } })).toThrow(/limits\.concurrencyMax must be a positive whole number/)
})

describe('a handoff', () => {
  const first = agent({ name: 'first', instructions: '', handoffs: ['second'], model: modelOf(calls(['transfer_to_second', {}])) })
  const second = agent({ name: 'second', instructions: '', model: modelOf(words('done')) })

  test.each<[string, (messages: readonly Message[]) => readonly Message[], string]>([
    ['throws', boom, 'what second is to know cannot be said: boom'],
    ['gives what is no JSON', () => [date()], 'what second is to know cannot be said: history\\[0\\] is a Date'],
  ])('whose history %s has failed', async (_what, history, reason) => {
    expect(await comesTo(handoff({ name: 'p', start: 'first', members: { first, second }, history }))).toMatchObject(says(reason))
  })

  test.each<[string, object, object]>([
    ['to nobody', { type: 'agent.handed-off' }, says('it has handed over to nobody')],
    ['without a conversation', { type: 'agent.handed-off', to: 'second' }, { status: 'done', output: 'done' }],
    ['as the outcome of an answer', { type: 'agent.answered', outcome: { kind: 'outcome', status: 'handed-off', output: null, reason: null, usage: { inputTokens: 0, outputTokens: 0, modelCalls: 0, toolCalls: 0, costUsd: 0 } } }, says('it has handed over to nobody')],
    ['with nothing', { type: 'agent.answered' }, { status: 'empty' }],
  ])('of a member of yours that hands over %s comes to an outcome', async (_what, report, expected) => {
    const strange = setup({ types: { events: {} as { type: 'user.message' } } }).createMachine({ id: 'strange', on: { 'user.message': { actions: ({ self }) => self._parent?.send(report as never) } } })
    expect(await comesTo(handoff({ name: 'p', start: 'first', members: { first: strange, second } }))).toMatchObject(expected)
  })
})

describe('a swarm', () => {
  const writing: PeerRule<unknown> = ({ round }) => (round < 2 ? { write: [{ topic: 'a', value: round }], again: true } : undefined)
  const of = (options: Partial<SwarmOptions>) => swarm({ name: 's', peers: 3, rule: writing, collect: true, ...options } as SwarmOptions)

  test.each<[string, Partial<SwarmOptions>, RegExp]>([
    ['until throws', { until: boom }, /boom/],
    ['merge throws', { merge: boom }, /boom/],
    ['merge gives what is no JSON', { merge: date }, /what was merged under 'a' is a Date/],
    ['topics throw', { topics: boom }, /cells were lost/],
    ['init throws', { init: boom }, /cells were lost/],
  ])('whose %s has failed', async (_what, options, reason) => {
    expect(await comesTo(of(options))).toMatchObject(says(reason))
  })

  test.each([{ send: 3 }, { state: 1n }, { write: [{ topic: 'a', value: 1n }] }, { write: [{ topic: 'a', value: { constructor: 1 } }] }, 7])('goes on without a peer whose step is none: %o', async step => {
    expect(await comesTo(of({ rule: ({ id }) => (id === 0 ? (step as never) : { state: 1 }) }))).toMatchObject({ status: 'done', output: { states: [null, 1, 1] }, members: [{ output: { failed: { 0: expect.any(String) as string } } }] })
  })

  test('does not let merged values grow past their limit', async () => {
    const outcome = await comesTo(of({ rule: ({ round }) => (round < 20 ? { write: [{ topic: 'a', value: 'x'.repeat(40) }], again: true } : undefined), merge: (a, b) => `${String(a)}${String(b)}`, limits: { valueCharsMax: 100 } }))
    expect(outcome).toMatchObject({ status: 'done', output: { refused: expect.any(Number) as number, board: { a: { value: 'x'.repeat(80) } } } })
  })
})

test.each<[string, object, string]>([
  ['when throws', { when: boom }, 'b: boom'],
  ['input throws', { input: boom }, 'b: boom'],
  ['input is no JSON', { input: bigint }, 'b: input is a bigint'],
])('a saga a step of which cannot begin, because its %s, takes back what was done', async (_what, options, reason) => {
  const undone = task({ run: (_scope: TaskScope<unknown>) => 'undone' })
  expect(await comesTo(saga({ name: 's', steps: [{ name: 'a', do: 'echo', undo: undone }, { name: 'b', do: 'echo', ...options }] }))).toMatchObject({ status: 'failed', reason: expect.stringContaining(reason) as string, output: { end: 'compensated', steps: [{ step: 'a', status: 'undone' }, { step: 'b', status: 'failed' }] } })
})
