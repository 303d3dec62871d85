import { describe, expect, test } from 'vitest'
import { TroupeError, task } from 'troupe'
import type { TaskOptions, TaskScope } from 'troupe'
import { createMemoryStore, createSeededRandom, createVirtualClock } from 'troupe/testing'
import type { AnyActorRef } from 'xstate'
import { actorId } from '../../src/core/address.ts'
import { plainCodec } from '../../src/core/codec.ts'
import type { TaskDocument } from '../../src/core/document.ts'
import { resolveLimits } from '../../src/core/limits.ts'
import type { Limits } from '../../src/core/limits.ts'
import type { LocalBody } from '../../src/core/message.ts'
import { resolveQueues } from '../../src/core/queue.ts'
import { createCounters } from '../../src/host/env.ts'
import { MemoryAccount } from '../../src/host/memory-account.ts'
import type { Notice } from '../../src/host/env.ts'
import { Executor } from '../../src/host/executor.ts'
import { createCpuPool } from '../../src/workers/cpu-pool.ts'

const idOf = (key: string) => actorId({ tenant: 'default', machine: 'm', key })
const document = (id: string, more: Partial<TaskDocument> = {}): TaskDocument => ({ id, path: '/work', input: { n: 1 }, attempt: 1, failures: 0, dueAt: null, crashes: 0, ...more })

/** An executor alone: what it delivers is what a partition would be told. */
function rig(limits: Partial<Limits> = {}, queues: Readonly<Record<string, number>> = {}) {
  const clock = createVirtualClock()
  const delivered: LocalBody[] = []
  const notices: Notice[] = []
  const env = {
    node: 'n', process: { host: 'h', pid: 1, startedAt: 0 }, clock, random: createSeededRandom(1), store: createMemoryStore(), codec: plainCodec, limits: resolveLimits(limits), definitions: new Map(), queues: resolveQueues(Object.fromEntries(Object.entries(queues).map(([name, concurrency]) => [name, { concurrency }]))), counters: createCounters(), workers: createCpuPool(), memory: new MemoryAccount(resolveLimits(limits), 1),
    draw: () => null, nextMessageId: () => '1', settle: () => undefined, notice: (notice: Notice) => void notices.push(notice), report: () => undefined,
  }
  const executor = new Executor(env, (_actor, body) => delivered.push(body) === 0)
  const start = (id: string, options: TaskOptions<unknown, unknown>, more: Partial<TaskDocument> = {}, key = 'a') => executor.start(idOf(key), document(id, more), { logic: task(options), system: {} } as unknown as AnyActorRef)
  return { clock, delivered, notices, executor, start }
}

/** A task that ends when it is told to. */
function gate() {
  const scopes: TaskScope<unknown>[] = []
  const ends: ((output: unknown) => void)[] = []
  const run = (scope: TaskScope<unknown>) => {
    scopes.push(scope)
    return new Promise<unknown>(resolve => ends.push(resolve))
  }
  return { run, scopes, end: (index = 0, output: unknown = 'ok') => ends[index]?.(output) }
}

describe('queues', () => {
  test('bound how many run at once, and the next starts as one ends', async () => {
    const { start, executor, clock, delivered } = rig({}, { mail: 2 })
    const { run, scopes, end } = gate()
    for (const id of ['1', '2', '3', '4']) start(id, { run, queue: 'mail' })
    const other = gate()
    start('5', { run: other.run })
    await clock.settle()
    expect([scopes.length, other.scopes.length, executor.size]).toEqual([2, 1, 5])
    end(1)
    await clock.settle()
    expect(scopes).toHaveLength(3)
    end(0)
    end(2)
    await clock.settle()
    end(3)
    await clock.settle()
    expect(delivered).toMatchObject([{ task: '2' }, { task: '1' }, { task: '3' }, { task: '4' }])
    expect(executor.size).toBe(1)
  })

  test('of a node share its limit', async () => {
    const { start, clock } = rig({ tasksMax: 1 })
    const [one, two] = [gate(), gate()]
    start('1', { run: one.run, queue: 'a' })
    start('2', { run: two.run, queue: 'b' })
    await clock.settle()
    expect(two.scopes).toHaveLength(0)
    one.end()
    await clock.settle()
    expect(two.scopes).toHaveLength(1)
  })

  test('forget a task that is aborted before its turn', async () => {
    const { start, executor, clock, delivered } = rig({}, { mail: 1 })
    const { run, scopes, end } = gate()
    for (const id of ['1', '2', '3']) start(id, { run, queue: 'mail' })
    await clock.settle()
    executor.abort(idOf('a'), '2')
    executor.abort(idOf('a'), 'unknown')
    end(0)
    await clock.settle()
    expect(scopes).toHaveLength(2)
    end(1)
    await clock.settle()
    expect(delivered).toMatchObject([{ task: '1' }, { task: '3' }])
  })
})

