import assert from 'node:assert/strict'
import { actorId, childKey } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { ActorWrite, JournalRow, Store, StoredActor } from '../../core/store.ts'
import { NOW, Owner, creation, idIn, recordOf, recordOnly, reopen, steps } from './case.ts'
import type { Cases } from './case.ts'

/** Rows as [fromSeq, toSeq] of one actor, and where its bases are; the model that a store is compared to. */
interface Plan {
  readonly rows: readonly (readonly [number, number])[]
  readonly bases: readonly number[]
}

/** Bases within rows, at their ends, far apart and close together. */
const PLAN: Plan = {
  rows: [[1, 1], [2, 2], [3, 7], [8, 8], [9, 12], [13, 13], [14, 14], [15, 30], [31, 31], [32, 40]],
  bases: [1, 5, 8, 13, 22, 31],
}

const writesOf = (id: ActorId, { rows, bases }: Plan): readonly ActorWrite[] =>
  rows.map(([fromSeq, seq]) => {
    const base = bases.find((each) => each >= fromSeq && each <= seq)
    return fromSeq === 1 ? creation(id, { seq }) : steps(id, fromSeq, { seq, ...(base !== undefined && { base }) })
  })

const spansOf = (rows: readonly JournalRow[]): readonly (readonly [number, number])[] => rows.map(({ fromSeq, toSeq }) => [fromSeq, toSeq])

function assertLoaded(loaded: StoredActor | undefined, id: ActorId, { rows, bases }: Plan, at: number): void {
  const base = bases.findLast((seq) => seq <= at) ?? 0
  assert.deepEqual(loaded?.base, { seq: base, data: `base ${base} of ${id}` })
  assert.deepEqual(spansOf(loaded.rows), at === base ? [] : rows.filter(([fromSeq, toSeq]) => toSeq > base && fromSeq <= at))
  assert(loaded.rows.every((row) => row.id === id && row.data === `row ${row.fromSeq} of ${id}`))
}

const writePlan = async (store: Store, ...keys: readonly string[]): Promise<readonly ActorId[]> => writePlanAs(await Owner.of(store), ...keys)

async function writePlanAs(owner: Owner, ...keys: readonly string[]): Promise<readonly ActorId[]> {
  const ids = keys.map((key) => idIn(owner.store, key))
  const writes = ids.map((id) => writesOf(id, PLAN))
  for (const step of PLAN.rows.keys()) await owner.commit({ actors: writes.flatMap((each) => each[step] ?? []) })
  return ids
}

