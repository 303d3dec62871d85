import { SimulatedClock, createActor, setup } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { expect, test } from 'vitest'
import { agent } from '../../machines/agent/index.ts'
import type { Message } from '../../machines/agent/index.ts'
import type { PatternOutcome } from '../../machines/outcome.ts'
import { handoff } from '../../patterns/index.ts'
import type { HandoffOptions, History } from '../../patterns/index.ts'
import { calls, modelOf, words } from '../support/agent-models.ts'
import { sessionMember } from '../support/session-member.ts'
import { soon } from '../support/pattern-members.ts'

const passes = (to: string, reason = 'it is yours') => () => ({ to, reason })
const says = (text: string) => sessionMember('x', () => text)
const passesOn = (to: string) => sessionMember('x', passes(to))

function open(options: Partial<HandoffOptions> & Pick<HandoffOptions, 'members'>, task?: string) {
  const clock = new SimulatedClock()
  const actor = createActor(handoff({ name: 'desk', start: 'a', ...options }), { clock, input: task === undefined ? {} : { task } }).start()
  const last = (): PatternOutcome | null => actor.getSnapshot().context.turn?.outcome ?? null
  const say = (content: string): PatternOutcome | null => {
    actor.send({ type: 'user.message', content })
    return last()
  }
  return { actor, clock, say, last, seats: (): readonly string[] => Object.keys(actor.getSnapshot().children).filter(id => actor.getSnapshot().children[id]?.getSnapshot().status === 'active') }
}

test('the one who has control answers, and keeps it from turn to turn', () => {
  const { actor, say, seats } = open({ members: { a: passesOn('b'), b: sessionMember('b', heard => `${heard.length} heard`) }, history: 'none' })
  expect(say('one')).toMatchObject({ status: 'done', output: '1 heard' })
  expect(say('two')).toMatchObject({ status: 'done', output: '2 heard', members: [{ member: 'b' }] })
  expect(seats()).toEqual(['b-2'])
  expect(actor.getSnapshot().value).toEqual({ running: { control: 'b', turn: 'idle' } })
  expect(actor.getSnapshot().hasTag('b')).toBe(true)
})

test('a turn tells who had control and what it has used', () => {
  const { say } = open({ members: { a: passesOn('b'), b: says('here') } })
  expect(say('help')).toEqual({
    kind: 'outcome', status: 'done', output: 'here', reason: null, usage: expect.objectContaining({ modelCalls: 2 }) as unknown,
    members: [expect.objectContaining({ member: 'a', status: 'handed-off', output: { to: 'b', reason: 'it is yours' } }), expect.objectContaining({ member: 'b', status: 'done' })],
  })
})

test('at no time two have control', () => {
  const { actor, say, seats } = open({ members: { a: passesOn('b'), b: passesOn('c'), c: says('done') } })
  let most = 0
  actor.subscribe(() => (most = Math.max(most, seats().length)))
  say('go')
  expect(most).toBe(1)
  expect(seats()).toEqual(['c-3'])
})

const conversation: readonly Message[] = [{ role: 'user', content: 'first' }, { role: 'assistant', content: '', toolCalls: [{ id: '1', tool: 't', input: {} }] }, { role: 'tool', callId: '1', tool: 't', result: 1, isError: false }, { role: 'user', content: 'last' }]

test.each<[History, number]>([['full', 4], ['last', 1], ['none', 0], [{ window: 2 }, 1], [{ window: 3 }, 3], [messages => messages.slice(0, 1), 1]])('history %o hands on %i of the messages', (history, count) => {
  const told: (readonly Message[])[] = []
  const b = setup({}).createMachine({ entry: ({ event }) => told.push((event as unknown as { input: { messages: Message[] } }).input.messages) })
  const a = setup({ types: { events: {} as { type: 'user.message' } } }).createMachine({ on: { 'user.message': { actions: ({ self }) => (self as { _parent?: AnyActorRef })._parent?.send({ type: 'agent.handed-off', agent: 'a', to: 'b', reason: '', messages: conversation, usage: { modelCalls: 0 } }) } } })
  open({ members: { a, b }, history }).say('go')
  expect(told[0]).toHaveLength(count)
  expect(told[0]?.[0]?.role).not.toBe('tool')
})

test('a handoff to an agent that there is not is told to who tried, who may mend it', () => {
  const a = sessionMember('a', heard => (heard.length === 1 ? { to: 'nobody' } : (heard.at(-1) ?? '')))
  expect(open({ members: { a, b: says('b') } }).say('help')).toMatchObject({ status: 'done', output: "Error: nothing was handed over: there is no agent 'nobody'. The others are b. Go on yourself, or hand over to one of them." })
})

test.each([['nobody', /handed over 3 times to whom it cannot, at last: there is no agent 'nobody'; the others are b/], ['a', /a cannot hand over to itself/]])('an agent that insists on handing over to %s ends the turn, and the session goes on', (to, reason) => {
  const { say, actor } = open({ members: { a: sessionMember('a', heard => (heard.at(-1) === 'again' ? 'well' : { to })), b: says('b') } })
  const turn = say('help')
  expect(turn?.status).toBe('failed')
  expect(turn?.reason).toMatch(reason)
  expect(actor.getSnapshot().status).toBe('active')
  expect(say('again')).toMatchObject({ status: 'done', output: 'well' })
})

