import { remote } from 'troupe'
import { agent } from 'troupe/agents'
import type { Model } from 'troupe/agents'
import { handoff, hierarchical, network, research, supervisor } from 'troupe/patterns'
import type { Briefing, Decision, Finding, NetworkTask, SynthesisTask, WorkerTask } from 'troupe/patterns'
import type { TestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'
import { calls, words } from '../support/agent-models.ts'
import { createSqliteWorld } from '../support/sqlite-world.ts'
import { worker } from '../support/worker-member.ts'

const everybodyOnce = ({ members, turn, reports, task: given }: Briefing): Decision =>
  turn === 1 ? { kind: 'delegate', tasks: members.map(({ name }) => ({ member: name, task: `${String(given)} ${name}` })) } : { kind: 'finish', answer: reports.map(({ output }) => output) }

const synthesis = ({ findings }: SynthesisTask): Finding => ({ text: findings.map(({ text }) => text).join(' '), citations: [] })
/** Hands over in its first answer after a user's question, by what was asked; a pure function of the conversation, as a replayed model is. */
const triageModel: Model = async ({ messages }) => {
  const asked = messages.findLast(({ role }) => role === 'user')
  return asked?.role === 'user' && JSON.stringify(asked.content).includes('bill') ? calls(['transfer_to_billing', { reason: 'a bill' }]) : words('I am triage.')
}
const billingModel: Model = async ({ messages }) => words(`${messages.filter(({ role }) => role === 'user').length} questions heard`)

const machines = {
  upper: worker('upper', (text: string) => text.toUpperCase()),
  manager: worker('manager', everybodyOnce),
  never: worker('never', () => new Promise(() => undefined)),
  desk: supervisor({ name: 'desk', manager: 'manager', members: { a: 'upper', b: remote('upper', { spread: true }) } }),
  firm: hierarchical({ name: 'firm', manager: everybodyOnce, members: { law: { manager: 'manager', members: { a: 'upper', b: 'upper' } }, audit: 'upper' } }),
  cyclic: supervisor({ name: 'cyclic', manager: everybodyOnce, members: { self: 'cyclic' }, onFailure: 'fail', limits: { depthMax: 4 } }),
  waiting: supervisor({ name: 'waiting', manager: everybodyOnce, members: { a: 'never', inner: supervisor({ name: 'inner', manager: everybodyOnce, members: { b: remote('never', { spread: true }) } }) } }),
  reader: worker('reader', ({ sources }: WorkerTask) => ({ text: sources.join('+'), citations: sources.map(source => ({ source: String(source), line: 1 })) })),
  editor: worker('editor', synthesis),
  study: research({ name: 'study', worker: 'reader', synthesiser: 'editor', executive: 'editor' }),
  asker: worker('asker', ({ from, content }: NetworkTask) => (from === 'network' ? { send: [{ to: 'knower', content: 'who?' }, { to: 'stranger', content: '' }] } : { answer: content })),
  knower: worker('knower', ({ from, content }: NetworkTask) => ({ send: [{ to: from, content: `${String(content)} me` }] })),
  net: network({ name: 'net', start: 'asker', members: ['asker', 'knower'] }),
  triage: agent({ name: 'triage', instructions: 'Sort.', handoffs: ['billing'], model: triageModel }),
  billing: agent({ name: 'billing', instructions: 'Bill.', model: billingModel }),
  talk: handoff({ name: 'talk', start: 'triage', members: { triage: 'triage', billing: 'billing' } }),
  session: handoff({ name: 'session', start: 'triage', members: { triage: 'triage', billing: 'billing' } }),
}

const sources = Array.from({ length: 9 }, (_, index) => `s${index}`)

/** What each must come to, however often the process dies on the way. */
const cases = [
  ['desk', 'x', { status: 'done', output: ['X A', 'X B'], members: { length: 4 } }],
  ['firm', 'x', { status: 'done', output: [['X LAW A', 'X LAW B'], 'X AUDIT'] }],
  ['study', { question: '?', sources }, { status: 'done', output: { citations: { length: 9 } } }],
  ['net', 'x', { status: 'done', output: 'who? me' }],
  ['talk', 'my bill', { status: 'done', output: '2 questions heard', usage: { modelCalls: 2 }, members: [{ member: 'triage', status: 'handed-off' }, { member: 'billing', status: 'done' }] }],
  ['cyclic', 'x', { status: 'failed', reason: expect.stringContaining('it is 5 patterns deep, the limit depthMax is 4: is there a cycle?') as string }],
] as const

const open = () => createSqliteWorld(machines, { batchStepsMax: 5 })

async function resultOf(world: TestWorld<typeof machines>, name: keyof typeof machines): Promise<unknown> {
  const result = world.runtime.actor(name, '1').result()
  result.catch(() => undefined)
  await world.advance(10_000)
  return result
}

test.each(cases)('%s comes to its outcome with durable members', async (name, given, expected) => {
  await using world = await open()
  await world.runtime.actor(name, '1').start({ task: given } as never)
  expect(await resultOf(world, name)).toMatchObject(expected)
  expect((await world.runtime.actors({ status: 'active' })).actors).toEqual([])
})

test.each(cases)('%s comes to the same when the process dies again and again', async (name, given, expected) => {
  await using world = await open()
  const death = world.crash({ point: 'committed' })
  world.runtime.actor(name, '1').start({ task: given } as never).catch(() => undefined)
  await death
  for (let life = 2; life <= 5; life++) {
    await world.restart()
    // A little further each time: a task at which the process dies each time is given up.
    await Promise.race([world.crash({ point: 'committed', visit: life }), world.advance(10_000)])
    if (life === 2 && name !== 'cyclic') expect(world.isDown).toBe(true)
  }
  await world.restart()
  expect(await resultOf(world, name)).toMatchObject(expected)
  expect((await world.runtime.actors({ status: 'active' })).actors).toEqual([])
})

test('a session is answered turn by turn, by whoever has control, also after a crash', async () => {
  await using world = await open()
  const say = async (content: string): Promise<unknown> => {
    const asked = world.runtime.actor('session', 'ann').ask({ type: 'user.message', content }, { until: 'reply' })
    asked.catch(() => undefined)
    await world.advance(1_000)
    return (await asked).reply
  }
  await world.runtime.actor('session', 'ann').start()
  expect(await say('hello')).toMatchObject({ output: 'I am triage.' })
  expect(await say('my bill is wrong')).toMatchObject({ output: '3 questions heard', members: [{ member: 'triage' }, { member: 'billing' }] })
  await world.crash()
  await world.restart()
  expect(await say('and now?')).toMatchObject({ output: '4 questions heard', members: [{ member: 'billing' }] })
  expect((await world.runtime.actor('session', 'ann').snapshot()).tags).toEqual(new Set(['billing']))
  const { actors } = await world.runtime.actors({ status: 'active' })
  expect(actors.map(({ machine }) => machine).toSorted()).toEqual(['billing', 'session'])
})

test.each(['stop', 'cancel'] as const)('after %s no member is active, however deep', async how => {
  await using world = await open()
  const actor = world.runtime.actor('waiting', '1')
  await actor.start({ task: 'x' })
  await world.advance(1_000)
  expect((await world.runtime.actors({ machine: 'never', status: 'active' })).actors).toHaveLength(2)
  await actor[how]()
  await world.advance(60_000)
  expect((await world.runtime.actors({ status: 'active' })).actors).toEqual([])
})
