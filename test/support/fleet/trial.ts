import { randomUUID } from 'node:crypto'
import type { Health } from 'troupe'
import { expect } from 'vitest'
import { Fleet } from './fleet.ts'
import type { Fault } from './fleet.ts'
import { PARTITIONS } from './rest.ts'
import { complaintsAbout } from './verdict.ts'
import type { RedisServer } from '../redis/redis-server.ts'

const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
const TIMES = Number(process.env['TROUPE_FAULT_TIMES'] ?? 1)
/** Several times what it takes on two idle cores. */
export const TRIAL_MS_MAX = 900_000 * Math.max(1, TIMES)
const WORKERS = 4
/** What a worker may say while it is cut off, frozen or replaced; the last two while a primary is: it is a replica now, or has none yet. */
const PASSING = ['no answer', 'the worker has died', 'store/failed', 'runtime/closed', 'lease/stale', 'store/readonly', 'config/invalid']
/** P13: everything is at rest so soon after the last fault. */
const QUIET_MS_MAX = 60_000
/** Most faults must have met operations under way. */
const MET_MIN = 0.5

export interface TrialOptions {
  readonly name: string
  /** `redis://host:port`, or more hosts. */
  readonly url: string
  /** Other ways to the same place, which the first workers take. */
  readonly links?: readonly string[]
  readonly durability?: 'process-crash' | 'power-loss' | 'failover'
  serverOf(key: string): Promise<RedisServer>
  /** What must have happened, or the trial was green in vain. */
  readonly happened: readonly (keyof Health['counters'])[]
}

/** How many faults: by hand 25 times as many (`TROUPE_FAULT_TIMES=25`), or a tenth. */
export const times = (count: number): number => Math.ceil(count * TIMES)

/** Runs workers under load through a story of faults, and holds what comes of it to every promise. */
export async function underFire({ name, url, links = [], durability = 'process-crash', serverOf, happened }: TrialOptions, story: (fleet: Fleet, prefix: string) => Promise<void>): Promise<void> {
  const prefix = `test-${randomUUID()}`
  const storeAt = (where: string): string => `${where}?prefix=${prefix}&partitions=${PARTITIONS}&durability=${durability}`
  const stores = Array.from({ length: WORKERS }, (_, slot) => storeAt(links[slot] ?? url))
  await using fleet = await Fleet.start({ name, seed: SEED, stores, store: storeAt(url), prefix, serverOf: partition => serverOf(`{${prefix}:${partition}}`) })
  fleet.tell(`leases of ${fleet.leaseTtlMs} ms`)
  try {
    await story(fleet, prefix)
    fleet.tell('all faults have struck')
    const { history, quietMs } = await fleet.finish(QUIET_MS_MAX)
    expect(complaintsAbout(history, fleet.load)).toEqual([])
    expect(quietMs).toBeLessThan(QUIET_MS_MAX)
    expectTelling(fleet, happened)
    const entries = [...history.actors.values()].reduce((sum, actor) => sum + actor.entries.length, 0)
    fleet.tell(`nothing lost, doubled or out of order in ${entries} steps, ${history.effects.length} attempts of tasks, ${JSON.stringify(fleet.counters)}`)
  } catch (error) {
    const path = await fleet.leaveHistory()
    const schedule = fleet.faults.slice(-20).map(({ verb, what, atMs }) => `${atMs} ms ${verb} ${what}`).join('\n')
    throw new Error(`${String(error)}\nseed ${SEED} (set TROUPE_SEED), history in ${path}, last faults:\n${schedule}`, { cause: error })
  }
}

/** Most operations came to an end, most faults met some under way, and what faults are for did happen. */
function expectTelling({ load, faults, refusals, troubles, counters }: Fleet, happened: TrialOptions['happened']): void {
  const codes = Object.keys({ ...refusals, ...troubles })
  expect(codes.filter(code => !PASSING.includes(code))).toEqual([])
  expect(load.counts.acked).toBeGreaterThan(0.5 * load.counts.tries)
  for (const [verb, struck] of Map.groupBy(faults, fault => fault.verb)) {
    const met = struck.filter(({ inFlight }: Fault) => inFlight > 0).length
    expect([verb, met / struck.length > MET_MIN]).toEqual([verb, true])
  }
  expect(happened.filter(what => !(counters[what] > 0))).toEqual([])
}
