import assert from 'node:assert/strict'
import type { Commit, Lease, Store } from '../../core/store.ts'
import { LEASE_MS, NOW, Owner, breaks, commitOf, creation, eventually, idIn, letter, message, recordOf, recordOnly, refuses, reopen, steps } from './case.ts'
import type { Cases } from './case.ts'

/** A commit that touches every part of the store. */
function everything(store: Store, seq: number, label: string): Commit {
  const id = idIn(store, label)
  return commitOf(seq, {
    actors: [creation(id, { dueAt: NOW, openTasks: 1 })],
    outbox: [message(id, `out-${label}`)],
    park: [message(id, `park-${label}`)],
    marks: [{ actor: id, key: 'k', fingerprint: label, expiresAt: NOW + LEASE_MS }],
    replies: [{ node: 'n', request: label, data: 'd' }],
    deadLetters: [letter(id, `letter-${label}`)],
  })
}

/** All that `everything` may have left, as text to compare. */
async function contents(store: Store, label: string): Promise<string> {
  const id = idIn(store, label)
  return JSON.stringify([
    await store.load(id), await store.history(id, 0, 10), await store.journal(0, 0, 10), await store.take(0, 0, 10), await store.parked(id, 10),
    [...(await store.marks(id, ['k']))], await store.deadLetters({ limit: 10 }), await store.due(0, NOW, 10), await store.countLive(0),
  ])
}

async function refusedWithoutTrace(store: Store, lease: Lease, commit: Commit, label: string): Promise<void> {
  const before = await contents(store, label)
  await refuses(store.commit(lease, commit), 'lease/stale')
  assert.equal(await contents(store, label), before)
  assert.deepEqual(await store.takeReplies('n'), [])
}

