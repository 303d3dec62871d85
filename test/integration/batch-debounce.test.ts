import { batch, debounce } from 'troupe/machines'
import { expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { createSqliteWorld } from '../support/sqlite-world.ts'

/** Notes what it is given. */
const desk = setup({ types: { context: {} as { readonly got: readonly unknown[] }, events: {} as { readonly type: 'take'; readonly items?: unknown; readonly value?: unknown; readonly count?: number } } }).createMachine({
  id: 'desk',
  context: { got: [] },
  on: { take: { actions: assign({ got: ({ context, event: { type: _type, ...what } }) => [...context.got, what] }) } },
})

async function worldOf() {
  const world = await createSqliteWorld({ batch, debounce, desk })
  await world.runtime.actor('desk', '1').start()
  return { world, got: async () => (await world.runtime.actor('desk', '1').snapshot()).context.got, to: 'desk/1', event: { type: 'take' } }
}

test('a batch loses and repeats nothing over a restart, and its first item waits no longer for it', async () => {
  const { world, got, to, event } = await worldOf()
  const actor = () => world.runtime.actor('batch', '1')
  await actor().start({ to, event, countMax: 3, waitMs: 10_000 })
  for (const item of [1, 2, 3, 4]) await actor().send({ type: 'batch.add', item })
  await world.advance(5_000)
  await world.crash()
  await world.restart()
  await actor().send({ type: 'batch.add', item: 5 })
  await world.advance(4_999)
  expect(await got()).toEqual([{ items: [1, 2, 3] }])
  await world.advance(1)
  expect(await got()).toEqual([{ items: [1, 2, 3] }, { items: [4, 5] }])
  await actor().send({ type: 'batch.end' })
  expect(await actor().result()).toEqual({ batches: 2 })
})

test('a batch sent on before a crash of the whole node arrives once', async () => {
  const { world, got, to, event } = await worldOf()
  await world.runtime.actor('batch', '1').start({ to, event, countMax: 2 })
  await world.runtime.actor('batch', '1').send({ type: 'batch.add', item: 1 })
  const sent = world.runtime.actor('batch', '1').send({ type: 'batch.add', item: 2 })
  sent.catch(() => undefined)
  await world.crash({ point: 'committed' })
  await world.restart()
  await world.settle()
  expect(await got()).toEqual([{ items: [1, 2] }])
})

test('a debounce remembers its value and both its times over a restart', async () => {
  const { world, got, to, event } = await worldOf()
  const actor = () => world.runtime.actor('debounce', '1')
  await actor().start({ to, event, silenceMs: 1_000, waitMaxMs: 3_000 })
  await actor().send({ type: 'debounce.put', value: 'a' })
  await world.advance(900)
  await world.crash()
  await world.restart()
  await actor().send({ type: 'debounce.put', value: 'b' })
  await world.advance(999)
  expect(await got()).toEqual([])
  await world.advance(1)
  expect(await got()).toEqual([{ value: 'b', count: 2 }])
  for (let value = 0; value < 4; value++) {
    await actor().send({ type: 'debounce.put', value })
    await world.advance(800)
  }
  expect((await got()).slice(1)).toEqual([{ value: 3, count: 4 }])
})

test.each([
  ['batch', { event: { type: 'take' }, countMax: 0 }, 'countMax'],
  ['batch', { event: { type: 'take' }, to: 'desk' }, 'an address is machine/key'],
  ['debounce', { event: { type: 'take' }, silenceMS: 5 }, 'silenceMS'],
] as const)('a %s that was asked for with %j does not begin, and says why', async (machine, input, message) => {
  const { world } = await worldOf()
  await expect(world.runtime.actor(machine, '1').start(input as never)).rejects.toThrow(message)
})
