import { expect } from 'vitest'
import { started, until } from './case.ts'
import type { WithClient } from './case.ts'

export function actors(withClient: WithClient): void {
  withClient('starts, tells, asks and ends an actor', async client => {
    const actor = await started(client, 'order', 'a/1', { n: 4 })
    expect(actor).toEqual({ address: 'order/a/1' })
    expect(await client.snapshot(actor)).toMatchObject({ address: 'order/a/1', machine: 'order', key: 'a/1', run: 'order/a/1', parent: null, seq: 1, lastSeq: 1, status: 'active', value: 'waiting', states: ['waiting'], tags: ['open'], context: { n: 4 }, error: null, failure: null, timers: [{ source: '', target: '' }], tasks: [], children: [] })
    expect(await client.sendEvent({ ...actor, event: { type: 'FIX' } })).toEqual({ accepted: true })
    const asked = await client.askActor({ ...actor, event: { type: 'PAY', cents: 100 } })
    expect(asked).toMatchObject({ value: 'charging', context: { n: 0 }, children: [{ path: '/charge', src: 'charge', kind: 'task', status: 'active', address: null }], tasks: [{ path: '/charge', name: 'charge', attempt: 1, input: 0 }] })
    await until(() => client.snapshot(actor), ({ value }) => value === 'ready')
    await client.sendEvent({ ...actor, event: { type: 'SHIP' } })
    expect(await client.result(actor)).toEqual({ output: { n: 0 } })
    expect(await client.snapshot(actor)).toMatchObject({ status: 'done', value: 'gone', output: { n: 0 } })
  })

  withClient('the same start with one idempotency key is one actor, and so is the same fork; an event counts once', async client => {
    const input = { machine: 'order', input: { n: 1 }, idempotencyKey: 'once' }
    const actor = await client.startActor(input)
    expect(await client.startActor(input)).toEqual(actor)
    await expect(client.startActor({ ...input, input: { n: 2 } })).rejects.toMatchObject({ code: 'actor/exists' })
    const pay = { ...actor, event: { type: 'FIX' }, idempotencyKey: 'p' }
    await client.sendEvent(pay)
    await client.sendEvent(pay)
    expect((await client.askActor({ ...actor, event: { type: 'FIX' } })).seq).toBe(3)
    const fork = await client.forkActor({ ...actor, seq: 1, idempotencyKey: 'f' })
    expect(await client.forkActor({ ...actor, seq: 1, idempotencyKey: 'f' })).toEqual(fork)
    expect(await client.forkActor({ ...actor, seq: 2, idempotencyKey: 'f' })).not.toEqual(fork)
    expect(await client.snapshot(fork)).toMatchObject({ context: { n: 1 }, value: 'waiting' })
  })

  withClient('pauses, resumes, cancels and stops; each answers with the step', async client => {
    const actor = await started(client, 'order', '1')
    expect(await client.pauseActor(actor)).toEqual({ ...actor, seq: 2 })
    await client.sendEvent({ ...actor, event: { type: 'FIX' } })
    expect(await until(() => client.snapshot(actor), ({ waiting }) => waiting === 1)).toMatchObject({ status: 'paused', context: { n: 0 } })
    await client.resumeActor(actor)
    await until(() => client.snapshot(actor), ({ context }) => (context as { n: number }).n === -1)
    expect((await client.cancelActor({ ...actor, graceMs: 0 })).address).toBe('order/1')
    expect((await client.snapshot(actor)).status).toBe('cancelled')
    const other = await started(client, 'order', '2')
    await client.stopActor(other)
    expect((await client.snapshot(other)).status).toBe('stopped')
    await expect(client.sendEvent({ ...other, event: { type: 'FIX' } })).rejects.toMatchObject({ code: 'actor/ended', address: 'order/2' })
    await expect(client.result({ ...other, timeoutMs: 100 })).rejects.toMatchObject({ code: 'actor/ended' })
    await expect(client.result({ ...(await started(client, 'order', '3')), timeoutMs: 1 })).rejects.toMatchObject({ code: 'ask/timeout' })
  })

  withClient('shows typed arrays and errors as the store writes them', async client => {
    const { context } = await client.snapshot(await started(client, 'odd', '1'))
    expect(context).toMatchObject({ vector: { $troupe: 'Float32Array', base64: 'AACAPwAAAEA=' }, error: { $troupe: 'Error', info: { name: 'TypeError', message: 'odd' } } })
  })

  withClient('tells which events are legal, and why others are not', async client => {
    const actor = await started(client, 'order', '1')
    const { events } = await client.listEvents(actor)
    expect(events.map(({ type }) => type)).toEqual(['BREAK', 'FIX', 'PAY', 'SHIP'])
    expect(events[2]).toMatchObject({ type: 'PAY', legal: true, guarded: true, reason: null, handledIn: ['waiting'], jsonSchema: { type: 'object', required: ['type', 'cents'] } })
    expect(events[3]).toEqual({ type: 'SHIP', legal: false, guarded: false, reason: 'it is handled in ready; active is waiting', handledIn: ['ready'], jsonSchema: null })
    await client.stopActor(actor)
    expect((await client.listEvents(actor)).events.map(({ legal, reason }) => ({ legal, reason }))).toEqual(Array.from({ length: 4 }, () => ({ legal: false, reason: 'the actor is stopped' })))
  })

  withClient('shows durable children as links, and lists what is pending actor by actor', async client => {
    const actor = await started(client, 'parent', '1')
    const { children, timers } = await client.snapshot(actor)
    expect(children).toMatchObject([{ path: '/child', src: 'order', kind: 'remote', status: 'active', address: expect.stringMatching(/^order\/parent\/1>/) }])
    expect(timers).toMatchObject([{ id: 'beep', event: 'BEEP' }])
    const child = { address: children[0]?.address ?? '' }
    await until(() => client.listActors({ run: actor.address }), page => page.actors.length === 2)
    expect(await client.snapshot(child)).toMatchObject({ parent: 'parent/1', run: 'parent/1', context: { n: 5 } })
    const pending = await client.pending({ run: actor.address })
    expect(pending.timers.map(({ address }) => address).toSorted()).toEqual([child.address, 'parent/1'].toSorted())
    expect((await client.pending({ run: actor.address, kind: 'tasks' })).timers).toEqual([])
  })
}
