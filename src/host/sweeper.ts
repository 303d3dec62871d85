import type { ActorId } from '../core/address.ts'
import { addressOf } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import type { StoreSize, Swept } from '../core/store.ts'
import type { HostEnv } from './env.ts'
import type { Partition } from './partition.ts'

const SWEEP_EVERY_MS = 30_000
/** Actors of each kind that one sweep deletes: a long one would hold up the commits. */
const SWEEP_MAX = 500
/** Share of its limit below which a store that was over it is brought, so that not every look finds it over again. */
const LOW_SHARE = 0.95
/** How long deleting may go on before other upkeep, such as the renewal of leases, has its turn; what is left goes with the next. */
const SWEEP_MS_MAX = 1_000
/** Share of what a store itself allows that is used: the rest is for what runs already. */
const STORE_SHARE = 0.9

const NOTHING: Swept = { expired: 0, surplus: 0, reclaimed: 0 }

/** Which runs went because there were too many, and why the last did. */
export interface CompactionState {
  /** Actors of completed runs beyond `retention.completedMax`. */
  readonly surplus: number
  /** Actors of completed runs that went to make room in the store. */
  readonly reclaimed: number
  readonly last: { readonly at: number; readonly actors: number; readonly reason: string } | null
}

export interface SweeperOptions {
  /** History older than this many milliseconds may go. */
  readonly journalMs: number | undefined
  owned(): readonly Partition[]
  /** The store says that a partition is not ours any more. */
  lose(partition: Partition): void
  isClosing(): boolean
}

/**
 * Deletes what has outlived its retention, and makes room in a store that is too full: completed runs go, the oldest first, until it
 * is well under its limit. When that is not enough, events and starts from outside are refused until it is.
 *
 * Owned by the node, which calls `keep` on its upkeep.
 */
export class Sweeper {
  readonly #env: HostEnv
  readonly #options: SweeperOptions
  readonly #completedMax: Readonly<Record<string, number>>
  #sweepAt: number
  #size: StoreSize | undefined
  #isFull = false
  #compaction: CompactionState = { surplus: 0, reclaimed: 0, last: null }

  constructor(env: HostEnv, options: SweeperOptions) {
    this.#env = env
    this.#options = options
    this.#sweepAt = env.clock.now() + SWEEP_EVERY_MS
    // Each partition keeps its part, and at least the last run: somebody may be about to read its result.
    const share = (max: number): number => Math.max(Math.ceil(Math.min(max, 1)), Math.floor(max / env.store.partitions))
    this.#completedMax = Object.fromEntries([...env.definitions.values()].flatMap(({ name, completedMax }) => (completedMax === undefined ? [] : [[name, share(completedMax)]])))
  }

  /** What the store held when it was last looked at. */
  get size(): StoreSize | undefined {
    return this.#size
  }

  get compaction(): CompactionState {
    return this.#compaction
  }

  /** Whether the store takes nothing more from outside. */
  get isFull(): boolean {
    return this.#isFull
  }

  get bytesMax(): number {
    return Math.min(this.#env.limits.storeBytesMax, STORE_SHARE * (this.#size?.bytesMax ?? Infinity))
  }

  async keep(): Promise<void> {
    const now = this.#env.clock.now()
    if (now >= this.#sweepAt) this.#sweepAt = (await this.#sweepAll()) ? now + SWEEP_EVERY_MS : now
    if (!this.#env.store.size) return
    this.#size = await this.#env.store.size()
    if (this.#isOver()) await this.#makeRoom()
    this.#isFull = this.#isOver()
  }

  refusal(to: ActorId): TroupeError {
    return new TroupeError('store/full', `${addressOf(to)}: ${this.describe()}: send again when runs have ended, raise the limit, or let completed runs go sooner`, { address: addressOf(to), details: { bytes: this.#size?.bytes, limit: this.bytesMax } })
  }

  describe(): string {
    const limit = this.bytesMax < this.#env.limits.storeBytesMax ? `${STORE_SHARE * 100} % of its own limit` : 'the limit storeBytesMax'
    return `the store holds ${this.#size?.bytes ?? 0} bytes, ${limit} is ${Math.floor(this.bytesMax)}`
  }

  #isOver(share = 1): boolean {
    return this.#size !== undefined && this.#size.bytes > share * this.bytesMax
  }

  #sweepAll(): Promise<boolean> {
    return this.#inRounds(() => 0, ({ expired, surplus }) => Math.max(expired, surplus) < SWEEP_MAX)
  }

  /** Twice as many with each round, because nobody knows how much room each makes: at the end no more than about twice of what had to go has gone. */
  #makeRoom(): Promise<boolean> {
    return this.#inRounds(round => Math.min(SWEEP_MAX, 2 ** round), async ({ reclaimed }) => {
      this.#size = await this.#env.store.size?.()
      return reclaimed === 0 || !this.#isOver(LOW_SHARE)
    })
  }

  /** Sweeps all partitions in rounds, so that the oldest of all go first, until that was enough by the most of any partition; false when time was up before. */
  async #inRounds(reclaimOf: (round: number) => number, isEnough: (most: Swept) => boolean | Promise<boolean>): Promise<boolean> {
    const { clock } = this.#env
    const until = clock.now() + SWEEP_MS_MAX
    for (let round = 0; clock.now() <= until && !this.#options.isClosing(); round++) {
      const swept = await Promise.all(this.#options.owned().map(partition => this.#sweep(partition, clock.now(), reclaimOf(round))))
      const mostOf = (kind: keyof Swept): number => Math.max(0, ...swept.map(counts => counts[kind]))
      if (await isEnough({ expired: mostOf('expired'), surplus: mostOf('surplus'), reclaimed: mostOf('reclaimed') })) return true
    }
    return false
  }

  async #sweep(partition: Partition, now: number, reclaim: number): Promise<Swept> {
    const { store, counters } = this.#env
    const { journalMs, lose } = this.#options
    try {
      const journalBefore = journalMs === undefined ? undefined : now - journalMs
      const swept = await store.sweep(partition.lease, { now, journalBefore, completedMax: reclaim > 0 ? {} : this.#completedMax, reclaim, limit: SWEEP_MAX })
      const { expired, surplus, reclaimed } = swept
      counters.expired += expired
      counters.compacted += surplus + reclaimed
      if (expired + surplus + reclaimed > 0) partition.forgetEnded()
      this.#note(swept, now)
      return swept
    } catch (error) {
      // Given over meanwhile, or lost: then there is nothing to sweep.
      if (!(error instanceof TroupeError && error.code === 'lease/stale')) throw error
      lose(partition)
      return NOTHING
    }
  }

  #note({ surplus, reclaimed }: Swept, at: number): void {
    if (surplus + reclaimed === 0) return
    const reason = reclaimed > 0 ? this.describe() : 'more runs had completed than retention.completedMax keeps'
    this.#compaction = { surplus: this.#compaction.surplus + surplus, reclaimed: this.#compaction.reclaimed + reclaimed, last: { at, actors: surplus + reclaimed, reason } }
  }
}
