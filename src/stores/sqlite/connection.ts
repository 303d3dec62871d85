import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { TroupeError } from '../../core/errors.ts'
import { BUSY_BLOCKING_MS } from './open-database.ts'
import { isBusy, toStoreError } from './sqlite-errors.ts'

/** How long a call waits for the write lock of other processes before it fails. */
const BUSY_WAIT_MAX_MS = 5_000
const BUSY_PAUSE_MS = 10

/**
 * The one database handle of a store: every statement runs through `write` or `read`.
 *
 * 1. `write` is one transaction that takes the write lock at once; it commits, or rolls back and throws.
 * 2. Writes begin in the order of their calls, also when one must wait for another process. SQLite's own waiting
 *    would block the event loop, so only a few milliseconds of it are allowed and the rest is asynchronous.
 * 3. `read` shows its work one state of the database (S10).
 * 4. What either throws is a `TroupeError`, or a broken invariant as it is.
 */
export class Connection {
  readonly path: string
  readonly #db: DatabaseSync
  readonly #begin: StatementSync
  readonly #beginRead: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  readonly #dataVersion: StatementSync
  /** Settles after the last write that had to wait; undefined while none waits. */
  #waiting: Promise<void> | undefined
  #closed = false

  constructor(db: DatabaseSync, path: string) {
    this.path = path
    this.#db = db
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#beginRead = db.prepare('BEGIN')
    this.#commit = db.prepare('COMMIT')
    this.#rollback = db.prepare('ROLLBACK')
    this.#dataVersion = db.prepare('PRAGMA data_version')
  }

  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql)
  }

  async write<T>(work: () => T): Promise<T> {
    if (this.#waiting === undefined) {
      const result = this.#attempt(this.#begin, work)
      if (result) return result.value
    }
    const turn = (this.#waiting ?? Promise.resolve()).then(() => this.#attemptUntilFree(this.#begin, work))
    const settled: Promise<void> = turn.then(noop, noop).then(() => {
      if (this.#waiting === settled) this.#waiting = undefined
    })
    this.#waiting = settled
    return turn
  }

  async read<T>(work: () => T): Promise<T> {
    const result = this.#attempt(this.#beginRead, work)
    return result ? result.value : this.#attemptUntilFree(this.#beginRead, work)
  }

  /** A number that changes when another handle has committed; undefined when it cannot be read now. */
  dataVersion(): number | undefined {
    try {
      return Number(this.#dataVersion.get()?.['data_version'])
    } catch {
      // Whoever asks next for data is told the reason.
      return undefined
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#db.close()
  }

  async #attemptUntilFree<T>(begin: StatementSync, work: () => T): Promise<T> {
    for (let waitedMs = 0; waitedMs < BUSY_WAIT_MAX_MS; waitedMs += BUSY_PAUSE_MS + BUSY_BLOCKING_MS) {
      await sleep(BUSY_PAUSE_MS)
      const result = this.#attempt(begin, work)
      if (result) return result.value
    }
    throw new TroupeError('store/failed', `${this.path} was kept locked by another process for ${BUSY_WAIT_MAX_MS} ms; end that process if it hangs`, { details: { path: this.path } })
  }

  /** Runs the work as one transaction; undefined when another process has the lock. */
  #attempt<T>(begin: StatementSync, work: () => T): { readonly value: T } | undefined {
    if (this.#closed) throw new TroupeError('store/failed', `${this.path} is closed`, { details: { path: this.path } })
    try {
      begin.run()
      const value = work()
      this.#commit.run()
      return { value }
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (this.#db.isTransaction) this.#rollback.run()
      if (isBusy(error)) return undefined
      throw toStoreError(error, this.path)
    }
  }
}

const noop = (): void => undefined
