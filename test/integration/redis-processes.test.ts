import { expect, test } from 'vitest'
import type { Health } from 'troupe'
import { parseAddress, partitionOf } from '../../src/core/address.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { allHeard, heardOf } from '../support/hive.ts'
import type { Heard } from '../support/hive.ts'
import { Member } from '../support/peer-member.ts'
import type { State } from '../support/peer-member.ts'
import { waitUntil } from '../support/processes.ts'
import { openTestRedis } from '../support/redis/open-test-redis.ts'

const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
/** So many that none of three nodes is left without by chance. */
const PARTITIONS = 32
const LEASE_MS = 1_500

interface Listed {
  readonly address: string
  readonly run: string
  readonly seq: number
  readonly status: string
}

/** Three processes on one Redis, once they share its partitions. */
async function openThree() {
  const redis = await openTestRedis()
  const members = Array.from({ length: 3 }, () => new Member(`${redis.url}?prefix=${redis.prefix}&partitions=${PARTITIONS}`, LEASE_MS)) as [Member, Member, Member]
  await Promise.all(members.map(({ ready }) => ready))
  await waitUntil('each owns its share', async () => {
    const owned = await Promise.all(members.map(member => member.owned()))
    return owned.every(({ length }) => length > 0) && owned.flat().length === PARTITIONS
  })
  const close = async () => {
    await Promise.all(members.map(member => member.kill()))
    await redis.close()
  }
  return { members, [Symbol.asyncDispose]: close }
}

async function listAll(member: Member, query: object): Promise<readonly Listed[]> {
  const found: Listed[] = []
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await member.call<{ readonly actors: readonly Listed[]; readonly cursor?: string }>('list', { ...query, limit: 400, ...(cursor !== undefined && { cursor }) })
    found.push(...page.actors)
    cursor = page.cursor
  }
  return found
}

const placeOf = ({ address }: Listed): number => partitionOf(parseAddress(address), PARTITIONS)

test('any process starts, sends, asks, watches and lists from anywhere; only owners step', async () => {
  await using three = await openThree()
  const { members } = three
  const keys = Array.from({ length: 12 }, (_, n) => `k${n}`)
  await Promise.all(keys.map((key, n) => (members[n % 3] as Member).call('start', key, key)))
  const seen = new Map<string, number[]>()
  for (const [index, member] of members.entries()) {
    for (const key of keys) {
      const steps: number[] = []
      seen.set(`${index} ${key}`, steps)
      member.watch(key, 0, seq => steps.push(seq))
    }
  }
  const notes = [1, 2, 3, 4, 5]
  await Promise.all(members.flatMap((member, client) => keys.map(async key => {
    for (const n of notes) await member.call('send', key, { type: 'NOTE', client: `${client}`, n })
  })))
  for (const member of members) {
    expect(await Promise.all(keys.map(async key => (await member.ask(key, { type: 'COUNT' }, 'reply')).reply))).toEqual(keys.map(() => 15))
    for (const key of keys) {
      const { context } = await member.call<State>('snapshot', key)
      for (const client of ['0', '1', '2']) expect(context.notes.filter(note => note.client === client).map(({ n }) => n)).toEqual(notes)
    }
    expect((await listAll(member, { machine: 'ledger' })).map(({ address }) => address).toSorted()).toEqual(keys.map(key => `ledger/${key}`).toSorted())
  }
  // The start, 15 notes, 3 counts with their replies.
  const steps = Array.from({ length: 1 + 15 + 3 * 2 }, (_, index) => index + 1)
  await waitUntil('each watcher has seen each step', () => [...seen.values()].every(({ length }) => length >= steps.length))
  for (const [who, found] of seen) expect(found, who).toEqual(steps)

  const actors = await listAll(members[0], {})
  const healths = await Promise.all(members.map(member => member.call<Health>('health')))
  for (const { partitions, counters } of healths) {
    expect(counters.steps).toBe(actors.filter(actor => partitions.owned.includes(placeOf(actor))).reduce((sum, { seq }) => sum + seq, 0))
  }
  expect(healths.filter(({ counters }) => counters.steps > 0).length).toBeGreaterThan(1)
})

test('a run of 1,000 spread actors is shared by three processes and survives the kill of any of them', async () => {
  const random = createSeededRandom(SEED)
  const bees = 1_000
  await using three = await openThree()
  const { members } = three
  await members[0].call('breed', '1', { bees, flightMs: 1_000, spanMs: 1_500 })
  const born = await listAllOf(members[1], bees + 1)
  expect(born.every(({ run }) => run === 'hive/1')).toBe(true)
  for (const member of members) {
    const owned = await member.owned()
    expect(born.filter(actor => owned.includes(placeOf(actor))).length).toBeGreaterThan(bees / PARTITIONS / 2)
  }

  const least = Math.floor(random.next() * 0.7 * 4 * bees)
  const victim = members[Math.floor(random.next() * 3)] as Member
  const [survivor] = members.filter(member => member !== victim) as [Member]
  await waitUntil('some have come home', async () => (await survivor.call<readonly Heard[]>('heard', '1')).length >= least)
  await victim.kill()
  const { length: heardAtKill } = await survivor.call<readonly Heard[]>('heard', '1')
  console.log(`spread: seed ${SEED} (set TROUPE_SEED to run it again), process ${members.indexOf(victim)} killed at ${heardAtKill} of ${4 * bees}`)
  expect(heardOf(await survivor.call<readonly Heard[]>('harvest', '1'))).toEqual(allHeard(bees))
  const ended = await listAll(survivor, { run: 'hive/1' })
  expect(ended).toHaveLength(bees + 1)
  expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['done']))
  expect(await survivor.call('letters', {})).toEqual([])
})

async function listAllOf(member: Member, count: number): Promise<readonly Listed[]> {
  let listed: readonly Listed[] = []
  await waitUntil('all are born', async () => (listed = await listAll(member, { run: 'hive/1' })).length === count)
  return listed
}
