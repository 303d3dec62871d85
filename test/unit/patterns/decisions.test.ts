import { expect, test } from 'vitest'
import { debate, isComplexTask, loopUntil, router, tiered, vote } from '../../../patterns/index.ts'
import type { DebateTurn, Refinement, VoteOptions } from '../../../patterns/index.ts'
import { comesTo, doing, echo, outcomeOf } from '../../support/pattern-members.ts'

const broken = comesTo(new Error('no'))

const elect = (choices: Readonly<Record<string, unknown>>, options: Partial<VoteOptions> = {}) =>
  outcomeOf(vote({ name: 'v', voters: Object.fromEntries(Object.entries(choices).map(([voter, choice]) => [voter, choice === null ? broken : comesTo(choice)])), ...options }))

test.each<[string, Record<string, unknown>, Partial<VoteOptions>, object]>([
  ['the most votes win', { a: 'yes', b: 'no', c: { choice: 'yes' } }, {}, { status: 'done', output: { choice: 'yes', counts: { yes: 2, no: 1 }, ballots: [{ voter: 'a', choice: 'yes', weight: 1 }, { voter: 'b' }, { voter: 'c' }] } }],
  ['weights count', { a: 'yes', b: 'no', c: 'yes' }, { weights: { b: 3 } }, { status: 'done', output: { choice: 'no', counts: { yes: 2, no: 3 } } }],
  ['a plurality is no majority', { a: 'x', b: 'x', c: 'y', d: 'z' }, { tally: 'majority' }, { status: 'failed', reason: 'no choice has what it needs: {"x":2,"y":1,"z":1}' }],
  ['a majority decides', { a: 'x', b: 'x', c: 'y' }, { tally: 'majority' }, { status: 'done', output: { choice: 'x' } }],
  ['one dissenter ends unanimity', { a: 'x', b: 'x', c: 'y' }, { tally: 'unanimous' }, { status: 'failed' }],
  ['all of one mind are unanimous', { a: 'x', b: 'x' }, { tally: 'unanimous' }, { status: 'done', output: { choice: 'x' } }],
  ['a function tallies', { a: 1, b: 5 }, { choiceOf: String, tally: ballots => [String(Math.max(...ballots.map(({ choice }) => Number(choice))))] }, { status: 'done', output: { choice: '5' } }],
  ['a function that throws has failed', { a: 'x' }, { tally: () => { throw new Error('cannot count') } }, { status: 'failed', reason: 'cannot count' }],
  ['a tie fails', { a: 'x', b: 'y' }, {}, { status: 'failed', reason: 'a tie of x, y' }],
  ['a tie is broken', { a: 'x', b: 'y' }, { tieBreaker: doing(({ tied }: { tied: string[] }) => tied[1]) }, { status: 'done', output: { choice: 'y' }, members: [{}, {}, { member: 'tie-breaker' }] }],
  ['a tie is broken by what is tied only', { a: 'x', b: 'y' }, { tieBreaker: comesTo('z') }, { status: 'failed', reason: "the tie-breaker has chosen 'z', which is not tied" }],
  ['a tie-breaker can fail', { a: 'x', b: 'y' }, { tieBreaker: broken }, { status: 'failed', reason: "'tie-breaker' is failed: no" }],
  ['who fails casts no ballot', { a: 'x', b: 'x', c: null }, {}, { status: 'done', output: { choice: 'x' } }],
  ['too few ballots decide nothing', { a: 'x', b: null, c: null }, {}, { status: 'failed', reason: "1 ballots, 2 are needed; 'b' is failed: no; 'c' is failed: no" }],
])('in a vote %s', async (_, choices, options, expected) => {
  expect(await elect(choices, options)).toMatchObject(expected)
})

test('a debate goes on for its rounds, each hears the round before, and the judge hears all', async () => {
  const speaker = (name: string) => doing(({ round, said }: DebateTurn) => `${name}${round}${said.map(({ statement }) => `<${String(statement)}`).join('')}`)
  const judge = doing(({ task, rounds }: { task: unknown; rounds: unknown[][] }) => `${String(task)}: ${rounds.length} rounds, ${rounds.flat().length} statements`)
  const result = await outcomeOf(debate({ name: 'd', debaters: { a: speaker('a'), b: speaker('b') }, judge }))
  expect(result).toMatchObject({ status: 'done', output: 'x: 2 rounds, 4 statements' })
  expect(result.members.map(({ output }) => output)).toEqual(['a1', 'b1', 'a2<a1<b1', 'b2<a1<b1', 'x: 2 rounds, 4 statements'])
})

test('a debate in which nothing new is said ends early', async () => {
  expect(await outcomeOf(debate({ name: 'd', debaters: { a: comesTo('A'), b: comesTo('B') }, judge: echo, rounds: 9 }))).toMatchObject({ status: 'done', members: { length: 5 } })
})

test('a debater who fails is heard again, and a round with too few speakers has failed', async () => {
  expect(await outcomeOf(debate({ name: 'd', debaters: { a: comesTo('1', '2'), b: comesTo('1', '2'), c: comesTo(new Error('late'), 'C') }, judge: echo }))).toMatchObject({ status: 'done', members: [{}, {}, { member: 'c', status: 'failed' }, {}, {}, { member: 'c', status: 'done' }, {}] })
  expect(await outcomeOf(debate({ name: 'd', debaters: { a: echo, b: broken }, judge: echo }))).toMatchObject({ status: 'failed', reason: "fewer than 2 have spoken in round 1; 'b' is failed: no" })
})

