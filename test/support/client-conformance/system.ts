import { expect } from 'vitest'
import { started } from './case.ts'
import type { WithClient } from './case.ts'

export function many(withClient: WithClient): void {
  withClient('does one thing with all actors of a filter, over more than a page, and tells what failed', async (client, { runtime }) => {
    const keys = Array.from({ length: 1_050 }, (_, index) => `n-${index}`)
    await Promise.all(keys.map(key => runtime.actor('order', key).start()))
    const filter = { machine: 'order', status: 'active' as const }
    expect(await client.bulk({ filter, action: 'stop', dryRun: true })).toEqual({ matched: 1_050, done: 0, failed: [] })
    await expect(client.bulk({ filter, action: 'stop', expected: 1_049 })).rejects.toMatchObject({ code: 'request/invalid' })
    expect(await client.bulk({ filter, action: 'send', event: { type: 'FIX' }, idempotencyKey: 'b', expected: 1_050 })).toEqual({ matched: 1_050, done: 1_050, failed: [] })
    await client.bulk({ filter, action: 'send', event: { type: 'FIX' }, idempotencyKey: 'b' })
    expect((await client.askActor({ address: 'order/n-7', event: { type: 'FIX' } })).seq).toBe(3)
    expect(await client.bulk({ filter: { ...filter, text: 'n-1' }, action: 'pause' })).toMatchObject({ matched: 161, done: 161 })
    expect(await client.bulk({ filter, action: 'stop' })).toMatchObject({ matched: 889, done: 889 })
    const { matched, done, failed } = await client.bulk({ filter: { machine: 'order', status: 'stopped' }, action: 'pause' })
    expect([matched, done, failed.length]).toEqual([889, 0, 889])
    expect(failed[0]).toMatchObject({ address: expect.stringMatching(/^order\/n-/), error: { code: 'actor/ended' } })
    await expect(client.bulk({ filter, action: 'send' })).rejects.toMatchObject({ code: 'request/invalid' })
  })

  withClient('pages through actors and through what is pending without leaving any out', async (client, { runtime }) => {
    await Promise.all(Array.from({ length: 130 }, (_, index) => runtime.actor('order', `${index}`).start()))
    const timers: string[] = []
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await client.pending({ limit: 20, ...(cursor !== undefined && { cursor }) })
      timers.push(...page.timers.map(({ address }) => address))
      cursor = page.cursor
    }
    expect(new Set(timers).size).toBe(130)
    expect(timers).toHaveLength(130)
  })
}

export function system(withClient: WithClient): void {
  withClient('shows machines, health, cluster, queues, workers and who is asking', async (client, world) => {
    const { machines } = await client.listMachines({})
    expect(machines.find(({ name }) => name === 'parent')).toMatchObject({ kind: 'machine', version: '1', catalogue: null, members: ['order'] })
    expect(await client.machine({ name: 'order' })).toMatchObject({ name: 'order', chart: { id: 'order' }, mermaid: expect.stringContaining('stateDiagram-v2'), events: expect.arrayContaining([{ type: 'SHIP', jsonSchema: null }]) })
    await expect(client.machine({ name: 'none' })).rejects.toMatchObject({ code: 'machine/unknown' })
    expect((await client.listAgents({ capability: 'none' })).agents).toEqual([])
    expect((await client.listAgents({})).agents).toMatchObject([{ machine: 'clerk', tools: ['pay'] }, { machine: 'busy' }])
    expect(await client.listPatterns({})).toEqual({ patterns: [], definitions: [] })
    expect(await client.health({})).toMatchObject({ ready: true, version: expect.stringMatching(/^\d/), partitions: { total: expect.any(Number) } })
    expect((await client.cluster({})).nodes.filter(({ isSelf }) => isSelf)).toHaveLength(1)
    expect((await client.queues({})).queues).toMatchObject([{ queue: 'default', active: 0 }])
    expect(await client.workers({})).toMatchObject({ planes: [{ plane: 'default' }] })
    expect(await client.stuck({})).toMatchObject({ actors: [], judged: 0 })
    expect(await client.whoAmI({})).toEqual({ name: null, role: 'admin' })
    expect(await world.client({ name: 'vera', role: 'viewer' }).whoAmI({})).toEqual({ name: 'vera', role: 'viewer' })
  })
}

export function refusals(withClient: WithClient): void {
  withClient('refuses what does not fit the table, naming the field, and leaves everything as it is', async client => {
    const bad: readonly (() => Promise<unknown>)[] = [
      () => client.startActor({} as never),
      () => client.startActor({ machine: 'order', extra: 1 } as never),
      () => client.listActors({ limit: 0 }),
      () => client.listActors({ status: 'asleep' } as never),
      () => client.sendEvent({ address: 'order/1', event: { type: '' } }),
      () => client.history({ address: 'order/1', from: -1 }),
    ]
    for (const call of bad) await expect(call()).rejects.toMatchObject({ code: 'request/invalid' })
    await expect(client.startActor({} as never)).rejects.toThrow('machine')
    await expect(client.startActor({ machine: 'none' })).rejects.toMatchObject({ code: 'machine/unknown' })
    await expect(client.snapshot({ address: 'order/none' })).rejects.toMatchObject({ code: 'actor/unknown' })
    expect((await client.listActors({})).actors).toEqual([])
  })

  withClient('says no to a role that may not, and does nothing', async (client, world) => {
    const actor = await started(client, 'order', '1')
    const viewer = world.client({ name: 'vera', role: 'viewer' })
    await expect(viewer.stopActor(actor)).rejects.toMatchObject({ code: 'access/denied' })
    await expect(viewer.bulk({ filter: {}, action: 'stop' })).rejects.toMatchObject({ code: 'access/denied' })
    expect((await viewer.snapshot(actor)).status).toBe('active')
  })
}
