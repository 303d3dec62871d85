import assert from 'node:assert/strict'
import { actorId, childKey, parseActorId, partitionOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { ActorConditions, ActorFilter, ActorRecord, ActorStatus, Store, TallyGroup } from '../../core/store.ts'
import { TALLY_GROUPS_MAX, actorStatuses } from '../../core/store.ts'
import { Tally } from '../../core/tally.ts'
import { NOW, Owner, creation, idIn, recordOnly, refuses } from './case.ts'
import type { Cases } from './case.ts'

const keysOf = (records: readonly ActorRecord[]): readonly ActorId[] => records.map(({ id }) => id)

async function listAll(store: Store, filter: Omit<ActorFilter, 'limit' | 'cursor'>, limit: number): Promise<readonly ActorRecord[]> {
  const records: ActorRecord[] = []
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await store.list({ ...filter, limit, ...(cursor !== undefined && { cursor }) })
    assert(page.records.length <= limit)
    assert(page.cursor === undefined || page.records.length > 0)
    records.push(...page.records)
    cursor = page.cursor
  }
  return records
}

/** One by one: the difference of two lists of thousands takes a minute to print. */
function assertSame(found: readonly ActorRecord[], expected: readonly ActorRecord[]): void {
  for (const [index, record] of expected.entries()) assert.deepEqual(found[index], record)
  assert.equal(found.length, expected.length)
}

const COUNT = 2_500

/** 2,500 actors that differ in everything that can be asked for. */
async function populate(store: Store): Promise<readonly ActorRecord[]> {
  const owner = await Owner.of(store)
  const root = idIn(store, 'root')
  const records = Array.from({ length: COUNT }, (_, n): ActorRecord => {
    const id = idIn(store, `k${n}`, { tenant: n % 5 === 0 ? 'acme' : 'default', machine: n % 3 === 0 ? 'order' : 'order.line' })
    const { record } = creation(id, {
      status: actorStatuses[n % actorStatuses.length] as ActorStatus,
      states: n % 2 === 0 ? ['pay', 'pay.waiting'] : ['pay.waiting.long'],
      tags: n % 4 === 0 ? ['a b', 'urgent'] : n % 4 === 1 ? ['urgent\u001fa b'] : [],
      createdAt: NOW + n,
      updatedAt: NOW + (n * 7) % COUNT,
    })
    return n % 10 === 0 ? { ...record, run: root } : record
  })
  for (let from = 0; from < COUNT; from += 500) {
    await owner.commit({ actors: records.slice(from, from + 500).map((record) => ({ ...creation(record.id), record })) })
  }
  return records
}

/** Some spread children of a run for each partition. */
function spreadChildren(store: Store, run: ActorId, count: number): readonly (readonly ActorId[])[] {
  const children: ActorId[][] = Array.from({ length: store.partitions }, () => [])
  for (let ordinal = 1; children.some(({ length }) => length < count); ordinal++) {
    const id = actorId({ tenant: 'default', machine: 'bee', key: childKey(run, 'cell', ordinal, true) })
    const place = children[partitionOf(id, store.partitions)]
    if (place && place.length < count) place.push(id)
  }
  return children
}

const tenantOf = ({ id }: ActorRecord): string => parseActorId(id).tenant
const machineOf = ({ id }: ActorRecord): string => parseActorId(id).machine
const keyOf = ({ id }: ActorRecord): string => parseActorId(id).key

