import assert from 'node:assert/strict'
import type { ActorId } from '../../core/address.ts'
import type { DeadLetterFilter } from '../../core/store.ts'
import { actorStatuses } from '../../core/store.ts'
import { NOW, Owner, creation, idIn, letter, recordOnly } from './case.ts'
import type { Cases } from './case.ts'

export const actorCases: Cases = {
  'live actors are counted per partition': async ({ open, partitions }) => {
    const store = await open()
    const owner = await Owner.of(store)
    assert.equal(await store.countLive(0), 0)
    await owner.commit({ actors: actorStatuses.map((status) => creation(idIn(store, status), { status })) })
    assert.equal(await store.countLive(0), 3)
    await owner.commit({ actors: [recordOnly(idIn(store, 'active'), { status: 'done' }), recordOnly(idIn(store, 'held'), { status: 'active' })] })
    assert.equal(await store.countLive(0), 2)
    if (partitions > 1) assert.equal(await store.countLive(1), 0)
  },

  'due actors come earliest first, and only those that are due': async ({ open, partitions }) => {
    const store = await open()
    const owner = await Owner.of(store)
    assert.equal(await store.nextDue(0), undefined)
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((key) => idIn(store, key)) as [ActorId, ActorId, ActorId, ActorId]
    await owner.commit({ actors: [creation(a, { dueAt: NOW + 30 }), creation(b, { dueAt: NOW + 10 }), creation(c, { dueAt: NOW + 20 }), creation(d)] })
    assert.equal(await store.nextDue(0), NOW + 10)
    assert.deepEqual(await store.due(0, NOW + 9, 10), [])
    assert.deepEqual(await store.due(0, NOW + 20, 10), [{ id: b, dueAt: NOW + 10 }, { id: c, dueAt: NOW + 20 }])
    assert.deepEqual(await store.due(0, NOW + 99, 2), [{ id: b, dueAt: NOW + 10 }, { id: c, dueAt: NOW + 20 }])
    await owner.commit({ actors: [recordOnly(b, { dueAt: null }), recordOnly(c, { dueAt: NOW + 40 }), recordOnly(d, { dueAt: NOW + 35 })] })
    assert.deepEqual((await store.due(0, NOW + 99, 10)).map(({ id }) => id), [a, d, c])
    if (partitions > 1) assert.equal(await store.nextDue(1), undefined)
  },

  'actors with open tasks or parked messages and held ones are unsettled, by id': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const ids = Array.from({ length: 9 }, (_, n) => idIn(store, `k${n}`))
    const kind = (n: number) => [{ openTasks: 1 }, { parked: 1 }, { status: 'held' as const }, {}][n % 4]
    await owner.commit({ actors: ids.map((id, n) => creation(id, kind(n))).reverse() })
    const expected = ids.filter((_, n) => n % 4 !== 3).toSorted()
    assert.deepEqual(await store.unsettled(0, '', 100), expected)
    const read: ActorId[] = []
    for (let page = await store.unsettled(0, '', 2); page.length > 0; page = await store.unsettled(0, read.at(-1) ?? '', 2)) read.push(...page)
    assert.deepEqual(read, expected)
    await owner.commit({ actors: ids.map((id) => recordOnly(id, {})) })
    assert.deepEqual(await store.unsettled(0, '', 100), [])
  },

  'marks are kept per actor and key, the newest one counts': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const [x, y] = [idIn(store, 'x'), idIn(store, 'y')]
    const mark = (actor: ActorId, key: string, fingerprint: string) => ({ actor, key, fingerprint, expiresAt: NOW })
    await owner.commit({ marks: [mark(x, 'k1', 'f1'), mark(x, 'k2', 'f2'), mark(y, 'k1', 'f3')] })
    assert.deepEqual(await store.marks(x, ['k1', 'k2', 'k3']), new Map([['k1', 'f1'], ['k2', 'f2']]))
    assert.deepEqual(await store.marks(y, ['k1', 'k2']), new Map([['k1', 'f3']]))
    assert.deepEqual(await store.marks(x, []), new Map())
    await owner.commit({ marks: [mark(x, 'k1', 'f4')] })
    assert.deepEqual(await store.marks(x, ['k1']), new Map([['k1', 'f4']]))
  },

  'dead letters are found by every filter, in order of their ids': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const [x, y] = [idIn(store, 'x'), idIn(store, 'y', { tenant: 'acme' })]
    const letters = ['l3', 'l1', 'l4', 'l2'].map((id, n) => letter(n % 2 === 0 ? x : y, id, { at: NOW + n }))
    await owner.commit({ deadLetters: letters })
    await owner.commit({ resolved: [{ id: 'l2', state: 'discarded', at: NOW + 9, reason: 'obsolete' }] })
    const ids = async (filter: Omit<DeadLetterFilter, 'limit'>, limit = 10) => (await store.deadLetters({ ...filter, limit })).map(({ id }) => id)
    assert.deepEqual(await ids({}), ['l1', 'l2', 'l3', 'l4'])
    assert.deepEqual(await ids({}, 2), ['l1', 'l2'])
    assert.deepEqual(await ids({ after: 'l2' }), ['l3', 'l4'])
    assert.deepEqual(await ids({ tenant: 'acme' }), ['l1', 'l2'])
    assert.deepEqual(await ids({ actor: x }), ['l3', 'l4'])
    assert.deepEqual(await ids({ id: 'l1' }), ['l1'])
    assert.deepEqual(await ids({ id: 'l1', tenant: 'default' }), [])
    assert.deepEqual(await ids({ state: 'present', tenant: 'acme' }), ['l1'])
    assert.deepEqual(await store.deadLetters({ state: 'discarded', limit: 10 }), [letter(y, 'l2', { at: NOW + 3, state: 'discarded', resolvedAt: NOW + 9, reason: 'obsolete' })])
  },

  'a dead letter is resolved once; a later resolution changes nothing': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    await owner.commit({ deadLetters: [letter(id, 'l1')] })
    await owner.commit({ resolved: [{ id: 'l1', state: 'replayed', at: NOW + 1, reason: null }, { id: 'unknown', state: 'replayed', at: NOW, reason: null }] })
    await owner.commit({ resolved: [{ id: 'l1', state: 'discarded', at: NOW + 2, reason: 'again' }] })
    assert.deepEqual(await store.deadLetters({ limit: 10 }), [letter(id, 'l1', { state: 'replayed', resolvedAt: NOW + 1 })])
  },
}
