import { actorAt } from 'troupe'
import { barrier } from 'troupe/machines'
import { expect, test } from 'vitest'
import { sendTo, setup } from 'xstate'
import { createSqliteWorld } from '../support/sqlite-world.ts'

const voter = setup({ types: { input: {} as { readonly name: string; readonly afterMs: number }, context: {} as { readonly name: string; readonly afterMs: number } }, delays: { thought: ({ context }) => context.afterMs } }).createMachine({
  id: 'voter',
  context: ({ input }) => input,
  initial: 'thinking',
  states: {
    thinking: { after: { thought: 'decided' } },
    decided: { type: 'final', entry: sendTo(actorAt('votes/1'), ({ context }) => ({ type: 'barrier.arrive', name: context.name, value: context.afterMs })) },
  },
})

async function vote(enough: number) {
  const world = await createSqliteWorld({ votes: barrier, voter })
  await world.runtime.actor('votes', '1').start({ expected: ['ann', 'ben', 'eve'], enough, timeoutMs: 10_000 })
  for (const [name, afterMs] of [['ann', 1_000], ['ben', 4_000], ['eve', 60_000]] as const) await world.runtime.actor('voter', name).start({ name, afterMs })
  await world.advance(2_000)
  await world.crash()
  await world.advance(1_000)
  await world.restart()
  await world.advance(7_000)
  return world.runtime.actor('votes', '1').result()
}

test('two of three actors join, with a crash between their arrivals', async () => {
  expect(await vote(2)).toEqual({ complete: true, arrived: { ann: 1_000, ben: 4_000 }, missing: ['eve'] })
})

test('who does not come in time is named', async () => {
  expect(await vote(3)).toEqual({ complete: false, arrived: { ann: 1_000, ben: 4_000 }, missing: ['eve'] })
})
