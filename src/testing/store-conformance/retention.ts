import assert from 'node:assert/strict'
import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Store, SweepRequest, Swept } from '../../core/store.ts'
import { createSeededRandom } from '../seeded-random.ts'
import { NOW, Owner, creation, idIn, letter, message, recordOnly, refuses, steps } from './case.ts'
import type { Cases } from './case.ts'

const sweepAll = (owner: Owner, request: Partial<SweepRequest> = {}): Promise<Swept> =>
  owner.store.sweep(owner.lease, { now: NOW, journalBefore: undefined, completedMax: {}, reclaim: 0, limit: 100, ...request })

/** How many actors have expired. */
const sweep = async (owner: Owner, request?: Partial<SweepRequest>): Promise<number> => (await sweepAll(owner, request)).expired

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

/** Sequences from base and rows; undefined when that past was trimmed. Throws when they have a gap. */
async function reach(store: Store, id: ActorId, at: number): Promise<number | undefined> {
  const loaded = await store.load(id, at).catch((error: unknown) => {
    if (error instanceof TroupeError && error.code === 'history/trimmed') return undefined
    throw error
  })
  if (!loaded) return undefined
  let seq = loaded.base.seq
  for (const row of loaded.rows) {
    assert(row.fromSeq <= seq + 1, `${id} at ${at}: ${row.fromSeq} after ${seq}`)
    seq = row.toSeq
  }
  return Math.min(seq, at)
}

