import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TroupeError } from '../../src/core/errors.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { Owner, creation, idIn, steps } from '../../src/testing/store-conformance/case.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { startChild } from '../support/child.ts'
import { makeTempDir } from '../support/temp-dir.ts'

let dir: string
let path: string
beforeEach(async () => {
  dir = await makeTempDir()
  path = join(dir, 'store.db')
})
afterEach(() => rm(dir, { recursive: true }))

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/** Opens, expects a refusal, and checks that the file was not touched. */
async function refusal(options: Partial<Parameters<typeof openSqliteStore>[0]> = {}): Promise<TroupeError> {
  const before = existsSync(path) ? hashOf(path) : undefined
  const error = await openSqliteStore({ path, ...options }).then((store) => store.close().then(() => undefined), (thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TroupeError)
  expect(existsSync(path) ? hashOf(path) : undefined).toBe(before)
  expect((error as TroupeError).message).toContain(options.path ?? path)
  return error as TroupeError
}

async function makeStore(actors = 20, bytes = 100): Promise<void> {
  const store = await openSqliteStore({ path })
  const owner = await Owner.of(store)
  for (let n = 0; n < actors; n++) {
    await owner.commit({ actors: [{ ...creation(idIn(store, `k${n}`)), row: { fromSeq: 1, toSeq: 1, data: 'x'.repeat(bytes) } }] })
  }
  await store.close()
}

describe('opening a SQLite store', () => {
  test('a missing folder is made, and nothing is left beside the file after close', async () => {
    path = join(dir, 'a', 'b', 'store.db')
    const store = await openSqliteStore({ path })
    await Owner.of(store)
    await store.close()
    expect(execFileSync('ls', [join(dir, 'a', 'b')], { encoding: 'utf8' }).trim()).toBe('store.db')
  })

  test('an empty file becomes a store', async () => {
    await writeFile(path, '')
    const store = await openSqliteStore({ path, partitions: 3 })
    expect(store.partitions).toBe(3)
    await store.close()
  })

  test('without a partition count the one of the file holds; another one is refused', async () => {
    await (await openSqliteStore({ path, partitions: 4 })).close()
    const store = await openSqliteStore({ path })
    expect(store.partitions).toBe(4)
    await store.close()
    const error = await refusal({ partitions: 2 })
    expect(error.code).toBe('store/partitions')
    expect(error.message).toMatch(/4 partitions, not 2/)
  })

  test('bad options are refused by name', async () => {
    const bad = [{ path: '' }, { path: ':memory:' }, { path: 'a\0b' }, { path, partitions: 0 }, { path, partitions: 1.5 }, { path, partitions: 513 }, { path, pollMs: 0 }]
    for (const options of bad) await expect(openSqliteStore(options)).rejects.toMatchObject({ code: 'config/invalid' })
    await expect(openSqliteStore({ path, synchronous: 'OFF' as 'FULL' })).rejects.toMatchObject({ code: 'config/invalid' })
    expect(existsSync(path)).toBe(false)
  })

  test('a folder, a pipe and a device are no files', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe')])
    for (const other of [dir, join(dir, 'pipe'), '/dev/full']) await expect(openSqliteStore({ path: other })).rejects.toMatchObject({ code: 'config/invalid' })
  })

  test('a closed store says so', async () => {
    const store = await openSqliteStore({ path })
    await store.close()
    await store.close()
    await expect(store.leases()).rejects.toMatchObject({ code: 'store/failed', message: expect.stringContaining('closed') })
    await expect(Owner.of(store)).rejects.toMatchObject({ code: 'store/failed' })
  })
})

