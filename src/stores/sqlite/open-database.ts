import { mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { TroupeError } from '../../core/errors.ts'
import { APPLICATION_ID, DDL, FORMAT, PARTITIONS_MAX } from './schema.ts'
import { isBusy, toOpenError } from './sqlite-errors.ts'

export interface OpenOptions {
  readonly path: string
  readonly synchronous: 'FULL' | 'NORMAL'
  readonly partitions: number | undefined
}

export interface OpenedDatabase {
  readonly db: DatabaseSync
  /** Real path of the file, the same for every process however it names it. */
  readonly path: string
  readonly partitions: number
}

const PAGE_BYTES_MIN = 512
/** Pages that `quick_check` reads at most at the start: about 20 ms. */
const CHECKED_PAGES_MAX = 1024
/** Pages of WAL before a checkpoint: at SQLite's 1,000 each batch of 1,000 actors ran one, +1.5 us per actor write [measured]. */
const CHECKPOINT_PAGES = 4000
const WAL_BYTES_KEPT_MAX = 64 << 20
const CACHE_KIB = 32 << 10
/** How long SQLite itself waits for a lock, blocking the event loop; longer waits are asynchronous, see connection.ts. */
export const BUSY_BLOCKING_MS = 5
const OPEN_ATTEMPTS_MAX = 200
const OPEN_PAUSE_MS = 25

/**
 * Opens the file of a store, or makes it. The file is read only through SQLite: closing a file descriptor of our own
 * would drop every lock that this process holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
export async function openDatabase(options: OpenOptions): Promise<OpenedDatabase> {
  const path = checkOptions(options)
  warnOfOldSqlite()
  try {
    mkdirSync(dirname(path), { recursive: true })
    inspect(path)
  } catch (error) {
    if (!isBusy(error)) throw toOpenError(error, path)
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return open(path, options)
    } catch (error) {
      // Another process is making the file or recovers it after a crash.
      if (!isBusy(error) || attempt === OPEN_ATTEMPTS_MAX) throw toOpenError(error, path)
      await sleep(OPEN_PAUSE_MS)
    }
  }
}

/** https://www.sqlite.org/releaselog/3_51_3.html */
const SAFE_SQLITE = [3, 51, 3]
let warned = false

function warnOfOldSqlite(): void {
  const version = process.versions.sqlite ?? '0'
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const [safeMajor = 0, safeMinor = 0, safePatch = 0] = SAFE_SQLITE
  const isOld = major * 1e6 + minor * 1e3 + patch < safeMajor * 1e6 + safeMinor * 1e3 + safePatch
  if (!isOld || warned) return
  warned = true
  process.emitWarning(`SQLite ${version} of this Node may damage a file when its WAL is reset while another process opens it; Node 24.21 has a version without that fault`, 'TroupeWarning')
}

function checkOptions({ path, partitions, synchronous }: OpenOptions): string {
  const bad = (what: string) => new TroupeError('config/invalid', `openSqliteStore: ${what}`, { details: { path } })
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw bad('path must name a file')
  if (path === ':memory:') throw bad('path must name a file; use createMemoryStore() for a store in memory')
  if (partitions !== undefined && !(Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX)) {
    throw bad(`partitions must be a whole number from 1 to ${PARTITIONS_MAX}, not ${partitions}`)
  }
  if (synchronous !== 'FULL' && synchronous !== 'NORMAL') throw bad(`synchronous must be FULL or NORMAL, not ${String(synchronous)}`)
  return resolve(path)
}

/** Refuses what is no store of ours through a read-only handle, which neither writes nor folds the WAL in when it closes. */
function inspect(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isFile()) throw new TroupeError('config/invalid', `${path} is not a file: name a file for the store`, { details: { path } })
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (stat.size === 0) {
    if (walBytes === 0) return
    throw new TroupeError('store/corrupt', `${path} is empty, but its write-ahead log is not; nothing was changed: restore both from a backup`, { details: { path } })
  }
  // SQLite takes a shorter file for an empty one and would write over it.
  if (stat.size < PAGE_BYTES_MIN) throw new TroupeError('store/corrupt', `${path} is too short for a database; nothing was changed: restore it from a backup, or name another path`, { details: { path } })
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    identify(db, path)
    const pages = pragma(db, 'page_count')
    // With a write-ahead log the file may rightly be shorter; otherwise SQLite would read the missing bytes as zeroes.
    if (walBytes === 0 && stat.size < pages * pragma(db, 'page_size')) throw new TroupeError('store/corrupt', `${path} was cut off; nothing was changed: restore it from a backup`, { details: { path, bytes: stat.size, pages } })
    if (pages > CHECKED_PAGES_MAX) return
    const verdict = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
    if (verdict !== 'ok') throw new TroupeError('store/corrupt', `${path} is damaged (${String(verdict)}); nothing was changed: restore it from a backup`, { details: { path } })
  } finally {
    db.close()
  }
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version' | 'page_count' | 'page_size'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}

