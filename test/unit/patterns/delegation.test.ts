import { SimulatedClock, createActor, fromPromise, setup } from 'xstate'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { MemberInput, MemberOutcome } from '../../../machines/outcome.ts'
import { delegation } from '../../../patterns/delegation.ts'
import { resolveMembers } from '../../../patterns/member.ts'
import type { MemberOptions, Members } from '../../../patterns/member.ts'
import { comesTo, echo, outcome, silent, soon } from '../../support/pattern-members.ts'

function begin(members: Members, task: unknown = 'x', member = Object.keys(members)[0] ?? '') {
  const clock = new SimulatedClock()
  const actor = createActor(delegation(resolveMembers('test', members)), { clock, input: { member, task } })
  const ended = new Promise<MemberOutcome>(resolve => actor.subscribe({ complete: () => resolve(actor.getSnapshot().output as MemberOutcome) }))
  actor.start()
  return { actor, clock, ended, state: () => actor.getSnapshot().value }
}

const only = (options: MemberOptions): Promise<MemberOutcome> => begin({ worker: options }).ended

test('a member that does its task is done, whatever it is', async () => {
  const machine = setup({ types: { input: {} as MemberInput, context: {} as MemberInput } }).createMachine({ context: ({ input }) => input, initial: 'a', states: { a: { type: 'final' } }, output: ({ context }) => `did ${String(context.task)}` })
  for (const member of [echo, machine]) expect(await begin({ worker: member }, 'it').ended).toMatchObject({ kind: 'outcome', status: 'done', output: 'did it', member: 'worker', attempts: 1, reason: null })
})

test('the outcome of an agent is taken as it is, its usage summed over attempts', async () => {
  const { ended, clock, state } = begin({ worker: { member: comesTo(outcome('failed'), outcome('done', 7)), retry: 2 } })
  await soon()
  expect(state()).toBe('waiting')
  clock.increment(1_000)
  expect(await ended).toMatchObject({ status: 'done', output: 7, attempts: 2, usage: { inputTokens: 20, modelCalls: 2, costUsd: 1 } })
})

test.each([
  ['throws', comesTo(new Error('no')), 'failed', 'no'],
  ['hands back nothing', comesTo(undefined), 'empty', 'it ended without an output'],
  ['is not known', undefined, 'failed', "there is no member 'nobody'; the members are worker"],
])('a member that %s is an outcome', async (_, member, status, reason) => {
  expect(await begin({ worker: member ?? echo }, 'x', member ? 'worker' : 'nobody').ended).toMatchObject({ status, reason, output: null, attempts: member ? 1 : 0 })
})

test('a member that takes too long is stopped and may try again, its waits grow', async () => {
  const { ended, clock, actor, state } = begin({ worker: { member: silent, timeoutMs: 100, retry: { attempts: 3, baseMs: 1_000 } } })
  const waits = [100, 1_000, 100, 2_000, 100]
  for (const [index, ms] of waits.entries()) {
    expect(Object.keys(actor.getSnapshot().children)).toEqual(index % 2 === 0 ? ['member'] : [])
    clock.increment(ms - 1)
    const before = state()
    clock.increment(1)
    expect(state()).not.toEqual(before)
  }
  expect(await ended).toMatchObject({ status: 'timeout', reason: 'it took longer than 100 ms', attempts: 3 })
})

test.each(['blocked', 'rejected', 'cancelled', 'handed-off'] as const)('a member that is %s is neither tried again nor replaced', async status => {
  expect(await only({ member: comesTo(outcome(status)), retry: 3, fallback: echo })).toMatchObject({ status, attempts: 1 })
})

test('the fallback has the same chances, and the outcome tells that it was at it', async () => {
  expect(await only({ member: comesTo(new Error('no')), fallback: echo })).toMatchObject({ status: 'done', output: 'did x', attempts: 2, isFallback: true, member: 'worker' })
  const { ended, clock } = begin({ worker: { member: comesTo(outcome('out-of-budget')), retry: 3, fallback: comesTo(new Error('no'), 'yes') } })
  await soon()
  clock.increment(1_000)
  expect(await ended).toMatchObject({ status: 'done', output: 'yes', attempts: 3, isFallback: true })
})

test('an output that is not valid has failed, and the next attempt may mend it', async () => {
  const validate = z.object({ n: z.coerce.number() })
  const { ended, clock } = begin({ worker: { member: comesTo({ n: 'much' }, { n: '4' }), validate, retry: 2 } })
  await soon()
  clock.increment(1_000)
  expect(await ended).toMatchObject({ status: 'done', output: { n: 4 }, attempts: 2 })
  expect(await only({ member: comesTo({ m: 1 }), validate })).toMatchObject({ status: 'failed', output: { m: 1 }, reason: expect.stringContaining('its output is not valid: n: ') })
  expect(await only({ member: echo, validate: () => 'too short' })).toMatchObject({ status: 'failed', reason: 'its output is not valid: too short' })
  expect(await only({ member: echo, validate: () => { throw new Error('validator broke') } })).toMatchObject({ status: 'failed', reason: 'its output is not valid: validator broke' })
})

test('stopping a delegation stops its member', async () => {
  let aborted = false
  const member = fromPromise(({ signal }) => new Promise(() => signal.addEventListener('abort', () => (aborted = true))))
  const { actor } = begin({ worker: member })
  actor.stop()
  expect(aborted).toBe(true)
})

test.each<[string, Members, string]>([
  ['no members', {}, "pattern 'test' has no members"],
  ['a member that is nothing', { a: undefined as never }, "pattern 'test': member of 'a' is neither the name of a machine nor actor logic"],
  ['a member of a name that cannot be', ['not a/name'], `pattern 'test': "not a/name" cannot name a member`],
  ['a bad fallback', { a: { member: 'x', fallback: 5 as never } }, "pattern 'test': fallback of 'a' is neither the name of a machine nor actor logic"],
  ['a bad timeout', { a: { member: 'x', timeoutMs: 0 } }, "pattern 'test': timeoutMs of 'a' must be a positive number of milliseconds, not 0"],
])('%s is refused', (_, members, message) => {
  expect(() => resolveMembers('test', members)).toThrow(expect.objectContaining({ code: 'config/invalid', message }))
})

test('members in a list are called what they are, and numbered where that is the same', () => {
  expect(Object.keys(resolveMembers('test', ['judge', 'judge-2', 'judge', { member: 'clerk' }]))).toEqual(['judge', 'judge-2', 'judge-3', 'clerk'])
})
