import { expect, test } from 'vitest'
import type { Branch, Briefing, Decision } from '../../patterns/index.ts'
import { hierarchical, research, supervisor } from '../../patterns/index.ts'
import { begin, comesTo, doing, echo, outcome, outcomeOf, silent } from '../support/pattern-members.ts'

const delegate = (...tasks: readonly [member: string, task: unknown][]): Decision => ({ kind: 'delegate', tasks: tasks.map(([member, task]) => ({ member, task })) })
const finish = (answer: unknown): Decision => ({ kind: 'finish', answer })
/** Gives everybody something in the first turn, and finishes with what came of it. */
const once = ({ members, turn, reports }: Briefing): Decision => (turn === 1 ? delegate(...members.map(({ name }): [string, unknown] => [name, name])) : finish(reports.map(({ status, output }) => output ?? status)))

test('a manager delegates, hears what came of it, and finishes', async () => {
  const seen: Briefing[] = []
  const manager = doing((briefing: Briefing) => {
    seen.push(briefing)
    return once(briefing)
  })
  const result = await outcomeOf(supervisor({ name: 'desk', manager, members: { a: echo, b: echo }, descriptions: { a: 'knows a' } }), 'the task')
  expect(result).toMatchObject({ status: 'done', output: ['did a', 'did b'] })
  expect(result.members.map(({ member }) => member)).toEqual(['manager', 'a', 'b', 'manager'])
  expect(seen[0]).toEqual({ task: 'the task', members: [{ name: 'a', description: 'knows a' }, { name: 'b', description: '' }], turn: 1, turnsMax: 20, reports: [], mistake: null })
  expect(seen[1]?.reports).toEqual([{ member: 'a', task: 'a', status: 'done', output: 'did a', reason: null }, { member: 'b', task: 'b', status: 'done', output: 'did b', reason: null }])
})

test('a manager may be a pure function', async () => {
  expect(await outcomeOf(supervisor({ name: 'desk', manager: once, members: { a: echo } }))).toMatchObject({ status: 'done', output: ['did a'] })
})

test('usage of manager and members is summed', async () => {
  const manager = comesTo(outcome('done', delegate(['a', 1])), outcome('done', finish('end')))
  expect((await outcomeOf(supervisor({ name: 'desk', manager, members: { a: comesTo(outcome('done', 1)) } }))).usage).toMatchObject({ modelCalls: 3, costUsd: 1.5 })
})

test('work for a member that there is not is told to the manager, who may mend it', async () => {
  const manager = doing(({ mistake, turn }: Briefing) => (turn === 1 ? delegate(['nobody', 1], ['a', 1]) : finish(mistake)))
  expect(await outcomeOf(supervisor({ name: 'desk', manager, members: { a: echo } }))).toMatchObject({ status: 'done', output: "there is no member 'nobody'; the members are a" })
})

test.each([
  ['names a member that there is not', delegate(['nobody', 1]), /3 times in a row, at last: there is no member 'nobody'/],
  ['says what is no decision', { kind: 'dance' }, /3 times in a row, at last: that was no decision/],
  ['gives out nothing', { kind: 'delegate', tasks: [] }, /3 times in a row, at last: that was no decision/],
  ['gives out more than may be at once', delegate(['a', 1], ['a', 2], ['a', 3]), /3 pieces of work at once, the limit is 2/],
  ['never finishes', delegate(['a', 1]), /has not finished in 5 turns/],
])('a manager who %s again and again has failed', async (_, wrong, reason) => {
  const result = await outcomeOf(supervisor({ name: 'desk', manager: comesTo(wrong), members: { a: echo }, limits: { fanOutMax: 2, turnsMax: 5 } }))
  expect(result.status).toBe('failed')
  expect(result.reason).toMatch(reason)
})

test('a manager who fails, answers nothing or is out of budget ends the whole, saying so', async () => {
  const endOf = (...results: readonly unknown[]) => outcomeOf(supervisor({ name: 'desk', manager: comesTo(...results), members: { a: echo } }))
  expect(await endOf(new Error('no idea'))).toMatchObject({ status: 'failed', reason: "'manager' is failed: no idea" })
  expect(await endOf(null)).toMatchObject({ status: 'failed', reason: "'manager' is empty: it ended without an output" })
  expect(await endOf(outcome('out-of-budget'))).toMatchObject({ status: 'out-of-budget' })
})

test('a member that fails is told to the manager, or the whole has failed', async () => {
  const members = { a: echo, b: comesTo(new Error('broken')) }
  expect(await outcomeOf(supervisor({ name: 'desk', manager: once, members }))).toMatchObject({ status: 'done', output: ['did a', 'failed'] })
  expect(await outcomeOf(supervisor({ name: 'desk', manager: once, members, onFailure: 'fail' }))).toMatchObject({ status: 'failed', reason: "'b' is failed: broken" })
  expect(await outcomeOf(supervisor({ name: 'desk', manager: once, members, onFailure: { a: 'fail' } }))).toMatchObject({ status: 'done' })
})

