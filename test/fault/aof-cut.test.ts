import { statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { checkHistory } from '../support/faults/checkers.ts'
import type { Violation } from '../support/faults/checkers.ts'
import { PARTITIONS, unrest } from '../support/fleet/rest.ts'
import { planPower } from '../support/power/plan.ts'
import { Ledger, follow, openRuntime } from '../support/power/power-world.ts'
import { complaintsAbout, readStillLife } from '../support/power/still-life.ts'
import { waitUntil } from '../support/processes.ts'
import { AppendOnlyFile, partitionsOf, unitsOf } from '../support/redis/append-only.ts'
import type { Unit } from '../support/redis/append-only.ts'
import { openClient } from '../support/redis/open-client.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { makeFastTempDir } from '../support/temp-dir.ts'

/**
 * Loss of power: the append-only file ends anywhere. What comes up must be what the whole scripts before that byte have
 * written, hold all that was acknowledged by then, and go on as if nothing had been.
 */
const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
const CUTS = Number(process.env['TROUPE_CUTS'] ?? 2_000)
/** Cuts after which a whole runtime comes up and goes on. */
const REVIVALS = Number(process.env['TROUPE_REVIVALS'] ?? 100)
/** Times that one partition alone loses its tail. */
const ROLLBACKS = 50
/** Servers that are up at once. */
const AT_ONCE = 6

const PREFIX = 'power'
const QUERY = `?prefix=${PREFIX}&partitions=${PARTITIONS}&durability=power-loss`
const CONFIG = { appendonly: 'yes', appendfsync: 'always', 'auto-aof-rewrite-percentage': '0' }

const plan = planPower(SEED)
const random = createSeededRandom(SEED)
const below = (n: number): number => Math.floor(random.next() * n)

let dir: string
let ledger: Ledger
let file: AppendOnlyFile
let units: readonly Unit[]
/** Of all that is in the server after so many units. */
let digests: readonly string[]

beforeAll(async () => {
  console.log(`aof-cut seed ${SEED} (set TROUPE_SEED to run it again)`)
  dir = await makeFastTempDir()
  await using redis = await startRedis({ config: CONFIG })
  const path = await AppendOnlyFile.pathIn(redis.folder)
  ledger = new Ledger(() => statSync(path).size)
  const runtimes = [await openRuntime(redis.url + QUERY, ledger), await openRuntime(redis.url + QUERY, ledger)]
  await follow(plan, runtimes, ledger)
  await rest(redis)
  file = await AppendOnlyFile.read(redis.folder)
  await Promise.all(runtimes.map(runtime => runtime.close()))
  expect(ledger.troubles).toEqual([])
  units = unitsOf(file.log)
  digests = await digestsOf(units)
}, 60_000)
afterAll(() => rm(dir, { recursive: true }))

/** Does what the log says, unit by unit. */
async function digestsOf(all: readonly Unit[]): Promise<readonly string[]> {
  await using redis = await startRedis()
  const client = openClient(redis.url)
  const digest = async (): Promise<string> => String(await client.call('DEBUG', 'DIGEST'))
  const found = [await digest()]
  for (const { commands } of all) {
    for (const [name = '', ...args] of commands) void client.call(name.toString(), args)
    found.push(await digest())
  }
  client.disconnect()
  return found
}

const wholeUnits = (cut: number): number => units.findLastIndex(({ end }) => end <= cut) + 1

let copies = 0

const withCut = (cut: number, work: (server: RedisServer) => Promise<void>): Promise<void> => withLog(file.log.subarray(0, cut), work)

/** A server that comes up with what was left. */
async function withLog(log: Uint8Array, work: (server: RedisServer) => Promise<void>): Promise<void> {
  const folder = join(dir, `copy-${++copies}`)
  await mkdir(folder)
  await file.writeInto(folder, log)
  await using server = await startRedis({ folder, config: CONFIG })
  await work(server)
  await server.stop()
  await rm(folder, { recursive: true })
}

/** Some at a time, so that both cores have something to do. None is left running when one has failed. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  let hasFailed = false
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (const item of queue) {
      if (hasFailed) return
      await work(item).catch((error: unknown) => {
        hasFailed = true
        throw error
      })
    }
  })
  await Promise.allSettled(lanes)
  await Promise.all(lanes)
}

test('each script stands in the log as one transaction, of one partition', () => {
  for (const unit of units) expect(partitionsOf(unit).size).toBeLessThanOrEqual(1)
  expect(units.filter(({ commands }) => commands.length > 1).length).toBeGreaterThan(units.length / 2)
})

/** The last byte after which a cut leaves no more than so many units: of all cuts that leave them, the one before which most was acknowledged. */
const lastCutOf = (whole: number): number => (units[whole]?.end ?? file.log.length + 1) - 1

test(`S1, S4: a log cut at any of ${CUTS} random bytes brings back the whole scripts before it, and all that was acknowledged`, async () => {
  const counts = { cuts: 0, withinScripts: 0, waiting: 0, arrived: 0 }
  const seen = new Set<number>()
  // Every tenth cut at a script's end or one byte beside it, where mistakes would hide.
  const cuts = Array.from({ length: CUTS }, (_, n) => (n % 10 === 0 ? Math.min(file.log.length, (units[below(units.length)]?.end ?? 0) + below(3) - 1) : below(file.log.length)))
  await forEach(cuts, cut => withCut(cut, async server => {
    const whole = wholeUnits(cut)
    const why = `seed ${SEED}, cut at ${cut}`
    expect(await server.command('DEBUG', 'DIGEST'), why).toBe(digests[whole])
    counts.cuts++
    if (units[whole - 1]?.end !== cut) counts.withinScripts++
    // What has the same digest would be read the same.
    if (seen.has(whole)) return
    seen.add(whole)
    const before = ledger.upTo(lastCutOf(whole))
    const { still, complaints } = await look(server, before)
    expect(complaints, why).toEqual([])
    if (still.waiting.length > 0) counts.waiting++
    if (still.arrived > 0) counts.arrived++
  }))
  console.log(`aof-cut: ${JSON.stringify({ bytes: file.log.length, scripts: units.length, states: seen.size, ...counts })}`)
  expect(counts.withinScripts).toBeGreaterThan(CUTS / 2)
  expect(seen.size).toBeGreaterThan(Math.min(CUTS, units.length) / 2)
  for (const states of [counts.waiting, counts.arrived]) expect(states).toBeGreaterThan(seen.size / 10)
}, 240_000)

async function look(server: RedisServer, before: Ledger) {
  const store = await openRedisStore(server.url + QUERY)
  const still = await readStillLife(store, server, PREFIX, before)
  await store.close()
  return { still, complaints: complaintsAbout(still, before) }
}

test(`P1 to P9: a runtime that comes up after any of ${REVIVALS} cuts finishes what was begun, and repeats of it change nothing`, async () => {
  const counts = { revivals: 0, waiting: 0, arrived: 0, again: 0, fresh: 0, duplicates: 0 }
  await forEach(Array.from({ length: REVIVALS }, () => below(file.log.length)), cut => withCut(cut, async server => {
    const why = `seed ${SEED}, cut at ${cut}`
    const after = ledger.upTo(cut)
    const { still: { waiting, arrived } } = await look(server, after)
    const again = after.acknowledged.length
    const runtime = await openRuntime(server.url + QUERY, after)
    expect(await settle(server, after), why).toEqual([])
    // Clients that do not know how far they had come begin again.
    await follow(plan, [runtime], after)
    expect(await settle(server, after), why).toEqual([])
    expect(after.troubles, why).toEqual([])
    counts.revivals++
    counts.waiting += waiting.length
    counts.arrived += arrived
    counts.again += again
    counts.fresh += after.acknowledged.length - again
    counts.duplicates += runtime.health().counters.duplicates
    await runtime.close()
  }))
  console.log(`aof-cut: ${JSON.stringify(counts)}`)
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(REVIVALS / 2)
}, 240_000)

const rest = (server: RedisServer): Promise<void> => waitUntil('all is done', async () => (await unrest({ prefix: PREFIX, serverOf: () => Promise.resolve(server) })).length === 0)

/** Waits until nothing is left to do, and tells what is wrong then. */
async function settle(server: RedisServer, after: Ledger): Promise<readonly Violation[]> {
  await rest(server)
  const { still } = await look(server, after)
  return checkHistory(still.history)
}

/**
 * Weaker than power-loss: each partition lies on a server of its own, and one of them loses a tail that it had acknowledged.
 * Receivers keep high-water marks for messages that their sender does not know of any more, or have lost the marks together
 * with the messages. What was lost stays lost; what is sent from then on must neither be taken for it nor come twice.
 */
test(`when one partition alone goes back, at ${ROLLBACKS} random scripts, all that is sent afterwards arrives once`, async () => {
  const { births, lanes } = planPower(SEED + 1, 'later')
  // Crews may be over; what accounts do crosses partitions most.
  const laterPlan = { births, lanes: lanes.filter(([first]) => first?.do === 'send' && first.machine === 'account') }
  const counts = { rollbacks: 0, scriptsLost: 0, marksAhead: 0 }
  // Every fifth time it loses all it had, its first claim too.
  const places = Array.from({ length: ROLLBACKS }, (_, n) => [below(PARTITIONS), n % 5 === 0 ? 0 : below(units.length)] as const)
  await forEach(places, async ([partition, from]) => {
    const kept = units.filter((unit, nth) => nth < from || !partitionsOf(unit).has(partition))
    await withLog(Buffer.concat(kept.map(({ start, end }) => file.log.subarray(start, end))), async server => {
      const why = `seed ${SEED}, partition ${partition} without its scripts from ${from} on`
      counts.rollbacks++
      counts.scriptsLost += units.length - kept.length
      counts.marksAhead += await marksAhead(server, partition)
      const later = new Ledger(() => Infinity)
      const runtime = await openRuntime(server.url + QUERY, later)
      await follow(laterPlan, [runtime], later)
      await rest(server)
      const { still } = await look(server, later)
      expect(checkHistory(still.history).filter(({ what }) => what.includes('later ')), why).toEqual([])
      expect(later.troubles, why).toEqual([])
      await runtime.close()
    })
  })
  console.log(`aof-cut: ${JSON.stringify(counts)}`)
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(ROLLBACKS / 2)
}, 240_000)

/** How many receivers have had later messages of a partition than it knows of. */
async function marksAhead(server: RedisServer, source: number): Promise<number> {
  const last = Number(await server.command('HGET', `{${PREFIX}:${source}}:meta`, 'out') ?? 0)
  const marks = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => server.command('HGET', `{${PREFIX}:${partition}}:relayed`, source)))
  return marks.filter(mark => Number(mark ?? 0) > last).length
}

