import assert from 'node:assert/strict'
import { defaultQueueSettings } from '../../core/queue.ts'
import type { QueueOptions, QueuedAttempt, TakenAttempt, TaskQueues, TaskReport } from '../../core/queue.ts'
import type { Store } from '../../core/store.ts'
import { eventually } from './case.ts'
import type { CaseTarget, Cases } from './case.ts'

export const QUEUE = 'gpu'
const DONE: TaskReport = { ok: true, output: '"done"' }
/** Longer than a busy machine keeps a case waiting. */
const MIN_IDLE_MS = 1_000
const MANY = 200

export const attemptOf = (id: string, fields: Partial<QueuedAttempt> = {}): QueuedAttempt => ({ id, partition: 0, key: 'default', priority: 'medium', data: `order of ${id}`, ...fields })

export const attemptsOf = (count: number, name: string, fields: Partial<QueuedAttempt> = {}): QueuedAttempt[] =>
  Array.from({ length: count }, (_, n) => attemptOf(`${name}-${String(n).padStart(4, '0')}`, fields))

export const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id)

/** A queue of a store as its nodes and workers use it. */
export class QueueUser {
  readonly queues: TaskQueues

  constructor(queues: TaskQueues) {
    this.queues = queues
  }

  configure(options: QueueOptions = {}): Promise<void> {
    return this.queues.configure(QUEUE, { ...defaultQueueSettings, ...options })
  }

  put(attempts: readonly QueuedAttempt[], { epoch = 1, node = 'node-a' } = {}): Promise<void> {
    return this.queues.put(QUEUE, node, attempts, new Map(attempts.map(({ partition }) => [partition, epoch])))
  }

  take(worker: string, limit = MANY): Promise<readonly TakenAttempt[]> {
    return this.queues.take(QUEUE, worker, limit)
  }

  async takeOne(worker: string): Promise<TakenAttempt> {
    const [taken] = await this.take(worker, 1)
    assert(taken, `${worker} was given nothing`)
    return taken
  }

  /** Takes what a worker that says nothing any more has left. */
  async takeOver(worker: string): Promise<TakenAttempt> {
    const [taken] = await eventually(() => this.take(worker, 1), ({ length }) => length > 0)
    assert(taken, `${worker} was given nothing of the silent worker's`)
    return taken
  }

  finish(worker: string, taken: TakenAttempt, report = DONE): Promise<boolean> {
    return this.queues.finish(QUEUE, worker, taken, report)
  }

  extend(worker: string, taken: readonly TakenAttempt[], details: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    return this.queues.extend(QUEUE, worker, taken, new Map(Object.entries(details)))
  }

  async results(partitions: readonly number[] = [0]): Promise<readonly (readonly [id: string, report: unknown])[]> {
    return (await this.queues.results(QUEUE, partitions, MANY)).map(({ id, data }) => [id, JSON.parse(data)])
  }
}

/** The queues of a store; undefined (and the case skipped) where it has none. */
export function userOf({ queues }: Store, { skip }: CaseTarget): QueueUser | undefined {
  if (queues) return new QueueUser(queues)
  skip('the store has no queues: nodes run the tasks of their actors themselves')
  return undefined
}

/** A case that stores without queues skip. */
export const withQueue = (run: (user: QueueUser, target: CaseTarget) => Promise<void>) => async (target: CaseTarget): Promise<void> => {
  const user = userOf(await target.open(), target)
  if (!user) return
  await user.configure()
  await run(user, target)
}

