import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { remote } from 'troupe'
import { debate, loopUntil, mapReduce, parallel, pipeline, router, tiered, vote } from 'troupe/patterns'
import type { DebateTurn, Refinement } from 'troupe/patterns'
import { createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { worker } from '../support/worker-member.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-patterns-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const openStore = () => openSqliteStore({ path: join(folder, `${++files}.db`), synchronous: 'NORMAL' })

const machines = {
  upper: worker('upper', (text: string) => text.toUpperCase()),
  twice: worker('twice', (text: string) => text + text),
  broken: worker('broken', () => { throw new Error('no') }),
  never: worker('never', () => new Promise(() => undefined)),
  healthy: worker('healthy', () => true),
  refiner: worker('refiner', ({ round }: Refinement) => `draft ${round}`),
  speaker: worker('speaker', ({ round }: DebateTurn) => `point ${round}`),
  judge: worker('judge', ({ rounds }: { rounds: unknown[][] }) => rounds.flat().length),
  line: pipeline({ name: 'line', stages: [{ name: 'upper', member: 'upper', healthCheck: 'healthy' }, { name: 'bad', member: 'broken', retry: { attempts: 2, baseMs: 100 }, fallback: 'twice' }, { name: 'twice', member: 'twice' }] }),
  all: parallel({ name: 'all', members: ['upper', 'twice', 'broken'], policy: 'settled' }),
  waiting: parallel({ name: 'waiting', members: { inner: parallel({ name: 'inner', members: ['never', remote('never', { spread: true })] }), line: 'endless' } }),
  endless: pipeline({ name: 'endless', stages: [{ name: 'never', member: 'never' }] }),
  each: mapReduce({ name: 'each', map: remote('upper', { spread: true }), reduce: 'judgeless', limits: { concurrencyMax: 2 } }),
  judgeless: worker('judgeless', ({ outputs }: { outputs: string[] }) => outputs.join('')),
  ballot: vote({ name: 'ballot', voters: ['upper', 'upper', 'twice'] }),
  talk: debate({ name: 'talk', debaters: ['speaker', 'speaker'], judge: 'judge' }),
  desk: router({ name: 'desk', classify: 'upper', routes: { line: 'line' }, fallback: 'line' }),
  tiers: tiered({ name: 'tiers', simple: { stages: [{ name: 'upper', member: 'upper' }] }, complex: { members: ['upper'] } }),
  loop: loopUntil({ name: 'loop', refiner: 'refiner', critic: draft => draft === 'draft 3' }),
}

/** What each pattern must come to, however often the process dies on the way. */
const cases = [
  ['line', 'ab', { status: 'done', output: 'ABABABAB', members: [{ member: 'upper.health' }, { member: 'upper', status: 'done' }, { member: 'bad', attempts: 3, isFallback: true }, { member: 'twice' }] }],
  ['all', 'ab', { status: 'done', output: { upper: 'AB', twice: 'abab' }, members: [{}, {}, { member: 'broken', status: 'failed', reason: expect.stringContaining('no') }] }],
  ['each', ['a', 'b', 'c', 'd', 'e'], { status: 'done', output: 'ABCDE', members: { length: 6 } }],
  ['ballot', 'x', { status: 'done', output: { choice: 'X', counts: { X: 2, xx: 1 } } }],
  ['talk', 'x', { status: 'done', output: 4, members: { length: 5 } }],
  ['desk', 'ab', { status: 'done', output: 'ABABABAB', members: [{ member: 'classifier' }, { member: 'line', status: 'done' }] }],
  ['tiers', 'ab', { status: 'done', output: 'AB', members: [{ member: 'simple' }] }],
  ['loop', 'x', { status: 'done', output: 'draft 3', members: { length: 3 } }],
] as const

async function resultOf(world: TestWorld<typeof machines>, name: keyof typeof machines): Promise<unknown> {
  const result = world.runtime.actor(name, '1').result()
  result.catch(() => undefined)
  await world.advance(10_000)
  return result
}

test.each(cases)('%s comes to its outcome with durable members', async (name, input, expected) => {
  await using world = await createTestWorld({ machines, store: await openStore() })
  await world.runtime.actor(name, '1').start({ task: input } as never)
  expect(await resultOf(world, name)).toMatchObject(expected)
  expect((await world.runtime.actors({ status: 'active' })).actors).toEqual([])
  expect((await world.runtime.actor(name, '1').snapshot()).children).toEqual({})
})

test.each(cases)('%s comes to the same when the process dies after each of its first commits', async (name, input, expected) => {
  await using world = await createTestWorld({ machines, store: await openStore() })
  const death = world.crash({ point: 'committed' })
  world.runtime.actor(name, '1').start({ task: input } as never).catch(() => undefined)
  await death
  let deaths = 1
  for (let life = 2; life <= 5; life++) {
    await world.restart()
    await Promise.race([world.crash({ point: 'committed' }), world.advance(10_000)])
    if (world.isDown) deaths++
  }
  await world.restart()
  expect(deaths).toBeGreaterThan(1)
  expect(await resultOf(world, name)).toMatchObject(expected)
  expect((await world.runtime.actors({ status: 'active' })).actors).toEqual([])
})

test.each(['stop', 'cancel'] as const)('after %s no member of a pattern is active, however deep', async how => {
  await using world = await createTestWorld({ machines, store: await openStore() })
  const actor = world.runtime.actor('waiting', '1')
  await actor.start({ task: 'x' })
  await world.settle()
  expect((await world.runtime.actors({ machine: 'never', status: 'active' })).actors).toHaveLength(3)
  await actor[how]()
  await world.advance(60_000)
  expect((await world.runtime.actors({ status: 'active' })).actors).toEqual([])
  if (how === 'cancel') expect(await actor.snapshot()).toMatchObject({ status: 'cancelled', output: { status: 'cancelled', members: [{ status: 'cancelled' }, { status: 'cancelled' }] } })
})

test('a member that somebody else stops is an outcome of its pattern', async () => {
  await using world = await createTestWorld({ machines, store: await openStore() })
  await world.runtime.actor('endless', '1').start({ task: 'x' })
  await world.settle()
  const [member] = (await world.runtime.actors({ machine: 'never', status: 'active' })).actors
  await world.runtime.at(member?.address ?? '').stop()
  expect(await resultOf(world, 'endless')).toMatchObject({ status: 'failed', reason: expect.stringMatching(/^'never' is cancelled: never\/.* was stopped$/) })
})

test('who watches a pattern sees its progress', async () => {
  await using world = await createTestWorld({ machines, store: await openStore() })
  const actor = world.runtime.actor('each', '1')
  await actor.start({ task: ['a', 'b', 'c'] })
  await world.settle()
  const seen: unknown[] = []
  for await (const step of actor.watch({ from: 0 })) seen.push((step.snapshot.context as { progress: unknown }).progress)
  expect(seen[0]).toEqual({ total: 3, begun: 2, ended: 0, failed: 0 })
  expect(seen.at(-1)).toEqual({ total: 4, begun: 4, ended: 4, failed: 0 })
})
