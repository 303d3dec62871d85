import { expect, test } from 'vitest'
import type { ActorInfo, Runtime } from 'troupe'
import { parseAddress, partitionOf } from '../../src/core/address.ts'
import { allHeard, bee, heardOf, hive } from '../support/hive.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'

/** So many that none of three nodes is left without by chance. */
const PARTITIONS = 32
const machines = { hive, bee }

const openCluster = async (nodes: number) => {
  const cluster = createMemoryCluster(PARTITIONS, () => machines, { leaseTtlMs: 9_000 })
  const runtimes: Runtime<typeof machines>[] = []
  for (let n = 0; n < nodes; n++) runtimes.push(await cluster.open())
  await cluster.clock.advance(5_000)
  return { ...cluster, runtimes: runtimes as [Runtime<typeof machines>, ...Runtime<typeof machines>[]] }
}

async function listRun(runtime: Runtime<typeof machines>, run: string): Promise<readonly ActorInfo[]> {
  const found: ActorInfo[] = []
  for (let page = await runtime.actors({ run, limit: 300 }); ; page = await runtime.actors({ run, limit: 300, cursor: page.cursor ?? '' })) {
    found.push(...page.actors)
    if (page.cursor === undefined) return found
  }
}

const placeOf = ({ address }: ActorInfo): number => partitionOf(parseAddress(address), PARTITIONS)

test('the children of one run are shared by all nodes, remain of the run, and each is heard once and in order', async () => {
  const bees = 1_000
  const { clock, runtimes } = await openCluster(3)
  const [first, second] = runtimes
  const queen = first.actor(hive, '1')
  await queen.start({ bees, flightMs: 100, spanMs: 10 })
  await clock.settle()
  const actors = await listRun(second as Runtime<typeof machines>, 'hive/1')
  expect(actors).toHaveLength(bees + 1)
  expect(actors.filter(({ machine }) => machine === 'bee').every(({ parent, run }) => parent === 'hive/1' && run === 'hive/1')).toBe(true)
  for (const runtime of runtimes) {
    const { owned } = runtime.health().partitions
    const own = actors.filter(actor => owned.includes(placeOf(actor)))
    expect(own.length).toBeGreaterThan(0)
    expect(runtime.health().liveActors).toBe(own.length)
  }
  await clock.advance(200)
  expect(heardOf(await queen.result())).toEqual(allHeard(bees))
  expect(await first.deadLetters.list()).toEqual([])
  await Promise.all(runtimes.map(runtime => runtime.close()))
})

test.each([1, 2, 3])('node %i dies while the run is under way: the others go on, and nothing is lost or counted twice', async dead => {
  const bees = 300
  const { clock, runtimes, silence } = await openCluster(3)
  const [alive, other] = runtimes.filter((_, index) => index + 1 !== dead) as [Runtime<typeof machines>, Runtime<typeof machines>]
  const queen = alive.actor(hive, '1')
  await queen.start({ bees, flightMs: 100, spanMs: 50 })
  await clock.advance(125)
  const { heard } = (await queen.snapshot()).context
  expect(heard.filter(({ said }) => said === 'over').length).toBeGreaterThan(bees / 4)
  silence(dead)
  await clock.advance(30_000)
  expect(alive.health().partitions.owned.length + other.health().partitions.owned.length).toBe(PARTITIONS)
  expect(heardOf(await queen.result())).toEqual(allHeard(bees))
  await Promise.all([alive.close(), other.close()])
})

test.each(['stop', 'cancel'] as const)('%s of a run reaches its children wherever they live', async verb => {
  const { clock, runtimes } = await openCluster(3)
  const [first] = runtimes
  const queen = first.actor(hive, '1')
  await queen.start({ bees: 100, flightMs: 60_000, spanMs: 1 })
  await clock.settle()
  await queen[verb]()
  await clock.settle()
  const ends = (await listRun(first, 'hive/1')).map(({ machine, status }) => `${machine} ${status}`)
  expect(new Set(ends)).toEqual(new Set([verb === 'stop' ? 'hive stopped' : 'hive cancelled', 'bee stopped']))
  expect(runtimes.map(runtime => runtime.health().liveActors)).toEqual([0, 0, 0])
  await Promise.all(runtimes.map(runtime => runtime.close()))
})

test('a fork of a run spreads its children as the original', async () => {
  const { clock, runtimes } = await openCluster(3)
  const [first] = runtimes
  const queen = first.actor(hive, '1')
  await queen.start({ bees: 60, flightMs: 1_000, spanMs: 1 })
  await clock.settle()
  await queen.fork((await queen.snapshot()).seq, '2')
  await clock.settle()
  const bees = (await listRun(first, 'hive/2')).filter(({ machine }) => machine === 'bee')
  expect(bees).toHaveLength(60)
  expect(new Set(bees.map(placeOf)).size).toBeGreaterThan(PARTITIONS / 2)
  await Promise.all(runtimes.map(runtime => runtime.close()))
})
