import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { checkHistory, violationsText } from '../support/faults/checkers.ts'
import { readHistory } from '../support/faults/history.ts'
import type { ActorHistory, History, SentEvent } from '../support/faults/history.ts'
import type { Effect } from '../support/faults/machines.ts'
import type { AccountContext, BelfryContext, KillCommand, KillFact } from '../support/kill-process.ts'
import { startPeer, waitUntil } from '../support/processes.ts'
import type { Peer } from '../support/processes.ts'
import { makeFastTempDir } from '../support/temp-dir.ts'

/** A bank, tasks and timers in processes that are killed one after the other, at any instant. */
const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
const KILLS = Number(process.env['TROUPE_KILLS'] ?? 110)
const ACCOUNTS = 100
const OPENING_CENTS = 10_000
/** Commands that are on their way at once. */
const WINDOW = 48
/** Of so many commands one starts a job and one an alarm. */
const JOB_EVERY = 25

/** Until when a process is killed: from before its store is open, or at work. */
const EARLY_MS = 60
const AT_WORK_MS = 400

type Command = Extract<KillCommand, { do: 'transfer' | 'start' }>

interface Process {
  readonly peer: Peer<KillCommand>
  readonly warm: Promise<void>
  readonly ready: Promise<void>
  readonly settled: Promise<void>
}

/** Drives one process after the other; what was not acknowledged is told to the next one again. */
class Driver {
  readonly sent = new Map<string, SentEvent>()
  readonly jobs: string[] = []
  readonly alarms: string[] = []
  readonly troubles: string[] = []
  readonly counts = { kills: 0, killsInFlight: 0, killsEarly: 0, inFlight: 0, repeats: 0, duplicates: 0, attemptsAgain: 0 }
  readonly #random = createSeededRandom(SEED)
  readonly #unacknowledged = new Map<string, Command>()
  readonly #args: readonly string[]
  #current: Peer<KillCommand> | undefined
  #next = 0
  #isOver = false
  #duplicates = 0

  constructor(path: string, effectLog: string) {
    this.#args = [path, effectLog]
    this.#unacknowledged.set('belfry', { do: 'start', op: 'belfry', machine: 'belfry', key: '1', input: null })
    for (let index = 0; index < ACCOUNTS; index++) {
      this.#unacknowledged.set(`open ${index}`, { do: 'start', op: `open ${index}`, machine: 'account', key: String(index), input: { cents: OPENING_CENTS } })
    }
  }

