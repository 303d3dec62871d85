import type { Scheduler } from './scheduler.ts'

/** What changes a store: a log of these calls rebuilds it. */
const writing: ReadonlySet<string> = new Set(['claim', 'renew', 'release', 'commit', 'append', 'takeReplies', 'sweep', 'members.announce', 'members.retire'])

export interface Write {
  readonly at: number
  readonly call: string
  readonly args: readonly unknown[]
}

/** How many writes are left after a crash, and how many are gone. */
export interface Remains {
  readonly kept: number
  readonly lost: number
}

/** The calls that have changed a store, in order, as an append-only file keeps them. */
export class WriteLog {
  readonly #scheduler: Scheduler
  readonly #keepsAll: boolean
  readonly #writes: Write[] = []
  #count = 0
  /** Until the first `sync` every write is on disk at once. */
  #synced = Infinity

  constructor(scheduler: Scheduler, keepsAll: boolean) {
    this.#scheduler = scheduler
    this.#keepsAll = keepsAll
  }

  /** How many writes there are; one that is acknowledged knows how many there were. */
  get count(): number {
    return this.#count
  }

  get writes(): readonly Write[] {
    return this.#writes
  }

  add(call: string, args: readonly unknown[]): void {
    if (!writing.has(call)) return
    this.#count++
    // Where nothing is ever lost nobody reads it again.
    if (!this.#keepsAll) this.#writes.push({ at: this.#scheduler.now, call, args })
  }

  /** What is there now is on disk; what comes is there a while later. */
  sync(): void {
    this.#synced = this.#count
  }

  /** Loses the writes of the last milliseconds, where they were not on disk. */
  lose(ms: number): Remains {
    if (this.#keepsAll) return { kept: this.#count, lost: 0 }
    const older = this.#writes.findLastIndex(({ at }) => at <= this.#scheduler.now - ms) + 1
    const kept = Math.min(this.#count, Math.max(this.#synced, older))
    this.#count = kept
    return { kept, lost: this.#writes.splice(kept).length }
  }
}
