import { swarm, swarmCell } from 'troupe/patterns'
import type { PeerStep, PeerView } from 'troupe/patterns'
import { expect, test } from 'vitest'
import { createSqliteWorld } from '../support/sqlite-world.ts'

const options = {
  name: 'best', peers: 400, cell: 'cell', neighbourhood: { random: 3 }, init: (id: number) => id, collect: true, limits: { peersPerCellMax: 25 },
  rule: ({ round, state, messages }: PeerView<number>): PeerStep<number> | undefined => {
    const next = Math.max(state, ...messages.map(({ body }) => body as number))
    return round === 0 || next > state ? { state: next, send: [{ to: 'neighbours', body: next }], write: [{ topic: `best/${next}`, value: 1 }] } : undefined
  },
} as const
const machines = { best: swarm(options), cell: swarmCell(options) }

async function undisturbed() {
  await using world = await createSqliteWorld(machines)
  const actor = world.runtime.actor(machines.best, 'x')
  await actor.start({})
  return actor.result()
}

test('a swarm that crashes in its rounds comes to the same end as one that does not, to the last count', async () => {
  const expected = await undisturbed()
  expect(expected).toMatchObject({ status: 'done', output: { ended: 'quiescent' } })
  for (const visit of [1, 4, 11]) {
    // Small batches: else the whole of it is one commit.
    await using world = await createSqliteWorld(machines, { batchStepsMax: 10 })
    world.runtime.actor(machines.best, 'x').start({}).catch(() => undefined)
    await Promise.race([world.crash({ point: 'committed', visit }), world.advance(10_000)])
    expect(world.isDown).toBe(true)
    await world.restart()
    const actor = world.runtime.actor(machines.best, 'x')
    await actor.start({})
    await world.advance(10_000)
    expect(await actor.result()).toEqual(expected)
    expect(await world.runtime.deadLetters.list()).toEqual([])
  }
})

test('the cells of a swarm lie in partitions of their own', async () => {
  await using world = await createSqliteWorld(machines)
  const actor = world.runtime.actor(machines.best, 'x')
  await actor.start({})
  await actor.result()
  const { actors } = await world.runtime.actors({ machine: 'cell' })
  expect(actors.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 'done'))
  expect(actors.every(({ address }) => address.endsWith('~'))).toBe(true)
})

test.each([['stop', 'restless stopped', 'cell stopped'], ['cancel', 'restless cancelled', 'cell done']] as const)('%s of a swarm reaches its cells', async (verb, ...ends) => {
  const restless = { ...options, name: 'restless', rule: () => ({ again: true }), limits: { ...options.limits, roundsMax: 1_000_000 } }
  const two = { restless: swarm(restless), cell: swarmCell(restless) }
  await using world = await createSqliteWorld(two)
  const actor = world.runtime.actor(two.restless, 'x')
  await actor.start({})
  await actor[verb]()
  await world.settle()
  const { actors } = await world.runtime.actors({ run: 'restless/x' })
  expect(new Set(actors.map(({ machine, status }) => `${machine} ${status}`))).toEqual(new Set(ends))
})