/** All that can be asked of what `populate` has made, and which of it fits. */
function questions(store: Store, all: readonly ActorRecord[]): readonly { readonly conditions: ActorConditions; readonly expected: readonly ActorRecord[] }[] {
  const conditions: readonly (readonly [ActorConditions, (record: ActorRecord) => boolean])[] = [
    [{ tenant: 'default' }, () => true],
    [{ tenant: 'acme' }, () => true],
    [{ tenant: 'default', machine: 'order' }, (record) => machineOf(record) === 'order'],
    [{ tenant: 'acme', machine: 'order.line' }, (record) => machineOf(record) === 'order.line'],
    ...actorStatuses.map((status) => [{ tenant: 'default', status }, (record: ActorRecord) => record.status === status] as const),
    [{ tenant: 'default', state: 'pay' }, ({ states }) => states.includes('pay')],
    [{ tenant: 'default', state: 'pay.waiting.long' }, ({ states }) => states.includes('pay.waiting.long')],
    [{ tenant: 'default', state: 'waiting' }, () => false],
    [{ tenant: 'default', tag: 'urgent' }, ({ tags }) => tags.includes('urgent')],
    [{ tenant: 'default', tag: 'urgent\u001fa b' }, ({ tags }) => tags.includes('urgent\u001fa b')],
    [{ tenant: 'default', tag: '%' }, () => false],
    [{ tenant: 'default', run: idIn(store, 'root') }, ({ run }) => run === idIn(store, 'root')],
    [{ tenant: 'acme', machine: 'order', status: 'active', state: 'pay', tag: 'urgent' }, (record) =>
      machineOf(record) === 'order' && record.status === 'active' && record.states.includes('pay') && record.tags.includes('urgent')],
    [{ tenant: 'default', machinesExcept: 'order.' }, (record) => machineOf(record) === 'order'],
    [{ tenant: 'default', text: '99' }, (record) => keyOf(record).includes('99')],
    [{ tenant: 'default', text: 'order' }, () => false],
    [{ tenant: 'default', text: '%' }, () => false],
    [{ tenant: 'default', updatedBefore: NOW + 700 }, ({ updatedAt }) => updatedAt < NOW + 700],
    [{ tenant: 'default', updatedAfter: NOW + 700, updatedBefore: NOW + 1_400, tag: 'urgent' }, ({ updatedAt, tags }) => updatedAt > NOW + 700 && updatedAt < NOW + 1_400 && tags.includes('urgent')],
    [{ tenant: 'nobody' }, () => false],
  ]
  return conditions.map(([asked, fits]) => ({ conditions: asked, expected: all.filter((record) => tenantOf(record) === asked.tenant && fits(record)) }))
}

/** Kinds of actors and how many of each, as text to be compared. */
const kindsOf = (groups: readonly TallyGroup[]): readonly string[] => groups.map(({ machine, status, states, count }) => `${count} ${machine} ${status} ${JSON.stringify(states)}`).toSorted()

function tallied(records: readonly ActorRecord[]): readonly string[] {
  const tally = new Tally()
  for (const record of records) tally.add({ machine: machineOf(record), status: record.status, states: record.states, count: 1 })
  return kindsOf(tally.result().groups)
}

