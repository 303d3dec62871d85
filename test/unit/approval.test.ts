import { SimulatedClock, createActor } from 'xstate'
import { describe, expect, test } from 'vitest'
import { approval } from '../../machines/index.ts'
import type { ApprovalInput } from '../../machines/index.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

const MINUTE = 60_000
const two: ApprovalInput = { subject: { report: 1 }, levels: [{ approvers: ['ann', 'ben', 'cy'], quorum: 2, timeoutMs: MINUTE }, { approvers: ['boss'], timeoutMs: 2 * MINUTE }] }

function ask(input: ApprovalInput = two) {
  const clock = new SimulatedClock()
  const actor = createActor(approval, { clock, input })
  const asked: unknown[] = []
  actor.on('approval.asked', ({ level, approvers }) => asked.push([level, ...approvers]))
  actor.start()
  const decide = (by: string, approve: boolean, revision = actor.getSnapshot().context.revision, reason?: string) =>
    actor.send({ type: 'approval.decide', by, approve, revision, ...(reason !== undefined && { reason }) })
  return { actor, asked, decide, pass: (ms: number) => clock.increment(ms), outcome: () => actor.getSnapshot().output }
}

test('every transition of an approval is taken by some path', () => {
  const decide = (by: string, approve: boolean, revision: string) => ({ type: 'approval.decide', by, approve, revision })
  expectEveryTransition(
    approval,
    {
      input: two,
      events: ({ context: { revision } }) => [...['ann', 'ben', 'boss'].flatMap(by => [decide(by, true, revision), decide(by, false, revision)]), decide('ann', true, 'another'), { type: 'approval.amend', subject: 2 }, { type: 'approval.cancel' }],
      explore: ({ context }) => context.amendments < 2,
    },
    { input: { ...two, levels: [] } },
  )
})

test('it is approved once as many as are needed have said so, and says who', () => {
  const { decide, outcome } = ask()
  decide('ben', true, undefined, 'looks good')
  expect(outcome()).toBeUndefined()
  decide('ann', true)
  expect(outcome()).toMatchObject({ status: 'done', reason: null, output: { decision: 'approved', subject: { report: 1 }, level: 0, votes: [{ by: 'ben', approve: true, reason: 'looks good' }, { by: 'ann', approve: true, reason: null }] } })
})

test('one rejection ends it, with the reason, unless more are asked for', () => {
  const one = ask()
  one.decide('ann', true)
  one.decide('ben', false, undefined, 'page 3 is wrong')
  expect(one.outcome()).toMatchObject({ status: 'rejected', reason: 'ben rejected it: page 3 is wrong', output: { decision: 'rejected' } })
  const more = ask({ ...two, levels: [{ approvers: ['ann', 'ben', 'cy'], vetoes: 2, timeoutMs: 1 }] })
  more.decide('ann', false)
  more.decide('ben', true)
  expect(more.outcome()).toMatchObject({ status: 'done', reason: null })
})

test('it is rejected as soon as too few are left who could approve', () => {
  const { decide, outcome } = ask({ ...two, levels: [{ approvers: ['ann', 'ben'], quorum: 2, vetoes: 2, timeoutMs: 1 }] })
  decide('ann', false)
  expect(outcome()).toMatchObject({ status: 'rejected', reason: 'ann rejected it' })
})

describe('a decision that does not count', () => {
  test('by somebody who was not asked', () => {
    const { decide, actor } = ask()
    decide('mallory', true)
    decide('boss', true)
    expect(actor.getSnapshot().context.votes).toEqual([])
  })

  test('by somebody who has decided: neither again nor differently', () => {
    const { decide, actor } = ask()
    decide('ann', true)
    decide('ann', true)
    decide('ann', false)
    expect(actor.getSnapshot()).toMatchObject({ status: 'active', context: { votes: [{ by: 'ann', approve: true }] } })
  })

  test('about another state of the subject', () => {
    const { decide, actor } = ask()
    const { revision } = actor.getSnapshot().context
    decide('ann', true)
    actor.send({ type: 'approval.amend', subject: { report: 2 } })
    decide('ann', true, revision)
    decide('ben', true, revision)
    expect(actor.getSnapshot()).toMatchObject({ status: 'active', context: { votes: [], subject: { report: 2 } } })
    // Back at the same words, but nobody has seen them since.
    actor.send({ type: 'approval.amend', subject: { report: 1 } })
    decide('ann', true, revision)
    expect(actor.getSnapshot().context.votes).toEqual([])
  })
})

describe('when time runs out', () => {
  test('the next level is asked, afresh, and the first may decide no more', () => {
    const { decide, pass, asked, outcome, actor } = ask()
    decide('ann', true)
    pass(MINUTE)
    expect(asked).toEqual([[0, 'ann', 'ben', 'cy'], [1, 'boss']])
    decide('ben', true)
    expect(actor.getSnapshot().context.votes).toEqual([])
    decide('boss', true)
    expect(outcome()).toMatchObject({ status: 'done', output: { level: 1, votes: [{ by: 'boss' }] } })
  })

  test('it expires after the last level, which is never an approval', () => {
    const { decide, pass, outcome } = ask()
    decide('ann', true)
    pass(MINUTE)
    pass(2 * MINUTE - 1)
    expect(outcome()).toBeUndefined()
    pass(1)
    expect(outcome()).toMatchObject({ status: 'timeout', reason: 'nobody of boss decided within 120000 ms', output: { decision: 'expired' } })
    decide('boss', true)
    expect(outcome()).toMatchObject({ status: 'timeout' })
  })

  test('an amendment gives the first level its whole time again', () => {
    const { actor, pass, asked } = ask()
    pass(MINUTE + 1)
    actor.send({ type: 'approval.amend', subject: 'better' })
    pass(MINUTE - 1)
    expect(asked.at(-1)).toEqual([0, 'ann', 'ben', 'cy'])
  })
})

test('it can be called off', () => {
  const { actor, outcome } = ask()
  actor.send({ type: 'approval.cancel', reason: 'the report is out of date' })
  expect(outcome()).toMatchObject({ status: 'cancelled', reason: 'the report is out of date', output: { decision: 'cancelled' } })
})

test.each([
  ['no level', { levels: [] }],
  ['a level without people', { levels: [{ approvers: [], timeoutMs: 1 }] }],
  ['a quorum of nobody', { levels: [{ approvers: ['ann'], quorum: 0, timeoutMs: 1 }] }],
  ['a quorum of more people than there are', { levels: [{ approvers: ['ann', 'ann'], quorum: 2, timeoutMs: 1 }] }],
  ['no time', { levels: [{ approvers: ['ann'], timeoutMs: 0 }] }],
  ['no subject', { subject: undefined }],
])('%s is no approval, and says why', (_what, wrong) => {
  expect(ask({ ...two, ...wrong } as ApprovalInput).outcome()).toMatchObject({ status: 'failed', reason: expect.stringMatching(/levels|subject|quorum/), output: { decision: 'invalid' } })
})
