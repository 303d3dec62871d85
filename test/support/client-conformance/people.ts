import type { Caller, Client } from 'troupe'
import { expect } from 'vitest'
import { started, until } from './case.ts'
import type { WithClient } from './case.ts'

export function letters(withClient: WithClient): void {
  withClient('lists dead letters, replays and discards them', async client => {
    const actor = await started(client, 'calm', '1')
    for (let count = 0; count < 3; count++) await client.askActor({ ...actor, event: { type: 'BREAK', count } }).catch(() => undefined)
    const { letters: page, cursor } = await client.listDeadLetters({ ...actor, limit: 2 })
    expect(page).toMatchObject([{ address: 'calm/1', state: 'present', kind: 'event', event: { type: 'BREAK', count: 0 }, cause: { message: 'broken' } }, { event: { count: 1 } }])
    expect((await client.listDeadLetters({ limit: 2, cursor: cursor ?? '' })).letters).toMatchObject([{ event: { count: 2 } }])
    const [first, second] = page.map(({ id }) => ({ id })) as [{ id: string }, { id: string }]
    expect(await client.deadLetter(first)).toEqual(page[0])
    await expect(client.replayDeadLetter(first)).rejects.toMatchObject({ code: 'event/poisoned' })
    expect((await client.deadLetter(first)).state).toBe('replayed')
    expect(await client.discardDeadLetter({ ...second, reason: 'no' })).toMatchObject({ state: 'discarded', reason: 'no' })
    await expect(client.discardDeadLetter(second)).rejects.toMatchObject({ code: 'dead-letter/unknown' })
    await expect(client.deadLetter({ id: 'none' })).rejects.toMatchObject({ code: 'dead-letter/unknown' })
  })

  withClient('handles an edited event in the place of a letter: once, and the letter is resolved with it', async client => {
    const actor = await started(client, 'calm', '1')
    await client.askActor({ ...actor, event: { type: 'BREAK' } }).catch(() => undefined)
    const [letter] = (await client.listDeadLetters(actor)).letters
    const id = letter?.id ?? ''
    for (const event of [{ type: 'PAY', cents: 'x' }, { type: 'xstate.done' }]) await expect(client.replayDeadLetter({ id, event })).rejects.toMatchObject({ code: 'event/invalid' })
    expect((await client.deadLetter({ id })).state).toBe('present')
    expect(await client.replayDeadLetter({ id, event: { type: 'FIX' } })).toMatchObject({ state: 'replayed' })
    expect(await client.snapshot(actor)).toMatchObject({ context: { n: -1 }, status: 'active' })
    expect((await client.listDeadLetters(actor)).letters).toEqual([])
    expect((await client.history(actor)).steps.filter(({ event }) => event?.type === 'FIX')).toHaveLength(1)
  })

  withClient('an edited event that poisons its actor is a letter of its own; one that is refused leaves the letter as it is', async client => {
    const actor = await started(client, 'calm', '1')
    await client.askActor({ ...actor, event: { type: 'BREAK' } }).catch(() => undefined)
    const id = (await client.listDeadLetters(actor)).letters[0]?.id ?? ''
    await expect(client.replayDeadLetter({ id, event: { type: 'BREAK', edited: true } })).rejects.toMatchObject({ code: 'event/poisoned' })
    const [next] = (await client.listDeadLetters(actor)).letters
    expect(next).toMatchObject({ event: { type: 'BREAK', edited: true } })
    await client.stopActor(actor)
    await expect(client.replayDeadLetter({ id: next?.id ?? '', event: { type: 'FIX' } })).rejects.toMatchObject({ code: 'actor/ended' })
    expect((await client.deadLetter({ id: next?.id ?? '' })).state).toBe('present')
  })
}

