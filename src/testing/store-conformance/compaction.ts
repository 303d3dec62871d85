import assert from 'node:assert/strict'
import type { ActorId } from '../../core/address.ts'
import { actorId, childKey } from '../../core/address.ts'
import type { ActorRecord, ActorWrite, Store, SweepRequest, Swept } from '../../core/store.ts'
import { NOW, Owner, creation, eventually, idIn, message, recordOnly } from './case.ts'
import type { Cases } from './case.ts'

const sweep = (owner: Owner, request: Partial<SweepRequest>): Promise<Swept> => owner.store.sweep(owner.lease, { now: NOW, journalBefore: undefined, completedMax: {}, reclaim: 0, limit: 100, ...request })

const idsOf = async (store: Store): Promise<readonly ActorId[]> => (await store.list({ tenant: 'default', limit: 1_000 })).records.map(({ id }) => id)

/** An actor of a run; it has completed unless the fields say otherwise. */
const ended = (id: ActorId, completedAt: number, fields: Partial<ActorRecord> = {}): ActorWrite => creation(id, { status: 'done', completedAt, ...fields })

const childOf = (run: ActorId, name: string): ActorId => actorId({ tenant: 'default', machine: 'leg', key: childKey(run, name, 1) })

/** An actor spawned in a run. */
const child = (run: ActorId, name: string, fields: Partial<ActorRecord> = {}): ActorWrite => creation(childOf(run, name), { run, parent: run, ...fields })

const done = { status: 'done', completedAt: NOW } as const

