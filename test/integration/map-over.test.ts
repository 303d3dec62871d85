import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { mapOver } from 'troupe/patterns'
import { createTestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'
import { setup } from 'xstate'

const worker = setup({
  types: { input: {} as number, context: {} as { readonly n: number }, output: {} as number },
  actors: {
    work: task({
      run: async ({ input }: TaskScope<number>) => {
        if (input === 3) throw new Error('three is too much')
        return input * 10
      },
      retry: 1,
    }),
  },
}).createMachine({
  id: 'worker',
  context: ({ input }) => ({ n: input }),
  initial: 'working',
  states: { working: { invoke: { id: 'work', src: 'work', input: ({ context }) => context.n, onDone: 'done' } }, done: { type: 'final' } },
  output: ({ context }) => context.n * 10,
})

const mapper = mapOver(remote<typeof worker>('worker'))

test('each item has its durable worker, at most so many at once, and a failure is a result', async () => {
  await using world = await createTestWorld({ machines: { worker, mapper } })
  const actor = world.runtime.actor(mapper, 'all')
  await actor.start({ items: [1, 2, 3, 4, 5], concurrency: 2 })
  const { actors } = await world.runtime.actors({ machine: 'worker', status: 'active' })
  expect(actors.length).toBeLessThanOrEqual(2)
  const output = await actor.result()
  expect(output.map(result => result.ok)).toEqual([true, true, false, true, true])
  expect(output[4]).toEqual({ ok: true, output: 50 })
  expect((await actor.snapshot()).children).toEqual({})
})

test('a crash between two items loses none and repeats none', async () => {
  await using world = await createTestWorld({ machines: { worker, mapper } })
  const started = world.runtime.actor(mapper, 'all').start({ items: [1, 2, 4, 5], concurrency: 1 })
  started.catch(() => undefined)
  await world.crash({ point: 'committed', visit: 4 })
  await world.restart()
  const actor = world.runtime.actor(mapper, 'all')
  expect(await actor.result()).toEqual([10, 20, 40, 50].map(output => ({ ok: true, output })))
  const { actors } = await world.runtime.actors({ machine: 'worker' })
  expect(actors.length).toBe(4)
})