test('a supervisor that is called off calls off its members', async () => {
  const { actor, ended } = begin(supervisor({ name: 'desk', manager: once, members: { a: silent, b: silent } }))
  actor.send({ type: 'CANCEL' })
  const { status, members } = await ended
  expect(status).toBe('cancelled')
  expect(members.map(({ member, status: own }) => `${member} ${own}`)).toEqual(['manager done', 'a cancelled', 'b cancelled'])
})

test('a supervisor without members, with a member called manager or a policy for a stranger is refused', () => {
  expect(() => supervisor({ name: 'desk', manager: once, members: {} })).toThrow(/has no members/)
  expect(() => supervisor({ name: 'desk', manager: once, members: { manager: echo } })).toThrow(/'manager', which is a role/)
  expect(() => supervisor({ name: 'desk', manager: once, members: { a: echo }, onFailure: { b: 'fail' } })).toThrow(/there is no member 'b'/)
})

test('more members than may be are refused', () => {
  const members = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`m${index}`, echo]))
  expect(() => supervisor({ name: 'desk', manager: once, members })).toThrow(/has 10001 members, the limit fanOutMax is 1000/)
})

test('a branch answers to the one above it', async () => {
  const firm = hierarchical({ name: 'firm', manager: once, members: { law: { manager: once, members: { a: echo, b: echo } }, audit: echo } })
  expect(await outcomeOf(firm)).toMatchObject({ status: 'done', output: [['did a', 'did b'], 'did audit'] })
})

test('a tree that is too deep, or that is its own branch, is refused', () => {
  const deep = (levels: number): Branch => ({ manager: once, members: { a: levels === 1 ? echo : deep(levels - 1) } })
  expect(() => hierarchical({ name: 'firm', ...deep(4), limits: { depthMax: 3 } })).toThrow(/limit depthMax/)
  const members: Record<string, Branch> = {}
  members['self'] = { manager: once, members }
  expect(() => hierarchical({ name: 'firm', manager: once, members })).toThrow(/is it one of its own members/)
})

test('8 workers, 2 syntheses and 1 executive synthesis share out the sources and carry the citations through', async () => {
  const reader = doing(({ sources }: { sources: string[] }) => ({ text: sources.join(' '), citations: sources.map(source => ({ source, line: 1, quote: `of ${source}` })) }))
  const synthesiser = doing(({ findings }: { findings: { text: string }[] }) => ({ text: findings.map(({ text }) => text).join(' '), citations: [] }))
  const executive = doing(({ findings }: { findings: { text: string }[] }) => ({ text: `${findings.length} syntheses: ${findings.map(({ text }) => text).join(' ')}`, citations: [{ source: 's3', line: 1 }, { source: 'invented', line: 1 }, { source: 's0', line: 1 }] }))
  const sources = Array.from({ length: 20 }, (_, index) => `s${index}`)
  const result = await outcomeOf(research({ name: 'study', worker: reader, synthesiser, executive }), { question: 'why?', sources })
  expect(result.status).toBe('done')
  const { text, citations } = result.output as { text: string; citations: unknown[] }
  expect(text).toMatch(/^2 syntheses: /)
  expect(text.split(' ').slice(2).toSorted()).toEqual(sources.toSorted())
  expect(citations).toEqual([{ source: 's3', line: 1, quote: 'of s3' }, { source: 's0', line: 1, quote: 'of s0' }])
})

test('research goes on without a worker that fails, and says that a part is missing', async () => {
  const reader = doing(({ sources }: { sources: string[] }) => {
    if (sources.includes('bad')) throw new Error('unreadable')
    return { text: sources.join(' '), citations: sources.map(source => ({ source })) }
  })
  const missing: string[] = []
  const join = doing(({ findings, missing: lost }: { findings: { text: string }[]; missing: string[] }) => {
    missing.push(...lost)
    return { text: findings.map(({ text }) => text).join(' '), citations: [] }
  })
  const study = research({ name: 'study', worker: reader, synthesiser: join, executive: join, workers: 4 })
  expect(await outcomeOf(study, { question: '?', sources: ['a', 'bad', 'c', 'd'] })).toMatchObject({ status: 'done', output: { citations: [{ source: 'a' }, { source: 'c' }, { source: 'd' }] } })
  expect(missing).toEqual(['worker-2 is failed: unreadable'])
  expect(await outcomeOf(study, { question: '?', sources: ['bad'] })).toMatchObject({ status: 'failed', reason: expect.stringContaining('nothing was found') as string })
})
