import { describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { SimulatedClock, createActor, createMachine, fromPromise, setup, waitFor } from 'xstate'
import { actorId, childKey, parseActorId, partitionOf, runOf } from '../../src/core/address.ts'
import { unpackRow } from '../../src/core/journal.ts'
import { pageSize, resolveLimits } from '../../src/core/limits.ts'
import { backoffMs, defaultRetry, resolveRetry } from '../../src/core/retry.ts'

const hostOf = (logic: ReturnType<typeof task>) =>
  setup({ actors: { logic } }).createMachine({ initial: 'busy', states: { busy: { invoke: { src: 'logic', input: 7, onDone: 'done', onError: 'failed' } }, done: {}, failed: {} } })

describe('a task under plain createActor', () => {
  test('is tried again after the same delays, with its key, attempt and checkpoint', async () => {
    const seen: unknown[] = []
    const clock = new SimulatedClock()
    const logic = task({
      run: async ({ attempt, input, idempotencyKey, checkpoint, heartbeat, progress }: TaskScope<unknown>) => {
        seen.push([attempt, input, idempotencyKey, checkpoint])
        heartbeat(`was at ${attempt}`)
        progress(attempt)
        if (attempt < 3) throw new Error('not yet')
        return 'ok'
      },
      retry: { attempts: 3, baseMs: 100, factor: 2 },
      idempotency: input => `key ${String(input)}`,
    })
    const actor = createActor(hostOf(logic as never), { clock }).start()
    for (const ms of [100, 200]) {
      await new Promise(resolve => setTimeout(resolve, 1))
      clock.increment(ms)
    }
    await waitFor(actor, ({ value }) => value === 'done')
    expect(seen).toEqual([[1, 7, 'key 7', undefined], [2, 7, 'key 7', 'was at 1'], [3, 7, 'key 7', 'was at 2']])
  })

  test('has the time of a simulated clock, else that of the process', async () => {
    const clock = new SimulatedClock()
    clock.set(1_234)
    const told: number[] = []
    const tell = hostOf(task({ run: ({ now }) => told.push(now()) }) as never)
    await waitFor(createActor(tell, { clock }).start(), ({ value }) => value === 'done')
    const before = Date.now()
    await waitFor(createActor(tell).start(), ({ value }) => value === 'done')
    expect(told[0]).toBe(1_234)
    expect(told[1]).toBeGreaterThanOrEqual(before)
  })

  test.each([
    ['its attempts are used up', { retry: 1 }],
    ['another one makes no sense', { retryIf: () => false }],
  ])('fails when %s', async (_why, options) => {
    let runs = 0
    const actor = createActor(hostOf(task({ run: () => { runs++; throw new Error('no') }, ...options }) as never)).start()
    await waitFor(actor, ({ value }) => value === 'failed')
    expect(runs).toBe(1)
  })

  test('is not tried again once it is cancelled', async () => {
    let runs = 0
    const actor = createActor(hostOf(task({ run: ({ signal }) => { runs++; return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))) } }) as never)).start()
    await new Promise(resolve => setTimeout(resolve, 1))
    actor.stop()
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(runs).toBe(1)
  })

  test.each([{ timeout: 0 }, { timeout: Number.NaN }, { heartbeatTimeout: 2 ** 31 }, { retry: 0 }, { retry: { jitter: 2 } }, { retry: { factor: 0.5 } }])('refuses the options %j', options => {
    expect(() => task({ run: () => 1, ...options })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  })
})

test('a remote child under plain createActor fails with what to do; provided in process it runs', () => {
  const far = createMachine({})
  const errors: unknown[] = []
  const parent = setup({ actors: { far: remote<typeof far>('far') } }).createMachine({
    initial: 'busy',
    states: { busy: { invoke: { src: 'far', onError: { target: 'failed', actions: ({ event }) => errors.push(event.error) } } }, failed: {} },
  })
  createActor(parent).start()
  expect(errors).toMatchObject([{ code: 'machine/unknown', message: expect.stringContaining('provide') }])
  const local = createActor(parent.provide({ actors: { far: fromPromise(async () => 1) as never } })).start()
  expect(local.getSnapshot().value).toBe('busy')
  local.stop()
})

test('back-off grows to its limit, spread by the jitter', () => {
  expect([1, 2, 3, 10].map(attempt => backoffMs(defaultRetry, attempt, 0.5))).toEqual([1_000, 2_000, 4_000, 60_000])
  expect(backoffMs(defaultRetry, 1, 0)).toBe(900)
  expect(backoffMs(defaultRetry, 1, 1)).toBe(1_100)
  expect(resolveRetry(3)).toEqual({ ...defaultRetry, attempts: 3 })
  expect(resolveRetry(undefined)).toEqual(defaultRetry)
})

test('limits and pages', () => {
  expect(resolveLimits({ tasksMax: 3 })).toMatchObject({ tasksMax: 3, mailboxDepthMax: 10_000 })
  expect(pageSize()).toBe(100)
  expect(pageSize(Infinity)).toBe(1_000)
  expect(pageSize(7)).toBe(7)
})

test('addresses are taken apart as they were made', () => {
  const id = actorId({ tenant: 'acme', machine: 'order', key: 'a/b c' })
  expect(parseActorId(id)).toEqual({ tenant: 'acme', machine: 'order', key: 'a/b c' })
  const child = actorId({ tenant: 'acme', machine: 'item', key: childKey(id, 'first/second', 3) })
  expect(runOf(child)).toBe(id)
  expect(runOf(actorId({ tenant: 'acme', machine: 'part', key: childKey(child, 'third', 1) }))).toBe(id)
  expect(partitionOf(child, 16)).toBe(partitionOf(id, 16))
  for (const parts of [{ tenant: 'a b', machine: 'm', key: 'k' }, { tenant: 't', machine: 'a/b', key: 'k' }, { tenant: 't', machine: 'm', key: '' }]) {
    expect(() => actorId(parts)).toThrow(expect.objectContaining({ code: 'address/invalid' }))
  }
})

test('a journal row of a newer format is refused', () => {
  expect(() => unpackRow('{"v":99,"entries":[]}')).toThrow(expect.objectContaining({ code: 'store/newer-format' }))
})