describe('an attempt', () => {
  test('is started once, with a copy of its input, its key, attempt and checkpoint', async () => {
    const { start, executor, clock, delivered } = rig()
    const { run, scopes, end } = gate()
    const input = { n: 1 }
    start('1', { run }, { input, attempt: 3, checkpoint: 'half' })
    start('1', { run }, { input })
    await clock.settle()
    expect(scopes).toHaveLength(1)
    expect(scopes[0]).toMatchObject({ input: { n: 1 }, attempt: 3, checkpoint: 'half', idempotencyKey: 'default/m/a:1' })
    expect(scopes[0]?.input).not.toBe(input)
    expect(executor.isRunning(idOf('a'), '1')).toBe(true)
    end(0, { list: [1] })
    await clock.settle()
    expect(executor.isRunning(idOf('a'), '1')).toBe(false)
    expect(delivered).toEqual([{ kind: 'task', task: '1', attempt: 3, outcome: { ok: true, output: { list: [1] } }, retryable: false, checkpoint: 'half' }])
  })

  test('has the key that its options make, and may give nothing back', async () => {
    const { start, clock, delivered } = rig()
    let key = ''
    start('1', { run: ({ idempotencyKey }) => void (key = idempotencyKey), idempotency: input => `order ${(input as { n: number }).n}` })
    await clock.settle()
    expect(key).toBe('order 1')
    expect(delivered).toMatchObject([{ outcome: { ok: true, output: undefined } }])
  })

  test('that fails may be tried again, unless it is the last, or another makes no sense', async () => {
    const { start, clock, delivered } = rig()
    const run = () => { throw new Error('no') }
    start('1', { run, retry: 2 })
    start('2', { run, retry: 2 }, { failures: 1, attempt: 2 })
    start('3', { run, retryIf: (error, attempt) => (error as Error).message !== 'no' || attempt > 1 })
    start('4', { run: () => new Map() })
    start('5', { run: () => { throw new TroupeError('payload/too-large', 'mine') } })
    await clock.settle()
    const told = delivered.map(body => [(body as { task: string }).task, (body as { retryable: boolean }).retryable] as const)
    expect(Object.fromEntries(told)).toEqual({ 1: true, 2: false, 3: false, 4: false, 5: false })
  })

  test('whose output is too large says the size and the limit', async () => {
    const { start, clock, delivered } = rig({ payloadBytesMax: 10 })
    start('1', { run: () => 'x'.repeat(20) })
    await clock.settle()
    expect(delivered).toMatchObject([{ outcome: { ok: false, error: { code: 'payload/too-large', address: 'm/a', details: { bytes: 22, limit: 10 } } }, retryable: false }])
  })

  test('that takes too long is aborted; what it gives back later is dropped', async () => {
    const { start, clock, delivered } = rig()
    const { run, scopes, end } = gate()
    start('1', { run, timeout: 1_000, retry: 2 })
    await clock.advance(999)
    expect(delivered).toEqual([])
    await clock.advance(1)
    expect(delivered).toMatchObject([{ outcome: { ok: false, error: { code: 'task/timeout' } }, retryable: true }])
    expect(scopes[0]?.signal.reason).toMatchObject({ code: 'task/timeout' })
    end()
    scopes[0]?.heartbeat('late')
    scopes[0]?.progress('late')
    await clock.settle()
    expect(delivered).toHaveLength(1)
  })

  test('that is silent for too long is aborted; heartbeats keep it alive, their details are kept once a second', async () => {
    const { start, clock, delivered } = rig()
    const { run, scopes } = gate()
    start('1', { run, heartbeatTimeout: 1_000, retry: 1 })
    for (let beat = 1; beat <= 4; beat++) {
      await clock.advance(400)
      scopes[0]?.heartbeat({ beat })
    }
    scopes[0]?.heartbeat()
    await clock.advance(999)
    expect(delivered).toEqual([
      { kind: 'heartbeat', task: '1', attempt: 1, details: { beat: 1 } },
      { kind: 'heartbeat', task: '1', attempt: 1, details: { beat: 4 } },
    ])
    await clock.advance(1)
    expect(delivered[2]).toMatchObject({ kind: 'task', outcome: { ok: false, error: { code: 'task/stalled' } }, retryable: false, checkpoint: { beat: 4 } })
    expect(scopes[0]?.signal.aborted).toBe(true)
  })

  test('tells its progress', async () => {
    const { start, notices, clock } = rig()
    const { run, scopes } = gate()
    start('1', { run })
    await clock.settle()
    scopes[0]?.progress(0.5)
    expect(notices).toEqual([{ actor: idOf('a'), task: '1', attempt: 1, progress: 0.5 }])
  })
})