test('a router gives a task to the member that a function or a classifier names', async () => {
  const routes = { short: comesTo('short'), long: comesTo('long') }
  expect(await outcomeOf(router({ name: 'r', routes, classify: task => (String(task).length > 3 ? 'long' : 'short') }), 'abcd')).toMatchObject({ status: 'done', output: 'long', members: [{ member: 'long' }] })
  expect(await outcomeOf(router({ name: 'r', routes, classify: doing(({ routes: names }: { routes: string[] }) => ({ route: names[0] })) }))).toMatchObject({ status: 'done', output: 'short', members: [{ member: 'classifier' }, { member: 'short' }] })
})

test('an unknown route and a classifier that fails go to the fallback, or are a clear outcome', async () => {
  const routes = { a: comesTo('A') }
  expect(await outcomeOf(router({ name: 'r', routes, classify: () => 'constructor' }))).toMatchObject({ status: 'failed', reason: "there is no route 'constructor'; the routes are a" })
  expect(await outcomeOf(router({ name: 'r', routes, classify: () => 'b', fallback: 'a' }))).toMatchObject({ status: 'done', output: 'A' })
  expect(await outcomeOf(router({ name: 'r', routes, classify: broken }))).toMatchObject({ status: 'failed', reason: "'classifier' is failed: no" })
  expect(await outcomeOf(router({ name: 'r', routes, classify: broken, fallback: 'a' }))).toMatchObject({ status: 'done', output: 'A' })
  expect(await outcomeOf(router({ name: 'r', routes: { a: broken }, classify: () => 'a' }))).toMatchObject({ status: 'failed', reason: "'a' is failed: no" })
})

test('simple tasks go through the pipeline, complex ones to many at once', async () => {
  const desk = tiered({ name: 't', simple: { stages: [{ name: 'answer', member: comesTo('quick') }] }, complex: { members: { law: comesTo('L'), tax: comesTo('T') } } })
  expect(await outcomeOf(desk, 'short')).toMatchObject({ output: 'quick', members: [{ member: 'simple' }] })
  expect(await outcomeOf(desk, { complexity: 8 })).toMatchObject({ output: { law: 'L', tax: 'T' }, members: [{ member: 'complex' }] })
  expect([{ complexity: 7 }, 'x', ['one'], null].map(isComplexTask)).toEqual([false, false, false, false])
  expect([['one', 'two'], 'x'.repeat(3_000)].map(isComplexTask)).toEqual([true, true])
})

test('a refiner works until the critic accepts, and is told what was wrong', async () => {
  const refiner = doing(({ task, round, draft, feedback }: Refinement) => (round === 1 ? String(task) : `${String(draft)}+${String(feedback)}`))
  const critic = doing(({ draft }: { draft: string }) => ({ accepted: draft.length > 5, feedback: `longer than ${draft.length}` }))
  expect(await outcomeOf(loopUntil({ name: 'l', refiner, critic }))).toMatchObject({ status: 'done', output: 'x+longer than 1', members: [{ member: 'refiner' }, { member: 'critic' }, { member: 'refiner' }, { member: 'critic' }] })
  expect(await outcomeOf(loopUntil({ name: 'l', refiner, critic: draft => ({ accepted: String(draft).length > 3, feedback: 'more' }) }))).toMatchObject({ status: 'done', output: 'x+more', members: { length: 2 } })
})

test.each<[string, Partial<Parameters<typeof loopUntil>[0]>, object]>([
  ['no progress', { refiner: comesTo('a', 'b', 'a') }, { status: 'failed', reason: 'no progress: the draft of round 3 has been there before', output: 'a' }],
  ['no more rounds', { refiner: doing(({ round }: Refinement) => round), roundsMax: 3 }, { status: 'failed', reason: 'not accepted after 3 rounds', output: 3 }],
  ['a refiner that fails', { refiner: comesTo('a', new Error('tired')) }, { status: 'failed', reason: "'refiner' is failed: tired", output: 'a' }],
  ['a critic that fails', { refiner: echo, critic: broken }, { status: 'failed', reason: "'critic' is failed: no" }],
  ['a critic that says nothing of use', { refiner: echo, critic: comesTo('hm') }, { status: 'failed', reason: 'the critic has to say { accepted: true or false }, not "hm"' }],
  ['a critic that throws', { refiner: echo, critic: () => { throw new Error('broken rule') } }, { status: 'failed', reason: 'broken rule' }],
])('a loop ends with %s', async (_, options, expected) => {
  expect(await outcomeOf(loopUntil({ name: 'l', refiner: echo, critic: () => false, ...options }))).toMatchObject(expected)
})

test.each<[() => unknown, string]>([
  [() => vote({ name: 'v', voters: ['a'], weights: { b: 1 } }), "pattern 'v' weighs 'b', who is no voter; the voters are a"],
  [() => vote({ name: 'v', voters: ['a'], weights: { a: -1 } }), "pattern 'v': the weight of 'a' must be a number from 0, not -1"],
  [() => vote({ name: 'v', voters: ['a'], ballotsMin: 2 }), "pattern 'v': ballotsMin must be a whole number from 1 to the 1 voters, not 2"],
  [() => debate({ name: 'd', debaters: ['a'], judge: 'j', rounds: 21 }), "pattern 'd': rounds must be a whole number from 1 to the limit turnsMax, 20, not 21"],
  [() => debate({ name: 'd', debaters: ['a'], judge: 'j', debatersMin: 2 }), "pattern 'd': debatersMin must be a whole number from 1 to the 1 debaters, not 2"],
  [() => router({ name: 'r', routes: { a: 'a' }, classify: 'c', fallback: 'b' }), "pattern 'r': fallback 'b' is no route; the routes are a"],
  [() => loopUntil({ name: 'l', refiner: 'a', critic: 'b', roundsMax: 0 }), "pattern 'l': roundsMax must be a whole number from 1 to the limit turnsMax, 20, not 0"],
])('options that make no sense are refused: %#', (make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'config/invalid', message }))
})