/** Says whether the database is a store of this format; false for a blank one. */
function identify(db: DatabaseSync, path: string): boolean {
  const application = pragma(db, 'application_id')
  const format = pragma(db, 'user_version')
  if (application !== APPLICATION_ID) {
    const isBlank = application === 0 && format === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0
    if (isBlank) return false
    throw new TroupeError('store/corrupt', `${path} is a database of another application, no Troupe store; nothing was changed: name another path`, { details: { path, application } })
  }
  if (format > FORMAT) {
    throw new TroupeError('store/newer-format', `${path} has format ${format}, this Troupe reads up to ${FORMAT}; nothing was changed: upgrade Troupe`, { details: { path, format, supported: FORMAT } })
  }
  if (format !== FORMAT) throw new TroupeError('store/corrupt', `${path} is damaged (format ${format}); nothing was changed: restore it from a backup`, { details: { path, format } })
  return true
}

function open(path: string, { synchronous, partitions }: OpenOptions): OpenedDatabase {
  const db = new DatabaseSync(path)
  try {
    db.exec(`PRAGMA busy_timeout = ${BUSY_BLOCKING_MS}`)
    // Again, for a file that appeared meanwhile: setting the journal mode writes to its header.
    identify(db, path)
    const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
    if (mode !== 'wal') throw new TroupeError('store/failed', `${path} lies on a file system without shared memory for SQLite's WAL: name a path on a local disk`, { details: { path } })
    db.exec(`PRAGMA synchronous = ${synchronous === 'FULL' ? 'FULL' : 'NORMAL'};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${WAL_BYTES_KEPT_MAX};
      PRAGMA cache_size = -${CACHE_KIB};`)
    const count = prepareSchema(db, path, partitions)
    return { db, path: realpathSync(path), partitions: count }
  } catch (error) {
    db.close()
    throw error
  }
}

/** Makes the tables unless they are there; the write lock also proves that the file can be written. */
function prepareSchema(db: DatabaseSync, path: string, partitions: number | undefined): number {
  db.exec('BEGIN IMMEDIATE')
  try {
    if (!identify(db, path)) create(db, partitions ?? 1)
    const stored = Number(db.prepare('SELECT count(*) AS n FROM partition').get()?.['n'])
    if (partitions !== undefined && partitions !== stored) {
      throw new TroupeError('store/partitions', `${path} was made with ${stored} partitions, not ${partitions}: open it with ${stored}`, { details: { path, stored, asked: partitions } })
    }
    db.exec('COMMIT')
    return stored
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function create(db: DatabaseSync, partitions: number): void {
  db.exec(DDL)
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT};`)
  const insert = db.prepare(`INSERT INTO partition (id, epoch, expires_at, seq, commit_id, inbox_floor, inbox_head, parked_head, journal_head)
    VALUES (?, 0, 0, 0, '', 0, 0, 0, 0)`)
  for (let id = 0; id < partitions; id++) insert.run(id)
}