  below(count: number): number {
    return Math.floor(this.#random.next() * count)
  }

  /** A process that has loaded everything, and waits. */
  spawn(): Process {
    const [warm, ready, settled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const peer: Peer<KillCommand> = startPeer<KillCommand, KillFact>('kill-process.ts', this.#args, fact => {
      if (fact.fact === 'warm') warm.resolve()
      else if (fact.fact === 'ready') ready.resolve()
      else if (fact.fact === 'settled') settled.resolve()
      else this.#hear(peer, fact)
    })
    return { peer, warm: warm.promise, ready: ready.promise, settled: settled.promise }
  }

  /** Tells a process everything that is still to be done. */
  begin(peer: Peer<KillCommand>): void {
    this.#current = peer
    this.#duplicates = 0
    for (const command of this.#unacknowledged.values()) this.#tell(command)
    this.#refill()
  }

  async kill(peer: Peer<KillCommand>): Promise<void> {
    const inFlight = this.#current === peer ? this.#unacknowledged.size : 0
    this.#current = undefined
    const unacknowledged = this.#unacknowledged.size
    await peer.kill()
    // What it could still say was on its way already.
    const answered = unacknowledged - this.#unacknowledged.size
    this.counts.kills++
    this.counts.inFlight += inFlight - answered
    if (inFlight > answered) this.counts.killsInFlight++
    if (inFlight === 0) this.counts.killsEarly++
  }

  /** No new commands; resolves when all are acknowledged. */
  async finish(): Promise<void> {
    this.#isOver = true
    await waitUntil('all commands are acknowledged', () => this.#unacknowledged.size === 0)
  }

  #hear(peer: Peer<KillCommand>, fact: KillFact): void {
    if (fact.fact === 'trouble') this.troubles.push(fact.what)
    if (fact.fact !== 'ack') return
    this.counts.duplicates += fact.duplicates - this.#duplicates
    this.#duplicates = fact.duplicates
    this.#unacknowledged.delete(fact.op)
    const sent = this.sent.get(fact.op)
    if (sent) sent.acked = true
    if (this.#current === peer) this.#refill()
  }

  #refill(): void {
    // Transfers go to accounts that are there.
    if (this.#isOver || this.#unacknowledged.has('belfry') || this.#unacknowledged.has(`open ${ACCOUNTS - 1}`)) return
    while (this.#unacknowledged.size < WINDOW) {
      const command = this.#makeCommand(++this.#next)
      this.#unacknowledged.set(command.op, command)
      this.#tell(command)
    }
  }

  #tell(command: Command): void {
    if (command.do === 'transfer') {
      const { op, from, cents } = command
      const sent = this.sent.get(op) ?? { op, to: `account/${from}`, type: 'TRANSFER', cents, keyed: true, tries: 0, acked: false }
      this.sent.set(op, sent)
      if (++sent.tries > 1) this.counts.repeats++
    }
    this.#current?.tell(command)
  }

  #makeCommand(number: number): Command {
    const op = `t${number}`
    if (number % JOB_EVERY === 0) {
      this.jobs.push(op)
      return { do: 'start', op, machine: 'job', key: op, input: { id: op, ms: this.below(40) } }
    }
    if (number % JOB_EVERY === 1) {
      this.alarms.push(op)
      return { do: 'start', op, machine: 'alarm', key: op, input: { id: op, delay: 20 + this.below(1_500) } }
    }
    const from = this.below(ACCOUNTS)
    return { do: 'transfer', op, from: String(from), to: String((from + 1 + this.below(ACCOUNTS - 1)) % ACCOUNTS), cents: 1 + this.below(500) }
  }
}

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Kills process after process; each is loaded while its predecessor works. The last one brings everything to its end. */
async function killAll(driver: Driver): Promise<void> {
  let next = driver.spawn()
  for (let kill = 1; kill <= KILLS; kill++) {
    const { peer, warm, ready } = next
    next = driver.spawn()
    await warm
    peer.tell({ do: 'open' })
    // Every fourth may die while it opens the store and takes over.
    const isEarly = kill % 4 === 0
    if (!isEarly) {
      await ready
      driver.begin(peer)
    }
    // Rather soon than late: starts are the tender time.
    await sleep(driver.below(1 + driver.below(isEarly ? EARLY_MS : AT_WORK_MS)))
    await driver.kill(peer)
  }
  const { peer, warm, ready, settled } = next
  await warm
  peer.tell({ do: 'open' })
  await ready
  driver.begin(peer)
  await driver.finish()
  peer.tell({ do: 'settle', alarms: driver.alarms.length })
  await settled
  peer.tell({ do: 'close' })
  expect(await peer.ended).toEqual({ code: 0, signal: null })
}

const contextsOf = <T>(actors: readonly ActorHistory[], machine: string): readonly T[] => actors.filter(({ id }) => id.split('/')[1] === machine).map(({ document }) => document.snapshot.context as T)

/** Each transfer debited once and credited once by what the accounts say of themselves, and no cent made or lost. */
function checkAccounts(driver: Driver, accounts: readonly AccountContext[]): void {
  const transfers = [...driver.sent.keys()].toSorted()
  expect(accounts).toHaveLength(ACCOUNTS)
  expect(accounts.reduce((total, { cents }) => total + cents, 0)).toBe(ACCOUNTS * OPENING_CENTS)
  expect(accounts.flatMap(({ debited }) => debited).toSorted()).toEqual(transfers)
  expect(accounts.flatMap(({ credited }) => credited).toSorted()).toEqual(transfers)
}

/** Each job has its result once, from a task with one key and at least one effect; each alarm rang once, and not early. */
function checkJobsAndAlarms(driver: Driver, actors: readonly ActorHistory[], effects: readonly Effect[]): void {
  const jobs = contextsOf<{ readonly id: string; readonly results: readonly string[] }>(actors, 'job')
  expect(jobs.map(({ id, results }) => `${id} ${results.join()}`).toSorted()).toEqual(driver.jobs.map(id => `${id} ${id}`).toSorted())
  expect(new Set(effects.map(({ task, key }) => `${task} ${key}`)).size).toBe(driver.jobs.length)
  const rings = contextsOf<BelfryContext>(actors, 'belfry').flatMap(belfry => belfry.rings)
  expect(rings.map(({ id }) => id).toSorted()).toEqual(driver.alarms.toSorted())
  expect(rings.filter(({ lateMs }) => lateMs < 0)).toEqual([])
}

test(`${KILLS} kills lose nothing, double nothing, and every task and timer comes to its end`, async () => {
  const dir = await makeFastTempDir()
  const [path, effectLog] = [join(dir, 'bank.db'), join(dir, 'effects.jsonl')]
  const driver = new Driver(path, effectLog)
  const { counts } = driver
  try {
    await killAll(driver)
    const effects = (await readFile(effectLog, 'utf8')).split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Effect)
    counts.attemptsAgain = effects.length - driver.jobs.length
    const history = await readAll(path, driver, effects)
    const actors = [...history.actors.values()]

    expect(driver.troubles).toEqual([])
    expect(violationsText(checkHistory(history))).toBe('')
    checkAccounts(driver, contextsOf<AccountContext>(actors, 'account'))
    checkJobsAndAlarms(driver, actors, effects)
    expect(await readdir(dir)).toEqual(['bank.db', 'effects.jsonl'])

    // The kills did hit something.
    expect(counts.kills).toBe(KILLS)
    expect(counts.killsInFlight).toBeGreaterThanOrEqual(KILLS / 2)
    expect(counts.repeats).toBeGreaterThan(KILLS)
    expect(counts.duplicates).toBeGreaterThan(0)
    expect(counts.attemptsAgain).toBeGreaterThan(0)
    expect(driver.sent.size).toBeGreaterThan(10 * KILLS)
  } finally {
    console.log(`kills: seed ${SEED} (set TROUPE_SEED to run it again) ${JSON.stringify({ ...counts, transfers: driver.sent.size, jobs: driver.jobs.length, alarms: driver.alarms.length })}`)
    await rm(dir, { recursive: true })
  }
})

async function readAll(path: string, driver: Driver, effects: readonly Effect[]): Promise<History> {
  const store = await openSqliteStore({ path })
  try {
    return await readHistory(store, { endedAt: Date.now(), sent: driver.sent, effects })
  } finally {
    await store.close()
  }
}