export const commitCases: Cases = {
  'S1: a commit brings every part of it': async ({ open }) => {
    const store = await open()
    const { lease } = await Owner.of(store)
    const id = idIn(store, 'x')
    await store.commit(lease, everything(store, 1, 'x'))
    assert.equal((await store.load(id))?.record.seq, 1)
    assert.deepEqual((await store.journal(0, 0, 10)).map((row) => row.id), [id])
    assert.deepEqual((await store.take(0, 0, 10)).map((each) => each.id), ['out-x'])
    assert.deepEqual((await store.parked(id, 10)).map((each) => each.id), ['park-x'])
    assert.deepEqual(await store.marks(id, ['k']), new Map([['k', 'x']]))
    assert.deepEqual(await eventually(() => store.takeReplies('n'), replies => replies.length > 0), [{ node: 'n', request: 'x', data: 'd' }])
    assert.deepEqual(await store.deadLetters({ limit: 10 }), [letter(id, 'letter-x')])
    assert.deepEqual(await store.due(0, NOW, 10), [{ id, dueAt: NOW }])
    assert.deepEqual(await store.unsettled(0, '', 10), [id])
    assert.equal(await store.countLive(0), 1)
  },

  'S1: a commit that breaks in its last actor leaves nothing': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const before = await contents(store, 'x')
    const whole = everything(store, 1, 'x')
    await breaks(store.commit(owner.lease, { ...whole, actors: [...whole.actors, steps(idIn(store, 'never created'), 2, { seq: 2 })] }))
    assert.equal(await contents(store, 'x'), before)
    assert.deepEqual(await store.takeReplies('n'), [])
    await store.commit(owner.lease, whole)
    assert.deepEqual((await store.take(0, 0, 10)).map((each) => each.id), ['out-x'])
  },

  'S2: a stale lease cannot commit': async ({ open, at, leaseMs: ttlMs }) => {
    const store = await open()
    const { lease } = await Owner.of(store, { node: 'a', ttlMs })
    await Owner.of(store, { node: 'b', now: await at(ttlMs), ttlMs })
    await refusedWithoutTrace(store, lease, everything(store, 1, 'x'), 'x')
  },

  'S2: the right token with another epoch cannot commit': async ({ open }) => {
    const store = await open()
    const { lease } = await Owner.of(store)
    for (const epoch of [lease.epoch - 1, lease.epoch + 1]) await refusedWithoutTrace(store, { ...lease, epoch }, everything(store, 1, 'x'), 'x')
  },

  'S2: the right epoch with another token cannot commit': async ({ open }) => {
    const store = await open()
    const { lease } = await Owner.of(store)
    await refusedWithoutTrace(store, { ...lease, token: 'of an owner before a failover' }, everything(store, 1, 'x'), 'x')
  },

  'S2: a released lease cannot commit, nor can anybody to a partition without an owner': async ({ open, partitions }) => {
    const store = await open()
    const { lease } = await Owner.of(store)
    await store.release([lease])
    await refusedWithoutTrace(store, lease, everything(store, 1, 'x'), 'x')
    await refuses(store.commit({ ...lease, partition: partitions - 1, epoch: 0 }, commitOf(1)), 'lease/stale')
  },

  'S2: a commit that does not follow the last one is refused': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    await owner.commit()
    for (const seq of [0, 1, 3, 100]) await refusedWithoutTrace(store, owner.lease, everything(store, seq, 'x'), 'x')
    await owner.commit()
  },

  'S2: the fence of one partition does not hold another': async ({ open, partitions, skip }) => {
    if (partitions < 2) return skip('needs two partitions')
    const store = await open()
    const [first, second] = [await Owner.of(store), await Owner.of(store, { partition: 1 })]
    await first.commit()
    await first.commit()
    await second.commit()
    await refuses(store.commit({ ...first.lease, partition: 1 }, commitOf(2)), 'lease/stale')
  },

  'S3: the last commit repeated changes nothing and succeeds': async ({ open }) => {
    const store = await open()
    const { lease } = await Owner.of(store)
    const commit = everything(store, 1, 'x')
    await store.commit(lease, commit)
    const before = await contents(store, 'x')
    for (let n = 0; n < 3; n++) await store.commit(lease, commit)
    assert.equal(await contents(store, 'x'), before)
    assert.equal((await eventually(() => store.takeReplies('n'), replies => replies.length > 0)).length, 1)
    await store.commit(lease, commitOf(2))
  },

  'S3: a commit whose outcome is unknown is done once, through whichever handle it is repeated': async (target) => {
    const store = await target.open()
    const other = await reopen(target)
    if (!other) return
    const { lease } = await Owner.of(store)
    for (let seq = 1; seq <= 20; seq++) {
      const commit = everything(store, seq, `x${seq}`)
      await store.commit(lease, commit)
      await other.commit(lease, commit)
    }
    assert.equal((await other.take(0, 0, 100)).length, 20)
    assert.equal((await store.journal(0, 0, 100)).length, 20)
  },

  'S3: an earlier commit repeated is refused': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const first = await owner.commit()
    await owner.commit()
    await refuses(store.commit(owner.lease, first), 'lease/stale')
  },

  // S2 goes before S3: the new owner may have acted on the commit already, so its author must not release it as well.
  'S2: an owner that has lost its lease cannot repeat its last commit either': async ({ open, at, leaseMs: ttlMs }) => {
    const store = await open()
    const former = await Owner.of(store, { node: 'a', ttlMs })
    const last = await former.commit()
    await Owner.of(store, { node: 'b', now: await at(ttlMs), ttlMs })
    await refuses(store.commit(former.lease, last), 'lease/stale')
  },

  'S4: what was committed and accepted is there for another handle': async (target) => {
    const store = await target.open()
    const { lease } = await Owner.of(store)
    await store.commit(lease, everything(store, 1, 'x'))
    await store.append([message(idIn(store, 'x'), 'accepted')], 10)
    const other = await reopen(target)
    if (other) assert.equal(await contents(other, 'x'), await contents(store, 'x'))
  },

  'two handles may commit in turn under one lease': async (target) => {
    const store = await target.open()
    const other = await reopen(target)
    if (!other) return
    const { lease } = await Owner.of(store)
    const id = idIn(store, 'x')
    await store.commit(lease, commitOf(1, { actors: [creation(id)] }))
    for (let seq = 2; seq <= 9; seq++) {
      await (seq % 2 === 0 ? other : store).commit(lease, commitOf(seq, { actors: [steps(id, seq, { seq, states: [`s${seq}`], status: seq % 3 === 0 ? 'paused' : 'active' })] }))
    }
    const loaded = await store.load(id)
    assert.deepEqual(loaded?.record, recordOf(id, { seq: 9, states: ['s9'], status: 'paused' }))
    assert.deepEqual(loaded?.rows.map(({ toSeq }) => toSeq), [2, 3, 4, 5, 6, 7, 8, 9])
  },

  'an actor that lives cannot be created again, one that does not exist cannot be written': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    await owner.commit({ actors: [creation(id)] })
    for (const status of ['active', 'paused', 'held'] as const) {
      await owner.commit({ actors: [recordOnly(id, { status })] })
      await breaks(store.commit(owner.lease, commitOf(owner.seq + 1, { actors: [creation(id)] })))
    }
    await breaks(store.commit(owner.lease, commitOf(owner.seq + 1, { actors: [recordOnly(idIn(store, 'y'), {})] })))
    assert.equal((await store.load(id))?.record.status, 'held')
  },

  'an actor that has ended is replaced, with nothing of its past': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    let past = 0
    for (const status of ['failed', 'done', 'stopped', 'cancelled'] as const) {
      await owner.commit({ actors: [creation(id, { version: status })] })
      await owner.commit({ actors: [steps(id, 2, { seq: 4, base: 3, status, expiresAt: NOW + 1, dueAt: NOW })] })
      assert.equal((await store.history(id, 0, 10)).length, 2)
      const rows = await store.journal(0, past, 10)
      assert.equal(rows.length, 2)
      past = rows.at(-1)?.position ?? 0
    }
    await owner.commit({ actors: [creation(id, { version: 'new' })] })
    const loaded = await store.load(id)
    assert.deepEqual(loaded?.record, recordOf(id, { version: 'new' }))
    assert.deepEqual(loaded.base, { seq: 1, data: `base 1 of ${id}` })
    assert.equal((await store.history(id, 0, 10)).length, 1)
    assert.deepEqual((await store.journal(0, 0, 10)).map(({ position }) => position > past), [true])
    assert.deepEqual(await store.due(0, NOW, 10), [])
    assert.equal((await store.list({ tenant: 'default', limit: 10 })).records.length, 1)
  },

  'what was given to a commit may be changed afterwards, and what was read too': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    const states = ['one']
    const record = recordOf(id, { states })
    await owner.commit({ actors: [{ ...creation(id), record }] })
    states.push('two')
    Object.assign(record, { version: 'changed' })
    const read = (await store.load(id))?.record
    assert.deepEqual(read, recordOf(id, { states: ['one'] }))
    try {
      ;(read.states as string[]).push('three')
    } catch {
      // Frozen: as good as a copy.
    }
    assert.deepEqual((await store.load(id))?.record.states, ['one'])
  },
}