export function approvals(withClient: WithClient): void {
  const inbox = (client: Client) => until(() => client.listApprovals({}), page => page.approvals.length > 0)
  const ann: Caller = { name: 'ann', role: 'operator' }

  withClient('finds a gate deep inside a machine, takes votes there, and the machine goes on', async (client, world) => {
    const actor = await started(client, 'board', '1')
    const { approvals: [gate] } = await inbox(client)
    expect(gate).toMatchObject({ address: 'board/1', run: 'board/1', path: '/committee/gate', title: 'Buy a lamp', subject: { cents: 9_900 }, approvers: ['ann', 'ben'], level: 0, votes: [], dueAt: expect.any(Number) })
    expect((await client.listActors({ tag: 'approval' })).actors.map(({ address }) => address)).toEqual(['board/1'])
    const { id = '', revision = '' } = gate ?? {}
    expect(await client.decide({ id, revision, approve: true, by: 'mallory' })).toEqual({ accepted: false, refused: 'not-an-approver' })
    expect(await client.decide({ id, revision: 'stale', approve: true, by: 'ann' })).toEqual({ accepted: false, refused: expect.stringContaining('revision') })
    expect(await world.client(ann).decide({ id, revision, approve: true, reason: 'fine' })).toEqual({ accepted: true, refused: null })
    expect((await client.listApprovals({})).approvals).toMatchObject([{ votes: [{ by: 'ann', approve: true, reason: 'fine' }] }])
    expect(await world.client(ann).decide({ id, revision, approve: true })).toEqual({ accepted: false, refused: 'answered-already' })
    expect(await client.decide({ id, revision, approve: true, by: 'ben' })).toEqual({ accepted: true, refused: null })
    expect(await client.snapshot(actor)).toMatchObject({ status: 'done', value: 'done', context: { verdict: 'done' }, tags: [] })
    await expect(client.decide({ id, revision, approve: true, by: 'ben' })).rejects.toMatchObject({ code: 'approval/unknown' })
    expect((await client.listApprovals({})).approvals).toEqual([])
  })

  withClient('whoever has a name decides as that one and as nobody else', async (client, world) => {
    await started(client, 'approval', '1', { subject: 'x', levels: [{ approvers: ['ann', 'ben'], timeoutMs: 3_600_000 }] })
    const { id = '', revision = '' } = (await inbox(client)).approvals[0] ?? {}
    await expect(world.client(ann).decide({ id, revision, approve: true, by: 'ben' })).rejects.toMatchObject({ code: 'access/denied' })
    expect((await client.listApprovals({})).approvals).toMatchObject([{ votes: [] }])
    expect(await world.client(ann).decide({ id, revision, approve: false, by: 'ann' })).toEqual({ accepted: true, refused: null })
    expect(await client.result({ address: 'approval/1' })).toMatchObject({ output: { status: 'rejected', output: { votes: [{ by: 'ann', approve: false }] } } })
  })

  withClient('decides on the call of an agent, alone and inside a machine', async client => {
    await started(client, 'clerk', '1', { task: 'pay' })
    await started(client, 'desk', '1')
    const { approvals: open } = await until(() => client.listApprovals({}), page => page.approvals.length === 2)
    expect(open.map(({ address, path }) => `${address}${path}`).toSorted()).toEqual(['clerk/1', 'desk/1/clerk'])
    for (const { id, revision, subject } of open) {
      expect(subject).toEqual({ tool: 'pay', input: { cents: 500 } })
      expect(await client.decide({ id, revision, approve: true, by: 'bob' })).toEqual({ accepted: false, refused: 'bob may not decide on pay' })
      expect(await client.decide({ id, revision, approve: true, by: 'ann' })).toEqual({ accepted: true, refused: null })
    }
    expect(await client.result({ address: 'clerk/1' })).toMatchObject({ output: { status: 'done', output: 'It is paid.' } })
    await until(() => client.snapshot({ address: 'desk/1' }), ({ value }) => value === 'done')
  })

  withClient('shows a call that waits while others run', async client => {
    await started(client, 'busy', '1', { task: 'pay' })
    const { approvals: [open] } = await inbox(client)
    expect(open).toMatchObject({ address: 'busy/1', subject: { tool: 'pay', input: { cents: 7 } } })
    expect((await client.snapshot({ address: 'busy/1' })).tags).toEqual(['approval'])
    expect(await client.decide({ id: open?.id ?? '', revision: open?.revision ?? '', approve: false, by: 'ann' })).toEqual({ accepted: true, refused: null })
    expect((await client.snapshot({ address: 'busy/1' })).tags).toEqual([])
  })

  withClient('takes a decision for a machine that answers nothing, and refuses one on what has changed', async client => {
    const actor = await started(client, 'door', '1')
    const { id = '', revision = '' } = (await inbox(client)).approvals[0] ?? {}
    await client.askActor({ ...actor, event: { type: 'PAINT' } })
    expect(await client.decide({ id, revision, approve: true })).toMatchObject({ accepted: false, refused: expect.stringContaining('revision 2') })
    expect(await client.decide({ id, revision: '2', approve: false })).toEqual({ accepted: false, refused: 'the actor has not acted upon it' })
    expect(await client.decide({ id, revision: '2', approve: true })).toEqual({ accepted: true, refused: null })
    expect((await client.snapshot(actor)).value).toBe('open')
  })
}
