import assert from 'node:assert/strict'
import type { Cases } from './case.ts'
import { QUEUE, attemptOf, attemptsOf, idsOf, userOf, withQueue } from './queues.ts'
import type { QueueUser } from './queues.ts'

/** Takes so many, a few at a time, each finished before the next; tells how many there were of each kind. */
async function sharesOf(user: QueueUser, count: number, kindOf: (id: string) => string, pageSize = 5): Promise<Record<string, number>> {
  const shares: Record<string, number> = {}
  for (let left = count; left > 0;) {
    const page = await user.take('w', Math.min(pageSize, left))
    assert(page.length > 0, `the queue gave ${count - left} of ${count}`)
    left -= page.length
    for (const taken of page) {
      const kind = kindOf(taken.id)
      shares[kind] = (shares[kind] ?? 0) + 1
      await user.finish('w', taken)
    }
  }
  return shares
}

const nameOf = (id: string): string => id.slice(0, id.lastIndexOf('-'))

const within = (share: number | undefined, wanted: number, slack: number): void =>
  assert(share !== undefined && Math.abs(share - wanted) <= slack, `a share of ${share}, where ${wanted} was due`)

export const queueShareCases: Cases = {
  'of every 16 taken 12 are of the highest priority that waits, 3 of the next and 1 of the last': withQueue(async user => {
    for (const priority of ['low', 'high', 'medium'] as const) await user.put(attemptsOf(40, priority, { priority }))
    assert.deepEqual(await sharesOf(user, 16, nameOf), { high: 12, medium: 3, low: 1 })
    assert.deepEqual(await sharesOf(user, 32, nameOf), { high: 24, medium: 6, low: 2 })
    // What is missing leaves its turns to the others.
    assert.deepEqual(await sharesOf(user, 72, nameOf), { high: 4, medium: 31, low: 37 })
  }),

  'those of one key and priority are taken in the order in which they were put': withQueue(async user => {
    const attempts = attemptsOf(450, 'a')
    await user.put(attempts)
    const taken: string[] = []
    for (let page = await user.take('w', 100); page.length > 0; page = await user.take('w', 100)) taken.push(...idsOf(page))
    assert.deepEqual(taken, idsOf(attempts))
  }),

  'Q6: a key with a thousand waiting does not keep three others from their shares': withQueue(async user => {
    await user.put(attemptsOf(1_000, 'noisy', { key: 'noisy' }))
    for (const key of ['a', 'b', 'c']) await user.put(attemptsOf(60, key, { key }))
    const shares = await sharesOf(user, 200, nameOf)
    for (const key of ['noisy', 'a', 'b', 'c']) within(shares[key], 50, 1)
  }),

  'Q6: shares go by weight, and a key that comes late catches nothing up': withQueue(async user => {
    await user.configure({ weights: { a: 3, b: 0.5 } })
    for (const key of ['a', 'b', 'c']) await user.put(attemptsOf(300, key, { key }))
    const shares = await sharesOf(user, 180, nameOf)
    within(shares['a'], 120, 2)
    within(shares['b'], 20, 2)
    within(shares['c'], 40, 2)
    await user.put(attemptsOf(100, 'late', { key: 'late' }))
    const later = await sharesOf(user, 110, nameOf)
    within(later['late'], 20, 2)
    within(later['a'], 60, 3)
  }),

  'Q6: a key that was held up by its limit is owed nothing, nor does a newcomer profit': withQueue(async user => {
    await user.configure({ perKey: 1 })
    await user.put(attemptsOf(100, 'slow', { key: 'slow' }))
    const slow = await user.takeOne('other')
    for (const key of ['a', 'b']) await user.put(attemptsOf(100, key, { key }))
    assert.deepEqual(await sharesOf(user, 60, nameOf, 2), { a: 30, b: 30 })
    await user.finish('other', slow)
    await user.configure({ perKey: Infinity })
    await user.put(attemptsOf(100, 'fresh', { key: 'fresh' }))
    const shares = await sharesOf(user, 40, nameOf)
    for (const key of ['slow', 'a', 'b', 'fresh']) within(shares[key], 10, 1)
  }),

  'Q5: no more than `total` run over all workers and handles': withQueue(async (user, target) => {
    await user.configure({ total: 3 })
    await user.put(attemptsOf(10, 'a'))
    const other = (target.reopen && userOf(await target.reopen(), target)) ?? user
    const [mine, theirs] = [await user.take('w1', 2), await other.take('w2', 2)]
    assert.deepEqual([mine.length, theirs.length, (await user.take('w1')).length], [2, 1, 0])
    for (const taken of theirs) await other.finish('w2', taken)
    assert.equal((await user.take('w1')).length, 1)
  }),

  'Q5: no more than `perKey` of one key run over all workers; other keys go past it': withQueue(async (user, target) => {
    await user.configure({ perKey: 2 })
    await user.put(attemptsOf(10, 'a', { key: 'a' }))
    await user.put(attemptsOf(1, 'a low', { key: 'a', priority: 'low' }))
    const other = (target.reopen && userOf(await target.reopen(), target)) ?? user
    const [first] = await user.take('w1', 1)
    assert.deepEqual(idsOf(await other.take('w2')), ['a-0001'])
    await user.put(attemptsOf(3, 'b', { key: 'b' }))
    assert.deepEqual(idsOf(await other.take('w2')), ['b-0000', 'b-0001'])
    assert(first && await user.finish('w1', first))
    assert.deepEqual(idsOf(await user.take('w1')), ['a-0002'])
    assert.deepEqual(await user.take('w1'), [])
  }),

  'Q5: new limits count for what waits already': withQueue(async user => {
    await user.configure({ total: 1, perKey: 1 })
    await user.put([...attemptsOf(5, 'a', { key: 'a' }), ...attemptsOf(5, 'b', { key: 'b' })])
    assert.deepEqual(idsOf(await user.take('w')), ['a-0000'])
    await user.configure({ total: 2, perKey: 1 })
    assert.deepEqual(idsOf(await user.take('w')), ['b-0000'])
    await user.configure({ perKey: 3 })
    assert.deepEqual(idsOf(await user.take('w')).toSorted(), ['a-0001', 'a-0002', 'b-0001', 'b-0002'])
    await user.configure({ perKey: 1 })
    const [taken] = await user.take('w')
    assert.equal(taken, undefined)
    await user.configure()
    assert.equal((await user.take('w')).length, 4)
  }),

  'Q5: a limit counts again what is given back, cancelled or given up': withQueue(async user => {
    await user.configure({ perKey: 1 })
    await user.put(attemptsOf(4, 'a'))
    await user.queues.giveBack(QUEUE, 'w', await user.takeOne('w'))
    const second = await user.takeOne('w')
    assert.deepEqual(await user.take('w'), [])
    await user.queues.cancel(QUEUE, [second.id])
    await user.takeOne('w')
    await user.configure({ perKey: 1, minIdleMs: 1, deliveriesMax: 1 })
    await user.takeOver('other')
    assert.equal((await user.queues.view(QUEUE, 1)).active, 1)
  }),

  'ids may be anything that an actor\'s key may be': withQueue(async user => {
    const ids = ['t/m/a:b|c:1:1', 't/m/{x}%\\"\'é\u2028🦄:2:1', `t/m/${'k'.repeat(1_000)}:3:1`]
    await user.put(ids.map(id => attemptOf(id, { key: `key of ${id.slice(0, 12)}|:{}` })))
    for (const taken of await user.take('w')) await user.finish('w', taken)
    assert.deepEqual((await user.results()).map(([id]) => id).toSorted(), ids.toSorted())
    await user.queues.settle(QUEUE, ids)
    assert.deepEqual(await user.queues.missing(QUEUE, ids), ids)
  }),
}
