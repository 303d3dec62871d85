import { describe, expect, test } from 'vitest'
import { remote } from 'troupe'
import type { Supervision } from 'troupe'
import { crashPoints, createMemoryStore, createTestWorld } from 'troupe/testing'
import type { CrashPlan } from 'troupe/testing'
import type { AnyActorLogic } from 'xstate'
import { assign, enqueueActions, sendParent, sendTo, setup } from 'xstate'

const tool = setup({ types: { events: {} as { type: 'SPEAK' } } }).createMachine({ on: { SPEAK: { actions: sendParent({ type: 'HEARD' }) } } })

const hand = setup({
  types: { context: {} as { name: string; n: number }, input: {} as { name: string }, events: {} as { type: 'UP' } | { type: 'BREAK' } | { type: 'HEARD' } | { type: 'TOOL' } | { type: 'LATE' } | { type: 'END' } },
  actors: { tool: remote<typeof tool>('tool', { spread: true }) },
  actions: { up: assign({ n: ({ context }) => context.n + 1 }) },
}).createMachine({
  context: ({ input }) => ({ ...input, n: 0 }),
  initial: 'on',
  states: { on: { on: { END: 'over' } }, over: { type: 'final' } },
  on: {
    UP: { actions: 'up' },
    HEARD: { actions: 'up' },
    LATE: { actions: 'up' },
    TOOL: { actions: enqueueActions(({ enqueue }) => { enqueue.spawnChild('tool', { id: 'tool' }); enqueue.raise({ type: 'LATE' }, { delay: 5_000 }) }) },
    BREAK: { actions: () => { throw new Error('slipped') } },
  },
})

const far = remote<typeof hand>('hand', { spread: true })
const near = remote<typeof hand>('hand')
/** Has hands of its own and some in a team, which is a child in process; the second one is spread, and so is the last. */
const team = setup({ actors: { near, far } }).createMachine({
  entry: enqueueActions(({ enqueue }) => {
    enqueue.spawnChild('near', { id: 'c', input: { name: 'c' } })
    enqueue.spawnChild('far', { id: 'd', input: { name: 'd' } })
  }),
})
const boss = setup({ actors: { near, far, team }, types: { events: {} as { type: 'UP' } } }).createMachine({
  on: { UP: { actions: enqueueActions(({ enqueue }) => { enqueue(sendTo('a', { type: 'UP' })) }) } },
  entry: enqueueActions(({ enqueue }) => {
    enqueue.spawnChild('near', { id: 'a', input: { name: 'a' } })
    enqueue.spawnChild('far', { id: 'b', input: { name: 'b' } })
    enqueue.spawnChild('team', { id: 'team' })
  }),
})

const PARTITIONS = 4
const machinesWith = (children: Supervision['children'], restartsMax = 3) => ({
  boss: { machine: boss, supervision: { ...(children && { children }) } },
  hand: { machine: hand, supervision: { strategy: 'restart', restartsMax } },
  tool,
} as const)
const open = (children: Supervision['children'], restartsMax?: number) => createTestWorld({ machines: machinesWith(children, restartsMax), store: createMemoryStore({ partitions: PARTITIONS }) })
type World = Awaited<ReturnType<typeof open>>

const nameOf = (address: string): string => /([a-d])#\d+~?$/.exec(address)?.[1] ?? ''
const hands = async ({ runtime }: World) => new Map((await runtime.actors({ machine: 'hand' })).actors.map(info => [nameOf(info.address), info]))
const handOf = async (world: World, name: string) => world.runtime.actor(hand, (await hands(world)).get(name)?.address.slice('hand/'.length) ?? '')

/** How many lives each hand has begun after its first. */
async function restarts(world: World): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const [name, { address }] of await hands(world)) counts[name] = (await world.runtime.at(address).history()).filter(({ kind }) => kind === 'restart').length
  return counts
}

async function start(world: World): Promise<void> {
  await world.runtime.actor(boss, '1').start()
  await world.settle()
  for (const { address } of (await hands(world)).values()) await world.runtime.at(address).send({ type: 'UP' })
}

async function shatter(world: World, name: string): Promise<void> {
  await (await handOf(world, name)).send({ type: 'BREAK' })
  await world.settle()
}