export const retentionCases: Cases = {
  'an expired actor goes with all that belongs to it': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const [gone, kept, forever] = ['gone', 'kept', 'forever'].map((key) => idIn(store, key)) as [ActorId, ActorId, ActorId]
    const mark = (actor: ActorId) => ({ actor, key: 'k', fingerprint: 'f', expiresAt: NOW + DAY_MS })
    const ended = (id: ActorId, expiresAt: number | null) => creation(id, { status: 'done', expiresAt, dueAt: NOW, openTasks: 1 })
    await owner.commit({
      actors: [ended(gone, NOW), ended(kept, NOW + 1), ended(forever, null)],
      park: [gone, kept].map((id) => message(id, `parked of ${id}`)),
      marks: [gone, kept].map(mark),
    })
    assert.equal(await sweep(owner), 1)
    assert.equal(await store.load(gone), undefined)
    assert.deepEqual(await store.history(gone, 0, 10), [])
    assert.deepEqual(await store.parked(gone, 10), [])
    assert.deepEqual(await store.marks(gone, ['k']), new Map())
    assert.deepEqual((await store.journal(0, 0, 10)).map(({ id }) => id), [kept, forever])
    assert.deepEqual((await store.list({ tenant: 'default', limit: 10 })).records.map(({ id }) => id), [kept, forever])
    assert.deepEqual(await store.unsettled(0, '', 10), [forever, kept].toSorted())
    assert.equal((await store.due(0, NOW, 10)).length, 2)
    assert.equal((await store.parked(kept, 10)).length, 1)
    assert.equal(await sweep(owner), 0)
    await owner.commit({ actors: [creation(gone)] })
    assert.equal((await store.load(gone))?.record.seq, 1)
    assert.equal((await store.history(gone, 0, 10)).length, 1)
  },

  'a sweep deletes no more actors than it may, and many sweeps all of them': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const ids = Array.from({ length: 50 }, (_, n) => idIn(store, `k${n}`))
    await owner.commit({ actors: ids.map((id) => creation(id)) })
    for (let seq = 2; seq <= 20; seq++) await owner.commit({ actors: ids.map((id) => steps(id, seq, { seq })) })
    await owner.commit({ actors: ids.map((id) => recordOnly(id, { seq: 20, status: 'done', expiresAt: NOW })) })
    const counts: number[] = []
    for (let count = -1; count !== 0;) counts.push((count = await sweep(owner, { limit: 20 })))
    assert.deepEqual(counts, [20, 20, 10, 0])
    assert.deepEqual(await store.journal(0, 0, 10), [])
  },

  'S2: a stale lease cannot sweep': async ({ open, at, leaseMs: ttlMs }) => {
    const store = await open()
    const first = await Owner.of(store, { node: 'a', ttlMs })
    await first.commit({ actors: [creation(idIn(store, 'x'), { status: 'done', expiresAt: NOW })] })
    await Owner.of(store, { node: 'b', now: await at(ttlMs), ttlMs })
    await refuses(sweep(first), 'lease/stale')
    assert.equal(await store.countLive(0), 0)
    assert.notEqual(await store.load(idIn(store, 'x')), undefined)
  },

  'a sweep leaves other partitions alone': async ({ open, partitions, skip }) => {
    if (partitions < 2) return skip('needs two partitions')
    const store = await open()
    const [first, second] = [await Owner.of(store), await Owner.of(store, { partition: 1 })]
    const id = idIn(store, 'x', { partition: 1 })
    await second.commit({ actors: [creation(id, { partition: 1, status: 'done', expiresAt: NOW })] })
    assert.equal(await sweep(first, { journalBefore: NOW + DAY_MS }), 0)
    assert.equal((await store.journal(1, 0, 10)).length, 1)
    assert.equal(await sweep(second), 1)
  },

  'marks go when they expire': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    const marks = [NOW, NOW + 1].map((expiresAt, n) => ({ actor: id, key: `k${n}`, fingerprint: 'f', expiresAt }))
    await owner.commit({ at: NOW, actors: [creation(id)], marks })
    await sweep(owner)
    assert.deepEqual([...(await store.marks(id, ['k0', 'k1'])).keys()], ['k1'])
  },

  'replies nobody fetched go after an hour': async ({ open, passTo, skip }) => {
    if (passTo) return skip('they go by the clock of the store, which no test waits for')
    const store = await open()
    const owner = await Owner.of(store)
    await owner.commit({ at: NOW, replies: [{ node: 'a', request: 'early', data: '' }] })
    await owner.commit({ at: NOW + 1, replies: [{ node: 'a', request: 'late', data: '' }] })
    await sweep(owner, { now: NOW + HOUR_MS })
    assert.deepEqual((await store.takeReplies('a')).map(({ request }) => request), ['late'])
  },

  'dead letters go a week after they were resolved, never before': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    await owner.commit({ deadLetters: ['l1', 'l2', 'l3'].map((each) => letter(id, each, { at: NOW - 365 * DAY_MS })) })
    await owner.commit({ resolved: [{ id: 'l1', state: 'replayed', at: NOW, reason: null }, { id: 'l2', state: 'discarded', at: NOW + 1, reason: null }] })
    const present = async () => (await store.deadLetters({ limit: 10 })).map(({ id: each }) => each)
    await sweep(owner, { now: NOW + 7 * DAY_MS - 1 })
    assert.deepEqual(await present(), ['l1', 'l2', 'l3'])
    await sweep(owner, { now: NOW + 7 * DAY_MS })
    assert.deepEqual(await present(), ['l2', 'l3'])
    await sweep(owner, { now: NOW + 365 * DAY_MS })
    assert.deepEqual(await present(), ['l3'])
  },

  'old journal goes, except what an actor is loaded from': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const [based, young, bare] = ['based', 'young', 'bare'].map((key) => idIn(store, key)) as [ActorId, ActorId, ActorId]
    await owner.commit({ at: NOW, actors: [creation(based), creation(young), creation(bare)] })
    for (let seq = 2; seq <= 6; seq++) {
      await owner.commit({ at: NOW + seq, actors: [steps(based, seq, { seq, ...(seq % 2 === 0 && { base: seq }) }), steps(bare, seq, { seq })] })
    }
    await owner.commit({ at: NOW + 100, actors: [steps(young, 2, { seq: 2, base: 2 })] })
    await sweep(owner, { journalBefore: NOW + 6 })
    const spans = async (id: ActorId) => (await store.history(id, 0, 10)).map(({ toSeq }) => toSeq)
    assert.deepEqual([await spans(based), await spans(young), await spans(bare)], [[6], [2], [2, 3, 4, 5, 6]])
    const inOrder = (await store.journal(0, 0, 100)).filter(({ at }) => at >= NOW + 6).map(({ id, toSeq }) => [id, toSeq])
    assert.deepEqual(inOrder, [[based, 6], [bare, 6], [young, 2]])
    assert.deepEqual([await reach(store, based, 99), await reach(store, young, 99), await reach(store, bare, 99)], [6, 2, 6])
    await refuses(store.load(based, 4), 'history/trimmed')
    assert.equal(await reach(store, based, 6), 6)
    assert.equal(await reach(store, bare, 3), 3)
  },

  'S8, S9: whatever a sweep trims, every actor still loads, its past is whole or refused, and the journal keeps what is young': async ({ open }) => {
    const seed = 20_240_607
    const random = createSeededRandom(seed)
    const below = (n: number) => Math.floor(random.next() * n)
    const store = await open()
    const owner = await Owner.of(store)
    const ids = Array.from({ length: 6 }, (_, n) => idIn(store, `k${n}`))
    const seqs = ids.map(() => 0)
    const written: (readonly [ActorId, toSeq: number, at: number])[] = []
    let trimmed = 0
    let trimmedBefore = 0
    for (let round = 0; round < 60; round++) {
      const actors = ids.flatMap((id, n) => {
        const from = (seqs[n] ?? 0) + 1
        if (from > 1 && random.next() < 0.3) return []
        const seq = (seqs[n] = from + below(4))
        if (from === 1) return [creation(id, { seq })]
        return [steps(id, from, { seq, ...(random.next() < 0.25 && { base: from + below(seq - from + 1) }) })]
      })
      await owner.commit({ at: NOW + round, actors })
      for (const { record } of actors) written.push([record.id, record.seq, NOW + round])
      if (round % 3 === 0) {
        const journalBefore = NOW + round - below(10)
        trimmedBefore = Math.max(trimmedBefore, journalBefore)
        await sweep(owner, { journalBefore, limit: 1 + below(12) })
      }
      if (round % 10 !== 9) continue
      const isYoung = ([, , at]: (typeof written)[number]) => at >= trimmedBefore
      const journal = (await store.journal(0, 0, 1_000)).map(({ id, toSeq, at }) => [id, toSeq, at] as const)
      assert.deepEqual(journal.filter(isYoung), written.filter(isYoung), `seed ${seed}, round ${round}: what is young stays in the journal, in order`)
      for (const [n, id] of ids.entries()) {
        assert.equal(await reach(store, id, 1_000), seqs[n], `seed ${seed}, round ${round}`)
        for (let at = 1; at <= (seqs[n] ?? 0); at++) {
          const reached = await reach(store, id, at)
          assert(reached === undefined || reached === at, `seed ${seed}, round ${round}: ${id} at ${at} gives ${reached}`)
          if (reached === undefined) trimmed++
        }
      }
    }
    for (let n = 0; n < 40; n++) await sweep(owner, { journalBefore: NOW + DAY_MS, limit: 20 })
    for (const [n, id] of ids.entries()) {
      const base = (await store.load(id))?.base.seq ?? 0
      assert((await store.history(id, 0, 1_000)).every(({ toSeq }) => toSeq > base), 'nothing but the rows after the newest base is left')
      assert.equal(await reach(store, id, 1_000), seqs[n])
    }
    assert(trimmed > 0)
  },
}