test('agents that hand over in circles end the turn, and the circle is named', () => {
  expect(open({ members: { a: passesOn('b'), b: passesOn('a') } }).say('help')).toMatchObject({ status: 'failed', reason: 'it goes round in circles: a has handed over to b 2 times before: a → b → a → b → a' })
  const ring = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`m${index}`, passesOn(`m${(index + 1) % 20}`)]))
  expect(open({ members: ring, start: 'm0', handoffsMax: 4 }).say('help')).toMatchObject({ status: 'failed', reason: 'handed over 4 times in one turn, the limit handoffsMax: m0 → m1 → m2 → m3 → m4, and then to m5' })
})

test('who takes too long is stopped, and the next turn finds a new session', () => {
  const { say, clock, last, seats } = open({ members: { a: sessionMember('a', heard => (heard.at(-1) === 'hang' ? undefined : 'here')) }, limits: { memberTimeoutMs: 100 } })
  say('hang')
  clock.increment(100)
  expect(last()).toMatchObject({ status: 'timeout', reason: 'it took longer than 100 ms' })
  expect(seats()).toEqual([])
  expect(say('hello')).toMatchObject({ status: 'done', output: 'here' })
})

test('when one fails who was handed the control, the first one gets it back if that is wanted', () => {
  const broken = setup({}).createMachine({ entry: () => { throw new Error('broken') } })
  const a = sessionMember('a', heard => (heard.length === 1 ? { to: 'b' } : `sorry: ${heard.at(-1)}`))
  expect(open({ members: { a, b: broken } }).say('help')).toMatchObject({ status: 'failed', reason: 'broken' })
  expect(open({ members: { a, b: broken }, onFailure: 'start' }).say('help')).toMatchObject({ status: 'done', output: 'sorry: b has handed over to you: b is failed: broken. Go on with it.' })
})

test('with a task it is one turn, then it ends', () => {
  const { actor, seats } = open({ members: { a: passesOn('b'), b: says('done with it') } }, 'do it')
  expect(actor.getSnapshot()).toMatchObject({ status: 'done', value: 'done', output: { status: 'done', output: 'done with it' } })
  expect(seats()).toEqual([])
  expect(open({ members: { a: passesOn('b'), b: passesOn('a') } }, 'do it').actor.getSnapshot()).toMatchObject({ status: 'done', value: 'failed', output: { status: 'failed' } })
})

test.each(['agent.end', 'CANCEL'] as const)('messages queue while a turn is under way, up to a limit, and %s lets nobody wait', type => {
  const { actor, last } = open({ members: { a: sessionMember('a', () => undefined) }, queueMax: 2 })
  for (const content of ['1', '2', '3', '4']) actor.send({ type: 'user.message', content })
  expect(actor.getSnapshot().context.queue).toHaveLength(2)
  actor.send({ type })
  expect(actor.getSnapshot()).toMatchObject({ status: 'done', context: { queue: [] } })
  expect(last()).toMatchObject({ status: 'cancelled' })
})

test('options that make no sense are refused', () => {
  const a = says('a')
  expect(() => handoff({ name: 'desk', start: 'z', members: { a } })).toThrow(/start 'z' is no member; the members are a/)
  expect(() => handoff({ name: 'desk', start: 'a', members: {} })).toThrow(/has no members/)
  expect(() => handoff({ name: 'desk', start: 'a', members: { a }, handoffsMax: -1 })).toThrow(/handoffsMax must be/)
})

test('whoever gets control knows the data that the desk was started with', async () => {
  const heard: unknown[] = []
  const knows = (name: string, ...handoffs: string[]) => agent({ name, handoffs, instructions: data => (heard.push([name, data]), ''), model: modelOf(handoffs[0] === undefined ? words('here') : calls([`transfer_to_${handoffs[0]}`, {}])) })
  const actor = createActor(handoff({ name: 'desk', start: 'a', members: { a: knows('a', 'b'), b: knows('b') } }), { input: { data: { customer: 'ann' } } }).start()
  actor.send({ type: 'user.message', content: 'go' })
  for (let turn = 0; turn < 20 && !actor.getSnapshot().context.turn?.outcome; turn++) await soon()
  expect(heard).toEqual([['a', { customer: 'ann' }], ['b', { customer: 'ann' }]])
})

test('real agents hand over, and what was called in the same answer is not carried out', async () => {
  const triage = agent({ name: 'triage', instructions: 'Sort.', handoffs: ['billing'], model: modelOf(calls(['transfer_to_billing', { reason: 'a bill' }], ['pay', {}])) })
  const model = modelOf(words('It is paid.'))
  const billing = agent({ name: 'billing', instructions: 'Bill.', model })
  const { actor, last } = open({ members: { triage, billing }, start: 'triage' })
  actor.send({ type: 'user.message', content: 'my bill is wrong' })
  for (let turn = 0; turn < 20 && !last(); turn++) await soon()
  expect(last()).toMatchObject({ status: 'done', output: 'It is paid.', usage: { modelCalls: 2 } })
  const seen = model.requests[0]?.messages ?? []
  expect(seen[0]).toEqual({ role: 'user', content: 'my bill is wrong' })
  expect(seen.filter(message => message.role === 'tool' && message.isError)).toMatchObject([{ tool: 'pay', result: { error: expect.stringContaining('not carried out') as string } }])
  expect(seen.at(-1)).toEqual({ role: 'user', content: 'triage has handed over to you: a bill. Go on with it.' })
})