test('it would be seen if half a script came back', async () => {
  const nth = units.findLastIndex(({ commands }) => commands.length > 5)
  const { commands = [] } = units[nth] ?? {}
  const [whole, half] = [digests[nth + 1], (await digestsOf([...units.slice(0, nth), { start: 0, end: 0, commands: commands.slice(0, 5) }])).at(-1)]
  expect(half).not.toBe(whole)
  expect(digests).not.toContain(half)
})

test('it would be seen if something acknowledged were lost', () => withCut(file.log.length / 2, async server => {
  expect((await look(server, ledger)).complaints).toContainEqual(expect.stringMatching(/^P1: .* was acknowledged and is gone/))
}))

test('it would be seen if a message were relayed twice: without the high-water marks of the receivers it is', async () => {
  // A credit that has been relayed, and of which the outbox does not know it yet.
  const nth = units.findIndex(({ commands }) => {
    const lines = commands.map(words => words.join(' '))
    return lines.some(line => /^HSET \S+:relayed /.test(line)) && lines.some(line => /^XADD \S+:inbox .*CREDIT/s.test(line))
  })
  await withCut(units[nth]?.end ?? 0, async server => {
    for (let partition = 0; partition < PARTITIONS; partition++) await server.command('DEL', `{${PREFIX}:${partition}}:relayed`)
    const runtime = await openRuntime(server.url + QUERY, ledger.upTo(0))
    expect((await settle(server, ledger.upTo(0))).map(({ property }) => property)).toEqual(expect.arrayContaining(['P2', 'P3']))
    await runtime.close()
  })
})