export const checkpointCases: Cases = {
  'an actor that does not exist is not loaded and has no history': async ({ open }) => {
    const store = await open()
    const id = idIn(store, 'nobody')
    assert.equal(await store.load(id), undefined)
    assert.equal(await store.load(id, 1), undefined)
    assert.deepEqual(await store.history(id, 0, 10), [])
    assert.deepEqual(await store.marks(id, ['k']), new Map())
    assert.deepEqual(await store.parked(id, 10), [])
  },

  'the whole record is kept': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const root = idIn(store, 'root')
    const id = actorId({ tenant: 'default', machine: 'child', key: childKey(root, 'child', 1) })
    const full = recordOf(id, {
      run: root, parent: root, version: '2.0.0', states: ['pay', 'pay.waiting'], tags: ['urgent', 'eu'], dueAt: NOW + 5, openTasks: 2, parked: 3,
      createdAt: NOW - 1, updatedAt: NOW + 1, completedAt: NOW + 2, expiresAt: NOW + 3, error: '{"message":"boom"}', status: 'held',
    })
    await owner.commit({ actors: [{ ...creation(id), record: full }] })
    assert.deepEqual((await store.load(id))?.record, full)
    const bare = recordOf(id, { run: root, parent: root, createdAt: NOW - 1, states: [], version: '3' })
    await owner.commit({ actors: [{ record: bare, created: false, base: null, row: null }] })
    assert.deepEqual((await store.load(id))?.record, bare)
    assert.deepEqual((await store.list({ tenant: 'default', limit: 10 })).records, [bare])
  },

  'each field of a record can change alone': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    await owner.commit({ actors: [creation(id)] })
    const changes = [
      { states: ['a', 'b'] }, { tags: ['t'] }, { version: '2' }, { dueAt: NOW }, { openTasks: 1 }, { parked: 1 }, { updatedAt: NOW + 9 },
      { completedAt: NOW }, { expiresAt: NOW }, { error: 'e' }, { status: 'paused' }, { status: 'done' },
    ] as const
    for (const change of changes) {
      for (const fields of [change, {}]) {
        await owner.commit({ actors: [recordOnly(id, fields)] })
        assert.deepEqual((await store.load(id))?.record, recordOf(id, fields))
      }
    }
  },

  'S9: the newest base comes with every later row': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    for (const [index, write] of writesOf(id, PLAN).entries()) {
      await owner.commit({ actors: [write] })
      const rows = PLAN.rows.slice(0, index + 1)
      const seq = rows.at(-1)?.[1] ?? 0
      assertLoaded(await store.load(id), id, { rows, bases: PLAN.bases.filter((base) => base <= seq) }, seq)
    }
  },

  'S9: every past sequence can be loaded, over several bases and from any handle': async (target) => {
    const store = await target.open()
    const ids = await writePlan(store, 'x', 'y', 'z')
    for (const handle of [store, (await reopen(target)) ?? store]) {
      for (const id of ids) {
        for (let at = 1; at <= 40; at++) assertLoaded(await handle.load(id, at), id, PLAN, at)
        assert.deepEqual(await handle.load(id, 1_000), await handle.load(id))
        assert.equal((await handle.load(id, 3))?.record.seq, 40)
      }
    }
  },

  'a base written again at its sequence is the newer one': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    await owner.commit({ actors: [creation(id)] })
    await owner.commit({ actors: [{ ...recordOnly(id, { version: '2' }), base: { seq: 1, data: 'migrated' } }] })
    assert.deepEqual((await store.load(id))?.base, { seq: 1, data: 'migrated' })
  },

  'history gives the rows of one actor in pages, from any sequence': async ({ open }) => {
    const store = await open()
    const [id = idIn(store, 'x')] = await writePlan(store, 'x', 'y')
    for (let after = 0; after <= 41; after++) {
      assert.deepEqual(spansOf(await store.history(id, after, 100)), PLAN.rows.filter(([, toSeq]) => toSeq > after))
    }
    for (const limit of [1, 2, 3, 7]) {
      const read: JournalRow[] = []
      for (let page = await store.history(id, 0, limit); page.length > 0; page = await store.history(id, read.at(-1)?.toSeq ?? 0, limit)) {
        assert(page.length <= limit)
        read.push(...page)
      }
      assert.deepEqual(spansOf(read), PLAN.rows)
      assert(read.every((row) => row.id === id))
    }
  },

  'S8: the head of a journal is its last position, also once its rows are gone': async (target) => {
    const store = await target.open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'a')
    const former = await store.journalHead(0)
    await owner.commit({ actors: [creation(id), creation(idIn(store, 'b'))] })
    assert.equal(await store.journalHead(0), former + 2)
    await owner.commit({ actors: [steps(id, 2, { seq: 3, status: 'done', expiresAt: NOW })] })
    const head = (await store.journal(0, 0, 10)).at(-1)?.position
    assert.equal(await store.journalHead(0), head)
    await owner.commit({ actors: [recordOnly(id, { seq: 3, status: 'done', expiresAt: NOW })] })
    await store.sweep(owner.lease, { now: NOW, journalBefore: undefined, completedMax: {}, reclaim: 0, limit: 100 })
    assert.equal((await store.journal(0, 0, 10)).length, 1)
    assert.equal(await store.journalHead(0), head)
    if (target.partitions > 1) assert.equal(await store.journalHead(1), 0)
    const other = await reopen(target)
    if (other) assert.equal(await other.journalHead(0), head)
  },

  'S8: the journal of a partition gives all its rows once, by positions without gaps': async ({ open, partitions }) => {
    const store = await open()
    await writePlan(store, 'x', 'y', 'z')
    if (partitions > 1) {
      const other = await Owner.of(store, { partition: 1 })
      await other.commit({ actors: [creation(idIn(store, 'far', { partition: 1 }), { partition: 1 })] })
      assert.equal((await store.journal(1, 0, 100)).length, 1)
    }
    const read: JournalRow[] = []
    for (let page = await store.journal(0, 0, 7); page.length > 0; page = await store.journal(0, read.at(-1)?.position ?? 0, 7)) read.push(...page)
    assert.equal(read.length, 3 * PLAN.rows.length)
    for (const [index, row] of read.entries()) {
      assert.equal(row.position, (read[0]?.position ?? 0) + index)
      assert.equal(row.at, NOW + Math.floor(index / 3) + 1)
    }
  },

  'S8: positions go on after the store was opened again': async (target) => {
    const store = await target.open()
    const former = await Owner.of(store)
    const [id = idIn(store, 'x')] = await writePlanAs(former, 'x')
    await store.release([former.lease])
    const last = (await store.journal(0, 0, 100)).at(-1)?.position ?? 0
    const again = await reopen(target)
    if (!again) return
    const owner = await Owner.of(again, { node: 'b' })
    await owner.commit({ actors: [steps(id, 41, { seq: 41 })] })
    assert.deepEqual((await store.journal(0, last, 100)).map((row) => [row.toSeq, row.position > last]), [[41, true]])
  },

  'S10: what is read while commits are on their way is always one whole commit': async (target) => {
    const store = await target.open()
    const reader = (await reopen(target)) ?? store
    const owner = await Owner.of(store)
    const [x, y] = [idIn(store, 'x'), idIn(store, 'y')]
    await owner.commit({ actors: [creation(x), creation(y)] })
    const writing = (async () => {
      for (let seq = 2; seq <= 100; seq++) await owner.commit({ actors: [steps(x, seq, { seq, ...(seq % 7 === 0 && { base: seq }) }), steps(y, seq, { seq })] })
    })()
    let reads = 0
    for (let seen = 1; seen < 100; reads++) {
      const { records } = await reader.list({ tenant: 'default', limit: 10 })
      assert.equal(new Set(records.map(({ seq }) => seq)).size, 1)
      const loaded = await reader.load(x)
      assert.equal(loaded?.rows.at(-1)?.toSeq ?? loaded?.base.seq, loaded?.record.seq)
      seen = loaded?.record.seq ?? 0
    }
    await writing
    assert(reads > 1)
  },
}
