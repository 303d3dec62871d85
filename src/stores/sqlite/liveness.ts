import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy } from './sqlite-errors.ts'

const ORPHAN_AGE_MS = 1_000

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
    this.#removeOrphans()
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

  /** Files of processes that were killed between taking their lock and writing its name into the store: nobody would ask for them. */
  #removeOrphans(): void {
    const [prefix, suffix] = [`${basename(this.#path)}.`, '.alive']
    const own = new Set(Array.from(this.#held.values(), ({ name }) => name))
    for (const file of readdirSync(dirname(this.#path))) {
      const name = file.slice(prefix.length, -suffix.length)
      if (!file.startsWith(prefix) || !file.endsWith(suffix) || own.has(name)) continue
      try {
        // A younger one may be about to be locked.
        if (statSync(this.#file(name)).mtimeMs < Date.now() - ORPHAN_AGE_MS) this.isDead(name)
      } catch {
        // Gone meanwhile, or not ours to remove: it costs nobody anything.
      }
    }
  }

  release(): void {
    this.#removeOrphans()
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
