import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { ACCOUNTS, OPENING_BALANCE, balanceOf, planBank } from '../support/bank.ts'
import { startChild } from '../support/child.ts'
import { makeFastTempDir } from '../support/temp-dir.ts'

/**
 * Loss of power: the write-ahead log ends anywhere, or its tail is garbage. What comes up must be a whole prefix of the
 * commits, and hold every commit that was acknowledged while the log was no longer than what is left of it.
 */
const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
const CUTS = 2_000
const FLIPS = 250
const TRANSFERS = 160

interface Marker {
  readonly seq: number
  readonly walBytes: number
}

const bank = planBank(SEED, TRANSFERS)
const random = createSeededRandom(SEED)
const below = (n: number): number => Math.floor(random.next() * n)

let dir: string
let main: Buffer
let wal: Buffer
let markers: readonly Marker[]

beforeAll(async () => {
  console.log(`wal-cut seed ${SEED} (set TROUPE_SEED to run it again)`)
  dir = await makeFastTempDir()
  const path = join(dir, 'store.db')
  // The tables are in the file itself, as in any store that has been closed once.
  await (await openSqliteStore({ path })).close()
  await using child = startChild('sqlite-process.ts', ['bank', path, String(SEED), String(TRANSFERS)])
  const said: Marker[] = []
  while (said.length < TRANSFERS) said.push((await child.next()) as Marker)
  await child.kill('SIGKILL')
  markers = said
  main = await readFile(path)
  wal = await readFile(`${path}-wal`)
  expect(markers.at(-1)?.walBytes).toBe(wal.length)
})
afterAll(() => rm(dir, { recursive: true }))

const acknowledgedWithin = (bytes: number): number => markers.findLast(({ walBytes }) => walBytes <= bytes)?.seq ?? 0

let copies = 0

/** Opens a store from what was left, checks it against the bank, goes on with the next transfer, and tells how far it had come. */
async function bringUp(log: Uint8Array): Promise<number> {
  const path = join(dir, `copy-${++copies}`, 'store.db')
  await mkdir(join(dir, `copy-${copies}`))
  await writeFile(path, main)
  await writeFile(`${path}-wal`, log)
  const store = await openSqliteStore({ path, synchronous: 'NORMAL' })
  const claim = await store.claim({ partition: 0, node: 'after', token: 'after', now: 0, ttlMs: 1 })
  expect(claim.ok).toBe(true)
  if (!claim.ok) return -1
  await assertState(store, claim.seq)
  const next = bank.commits[claim.seq]
  if (next) {
    await store.commit(claim.lease, next)
    await assertState(store, next.seq)
  }
  await store.close()
  await rm(join(dir, `copy-${copies}`), { recursive: true })
  return claim.seq
}

async function assertState(store: Awaited<ReturnType<typeof openSqliteStore>>, seq: number): Promise<void> {
  const state = bank.states[seq]
  const balances: number[] = []
  for (const [n, id] of bank.ids.entries()) {
    const loaded = await store.load(id)
    expect(loaded?.record.seq ?? 0).toBe(state?.seqs[n])
    balances.push(loaded ? balanceOf(loaded.rows.at(-1)?.data ?? loaded.base.data) : 0)
  }
  expect(balances).toEqual(state?.balances)
  expect(balances.reduce((sum, balance) => sum + balance, 0)).toBe(seq === 0 ? 0 : ACCOUNTS * OPENING_BALANCE)
  const messages = await store.take(0, 0, TRANSFERS)
  expect(messages.map(({ id }) => id)).toEqual(bank.commits.slice(1, seq).map(({ id }) => id))
  const rows = await store.journal(0, 0, 10_000)
  expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index + 1))
}

test('the whole log brings back every acknowledged commit', async () => {
  expect(await bringUp(wal)).toBe(TRANSFERS)
})

test(`S1, S4: a log cut at any of ${CUTS} random bytes brings back exactly the commits it still holds`, async () => {
  const seen = new Set<number>()
  for (let n = 0; n < CUTS; n++) {
    // Every tenth cut at a frame's end or one byte beside it, where mistakes would hide.
    const frame = 32 + below(Math.floor((wal.length - 32) / 4120)) * 4120
    const cut = n % 10 === 0 ? Math.max(0, frame + below(3) - 1) : below(wal.length)
    const seq = await bringUp(wal.subarray(0, cut))
    expect(seq, `seed ${SEED}, cut at ${cut}`).toBe(acknowledgedWithin(cut))
    seen.add(seq)
  }
  expect(seen.size).toBeGreaterThan(TRANSFERS / 2)
})

test(`S1, S4: a log with flipped bytes in its tail brings back every commit before the first of them (${FLIPS} times)`, async () => {
  for (let n = 0; n < FLIPS; n++) {
    const flipped = Buffer.from(wal)
    const from = below(wal.length)
    const places = [from, ...Array.from({ length: below(8) }, () => from + below(wal.length - from))]
    for (const place of new Set(places)) flipped[place] = (flipped[place] ?? 0) ^ (1 << below(8))
    expect(await bringUp(flipped), `seed ${SEED}, flipped at ${places.join(', ')}`).toBe(acknowledgedWithin(from))
  }
})