describe('when a child restarts', () => {
  test.each([
    [undefined, 'b', { a: 0, b: 1, c: 0, d: 0 }],
    ['one-for-one', 'b', { a: 0, b: 1, c: 0, d: 0 }],
    ['one-for-all', 'c', { a: 1, b: 1, c: 1, d: 1 }],
    ['rest-for-one', 'b', { a: 0, b: 1, c: 1, d: 1 }],
    ['rest-for-one', 'd', { a: 0, b: 0, c: 0, d: 1 }],
  ] as const)('under %s its siblings do what that says: %s threw', async (children, broken, expected) => {
    await using world = await open(children)
    await start(world)
    const before = [...(await hands(world)).values()].map(({ address }) => address)
    await shatter(world, broken)
    expect(await restarts(world)).toEqual(expected)
    const after = await hands(world)
    expect([...after.values()].map(({ address }) => address)).toEqual(before)
    for (const [name, times] of Object.entries(expected)) {
      expect(await (await handOf(world, name)).snapshot()).toMatchObject({ status: 'active', context: { name, n: times === 0 ? 1 : 0 } })
    }
  })

  test('histories say why: the parent heard of the child, and each sibling of it', async () => {
    await using world = await open('one-for-all')
    await start(world)
    await shatter(world, 'b')
    const broken = (await hands(world)).get('b')?.address
    expect((await world.runtime.actor(boss, '1').history()).at(-1)).toMatchObject({ kind: 'child', event: { type: 'child.restarted', child: broken } })
    expect((await (await handOf(world, 'c')).history()).at(-1)).toMatchObject({ kind: 'restart', event: { type: 'sibling.restarted', sibling: broken } })
  })

  test('what its old life had started is ended, and says nothing to the new one', async () => {
    await using world = await open('one-for-all')
    await start(world)
    await (await handOf(world, 'a')).send({ type: 'TOOL' })
    await world.settle()
    const a = await handOf(world, 'a')
    const [old] = (await world.runtime.actors({ machine: 'tool' })).actors
    // What it says comes when it is no child any more: it waits behind what its parent throws on.
    await a.pause()
    await a.send({ type: 'BREAK' })
    await world.runtime.at(old?.address ?? '').send({ type: 'SPEAK' })
    await world.settle()
    await a.resume()
    await world.advance(10_000)
    expect((await world.runtime.actors({ machine: 'tool' })).actors).toMatchObject([{ status: 'stopped' }])
    // It has come, and has changed nothing; the delayed event of the old life never came.
    expect((await a.history()).slice(-2)).toMatchObject([{ kind: 'restart' }, { kind: 'event', event: { type: 'HEARD' } }])
    expect((await a.snapshot()).context.n).toBe(0)
    await a.send({ type: 'TOOL' })
    await world.settle()
    const [, fresh] = (await world.runtime.actors({ machine: 'tool' })).actors
    expect(fresh?.address).not.toBe(old?.address)
    await world.runtime.at(fresh?.address ?? '').send({ type: 'SPEAK' })
    await world.settle()
    expect((await a.snapshot()).context.n).toBe(1)
  })

  test('it counts for that child alone: siblings may restart more often than they may throw', async () => {
    await using world = await open('one-for-all', 2)
    await start(world)
    for (const name of ['a', 'a', 'b', 'b']) await shatter(world, name)
    expect(await restarts(world)).toEqual({ a: 4, b: 4, c: 4, d: 4 })
    await shatter(world, 'c')
    expect(await restarts(world)).toEqual({ a: 5, b: 5, c: 5, d: 5 })
    expect(await (await handOf(world, 'c')).snapshot()).toMatchObject({ status: 'active' })
    await shatter(world, 'a')
    // Nobody handles that: the boss fails too, and its children end.
    expect(await (await handOf(world, 'a')).snapshot()).toMatchObject({ status: 'failed', failure: { code: 'event/poisoned' } })
    expect(await world.runtime.actor(boss, '1').snapshot()).toMatchObject({ status: 'failed', failure: { message: expect.stringContaining('slipped') } })
  })

  test('a sibling that is paused begins its new life when it is resumed, one that is over stays so', async () => {
    await using world = await open('one-for-all')
    await start(world)
    await (await handOf(world, 'a')).pause()
    await (await handOf(world, 'd')).send({ type: 'END' })
    await shatter(world, 'b')
    expect(await restarts(world)).toEqual({ a: 0, b: 1, c: 1, d: 0 })
    await (await handOf(world, 'a')).resume()
    await world.settle()
    expect(await restarts(world)).toEqual({ a: 1, b: 1, c: 1, d: 0 })
    expect((await (await handOf(world, 'd')).snapshot()).status).toBe('done')
  })

  test('its paused parent has the siblings restart all the same', async () => {
    await using world = await open('one-for-all')
    await start(world)
    await world.runtime.actor(boss, '1').pause()
    await shatter(world, 'b')
    expect(await restarts(world)).toEqual({ a: 1, b: 1, c: 1, d: 1 })
  })
})

test('a process may die anywhere on the way from the child to its siblings: each of them restarts once', { timeout: 60_000 }, async () => {
  let struck = 0
  for (const point of crashPoints) {
    for (let visit = 1; ; visit++) {
      const plan: CrashPlan = { point, visit }
      await using world = await open('one-for-all')
      await start(world)
      const broken = (await hands(world)).get('b')?.address ?? ''
      const death = world.crash(plan)
      // The sender does not live to hear of it: it sends again what was not acknowledged.
      const sent = world.runtime.at(broken).send({ type: 'BREAK' }, { idempotencyKey: 'once' })
      sent.catch(() => undefined)
      await world.settle()
      if (!world.isDown) break
      await death
      struck++
      await world.restart()
      await world.runtime.at(broken).send({ type: 'BREAK' }, { idempotencyKey: 'once' })
      await world.settle()
      expect({ ...plan, restarts: await restarts(world) }).toEqual({ ...plan, restarts: { a: 1, b: 1, c: 1, d: 1 } })
    }
  }
  expect(struck).toBeGreaterThan(10)
})

test('what a machine says about its children has to make sense', async () => {
  const machines = { boss: { machine: boss as AnyActorLogic, supervision: { children: 'all-for-one' } } } as unknown as ReturnType<typeof machinesWith>
  await expect(createTestWorld({ machines })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringMatching(/boss.*supervision.children/) })
})