describe('an abort', () => {
  test('of an actor, or of a lost partition, ends what runs for it without a word', async () => {
    const { start, executor, clock, delivered } = rig()
    const { run, scopes, end } = gate()
    start('1', { run }, {}, 'a')
    start('2', { run }, {}, 'a')
    start('1', { run }, {}, 'b')
    start('1', { run }, {}, 'c')
    await clock.settle()
    executor.abortActor(idOf('a'))
    expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, true, false, false])
    executor.abortPartition(actor => actor === idOf('b'))
    expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, true, true, false])
    for (const index of [0, 1, 2]) end(index)
    await clock.settle()
    expect(delivered).toEqual([])
    expect(executor.size).toBe(1)
  })

  test('in the turn of the start comes before any of its code', async () => {
    const { start, executor, clock, delivered } = rig()
    const { run, scopes } = gate()
    start('1', { run })
    executor.abort(idOf('a'), '1')
    await clock.settle()
    expect([scopes, delivered, executor.size]).toEqual([[], [], 0])
  })

  test('by closing hands each attempt back as not counted, and nothing starts any more', async () => {
    const { start, executor, clock, delivered } = rig({}, { default: 1 })
    const { run, scopes } = gate()
    start('1', { run })
    start('2', { run })
    await clock.settle()
    executor.close()
    start('3', { run })
    await clock.settle()
    expect(scopes).toHaveLength(1)
    expect(scopes[0]?.signal.reason).toMatchObject({ code: 'runtime/closed' })
    expect(delivered).toEqual([{ kind: 'interrupt', task: '1', attempt: 1 }, { kind: 'interrupt', task: '2', attempt: 1 }])
    expect(executor.size).toBe(0)
  })
})

test('a retryIf that throws decides nothing: the attempt ends with its own error, and the next task runs', async () => {
  const { start, clock, delivered } = rig({ tasksMax: 1 })
  const broken = () => { throw new Error('no opinion') }
  start('1', { run: () => Promise.reject(new Error('first')), retry: 3, retryIf: broken })
  start('2', { run: () => 'second' })
  await clock.settle()
  expect(delivered).toMatchObject([
    { task: '1', outcome: { ok: false, error: { message: 'first' } }, retryable: false },
    { task: '2', outcome: { ok: true, output: 'second' } },
  ])
})
