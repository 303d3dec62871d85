import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { isBusy } from './sqlite-errors.ts'

/**
 * Which nodes still live, told by locks that the kernel drops with their process: a node that was killed gives its
 * partitions up at once instead of at the end of its lease.
 *
 * Each node holds `<store>.<digest>.alive`, an empty SQLite database, exclusively locked. The digest comes from the
 * random token of the node's first claim, so a name is never used twice and a claimer may delete the file of the dead
 * without a race. Safety does not rest on this: only the fence in `commit` (S2) decides who writes.
 */
export class NodeLocks {
  readonly #path: string
  readonly #held = new Map<string, { readonly name: string; readonly db: DatabaseSync }>()

  /** @param path Real path of the store: other processes must come to the same names. */
  constructor(path: string) {
    this.#path = path
  }

  /** Takes the lock of a node of this process, once; returns the name that others test. */
  hold(node: string, token: string): string {
    const held = this.#held.get(node)
    if (held) return held.name
    const name = createHash('sha256').update(`${node}\0${token}`).digest('hex').slice(0, 24)
    this.#held.set(node, { name, db: lock(this.#file(name)) })
    return name
  }

  /** True when no process holds the lock; then its file is deleted too. */
  isDead(name: string): boolean {
    const file = this.#file(name)
    if (!existsSync(file)) return true
    try {
      const db = lock(file)
      rmSync(file, { force: true })
      db.close()
      return true
    } catch (error) {
      if (isBusy(error)) return false
      throw error
    }
  }

  release(): void {
    for (const { name, db } of this.#held.values()) {
      rmSync(this.#file(name), { force: true })
      db.close()
    }
    this.#held.clear()
  }

  #file(name: string): string {
    return `${this.#path}.${name}.alive`
  }
}

/** Locks a file for the life of the handle. Throws SQLITE_BUSY at once when another handle has it. */
function lock(file: string): DatabaseSync {
  const db = new DatabaseSync(file)
  try {
    // The journal stays in memory: the lock is all there is, nothing is ever written.
    db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
