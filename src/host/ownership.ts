import type { ClaimResult, Member } from '../core/store.ts'
import { preferredNode } from '../core/rendezvous.ts'
import type { HostEnv } from './env.ts'
import type { Partition } from './partition.ts'

type Claim = Extract<ClaimResult, { ok: true }>

export interface OwnershipHooks {
  /** Makes a partition of a granted claim. */
  take(claim: Claim): Partition
  /** What runs for a partition that goes to another node is handed back; of one that is lost it is dropped. */
  handBack(partition: number): void
  abandon(partition: number): void
  /** What this node tells the others of itself. */
  describe(): Omit<Member, 'node'>
}

/**
 * Which partitions a node owns. It asks for those that are its own by rendezvous over the nodes that live, or for all where nodes
 * do not share; renews their leases; and gives those that belong to another node over to it.
 *
 * Owned by the node, which calls `keep` now and then and `balance` when the store tells of a change.
 *
 * Invariants
 * O1  A partition is in `owned` only under a lease that this node believes in; the fence in the commit protects when it is wrong.
 * O2  A partition is given over when its last batch is committed: what was accepted for it here is done or in its inbox.
 * O3  Nobody waits for the end of a lease that its owner could release.
 */
export class Ownership {
  readonly owned = new Map<number, Partition>()
  readonly #env: HostEnv
  readonly #hooks: OwnershipHooks
  readonly #isReader: boolean
  #members: readonly Member[] = []
  #balancing: Promise<void> | undefined
  #again = false
  #renewedAt: number
  #closing = false

  constructor(env: HostEnv, hooks: OwnershipHooks, isReader = false) {
    this.#env = env
    this.#isReader = isReader
    this.#hooks = hooks
    this.#renewedAt = env.clock.now()
  }

  /** Renews what is owned, and looks for what is not. Throws what the store throws. */
  async keep(): Promise<void> {
    const { clock, store, limits } = this.#env
    const now = clock.now()
    if (now - this.#renewedAt >= limits.leaseTtlMs / 3) {
      const leases = [...this.owned.values()].map(({ lease }) => lease)
      for (const { partition, epoch } of await store.renew(leases, now, limits.leaseTtlMs)) {
        const lost = this.owned.get(partition)
        if (lost?.lease.epoch === epoch) this.lose(lost)
      }
      this.#renewedAt = now
    }
    if (store.members || this.owned.size < store.partitions) await this.balance()
  }

  /** Gives over what belongs to others and claims what belongs here and is free. */
  balance(): Promise<void> {
    // A node that closes must not announce itself again, one that only reads never does.
    if (this.#closing || this.#isReader) return Promise.resolve()
    if (this.#balancing) {
      this.#again = true
      return this.#balancing
    }
    this.#balancing = this.#balance().finally(() => (this.#balancing = undefined))
    return this.#balancing
  }

  /** An owner that closes says so in the store: its partitions do not wait for the next look at all of them. */
  async takeReleased(): Promise<void> {
    const { store } = this.#env
    const isWorthwhile = store.members !== undefined || (await store.leases()).some(({ node }) => node === null)
    if (isWorthwhile) await this.balance()
  }

  /** The partition is not ours any more, or cannot be served. One that was claimed again since is another one. */
  lose(partition: Partition): void {
    const index = partition.lease.partition
    // What took one lease may have taken all of them, as a failover does: the next look asks for each.
    this.#renewedAt = -Infinity
    if (this.owned.get(index) !== partition) {
      // While it was given over: whoever waits for its last batch would wait for ever for one that succeeds.
      partition.drop()
      return
    }
    this.owned.delete(index)
    this.#hooks.abandon(index)
    partition.drop()
    // Where the lease is still ours, nobody has to wait for its end: not even this node.
    this.#env.store.release([partition.lease]).catch((error: unknown) => this.#env.report(error))
  }

  /** Gives everything over; what was accepted is committed first. */
  async close(): Promise<void> {
    const { store, node, report } = this.#env
    this.#closing = true
    // What is being claimed is released with the rest.
    await this.#balancing?.catch(() => undefined)
    const partitions = [...this.owned.values()]
    await Promise.all(partitions.map(partition => partition.close()))
    await store.members?.retire(node).catch(report)
    await store.release(partitions.map(({ lease }) => lease)).catch(report)
    this.owned.clear()
  }

  async #balance(): Promise<void> {
    const { store, node, clock, limits } = this.#env
    do {
      this.#again = false
      if (store.members) this.#members = await store.members.announce({ node, ...this.#hooks.describe() }, clock.now(), limits.leaseTtlMs)
      for (const partition of this.owned.keys()) if (!this.#isMine(partition) && !this.#closing) await this.#handOver(partition)
      await this.#claimFree()
    } while (this.#again && !this.#closing)
  }

  #isMine(partition: number): boolean {
    return this.#env.store.members === undefined || preferredNode(partition, this.#members.map(({ node }) => node)) === this.#env.node
  }

  /** One after the other, so that each stands still only for its own last batch. */
  async #handOver(index: number): Promise<void> {
    const partition = this.owned.get(index)
    if (!partition) return
    this.#env.counters.handovers++
    this.#hooks.handBack(index)
    this.owned.delete(index)
    await partition.close()
    this.#hooks.abandon(index)
    await this.#env.store.release([partition.lease])
  }

  async #claimFree(): Promise<void> {
    const { store, node, random, clock, limits, counters } = this.#env
    for (let partition = 0; partition < store.partitions; partition++) {
      if (this.owned.has(partition) || this.#closing || !this.#isMine(partition)) continue
      const claim = await store.claim({ partition, node, token: random.id(), now: clock.now(), ttlMs: limits.leaseTtlMs })
      if (!claim.ok) continue
      if (claim.lease.epoch > 1) counters.takeovers++
      const taken = this.#hooks.take(claim)
      this.owned.set(partition, taken)
      try {
        await taken.open()
      } catch (error) {
        // Half open it would sleep through what is due: it is claimed again.
        this.lose(taken)
        throw error
      }
    }
  }
}