describe('a file that is no store of ours is refused and not touched', () => {
  test('garbage', async () => {
    const random = createSeededRandom(1)
    for (const bytes of [1, 16, 100, 4096, 100_000]) {
      await writeFile(path, Buffer.from(Array.from({ length: bytes }, () => random.next() * 256)))
      expect((await refusal()).code).toBe('store/corrupt')
    }
    await writeFile(path, '{"this": "is JSON"}')
    expect((await refusal()).code).toBe('store/corrupt')
  })

  test('a truncated store', async () => {
    await makeStore()
    const whole = await readFile(path)
    for (const bytes of [1, 99, 100, 512, 4096, 8192, whole.length / 2, whole.length - 4096, whole.length - 1]) {
      await writeFile(path, whole)
      await truncate(path, Math.floor(bytes))
      expect((await refusal()).code, `${bytes} of ${whole.length} bytes`).toBe('store/corrupt')
    }
  })

  test('a store cut to nothing beside its write-ahead log', async () => {
    await writeFile(path, '')
    await writeFile(`${path}-wal`, 'x'.repeat(100))
    expect((await refusal()).code).toBe('store/corrupt')
    expect(await readFile(`${path}-wal`, 'utf8')).toBe('x'.repeat(100))
  })

  test('a store with any byte of its header flipped opens or is refused, but never crashes or is overwritten', async () => {
    await makeStore()
    const whole = await readFile(path)
    const codes = new Map<string, number>()
    for (let offset = 0; offset < 100; offset++) {
      const flipped = Buffer.from(whole)
      flipped[offset] = (flipped[offset] ?? 0) ^ 0xff
      await writeFile(path, flipped)
      const outcome = await openSqliteStore({ path }).then(async (store) => {
        await store.close()
        return 'open'
      }, (error: unknown) => (error instanceof TroupeError ? error.code : String(error)))
      codes.set(outcome, (codes.get(outcome) ?? 0) + 1)
      if (outcome !== 'open') expect(hashOf(path)).toBe(createHash('sha256').update(flipped).digest('hex'))
      for (const suffix of ['-wal', '-shm']) await rm(path + suffix, { force: true })
    }
    expect([...codes.keys()].toSorted()).toEqual(['open', 'store/corrupt', 'store/newer-format'])
    expect(codes.get('store/corrupt')).toBeGreaterThan(25)
  })

  test('a small store with a page overwritten', async () => {
    await makeStore()
    const whole = await readFile(path)
    const pages = whole.length / 4096
    let refused = 0
    for (let page = 1; page < pages; page++) {
      await writeFile(path, Buffer.concat([whole.subarray(0, page * 4096), Buffer.alloc(4096, 0x5a), whole.subarray((page + 1) * 4096)]))
      if ((await refusal()).code === 'store/corrupt') refused++
    }
    expect(refused).toBe(pages - 1)
  })

  test('the database of another application, in whichever journal mode', async () => {
    for (const mode of ['DELETE', 'WAL']) {
      const db = new DatabaseSync(path)
      db.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t (x); INSERT INTO t VALUES (1);`)
      db.close()
      const error = await refusal()
      expect(error.code).toBe('store/corrupt')
      expect(error.message).toContain('another application')
      await rm(path)
    }
  })

  test('a newer format, naming both', async () => {
    await makeStore()
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    const error = await refusal()
    expect(error.code).toBe('store/newer-format')
    expect(error.message).toMatch(/format 99.*up to 1/)
  })
})

describe('a store that cannot be written', () => {
  test('a path below a file', async () => {
    await writeFile(join(dir, 'file'), '')
    const below = join(dir, 'file', 'store.db')
    expect((await refusal({ path: below })).code).toBe('store/readonly')
  })

  test('a read-only file system, for an old file and for a new one', async ({ skip }) => {
    await makeStore()
    const mount = ['unshare', '--mount', '--map-root-user', 'sh', '-c', 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', dir]
    try {
      execFileSync('unshare', [...mount.slice(1), 'true'], { stdio: 'ignore' })
    } catch {
      skip('this system allows no mount namespace')
    }
    for (const file of ['store.db', 'new.db', 'new/store.db']) {
      await using child = startChild('sqlite-process.ts', ['open', join(dir, file)], mount)
      expect(await child.next()).toMatchObject({ code: 'store/readonly', message: expect.stringContaining(join(dir, file)) })
    }
  })

  test('a full disk refuses the commit whole, and the store goes on once there is room', async ({ skip }) => {
    await mkdir(join(dir, 'small'))
    const mount = ['unshare', '--mount', '--map-root-user', 'sh', '-c', 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"', join(dir, 'small')]
    try {
      execFileSync('unshare', [...mount.slice(1), 'true'], { stdio: 'ignore' })
    } catch {
      skip('this system allows no mount namespace')
    }
    await using child = startChild('sqlite-process.ts', ['fill', join(dir, 'small', 'store.db'), join(dir, 'small', 'ballast')], mount)
    const full = (await child.next()) as { refused: string[]; loaded: number; seq: number }
    expect(full.refused.slice(0, 2)).toEqual(['store/full', 'store/full'])
    expect(full.seq).toBeGreaterThan(5)
    expect(full.loaded).toBe(full.seq - 1)
    expect(await child.next()).toEqual({ after: true, loaded: full.seq - 1, seq: full.seq })
  })
})

test('damage that is found later is reported as such', async () => {
  await makeStore(1_500, 4_000)
  const id = idIn({ partitions: 1 }, 'k700')
  const bytes = await readFile(path)
  expect(bytes.length).toBeGreaterThan(4 << 20)
  const file = await open(path, 'r+')
  // Past the first pages, so that opening finds nothing.
  for (let page = 60; page < bytes.length / 4096; page++) await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096)
  await file.close()
  const store = await openSqliteStore({ path })
  await expect(store.load(id)).rejects.toMatchObject({ code: 'store/corrupt', message: expect.stringContaining(path) })
  const owner = await Owner.of(store, { now: 2e12 })
  await expect(owner.commit({ actors: [steps(id, 2, { seq: 2 })] })).rejects.toMatchObject({ code: 'store/corrupt' })
  await store.close()
})