export const queueCases: Cases = {
  'Q1: an attempt that is put again is one attempt, while it waits, while it runs and when it has ended': withQueue(async user => {
    const attempt = attemptOf('a')
    await user.put([attempt, attempt])
    await user.put([attempt])
    const [taken, ...rest] = await user.take('w')
    assert(taken && rest.length === 0)
    assert.deepEqual(taken, { entry: taken.entry, delivery: 1, id: 'a', data: 'order of a', details: '' })
    await user.put([attempt])
    assert.deepEqual(await user.take('w'), [])
    assert(await user.finish('w', taken))
    await user.put([attempt])
    assert.deepEqual(await user.take('w'), [])
    assert.deepEqual(await user.results(), [['a', DONE]])
    await user.queues.settle(QUEUE, ['a'])
    await user.put([attempt])
    assert.deepEqual(idsOf(await user.take('w')), ['a'])
  }),

  'Q2: a put under an older epoch changes nothing, and one under none neither': withQueue(async user => {
    await user.queues.put(QUEUE, 'former', [attemptOf('never owned')], new Map())
    await user.put([attemptOf('a')], { epoch: 2 })
    await user.put([attemptOf('a'), attemptOf('late')], { epoch: 1, node: 'former' })
    await user.put([attemptOf('elsewhere', { partition: 1 })], { epoch: 1 })
    assert.deepEqual(idsOf(await user.take('w')).toSorted(), ['a', 'elsewhere'])
  }),

  'Q3: what a silent worker has goes to another one, counted, with the details it has left': withQueue(async user => {
    await user.configure({ minIdleMs: 20 })
    await user.put([attemptOf('a')])
    const first = await user.takeOne('silent')
    assert.deepEqual(await user.extend('silent', [first], { a: 'page 7' }), [])
    const second = await user.takeOver('w')
    assert.deepEqual(second, { ...first, delivery: 2, details: 'page 7' })
    // To the same worker again, when it comes back after others have gone silent too.
    const third = await user.takeOver('silent')
    assert.deepEqual(third, { ...first, delivery: 3, details: 'page 7' })
    assert.deepEqual(await user.extend('silent', [first, third]), ['a'])
    assert.equal(await user.finish('silent', first), false)
    assert(await user.finish('silent', third))
  }),

  'Q3: a worker that says it is alive keeps what it has': withQueue(async user => {
    await user.configure({ minIdleMs: MIN_IDLE_MS })
    await user.put([attemptOf('a')])
    const taken = await user.takeOne('alive')
    const until = performance.now() + 1.5 * MIN_IDLE_MS
    while (performance.now() < until) {
      assert.deepEqual(await user.extend('alive', [taken]), [])
      assert.deepEqual(await user.take('other'), [])
    }
    assert(await user.finish('alive', taken))
  }),

  'Q3: after so many silent workers the queue gives an attempt up, and tells its owner': withQueue(async user => {
    await user.configure({ minIdleMs: 20, deliveriesMax: 2, total: 1 })
    await user.put([attemptOf('poison'), attemptOf('next')])
    await user.takeOne('w1')
    assert.equal((await user.takeOver('w2')).delivery, 2)
    // Its place is free again.
    assert.equal((await user.takeOver('w3')).id, 'next')
    assert.deepEqual(await user.results(), [['poison', { ok: false, crashes: 2 }]])
    assert.equal((await user.queues.view(QUEUE, 10)).ended?.deadLetters, 1)
  }),

  'Q3: without a bound on deliveries an attempt is never given up': withQueue(async user => {
    await user.configure({ deliveriesMax: Infinity, minIdleMs: 2 })
    await user.put([attemptOf('a')])
    for (let delivery = 1; delivery <= 8; delivery++) assert.equal((await user.takeOver(`w${delivery}`)).delivery, delivery)
  }),

  'Q4: only the latest delivery can finish or extend an attempt, or give it back': withQueue(async user => {
    await user.configure({ minIdleMs: 20 })
    await user.put([attemptOf('a')])
    const former = await user.takeOne('silent')
    const latest = await user.takeOver('w')
    assert.deepEqual(await user.extend('silent', [former], { a: 'stale' }), ['a'])
    await user.queues.giveBack(QUEUE, 'silent', former)
    assert.equal(await user.finish('silent', former, { ok: true, output: '"stale"' }), false)
    assert.deepEqual(await user.results(), [])
    assert(await user.finish('w', latest))
    assert.equal(await user.finish('w', latest), false)
    assert.deepEqual(await user.results(), [['a', DONE]])
  }),

  'Q4: results are found until they are settled, also through another handle, for the partitions asked for only': withQueue(async (user, target) => {
    await user.put([attemptOf('a'), attemptOf('b', { partition: 1 }), attemptOf('c', { partition: 11 })])
    const failed: TaskReport = { ok: false, error: '{"name":"Error","message":"boom"}', retryable: true, checkpoint: '"half"' }
    for (const taken of await user.take('w')) assert(await user.finish('w', taken, taken.id === 'b' ? failed : DONE))
    const other = target.reopen ? userOf(await target.reopen(), target) : user
    for (const each of [user, other ?? user]) {
      assert.deepEqual(await each.results([1]), [['b', failed]])
      assert.deepEqual((await each.results([0, 11])).map(([id]) => id), ['a', 'c'])
      assert.deepEqual(await each.results([]), [])
    }
    await user.queues.settle(QUEUE, ['a', 'unknown'])
    assert.deepEqual((await user.results([0, 1, 11])).map(([id]) => id), ['b', 'c'])
    const { ended } = await user.queues.view(QUEUE, 10)
    assert.deepEqual(ended, { completed: 2, failed: 1, deadLetters: 0 })
  }),

  'what is taken back never ends, whether it waits, runs or has ended': withQueue(async user => {
    await user.configure({ total: 2 })
    await user.put(['running', 'ended', 'waiting'].map(id => attemptOf(id)))
    const [running, ended] = await user.take('w')
    assert(running?.id === 'running' && ended?.id === 'ended')
    await user.finish('w', ended)
    await user.queues.cancel(QUEUE, ['running', 'ended', 'waiting', 'unknown'])
    assert.deepEqual(await user.extend('w', [running]), ['running'])
    assert.equal(await user.finish('w', running), false)
    assert.deepEqual(await user.results(), [])
    assert.deepEqual(await user.queues.missing(QUEUE, ['running', 'ended', 'waiting']), ['running', 'ended', 'waiting'])
    // The places are free.
    await user.put(attemptsOf(3, 'next'))
    assert.equal((await user.take('w')).length, 2)
  }),

  'what is given back is taken at once, as not delivered, with its details': withQueue(async user => {
    await user.configure({ deliveriesMax: 1 })
    await user.put([attemptOf('a', { priority: 'high', key: 'k' })])
    for (let round = 0; round < 4; round++) {
      const taken = await user.takeOne(`w${round}`)
      assert.deepEqual([taken.delivery, taken.data, taken.details], [1, 'order of a', round === 0 ? '' : `left by ${round - 1}`])
      await user.extend(`w${round}`, [taken], { a: `left by ${round}` })
      await user.queues.giveBack(QUEUE, `w${round}`, taken)
      await user.queues.retire(QUEUE, `w${round}`)
      const { waiting, active, keys, workers } = await user.queues.view(QUEUE, 10)
      assert.deepEqual({ waiting, active, keys, workers }, { waiting: { high: 1, medium: 0, low: 0 }, active: 0, keys: [{ key: 'k', waiting: 1, active: 0 }], workers: [] })
    }
  }),

  'a worker that retires leaves what it has to be taken over': withQueue(async user => {
    await user.configure({ minIdleMs: 20 })
    await user.put([attemptOf('a')])
    const taken = await user.takeOne('gone')
    await user.queues.retire(QUEUE, 'gone')
    await user.queues.retire(QUEUE, 'never there')
    assert.deepEqual(await user.takeOver('w'), { ...taken, delivery: 2 })
  }),

  'a queue tells which attempts it does not know': withQueue(async user => {
    const known = attemptsOf(450, 'known')
    await user.put(known)
    assert.deepEqual(await user.queues.missing(QUEUE, [...idsOf(known), 'b', 'a']), ['b', 'a'])
    assert.deepEqual(await user.queues.missing(QUEUE, []), [])
  }),

  'a view tells what waits by priority and key, what runs, and whose it is': withQueue(async user => {
    assert.deepEqual(await user.queues.names(), [QUEUE])
    await user.queues.put('another', 'node-a', [attemptOf('x')], new Map([[0, 1]]))
    assert.deepEqual(await user.queues.names(), ['another', QUEUE])
    await user.put([...attemptsOf(3, 'a', { key: 'acme', priority: 'high' }), ...attemptsOf(2, 'b', { key: 'best' }), attemptOf('l', { priority: 'low', key: 'acme' })])
    await user.take('w', 2)
    const view = await user.queues.view(QUEUE, 10)
    assert.deepEqual(view, {
      queue: QUEUE,
      waiting: { high: 1, medium: 2, low: 1 },
      active: 2,
      ended: { completed: 0, failed: 0, deadLetters: 0 },
      keys: [{ key: 'acme', waiting: 2, active: 2 }, { key: 'best', waiting: 2, active: 0 }],
      workers: [{ worker: 'w', active: 2, silentMs: view.workers[0]?.silentMs }],
    })
    const [worker] = view.workers
    assert(worker && worker.silentMs >= 0 && worker.silentMs < 5_000)
    assert.equal((await user.queues.view(QUEUE, 1)).keys.length, 1)
    const { waiting, active, keys, workers } = await user.queues.view('nobody has heard of', 10)
    assert.deepEqual({ waiting, active, keys, workers }, { waiting: { high: 0, medium: 0, low: 0 }, active: 0, keys: [], workers: [] })
  }),
}
