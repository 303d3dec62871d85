import assert from 'node:assert/strict'
import { NOW, Owner, creation, idIn, message, refuses, reopen } from './case.ts'
import type { CaseTarget, Cases } from './case.ts'

const requests = ({ leaseMs }: CaseTarget) => (node: string, now: number, partition = 0) => ({ partition, node, token: `token of ${node} at ${now}`, now, ttlMs: leaseMs })

/** By the clock of the case, or by the store's own, which has the time of day. */
const isExpiry = (at: number, { passTo, leaseMs }: CaseTarget): boolean => (passTo ? Math.abs(at - Date.now()) <= leaseMs : at === NOW + leaseMs)

export const leaseCases: Cases = {
  'S7: a partition without an owner is granted, from the beginning': async (target) => {
    const store = await target.open()
    const request = requests(target)
    const result = await store.claim(request('a', NOW))
    assert.deepEqual(result, { ok: true, lease: { partition: 0, node: 'a', token: request('a', NOW).token, epoch: 1 }, seq: 0, inboxFloor: 0 })
  },

  'S7: a partition is refused while its lease lasts, and the claimer is told who has it': async (target) => {
    const store = await target.open()
    const request = requests(target)
    await store.claim(request('a', NOW))
    const refusal = await store.claim(request('b', await target.at(target.leaseMs / 2)))
    assert(!refusal.ok && refusal.owner === 'a' && isExpiry(refusal.expiresAt, target))
  },

  'S7: a lease that has run out gives the partition away, under a higher epoch': async ({ open, at, leaseMs: ttlMs }) => {
    const store = await open()
    const first = await Owner.of(store, { node: 'a', ttlMs })
    const second = await Owner.of(store, { node: 'b', now: await at(ttlMs), ttlMs })
    assert(second.lease.epoch > first.lease.epoch)
    await refuses(first.commit(), 'lease/stale')
    await second.commit()
  },

  'S7: a released partition is granted at once, under a higher epoch': async ({ open }) => {
    const store = await open()
    const first = await Owner.of(store, { node: 'a' })
    await store.release([first.lease])
    const second = await Owner.of(store, { node: 'b', now: NOW + 1 })
    assert(second.lease.epoch > first.lease.epoch)
  },

  'S7: epochs rise over many claims, also through another handle': async (target) => {
    const handles = [await target.open(), await reopen(target)]
    let epoch = 0
    for (let turn = 0; turn < 10; turn++) {
      const store = handles[turn % 2]
      if (!store) return
      const owner = await Owner.of(store, { node: `node-${turn}`, now: await target.at((turn * target.leaseMs) / 2), ttlMs: target.leaseMs / 4 })
      assert(owner.lease.epoch > epoch)
      epoch = owner.lease.epoch
    }
  },

  'S7: a claim repeated with the same node and token, as after a lost answer, is granted again': async (target) => {
    const store = await target.open()
    const request = requests(target)
    const first = await store.claim(request('a', NOW))
    const second = await store.claim(request('a', NOW))
    assert(first.ok && second.ok)
    assert(second.lease.epoch > first.lease.epoch)
  },

  'S7: the same node with another token is refused while the lease lasts': async (target) => {
    const store = await target.open()
    const request = requests(target)
    await store.claim(request('a', NOW))
    const again = await store.claim({ ...request('a', NOW + 1), token: 'of a second process with the same name' })
    assert.equal(again.ok, false)
  },

  'S7: of many claims at once exactly one is granted': async (target) => {
    const store = await target.open()
    const request = requests(target)
    const other = await reopen(target)
    if (!other) return
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store : other).claim(request(`node-${n}`, NOW))))
    assert.equal(results.filter(({ ok }) => ok).length, 1)
  },

  'a claim tells how far the partition had come': async ({ open, at, leaseMs: ttlMs }) => {
    const store = await open()
    const id = idIn(store, 'x')
    const first = await Owner.of(store, { ttlMs })
    await store.append([message(id, 'm1'), message(id, 'm2')], 10)
    await first.commit({ actors: [creation(id)] })
    await first.commit({ inboxFloor: 1 })
    const second = await Owner.of(store, { node: 'b', now: await at(ttlMs), ttlMs })
    assert.equal(second.seq, 2)
    assert.equal(second.inboxFloor, 1)
    assert.deepEqual((await store.take(0, second.inboxFloor, 10)).map(({ id: each }) => each), ['m2'])
  },

  'renewal prolongs a lease': async (target) => {
    const { at, leaseMs: ttlMs } = target
    const store = await target.open()
    const request = requests(target)
    const { lease } = await Owner.of(store, { node: 'a', ttlMs })
    assert.deepEqual(await store.renew([lease], await at(ttlMs / 2), ttlMs), [])
    assert.equal((await store.claim(request('b', await at(ttlMs)))).ok, false)
    assert.equal((await store.claim(request('b', await at(1.6 * ttlMs)))).ok, true)
  },

  'renewal gives back the leases that are lost, and prolongs the others': async ({ open, partitions, at, leaseMs: ttlMs }) => {
    const store = await open()
    const lost = await Owner.of(store, { node: 'a', ttlMs })
    const now = await at(ttlMs)
    const taker = await Owner.of(store, { node: 'b', now, ttlMs })
    const kept = partitions > 1 ? [await Owner.of(store, { node: 'a', partition: 1, now, ttlMs })] : []
    const leases = [lost, ...kept].map(({ lease }) => lease)
    assert.deepEqual(await store.renew(leases, now + 1, ttlMs), [lost.lease])
    assert.equal((await store.leases())[0]?.node, 'b')
    await taker.commit()
    for (const owner of kept) await owner.commit()
  },

  'a lease that ran out, but that nobody took, can be renewed': async (target) => {
    const { at, leaseMs: ttlMs } = target
    const store = await target.open()
    const request = requests(target)
    const owner = await Owner.of(store, { ttlMs })
    const now = await at(2 * ttlMs)
    assert.deepEqual(await store.renew([owner.lease], now, ttlMs), [])
    await owner.commit()
    assert.equal((await store.claim(request('b', now + 1))).ok, false)
  },

  'a released lease cannot be renewed': async ({ open, leaseMs }) => {
    const store = await open()
    const { lease } = await Owner.of(store)
    await store.release([lease])
    assert.deepEqual(await store.renew([lease], NOW, leaseMs), [lease])
  },

  'the release of a lease that is lost takes nothing from its new owner': async ({ open, at, leaseMs: ttlMs }) => {
    const store = await open()
    const first = await Owner.of(store, { node: 'a', ttlMs })
    const second = await Owner.of(store, { node: 'b', now: await at(ttlMs), ttlMs })
    await store.release([first.lease])
    assert.equal((await store.leases())[0]?.node, 'b')
    await second.commit()
  },

  'leases tells of every partition who owns it': async (target) => {
    const { partitions, leaseMs: ttlMs } = target
    const store = await target.open()
    assert.equal(store.partitions, partitions)
    const owner = await Owner.of(store, { partition: partitions - 1, node: 'a', ttlMs })
    const leases = await store.leases()
    assert.deepEqual(leases.map(({ partition }) => partition), Array.from({ length: partitions }, (_, id) => id))
    const { expiresAt = 0, ...last } = leases.at(-1) ?? {}
    assert.deepEqual(last, { partition: partitions - 1, node: 'a', epoch: 1 })
    assert(isExpiry(expiresAt, target))
    if (partitions > 1) assert.equal(leases[0]?.node, null)
    await store.release([owner.lease])
    assert.equal((await store.leases()).at(-1)?.node, null)
  },
}
