import { remote } from 'troupe'
import { approval } from 'troupe/machines'
import type { ApprovalAsked, Asker, DecisionReply, Verdict } from 'troupe/machines'
import type { TestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { createSqliteWorld } from '../support/sqlite-world.ts'

const HOUR = 3_600_000
const levels = [{ approvers: ['ann', 'ben'], quorum: 2, timeoutMs: HOUR }, { approvers: ['boss'], timeoutMs: HOUR }]

/** Writes its report only if it may. */
const author = setup({
  types: { context: {} as { readonly asked: readonly string[]; readonly verdict: Verdict | null }, events: {} as ApprovalAsked },
  actors: { approval: remote<typeof approval>('approval') },
  guards: { isApproved: (_, { status }: { readonly status: string }) => status === 'done' },
}).createMachine({
  context: { asked: [], verdict: null },
  initial: 'asking',
  on: { 'approval.asked': { actions: assign({ asked: ({ context, event }) => [...context.asked, ...event.approvers] }) } },
  states: {
    asking: {
      invoke: {
        id: 'gate',
        src: 'approval',
        input: ({ self }) => ({ subject: 'a report', levels, notify: self as Asker }),
        onDone: [
          { guard: { type: 'isApproved', params: ({ event }) => event.output }, target: 'writing', actions: assign({ verdict: ({ event }) => event.output.output }) },
          { target: 'halted', actions: assign({ verdict: ({ event }) => event.output.output }) },
        ],
      },
    },
    writing: { type: 'final' },
    halted: { type: 'final' },
  },
})

const machines = { approval, author }

async function decide(world: TestWorld<typeof machines>, key: string, by: string, approve: boolean, revision?: string) {
  const gate = world.runtime.actor(approval, key)
  const asked = revision ?? (await gate.snapshot()).context.revision
  const { reply } = await gate.ask({ type: 'approval.decide', by, approve, revision: asked }, { until: 'reply' })
  return reply as DecisionReply
}

test('an approval outlives a crash between two votes, and what it gates goes on', async () => {
  const world = await createSqliteWorld(machines)
  await world.runtime.actor(author, 'a').start()
  const gate = (await world.runtime.actors({ machine: 'approval' })).actors[0]?.address.slice('approval/'.length) ?? ''
  expect(await decide(world, gate, 'ann', true)).toEqual({ accepted: true, approvals: 1, rejections: 0, quorum: 2 })
  await world.crash()
  await world.restart()
  expect(await decide(world, gate, 'ann', true)).toMatchObject({ accepted: false, refused: 'answered-already' })
  expect(await decide(world, gate, 'mallory', true)).toMatchObject({ accepted: false, refused: 'not-an-approver' })
  expect(await decide(world, gate, 'ben', true, 'seen elsewhere')).toMatchObject({ accepted: false, refused: 'other-revision' })
  expect(await decide(world, gate, 'ben', true)).toMatchObject({ accepted: true, approvals: 2 })
  await world.settle()
  expect(await world.runtime.actor(author, 'a').snapshot()).toMatchObject({ status: 'done', value: 'writing', context: { asked: ['ann', 'ben'], verdict: { decision: 'approved', votes: [{ by: 'ann' }, { by: 'ben' }] } } })
})

test('nobody answers: the next level is asked, also by a process that comes later, and then what it gates halts', async () => {
  const world = await createSqliteWorld(machines)
  await world.runtime.actor(author, 'a').start()
  await world.crash()
  await world.advance(2 * HOUR)
  await world.restart()
  await world.settle()
  expect((await world.runtime.actor(author, 'a').snapshot()).context.asked).toEqual(['ann', 'ben', 'boss'])
  await world.advance(HOUR)
  expect(await world.runtime.actor(author, 'a').snapshot()).toMatchObject({ status: 'done', value: 'halted', context: { verdict: { decision: 'expired', votes: [] } } })
})

test('a decision after the end is refused, and changes nothing', async () => {
  const world = await createSqliteWorld(machines)
  const gate = world.runtime.actor(approval, 'a')
  await gate.start({ subject: 'a report', levels })
  const { revision } = (await gate.snapshot()).context
  await world.advance(2 * HOUR)
  await expect(gate.ask({ type: 'approval.decide', by: 'boss', approve: true, revision }, { until: 'reply' })).rejects.toMatchObject({ code: 'actor/ended' })
  expect(await gate.result()).toMatchObject({ status: 'timeout', output: { decision: 'expired', revision } })
})

test('an approval that says not who decides on what is refused at the door', async () => {
  const world = await createSqliteWorld(machines)
  const gate = world.runtime.actor(approval, 'a')
  await gate.start({ subject: 'a report', levels })
  await expect(gate.send({ type: 'approval.decide', approve: true } as never)).rejects.toMatchObject({ code: 'event/invalid' })
  await expect(gate.send({ type: 'approval.decide', approve: 'yes', by: 'ann', revision: '' } as never)).rejects.toMatchObject({ code: 'event/invalid' })
  expect((await gate.snapshot()).nextEvents().map(({ type }) => type).toSorted()).toEqual(['approval.amend', 'approval.cancel', 'approval.decide'])
})

test('whoever asks after an amendment is told, and who decided when stands in the journal', async () => {
  const world = await createSqliteWorld(machines)
  const gate = world.runtime.actor(approval, 'a')
  await gate.start({ subject: 'a report', levels })
  const { revision } = (await gate.snapshot()).context
  await decide(world, 'a', 'ann', true)
  await gate.send({ type: 'approval.amend', subject: 'a better report' })
  expect(await decide(world, 'a', 'ben', true, revision)).toEqual({ accepted: false, refused: 'other-revision', revision: (await gate.snapshot()).context.revision })
  await world.advance(5)
  await decide(world, 'a', 'ben', false)
  expect(await gate.result()).toMatchObject({ status: 'rejected', output: { subject: 'a better report', votes: [{ by: 'ben', approve: false }] } })
  expect((await gate.history()).findLast(({ kind }) => kind === 'event')).toMatchObject({ event: { type: 'approval.decide', by: 'ben' }, at: world.clock.now() })
})
