import { expect, test } from 'vitest'
import { assertSnapshot, createTestWorld } from 'troupe/testing'
import { setup } from 'xstate'

const door = setup({ types: { context: {} as { list: number[]; name: string }, events: {} as { type: 'OPEN' | 'CLOSE' }, output: {} as { total: number } } }).createMachine({
  context: { list: [1], name: 'a' },
  initial: 'shut',
  states: { shut: { tags: ['safe', 'dark'], on: { OPEN: 'open' } }, open: { on: { CLOSE: 'gone' } }, gone: { type: 'final' } },
  output: { total: 3 },
})

test('takes what is so, by handle and by snapshot, whatever is left out', async () => {
  await using world = await createTestWorld({ machines: { door } })
  const actor = world.runtime.actor(door, '1')
  await actor.start()
  await assertSnapshot(actor, { status: 'active', value: 'shut', context: { list: [1] }, tags: ['dark', 'safe'], nextEvents: ['OPEN'] })
  await assertSnapshot(await actor.snapshot(), { value: 'shut' })
  await assertSnapshot(actor, {})
  await actor.send({ type: 'OPEN' })
  await actor.send({ type: 'CLOSE' })
  await assertSnapshot(actor, { status: 'done', output: { total: 3 }, nextEvents: [], tags: [] })
})

test.each([
  [{ status: 'done' as const }, 'done'],
  [{ value: 'open' }, 'open'],
  [{ context: { name: 'b' } }, 'context.name'],
  [{ context: { none: 1 } }, 'context.none'],
  [{ output: 4 }, '4'],
  [{ tags: ['safe'] }, 'dark'],
  [{ nextEvents: [] }, 'OPEN'],
])('refuses what is not so: %j', async (expected, shown) => {
  await using world = await createTestWorld({ machines: { door } })
  const actor = world.runtime.actor(door, '1')
  await actor.start()
  await expect(assertSnapshot(actor, expected)).rejects.toThrow(shown)
  await expect(assertSnapshot(actor, expected)).rejects.toMatchObject({ name: 'AssertionError' })
})
