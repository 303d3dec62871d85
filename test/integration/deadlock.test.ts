import { expect, test } from 'vitest'
import type { ActorHandle, Runtime } from 'troupe'
import { createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { createAsker } from '../support/askers.ts'
import type { AskersParts } from '../support/askers.ts'

const PROBE_MS = 2_000

type Asker = ReturnType<typeof createAsker>

/** Actors that ask each other, in a world of their own. */
async function askers(wait?: AskersParts['wait']) {
  let world: TestWorld<{ asker: Asker }> | undefined
  const own = () => world as TestWorld<{ asker: Asker }>
  const asker: Asker = createAsker({ runtime: () => own().runtime as unknown as Runtime, sleep: ms => new Promise(resolve => own().clock.setTimer(() => resolve(), ms)), ...(wait && { wait }) })
  world = await createTestWorld({ machines: { asker } })
  const { runtime, advance } = world
  const at = (key: string): ActorHandle<Asker> => runtime.actor('asker', key)
  return {
    world,
    advance,
    at,
    begin: async (plans: Record<string, Parameters<ActorHandle<Asker>['start']>[0]>) => {
      for (const [key, plan] of Object.entries(plans)) await at(key).start(plan)
      for (const key of Object.keys(plans)) await at(key).send({ type: 'GO' })
    },
    outcomes: async (...keys: string[]) => Promise.all(keys.map(async key => (await at(key).snapshot()).context.outcome)),
  }
}

test('two that ask each other get an error that names the cycle, and the other one its answer', async () => {
  const { advance, begin, outcomes, world } = await askers()
  await begin({ 1: { asks: ['asker/2'] }, 2: { asks: ['asker/1'] } })
  await advance(PROBE_MS - 1)
  expect(await outcomes('1', '2')).toEqual(['', ''])
  await advance(1)
  const [failed, answered] = (await outcomes('1', '2')).toSorted()
  expect([failed, answered]).toEqual(['answered', ''])
  await world[Symbol.asyncDispose]()
})
