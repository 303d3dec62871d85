import { fromPromise } from 'xstate'
import { expect, test } from 'vitest'
import { loopUntil, mapReduce, parallel } from '../../../patterns/index.ts'
import { begin, comesTo, doing, echo, outcome, outcomeOf, silent, soon } from '../../support/pattern-members.ts'

const broken = comesTo(new Error('no'))
const statuses = ({ members }: Awaited<ReturnType<typeof outcomeOf>>): string => members.map(({ member, status }) => `${member} ${status}`).join(', ')

test('all members get the task and their outputs come by name, with the cost of each and of the whole', async () => {
  const result = await outcomeOf(parallel({ name: 'p', members: { a: echo, b: comesTo(outcome('done', 'B')), c: comesTo(outcome('done', 'C')) }, input: (task, member) => `${String(task)} for ${member}` }))
  expect(result).toMatchObject({ kind: 'outcome', status: 'done', reason: null, output: { a: 'did x for a', b: 'B', c: 'C' }, usage: { inputTokens: 20, modelCalls: 2, costUsd: 1 } })
  expect(result.members).toMatchObject([{ member: 'a', attempts: 1 }, { member: 'b', usage: { costUsd: 0.5 } }, { member: 'c' }])
})

test.each([
  ['all', 'failed', 'a done, b failed, c cancelled', "all of 3 cannot be had: 1 done, 1 not; 'b' is failed: no"],
  ['any', 'done', 'a done, b cancelled, c cancelled', null],
  [{ quorum: 2 }, 'active', '', null],
  [{ quorum: 3 }, 'failed', 'a done, b failed, c cancelled', "a quorum of 3 of 3 cannot be had: 1 done, 1 not; 'b' is failed: no"],
  ['settled', 'active', '', null],
] as const)('with the policy %j one done, one failed and one under way are %s', async (policy, status, members, reason) => {
  const { actor, context } = begin(parallel({ name: 'p', members: { a: echo, b: broken, c: silent }, policy }))
  await soon()
  const { output } = actor.getSnapshot()
  if (status === 'active') return expect(context().progress).toEqual({ total: 3, begun: 3, ended: 2, failed: 1 })
  expect(output).toMatchObject({ status, reason })
  expect(statuses(output as never)).toBe(members)
})

test('what settled has the outputs of those that are done', async () => {
  expect(await outcomeOf(parallel({ name: 'p', members: { a: echo, b: broken }, policy: 'settled' }))).toMatchObject({ status: 'done', output: { a: 'did x' } })
  expect(await outcomeOf(mapReduce({ name: 'm', map: doing((n: number) => (n === 2 ? undefined : n * 10)), policy: 'settled' }), [1, 2, 3])).toMatchObject({ status: 'done', output: [10, null, 30], members: [{ status: 'done' }, { status: 'empty' }, { status: 'done' }] })
})

test('no more work is under way than the limit allows, and the outcome keeps the order of the items', async () => {
  let [running, most] = [0, 0]
  const map = fromPromise(async ({ input }: { input: { task: number } }) => {
    most = Math.max(most, ++running)
    for (let turns = 5 - input.task; turns > 0; turns--) await soon()
    running--
    return input.task
  })
  expect(await outcomeOf(mapReduce({ name: 'm', map, limits: { concurrencyMax: 2 } }), [1, 2, 3, 4, 5])).toMatchObject({ output: [1, 2, 3, 4, 5] })
  expect(most).toBe(2)
})

test('a function or a member makes one of the outputs', async () => {
  const sum = (outputs: readonly unknown[]): number => (outputs as number[]).reduce((a, b) => a + b, 0)
  const map = doing((n: number) => n * n)
  expect(await outcomeOf(mapReduce({ name: 'm', map, reduce: sum }), [1, 2, 3])).toMatchObject({ output: 14 })
  const reduce = doing(({ task, outputs }: { task: unknown; outputs: number[] }) => `${JSON.stringify(task)}: ${sum(outputs)}`)
  const result = await outcomeOf(mapReduce({ name: 'm', map, reduce }), [1, 2, 3])
  expect(result).toMatchObject({ status: 'done', output: '[1,2,3]: 14' })
  expect(statuses(result)).toBe('map done, map done, map done, reduce done')
})

test('those who are not needed any more are stopped before the reducer begins', async () => {
  const { actor, state } = begin(parallel({ name: 'p', members: { a: echo, b: silent, c: silent }, policy: 'any', reduce: silent, limits: { concurrencyMax: 2 } }))
  await soon()
  expect(state()).toBe('reducing')
  expect(Object.keys(actor.getSnapshot().children)).toEqual(['work-3'])
})

