import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { circuitBreaker } from 'troupe/machines'
import { parallel, pipeline } from 'troupe/patterns'
import type { MemberPolicy } from 'troupe/patterns'
import { createTestWorld } from 'troupe/testing'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { makeTempDir } from '../support/temp-dir.ts'

let folder: string
let files = 0
beforeAll(async () => void (folder = await makeTempDir()))
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A member that works while `health.isUp`, and whoever gives it work under some policy. */
async function worldOf(policy: MemberPolicy) {
  const health = { isUp: false, runs: 0 }
  const service = task({
    retry: 1,
    run: ({ input }: TaskScope<{ task: string }>) => {
      health.runs++
      if (!health.isUp) throw new Error('down')
      return `did ${input.task}`
    },
  })
  const machines = {
    breaker: circuitBreaker,
    service,
    cache: task({ run: ({ input }: TaskScope<{ task: string }>) => `cached ${input.task}` }),
    line: pipeline({ name: 'line', stages: [{ name: 'nlp', member: 'service', breaker: 'breaker/nlp', ...policy }] }),
    crew: parallel({ name: 'crew', members: { nlp: { member: remote('service', { spread: true }), breaker: 'breaker/nlp', ...policy } } }),
  }
  const world = await createTestWorld({ machines, store: await openSqliteStore({ path: join(folder, `${++files}.db`), synchronous: 'NORMAL' }) })
  const begin = async (key: string, machine: 'line' | 'crew' = 'line') => {
    await world.runtime.actor(machine, key).start({ task: key })
    await world.settle()
  }
  return Object.assign(world, { health, begin, breaker: () => world.runtime.actor('breaker', 'nlp') })
}

const resultOf = (world: Awaited<ReturnType<typeof worldOf>>, key: string): Promise<unknown> => world.runtime.actor('line', key).result()

test('failures of a member open its breaker; then its fallback does the work, before and after a crash, until it is up again', async () => {
  await using world = await worldOf({ fallback: 'cache' })
  await world.breaker().start({ failuresMax: 2, openMs: 10_000 })
  for (const key of ['a', 'b']) {
    await world.begin(key)
    expect(await resultOf(world, key)).toMatchObject({ status: 'done', output: `cached ${key}`, members: [{ attempts: 2, isFallback: true }] })
  }
  expect((await world.breaker().snapshot()).value).toBe('open')
  await world.crash()
  await world.restart()
  for (const machine of ['line', 'crew'] as const) {
    await world.begin('c', machine)
    expect(await world.runtime.actor(machine, 'c').result()).toMatchObject({ status: 'done', members: [{ output: 'cached c', attempts: 1, isFallback: true }] })
  }
  expect(world.health.runs).toBe(2)
  await world.advance(10_000)
  world.health.isUp = true
  await world.begin('d')
  expect(await resultOf(world, 'd')).toMatchObject({ status: 'done', output: 'did d', members: [{ attempts: 1 }] })
  await world.settle()
  const { reply } = await world.breaker().ask({ type: 'breaker.status' }, { until: 'reply' })
  expect(reply).toMatchObject({ state: 'closed', pending: 0, activations: 1, refusals: 2 })
})

test('without a fallback the work waits while the breaker is open, through a crash, and each attempt asks anew', async () => {
  await using world = await worldOf({ retry: { attempts: 2, baseMs: 100, jitter: 0 } })
  await world.breaker().start({ failuresMax: 1, openMs: 10_000 })
  await world.begin('a')
  await world.advance(100)
  expect(world.health.runs).toBe(1)
  expect((await world.runtime.actor('line', 'a').snapshot()).status).toBe('active')
  await world.crash()
  await world.restart()
  world.health.isUp = true
  await world.advance(20_000)
  expect(await resultOf(world, 'a')).toMatchObject({ status: 'done', output: 'did a', members: [{ attempts: 2 }] })
})

test('a breaker hears of each outcome once, whenever the process dies', async () => {
  await using world = await worldOf({})
  await world.breaker().start({ failuresMax: 5, windowMs: 1_000_000 })
  const death = world.crash({ point: 'committed' })
  world.runtime.actor('line', 'a').start({ task: 'a' }).catch(() => undefined)
  await death
  let deaths = 1
  for (let life = 2; life <= 8; life++) {
    await world.restart()
    await Promise.race([world.crash({ point: 'committed' }), world.advance(1_000)])
    if (world.isDown) deaths++
  }
  await world.restart()
  await world.settle()
  expect(deaths).toBeGreaterThan(1)
  expect(await resultOf(world, 'a')).toMatchObject({ status: 'failed', members: [{ member: 'nlp', status: 'failed', attempts: 1 }] })
  expect((await world.breaker().snapshot()).context).toMatchObject({ failures: [0], pending: [] })
})

test.each([
  ['that may not wait fails', { breaker: { address: 'breaker/nlp', refused: 'fail' } }, 'failed', 'its circuit breaker is open'],
  ['waits no longer than its timeout', { timeoutMs: 5_000 }, 'timeout', 'its circuit breaker gave no permit within 5000 ms'],
] as const)('work %s', async (_, policy, status, reason) => {
  await using world = await worldOf(policy)
  await world.breaker().start({ failuresMax: 1, openMs: 10_000 })
  await world.begin('a')
  await world.begin('b')
  await world.advance(5_000)
  expect(await resultOf(world, 'b')).toMatchObject({ status: 'failed', members: [{ status, reason, attempts: 0 }] })
  expect(world.health.runs).toBe(1)
})

test('a breaker that does not exist is an outcome with its address, and the fallback does the work', async () => {
  await using world = await worldOf({ retry: 3 })
  await world.begin('a')
  await world.advance(30_000)
  expect(await resultOf(world, 'a')).toMatchObject({ status: 'failed', members: [{ status: 'failed', reason: 'the circuit breaker breaker/nlp has not answered', attempts: 0 }] })
  expect(await world.runtime.deadLetters.list()).toHaveLength(1)
  await using other = await worldOf({ fallback: 'cache' })
  await other.begin('a')
  await other.advance(30_000)
  expect(await resultOf(other, 'a')).toMatchObject({ status: 'done', output: 'cached a', members: [{ attempts: 1, isFallback: true }] })
})
