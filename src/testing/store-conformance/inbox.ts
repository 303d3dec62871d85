import assert from 'node:assert/strict'
import type { InboxMessage, Reply, Store, StoredMessage } from '../../core/store.ts'
import { TroupeError } from '../../core/errors.ts'
import { NOW, Owner, commitOf, creation, eventually, idIn, message, reopen } from './case.ts'
import type { Cases } from './case.ts'

const idsOf = (messages: readonly { readonly id: string }[]): readonly string[] => messages.map(({ id }) => id)
const positionsOf = (messages: readonly StoredMessage[]): readonly number[] => messages.map(({ position }) => position)

/** Messages as they were sent, without the position the store gave them. */
const bare = (messages: readonly StoredMessage[]): readonly InboxMessage[] => messages.map(({ id, to, partition, at, data }) => ({ id, to, partition, at, data }))

async function assertFull(promise: Promise<void>, details: { readonly depth: number; readonly limit: number }): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof TroupeError)
    assert.equal(error.code, 'mailbox/full')
    assert.match(error.address ?? '', /^order\//)
    assert.deepEqual(error.details, details)
    return true
  })
}

/** Resolves when the store hints at a change. */
const hinted = (store: Store): { readonly hint: Promise<void>; stop(): void } => {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { hint: promise, stop: store.subscribe(() => resolve()) }
}