export const compactionCases: Cases = {
  'of completed runs that are too many the oldest completions go, per machine': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const orders = Array.from({ length: 5 }, (_, n) => idIn(store, `o${n}`))
    const trips = Array.from({ length: 5 }, (_, n) => idIn(store, `t${n}`, { machine: 'trip' }))
    // Born in one order, completed in another.
    const completedAt = [30, 10, 50, 20, 40]
    await owner.commit({ actors: [...orders, ...trips].map((id, n) => ended(id, NOW + (completedAt[n % 5] ?? 0), { status: (['done', 'stopped', 'cancelled'] as const)[n % 3] ?? 'done' })) })
    assert.deepEqual(await sweep(owner, { completedMax: { order: 2, trip: 4, other: 0 } }), { expired: 0, surplus: 4, reclaimed: 0 })
    assert.deepEqual(await idsOf(store), [orders[2], orders[4], trips[0], trips[2], trips[3], trips[4]])
    assert.deepEqual(await sweep(owner, { completedMax: { order: 2, trip: 4 } }), { expired: 0, surplus: 0, reclaimed: 0 })
    assert.deepEqual(await sweep(owner, { completedMax: { order: 0 } }), { expired: 0, surplus: 2, reclaimed: 0 })
    assert.equal((await idsOf(store)).length, 4)
  },

  'to make room the oldest completions of all machines go, no more than asked for': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const ids = Array.from({ length: 12 }, (_, n) => idIn(store, `k${n}`, { machine: ['order', 'trip', 'visit'][n % 3] ?? '' }))
    await owner.commit({ actors: ids.map((id, n) => ended(id, NOW + n)) })
    assert.deepEqual(await sweep(owner, { reclaim: 5 }), { expired: 0, surplus: 0, reclaimed: 5 })
    assert.deepEqual(await idsOf(store), ids.slice(5))
    assert.equal((await sweep(owner, { reclaim: 5, limit: 3 })).reclaimed, 3)
    assert.equal((await sweep(owner, { reclaim: 100 })).reclaimed, 4)
    assert.deepEqual(await idsOf(store), [])
    assert.deepEqual(await store.journal(0, 0, 100), [])
  },

  'what lives, pauses, is held, or failed and waits to be mended never goes': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const ids = (['active', 'paused', 'held', 'failed'] as const).map(status => [idIn(store, status), status] as const)
    await owner.commit({ actors: ids.map(([id, status]) => creation(id, { status, completedAt: null })) })
    assert.deepEqual(await sweep(owner, { completedMax: { order: 0 }, reclaim: 100 }), { expired: 0, surplus: 0, reclaimed: 0 })
    assert.deepEqual(await idsOf(store), ids.map(([id]) => id))
  },

  'a run goes whole, by the completion of its root': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const [live, late, early] = ['live', 'late', 'early'].map(key => idIn(store, key)) as [ActorId, ActorId, ActorId]
    // The children of the run that lives ended long before all others.
    const children = [child(live, 'a', { ...done, completedAt: 1 }), child(live, 'b', { status: 'failed', completedAt: 2 }), child(late, 'a', { ...done, completedAt: 3 }), child(early, 'a', done), child(early, 'b', done)]
    await owner.commit({ actors: [creation(live), ended(late, NOW + 2), ended(early, NOW + 1), ...children] })
    assert.equal((await sweep(owner, { completedMax: { order: 1, leg: 0 } })).surplus, 3)
    assert.deepEqual((await idsOf(store)).toSorted(), [live, late, childOf(live, 'a'), childOf(live, 'b'), childOf(late, 'a')].toSorted())
    assert.equal((await sweep(owner, { reclaim: 100 })).reclaimed, 2)
    assert.deepEqual((await idsOf(store)).toSorted(), [live, childOf(live, 'a'), childOf(live, 'b')].toSorted())
    await owner.commit({ actors: [recordOnly(live, { ...done })] })
    assert.equal((await sweep(owner, { reclaim: 100 })).reclaimed, 3)
    assert.deepEqual(await store.list({ tenant: 'default', run: live, limit: 10 }).then(({ records }) => records), [])
  },

  'a completed run in which an actor still lives, or events still wait, stays until they are done': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const [alive, waited] = ['alive', 'waited'].map(key => idIn(store, key)) as [ActorId, ActorId]
    await owner.commit({ actors: [ended(alive, NOW), child(alive, 'a'), ended(waited, NOW, { parked: 1 })], park: [message(waited, 'm')] })
    assert.equal((await sweep(owner, { completedMax: { order: 0 }, reclaim: 100 })).surplus, 0)
    assert.equal((await idsOf(store)).length, 3)
    await owner.commit({ actors: [recordOnly(childOf(alive, 'a'), { run: alive, parent: alive, ...done }), recordOnly(waited, done)], unpark: [{ actor: waited, position: (await store.parked(waited, 1))[0]?.position ?? 0 }] })
    assert.deepEqual(await sweep(owner, { completedMax: { order: 0 } }), { expired: 0, surplus: 3, reclaimed: 0 })
  },

  'a run of more actors than a sweep may delete goes bit by bit, the root last': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const root = idIn(store, 'root')
    await owner.commit({ actors: [ended(root, NOW), ...Array.from({ length: 10 }, (_, n) => child(root, `c${n}`, done))] })
    for (const left of [7, 3]) {
      assert.equal((await sweep(owner, { completedMax: { order: 0 }, limit: 4 })).surplus, 4)
      const ids = await idsOf(store)
      assert.equal(ids.length, left)
      assert(ids.includes(root))
    }
    assert.equal((await sweep(owner, { completedMax: { order: 0 }, limit: 4 })).surplus, 3)
    assert.deepEqual(await idsOf(store), [])
  },

  'a root that was started again after its end is no completed one': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    await owner.commit({ actors: [ended(id, NOW)] })
    await owner.commit({ actors: [creation(id)] })
    assert.deepEqual(await sweep(owner, { completedMax: { order: 0 }, reclaim: 100 }), { expired: 0, surplus: 0, reclaimed: 0 })
    assert.deepEqual(await idsOf(store), [id])
  },

  'the size of a store grows with what it is given and shrinks with what goes': async ({ open, skip }) => {
    const store = await open()
    const { size } = store
    if (!size) return skip('the store does not tell its size')
    const owner = await Owner.of(store)
    const bytes = async (): Promise<number> => (await store.size?.())?.bytes ?? 0
    const empty = await bytes()
    const data = 'x'.repeat(10_000)
    const ids = Array.from({ length: 400 }, (_, n) => idIn(store, `k${n}`))
    await owner.commit({ actors: ids.map(id => ({ ...ended(id, NOW), base: { seq: 1, data } })) })
    const full = await bytes()
    assert(full - empty > 400 * 10_000, `${full - empty} bytes for 4 MB`)
    assert.equal((await sweep(owner, { reclaim: 400, limit: 400 })).reclaimed, 400)
    // Freed a moment later, where that is done beside the work.
    const after = await eventually(bytes, left => left - empty < (full - empty) / 4)
    assert(after - empty < (full - empty) / 4, `${after - empty} bytes are left of ${full - empty}`)
  },
}
