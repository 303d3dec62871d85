import { expect } from 'vitest'
import { shipped, started, until } from './case.ts'
import type { WithClient } from './case.ts'

export function histories(withClient: WithClient): void {
  withClient('pages through the history, each step with the state after it, and shows past states', async client => {
    const actor = await shipped(client, '1')
    await client.result(actor)
    const whole = await client.history({ ...actor, full: true })
    expect(whole.steps.map(({ seq }) => seq)).toEqual(Array.from({ length: whole.lastSeq }, (_, index) => index + 1))
    expect(whole.steps[1]).toMatchObject({ kind: 'event', event: { type: 'PAY', cents: 100 }, states: ['charging'], value: 'charging', context: { n: 1 }, status: 'active' })
    expect(whole.steps.at(-1)).toMatchObject({ status: 'done', output: { n: 1 } })
    const pages = [await client.history({ ...actor, limit: 2 }), await client.history({ ...actor, from: 2, limit: 100 })]
    expect(pages.flatMap(({ steps }) => steps.map(({ seq }) => seq))).toEqual(whole.steps.map(({ seq }) => seq))
    expect(pages[0]?.steps[0]).not.toHaveProperty('context')
    expect(await client.snapshot({ ...actor, at: 1 })).toMatchObject({ seq: 1, lastSeq: whole.lastSeq, value: 'waiting', status: 'active', context: { n: 0 } })
    await expect(client.snapshot({ ...actor, at: 99 })).rejects.toMatchObject({ code: 'config/invalid' })
  })
}

export function streams(withClient: WithClient): void {
  withClient('watches one actor from a step on until it ends', async client => {
    const actor = await started(client, 'order', '1')
    const seen: number[] = []
    const watching = (async () => {
      for await (const item of client.watch({ ...actor, from: 0 })) if (item.type === 'step') seen.push(item.step.seq)
    })()
    await client.sendEvent({ ...actor, event: { type: 'PAY', cents: 100 } })
    await until(() => client.snapshot(actor), ({ value }) => value === 'ready')
    await client.sendEvent({ ...actor, event: { type: 'SHIP' } })
    await watching
    expect(seen).toEqual(Array.from({ length: (await client.snapshot(actor)).lastSeq }, (_, index) => index + 1))
  })

  withClient('lets go of a watch that is left while nothing happens', async client => {
    const actor = await started(client, 'order', '1')
    const leave = new AbortController()
    const left = (async () => {
      for await (const _ of client.watch(actor, { signal: leave.signal }));
    })().catch(() => undefined)
    leave.abort()
    await left
    const watch = client.watch({ ...actor, from: 0 })[Symbol.asyncIterator]()
    expect((await watch.next()).value).toMatchObject({ type: 'step', step: { seq: 1 } })
    const waiting = watch.next()
    waiting.catch(() => undefined)
    await watch.return?.()
  })

  withClient('refuses to watch what is not there', async client => {
    await expect(client.watch({ address: 'order/none' })[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'actor/unknown' })
  })
}

export function wholes(withClient: WithClient): void {
  withClient('shows a run as a whole: who told whom what, and how long states and tasks took', async client => {
    const root = await started(client, 'parent', '1')
    const child = { address: (await client.snapshot(root)).children[0]?.address ?? '' }
    await until(() => client.listActors({ run: root.address }), page => page.actors.length === 2)
    await client.sendEvent({ ...child, event: { type: 'PAY', cents: 100 } })
    await until(() => client.snapshot(child), ({ value }) => value === 'ready')
    const whole = await client.timeline(root)
    expect(whole).toMatchObject({ isWhole: true, actors: [{ address: 'parent/1' }, { address: child.address, parent: 'parent/1' }] })
    expect(whole.messages).toMatchObject([
      { from: null, to: 'parent/1', type: 'start', seq: 1 },
      { from: 'parent/1', to: child.address, type: 'start', seq: 1 },
      { from: null, to: child.address, type: 'PAY', kind: 'event', seq: 2 },
    ])
    expect(whole.spans.filter(({ address }) => address === child.address)).toMatchObject([
      { kind: 'state', name: 'waiting', outcome: 'done', seq: 1, to: expect.any(Number) },
      { kind: 'state', name: 'charging', outcome: 'done', seq: 2 },
      { kind: 'task', name: 'charge', outcome: 'done', attempts: 1, seq: 2 },
      { kind: 'state', name: 'ready', outcome: 'open', to: null },
    ])
    expect(await client.timeline(child)).toEqual(whole)
    const begun = await client.timeline({ ...root, limit: 2 })
    expect(begun).toMatchObject({ isWhole: false, messages: [{ seq: 1 }, { seq: 1 }] })
    await client.stopActor(root)
    await until(() => client.timeline(root), ({ spans }) => spans.every(({ outcome }) => outcome !== 'open'))
    await expect(client.timeline({ address: 'order/none' })).rejects.toMatchObject({ code: 'actor/unknown' })
  })

  withClient('counts how the actors of a machine fare, by state and transition', async client => {
    for (const key of ['1', '2', '3']) await client.result(await shipped(client, key))
    const waits = await started(client, 'order', '4')
    await client.askActor({ ...waits, event: { type: 'BREAK' } }).catch(() => undefined)
    await client.askActor({ ...waits, event: { type: 'FIX' } })
    const fleet = await client.fleet({ name: 'order' })
    expect(fleet).toMatchObject({ machine: 'order', instances: 4, sampled: 4 })
    expect(fleet.states).toMatchObject([
      { path: 'charging', instances: 0, visits: 3, errors: 0, dwellP50Ms: expect.any(Number) },
      { path: 'gone', instances: 3, visits: 3, dwellP95Ms: null },
      { path: 'ready', instances: 0, visits: 3 },
      { path: 'waiting', instances: 1, visits: 4, errors: 1, dwellP95Ms: expect.any(Number) },
    ])
    expect(fleet.edges).toEqual(expect.arrayContaining([
      { source: 'waiting', target: 'charging', event: 'PAY', count: 3, errors: 0 },
      { source: 'charging', target: 'ready', event: 'xstate.done.actor.charge', count: 3, errors: 0 },
      { source: 'ready', target: 'gone', event: 'SHIP', count: 3, errors: 0 },
      { source: 'waiting', target: 'waiting', event: 'BREAK', count: 1, errors: 1 },
      { source: 'waiting', target: 'waiting', event: 'FIX', count: 1, errors: 0 },
    ]))
    expect(await client.fleet({ name: 'order', sample: 1 })).toMatchObject({ instances: 4, sampled: 1 })
    await expect(client.fleet({ name: 'none' })).rejects.toMatchObject({ code: 'machine/unknown' })
  })
}