test('a reducer that fails is the outcome, thrown or not', async () => {
  expect(await outcomeOf(mapReduce({ name: 'm', map: echo, reduce: () => { throw new Error('cannot add words') } }), ['a'])).toMatchObject({ status: 'failed', reason: 'cannot add words' })
  expect(await outcomeOf(mapReduce({ name: 'm', map: echo, reduce: broken }), ['a'])).toMatchObject({ status: 'failed', reason: "'reduce' is failed: no" })
})

test('no items are done at once; a task that is no list is an outcome', async () => {
  expect(await outcomeOf(mapReduce({ name: 'm', map: echo }), [])).toMatchObject({ status: 'done', output: [], members: [] })
  expect(await outcomeOf(mapReduce({ name: 'm', map: echo }), 7)).toMatchObject({ status: 'failed', reason: 'the task is no list; say with `items` what the items of it are' })
})

test('10,000 members are refused by the limit, before they begin', async () => {
  const many = Array.from({ length: 10_000 }, (_, index) => index)
  expect(() => parallel({ name: 'p', members: many.map(index => `m${index}`) })).toThrow(expect.objectContaining({ code: 'config/invalid', message: "pattern 'p' has 10000 members, the limit fanOutMax is 1000" }))
  expect(await outcomeOf(mapReduce({ name: 'm', map: echo }), many)).toMatchObject({ status: 'failed', reason: '10000 pieces of work at once, the limit fanOutMax is 1000', members: [] })
})

test('a cancelled pattern says what had come of its members, and none is active any more', async () => {
  const aborted: string[] = []
  const slow = fromPromise(({ input, signal }: { input: { task: unknown }; signal: AbortSignal }) => new Promise(() => signal.addEventListener('abort', () => aborted.push(String(input.task)))))
  const { actor, ended } = begin(mapReduce({ name: 'm', map: slow, limits: { concurrencyMax: 2 } }), ['a', 'b', 'c'])
  actor.send({ type: 'CANCEL' })
  const result = await ended
  expect(result).toMatchObject({ status: 'cancelled', reason: 'it was cancelled' })
  expect(statuses(result)).toBe('map cancelled, map cancelled, map skipped')
  expect(aborted).toEqual(['a', 'b'])
})

test('a pattern that gives out more work in its life than the limit allows has failed', async () => {
  expect(await outcomeOf(loopUntil({ name: 'l', refiner: doing(({ round }: { round: number }) => round), critic: () => false, limits: { spawnsMax: 2 } }))).toMatchObject({ status: 'failed', reason: '3 pieces of work in all, the limit spawnsMax is 2', members: { length: 2 } })
})

test('a member has the time that the limits give it, unless it has its own', async () => {
  const { clock, ended } = begin(parallel({ name: 'p', members: { a: silent, b: { member: silent, timeoutMs: 50 } }, policy: 'settled', limits: { memberTimeoutMs: 100 } }))
  clock.increment(50)
  clock.increment(50)
  expect((await ended).members.map(({ reason }) => reason)).toEqual(['it took longer than 100 ms', 'it took longer than 50 ms'])
})

test('a pattern that takes too long ends with what there is', async () => {
  const { clock, ended } = begin(parallel({ name: 'p', members: { a: echo, b: silent }, policy: 'settled', limits: { patternTimeoutMs: 500 } }))
  await soon()
  clock.increment(500)
  const result = await ended
  expect(result).toMatchObject({ status: 'timeout', reason: 'it took longer than 500 ms' })
  expect(statuses(result)).toBe('a done, b cancelled')
})

test('patterns stand in patterns, as deep as the limit allows', async () => {
  const nest = (levels: number): ReturnType<typeof parallel> => parallel({ name: `level-${levels}`, members: { inner: levels === 1 ? comesTo(outcome('done', 'core')) : nest(levels - 1) } })
  expect(await outcomeOf(nest(8))).toMatchObject({ status: 'done', usage: { modelCalls: 1, costUsd: 0.5 } })
  expect(() => nest(9)).toThrow(expect.objectContaining({ code: 'config/invalid', message: "pattern 'level-9' has 9 levels of patterns, the limit depthMax is 8" }))
})

test.each([
  ['a policy that is none', () => parallel({ name: 'p', members: ['a'], policy: { quorum: 0 } }), 'pattern \'p\': policy must be all, any, settled or { quorum: a whole number from 1 }, not {"quorum":0}'],
  ['a limit that is none', () => parallel({ name: 'p', members: ['a'], limits: { fanMax: 1 } as never }), /^pattern 'p': limits.fanMax is not a limit; the limits are fanOutMax, /],
  ['a limit that is no number', () => parallel({ name: 'p', members: ['a'], limits: { depthMax: 0 } }), "pattern 'p': limits.depthMax must be a positive whole number, not 0"],
  ['a member with the name of a role', () => parallel({ name: 'p', members: ['reduce'], reduce: 'r' }), "pattern 'p': no member can be called 'reduce', which is a role of it"],
])('%s is refused', (_, make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'config/invalid', message: typeof message === 'string' ? message : expect.stringMatching(message) }))
})