export const inboxCases: Cases = {
  'S6: messages come in the order in which they were accepted': async ({ open }) => {
    const store = await open()
    const [x, y] = [idIn(store, 'x'), idIn(store, 'y')]
    await store.append([message(x, 'm1'), message(y, 'm2'), message(x, 'm3')], 10)
    await store.append([message(y, 'm4')], 10)
    const messages = await store.take(0, 0, 10)
    assert.deepEqual(bare(messages), [message(x, 'm1'), message(y, 'm2'), message(x, 'm3'), message(y, 'm4')])
    assert.deepEqual(positionsOf(messages), positionsOf(messages).toSorted((a, b) => a - b))
    assert.equal(new Set(positionsOf(messages)).size, 4)
    assert(positionsOf(messages).every((position) => position > 0))
  },

  'S6: appends that nobody awaited keep their order': async ({ open }) => {
    const store = await open()
    const id = idIn(store, 'x')
    const sent = Array.from({ length: 50 }, (_, n) => `m${n}`)
    await Promise.all(sent.map((each) => store.append([message(id, each)], 100)))
    assert.deepEqual(idsOf(await store.take(0, 0, 100)), sent)
  },

  'S6: the inbox is read in pages': async ({ open }) => {
    const store = await open()
    const id = idIn(store, 'x')
    const sent = Array.from({ length: 25 }, (_, n) => `m${n}`)
    await store.append(sent.map((each) => message(id, each)), 100)
    const read: string[] = []
    for (let after = 0, page = await store.take(0, 0, 10); page.length > 0; page = await store.take(0, after, 10)) {
      assert(page.length <= 10)
      read.push(...idsOf(page))
      after = page.at(-1)?.position ?? after
    }
    assert.deepEqual(read, sent)
  },

  'S6: a position is never used again, not even after everything was consumed and the store opened again': async (target) => {
    const store = await target.open()
    const id = idIn(store, 'x')
    const owner = await Owner.of(store)
    await store.append([message(id, 'm1'), message(id, 'm2')], 10)
    const [, last] = positionsOf(await store.take(0, 0, 10))
    await owner.commit({ inboxFloor: last ?? 0 })
    assert.deepEqual(await store.take(0, 0, 10), [])
    const again = (await reopen(target)) ?? store
    await again.append([message(id, 'm3')], 10)
    const [next] = positionsOf(await again.take(0, 0, 10))
    assert(next !== undefined && last !== undefined && next > last)
  },

  'a commit consumes up to its floor, and a lower floor brings nothing back': async ({ open }) => {
    const store = await open()
    const id = idIn(store, 'x')
    const owner = await Owner.of(store)
    await store.append(['m1', 'm2', 'm3'].map((each) => message(id, each)), 10)
    const [, second] = positionsOf(await store.take(0, 0, 10))
    await owner.commit({ inboxFloor: second ?? 0 })
    assert.deepEqual(idsOf(await store.take(0, 0, 10)), ['m3'])
    await owner.commit({ inboxFloor: 0 })
    assert.deepEqual(idsOf(await store.take(0, 0, 10)), ['m3'])
  },

  'S5: an outbox reaches its own and other partitions exactly once, in order': async ({ open, partitions }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const far = partitions - 1
    const [near, other] = [idIn(store, 'near'), idIn(store, 'other', { partition: far })]
    for (let n = 0; n < 10; n++) {
      const outbox = [message(near, `near ${n}`), message(other, `other ${n}`, far), message(near, `near ${n}b`)]
      const commit = await owner.commit({ outbox })
      await store.commit(owner.lease, commit)
    }
    const places = far === 0 ? [0] : [0, far]
    const arrived = await eventually(async () => (await Promise.all(places.map(place => store.take(place, 0, 100)))).flat(), found => found.length >= 30)
    const to = (id: string) => idsOf(arrived.filter((each) => each.to === id))
    assert.deepEqual(to(near), Array.from({ length: 10 }, (_, n) => [`near ${n}`, `near ${n}b`]).flat())
    assert.deepEqual(to(other), Array.from({ length: 10 }, (_, n) => `other ${n}`))
    assert(arrived.every((each) => each.partition === (each.to === other ? far : 0)))
  },

  'S5: senders in several partitions each keep their order': async ({ open, partitions, skip }) => {
    if (partitions < 3) return skip('needs three partitions')
    const store = await open()
    const senders = [await Owner.of(store, { partition: 0 }), await Owner.of(store, { partition: 1 })]
    const id = idIn(store, 'x', { partition: 2 })
    await Promise.all(senders.map(async (sender, s) => {
      for (let n = 0; n < 20; n++) await sender.commit({ outbox: [message(id, `${s}:${n}`, 2)] })
    }))
    const arrived = idsOf(await eventually(() => store.take(2, 0, 100), found => found.length >= 40))
    for (const s of [0, 1]) assert.deepEqual(arrived.filter((each) => each.startsWith(`${s}:`)), Array.from({ length: 20 }, (_, n) => `${s}:${n}`))
  },

  'a full mailbox refuses the whole call and keeps none of it': async ({ open }) => {
    const store = await open()
    const [x, y] = [idIn(store, 'x'), idIn(store, 'y')]
    await store.append([message(x, 'm1'), message(x, 'm2')], 3)
    await assertFull(store.append([message(y, 'm3'), message(x, 'm4'), message(x, 'm5')], 3), { depth: 2, limit: 3 })
    assert.deepEqual(idsOf(await store.take(0, 0, 10)), ['m1', 'm2'])
    await store.append([message(y, 'm3'), message(x, 'm4')], 3)
    await assertFull(store.append([message(x, 'm5')], 3), { depth: 3, limit: 3 })
    await store.append([message(y, 'm6')], 3)
  },

  'parked messages count against the depth of a mailbox, consumed ones no longer': async ({ open }) => {
    const store = await open()
    const id = idIn(store, 'x')
    const owner = await Owner.of(store)
    await store.append([message(id, 'm1'), message(id, 'm2')], 2)
    const [, last] = positionsOf(await store.take(0, 0, 10))
    await owner.commit({ inboxFloor: last ?? 0, park: [message(id, 'm1')] })
    await assertFull(store.append([message(id, 'm3'), message(id, 'm4')], 2), { depth: 1, limit: 2 })
    const [kept] = await store.parked(id, 10)
    await owner.commit({ unpark: [{ actor: id, position: kept?.position ?? 0 }] })
    await store.append([message(id, 'm3'), message(id, 'm4')], 2)
  },

  'messages to several partitions are accepted together': async ({ open, partitions }) => {
    const store = await open()
    const ids = Array.from({ length: partitions }, (_, partition) => idIn(store, 'x', { partition }))
    await store.append(ids.map((id, partition) => message(id, `m${partition}`, partition)), 10)
    for (const [partition, id] of ids.entries()) {
      assert.deepEqual((await store.take(partition, 0, 10)).map(({ id: each, to }) => [each, to]), [[`m${partition}`, id]])
    }
  },

  'parked messages of one actor come in order and stay until they are taken out by position': async ({ open }) => {
    const store = await open()
    const [x, y] = [idIn(store, 'x'), idIn(store, 'y')]
    const owner = await Owner.of(store)
    await owner.commit({ park: [message(x, 'm1'), message(y, 'm2'), message(x, 'm3')] })
    await owner.commit({ park: [message(x, 'm4')] })
    const kept = await store.parked(x, 10)
    assert.deepEqual(bare(kept), [message(x, 'm1'), message(x, 'm3'), message(x, 'm4')])
    assert.deepEqual(idsOf(await store.parked(x, 2)), ['m1', 'm3'])
    await owner.commit({ unpark: positionsOf(kept).map((position) => ({ actor: x, position })), park: [message(x, 'm5')] })
    const later = await store.parked(x, 10)
    assert.deepEqual(idsOf(later), ['m5'])
    assert((later[0]?.position ?? 0) > (kept[2]?.position ?? 0))
    assert.deepEqual(idsOf(await store.parked(y, 10)), ['m2'])
  },

  'replies are taken once, in order, each node its own': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const reply = (node: string, request: string) => ({ node, request, data: `to ${request}` })
    await owner.commit({ replies: [reply('a', 'r1'), reply('b', 'r2')] })
    await owner.commit({ replies: [reply('a', 'r3')] })
    const taken: Reply[] = []
    const take = (node: string) => async () => {
      taken.push(...(await store.takeReplies(node)))
      return taken
    }
    assert.deepEqual(await eventually(take('a'), found => found.length >= 2), [reply('a', 'r1'), reply('a', 'r3')])
    assert.deepEqual(await store.takeReplies('a'), [])
    taken.length = 0
    assert.deepEqual(await eventually(take('b'), found => found.length >= 1), [reply('b', 'r2')])
  },

  'text is kept to the letter': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const texts = ['', '\0', "'; DROP TABLE inbox; --", '"\\', '\u{1f3ad} d\u00e9j\u00e0 \u4e2d\u6587', '\u001f\u001e', 'x'.repeat(1 << 20), '\r\n\t', '%_?1:a$b@c']
    const id = idIn(store, "k'?\u{1f3ad}%")
    await store.append(texts.map((data, n) => ({ ...message(id, `m${n}`), data })), 100)
    assert.deepEqual((await store.take(0, 0, 100)).map(({ data, to }) => [to, data]), texts.map((data) => [id, data]))
    for (const data of texts) {
      const base = { seq: 1, data }
      await owner.commit({ actors: [{ ...creation(id, { error: data, status: 'done' }), base, row: { fromSeq: 1, toSeq: 1, data } }] })
      const loaded = await store.load(id)
      assert.deepEqual([loaded?.base, loaded?.record.error], [base, data])
      assert.equal((await store.history(id, 0, 1))[0]?.data, data)
    }
  },

  'times are kept exactly, fractions of a millisecond included': async ({ open }) => {
    const store = await open()
    const owner = await Owner.of(store)
    const [id, dueAt] = [idIn(store, 'x'), NOW + 0.625]
    await owner.commit({ at: NOW + 0.5, actors: [creation(id, { dueAt, updatedAt: NOW + 0.25 })] })
    assert.equal(await store.nextDue(0), dueAt)
    assert.equal((await store.load(id))?.record.updatedAt, NOW + 0.25)
    assert.equal((await store.journal(0, 0, 1))[0]?.at, NOW + 0.5)
  },

  'a listener hears of messages, commits and releases of another handle, until it stops': async (target) => {
    const store = await target.open()
    const other = await reopen(target)
    if (!other) return
    const id = idIn(store, 'x')
    const owner = await Owner.of(store)
    let heardByStopped = 0
    const stopped = other.subscribe(() => heardByStopped++)
    stopped()
    const changes = [
      () => store.append([message(id, 'm1')], 10),
      () => store.commit(owner.lease, commitOf(1, { outbox: [message(id, 'm2')] })),
      () => store.release([owner.lease]),
    ]
    for (const change of changes) {
      const { hint, stop } = hinted(other)
      await change()
      await hint
      stop()
    }
    assert.equal(heardByStopped, 0)
  },
  'the listener of a store with members hears of what its own commits have sent, once it has arrived': async ({ open, partitions, skip }) => {
    const store = await open()
    if (!store.members) return skip('the store has no members')
    const owners = await Promise.all(Array.from({ length: partitions }, (_, partition) => Owner.of(store, { partition })))
    for (const { lease: { partition } } of owners) {
      /** How many messages the inbox had at each hint. */
      const sizes = new Set<number>()
      const stop = store.subscribe(() => void store.take(partition, 0, 1_000).then(({ length }) => sizes.add(length)), { node: 'node-a' })
      const send = async () => {
        await owners[0]?.commit({ outbox: [message(idIn(store, 'x', { partition }), 'm', partition)] })
        return sizes.size
      }
      assert((await eventually(send, size => size >= 4)) >= 4)
      stop()
    }
  },
}