export const listingCases: Cases = {
  'actors are listed in the order of their creation or against it, by every filter and page size, without gap or repetition': async ({ open }) => {
    const store = await open()
    const all = await populate(store)
    for (const { conditions, expected } of questions(store, all)) {
      assertSame(await listAll(store, conditions, 300), expected)
      assertSame(await listAll(store, { ...conditions, order: 'newest' }, 300), expected.toReversed())
    }
    const firstPage = all.filter((record) => tenantOf(record) === 'acme').slice(0, 100)
    assert.deepEqual((await store.list({ tenant: 'acme', limit: 100 })).records, firstPage)
    assert.equal((await listAll(store, { tenant: 'acme', status: 'done' }, 1)).length, all.filter((record) => tenantOf(record) === 'acme' && record.status === 'done').length)
  },

  'a cursor leads back with the other order': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const ids = Array.from({ length: 6 }, (_, n) => idIn(store, `k${n}`))
    await owner.commit({ actors: ids.map((id, n) => creation(id, { createdAt: NOW + n })) })
    const first = await store.list({ tenant: 'default', limit: 4 })
    const back = await store.list({ tenant: 'default', limit: 2, order: 'newest', cursor: first.cursor ?? '' })
    assert.deepEqual([keysOf(first.records), keysOf(back.records)], [ids.slice(0, 4), [ids[2], ids[1]]])
  },

  'pages over all partitions hold each actor once, in both orders, also where many were created at once': async ({ open, partitions }) => {
    const store = await open()
    const ids: ActorId[] = []
    for (let partition = 0; partition < partitions; partition++) {
      const own = Array.from({ length: 25 }, (_, n) => idIn(store, `k${n}`, { partition }))
      await (await Owner.of(store, { partition })).commit({ actors: own.map((id) => creation(id, { partition })) })
      ids.push(...own)
    }
    const oldest = await listAll(store, { tenant: 'default' }, 7)
    assert.deepEqual(keysOf(oldest).toSorted(), ids.toSorted())
    assertSame(await listAll(store, { tenant: 'default', order: 'newest' }, 7), oldest.toReversed())
  },

  'a tally counts what a list of the same conditions gives, by machine, status and active states': async ({ open }) => {
    const store = await open()
    const all = await populate(store)
    for (const { conditions, expected } of questions(store, all)) {
      const { total, groups } = await store.tally(conditions)
      assert.equal(total, expected.length)
      assert.deepEqual(kindsOf(groups), tallied(expected))
      assert.deepEqual(groups.map(({ count }) => count), groups.map(({ count }) => count).toSorted((a, b) => b - a))
    }
  },

  'a tally tells the most numerous kinds apart, and counts all': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const kinds = TALLY_GROUPS_MAX + 5
    await owner.commit({ actors: Array.from({ length: kinds }, (_, n) => creation(idIn(store, `k${n}`), { states: [`s${n}`, 'a "b"\u001f'] })) })
    await owner.commit({ actors: [creation(idIn(store, 'twin'), { states: ['s7', 'a "b"\u001f'] }), creation(idIn(store, 'none'), { states: [] }), creation(idIn(store, 'none too'), { states: [] }), creation(idIn(store, 'none either'), { states: [] })] })
    const { total, groups } = await store.tally({ tenant: 'default' })
    assert.equal(total, kinds + 4)
    assert.equal(groups.length, TALLY_GROUPS_MAX)
    assert.deepEqual(groups.slice(0, 2), [{ machine: 'order', status: 'active', states: [], count: 3 }, { machine: 'order', status: 'active', states: ['s7', 'a "b"\u001f'], count: 2 }])
  },

  'the actors of a run are listed over all partitions that they are spread over, until they are swept': async ({ open, partitions, skip }) => {
    if (partitions < 2) return skip('the set-up has one partition')
    const store = await open()
    const run = idIn(store, 'hive')
    const owners = await Promise.all(Array.from({ length: partitions }, (_, partition) => Owner.of(store, { partition })))
    const children = spreadChildren(store, run, 3)
    await owners[0]?.commit({ actors: [creation(run), creation(idIn(store, 'other'))] })
    for (const [partition, owner] of owners.entries()) {
      await owner.commit({ actors: (children[partition] ?? []).map((id, n) => creation(id, { run, parent: run, partition, createdAt: NOW + 1 + n, ...(n === 0 && { status: 'done', expiresAt: NOW }) })) })
    }
    const all = [run, ...children.flat()]
    for (const limit of [2, 100]) assert.deepEqual(keysOf(await listAll(store, { tenant: 'default', run }, limit)).toSorted(), all.toSorted())
    assert.deepEqual(keysOf(await listAll(store, { tenant: 'default', run, status: 'done' }, 100)).toSorted(), children.flatMap(([first]) => first ?? []).toSorted())
    for (const { lease } of owners) await store.sweep(lease, { now: NOW, journalBefore: undefined, completedMax: {}, reclaim: 0, limit: 100 })
    const left = [run, ...children.flatMap(([, ...rest]) => rest)]
    assert.deepEqual(keysOf(await listAll(store, { tenant: 'default', run }, 2)).toSorted(), left.toSorted())
  },

  'a page that is exactly full and the last has no cursor': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    await owner.commit({ actors: ['a', 'b'].map((key) => creation(idIn(store, key))) })
    assert.equal((await store.list({ tenant: 'default', limit: 2 })).cursor, undefined)
    assert.notEqual((await store.list({ tenant: 'default', limit: 1 })).cursor, undefined)
  },

  'paging goes on where it was while actors are created and change': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const ids = Array.from({ length: 10 }, (_, n) => idIn(store, `k${n}`))
    await owner.commit({ actors: ids.map((id, n) => creation(id, { createdAt: NOW + n })) })
    const first = await store.list({ tenant: 'default', limit: 4 })
    const later = idIn(store, 'a later one')
    await owner.commit({ actors: [creation(later, { createdAt: NOW + 100 }), ...ids.map((id, n) => recordOnly(id, { createdAt: NOW + n, updatedAt: NOW + 50 }))] })
    const rest = await store.list({ tenant: 'default', limit: 100, cursor: first.cursor ?? '' })
    assert.deepEqual([...keysOf(first.records), ...keysOf(rest.records)], [...ids, later])
  },

  'a cursor that no page gave is refused': async ({ open }) => {
    const store = await open()
    for (const cursor of ['', ' ', '../', "'; --", '\0', 'x'.repeat(5_000)]) await refuses(store.list({ tenant: 'default', limit: 1, cursor }), 'config/invalid')
  },
}
