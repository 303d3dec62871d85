import type { Change, ClaimRequest, ClaimResult, Commit, InboxMessage, Lease, Reply, Store, SubscribeScope } from 'troupe'
import { createMemoryStore } from 'troupe/testing'
import type { CommitFacts } from '../support/faults/history.ts'
import { Carrier } from './carrier.ts'
import type { Scheduler, SimProcess } from './scheduler.ts'
import type { SimClock } from './sim-clock.ts'
import { WriteLog } from './write-log.ts'
import type { Remains } from './write-log.ts'

export interface StoreServerOptions {
  readonly scheduler: Scheduler
  readonly partitions: number
  readonly isShared: boolean
  /** The clock by which it judges leases, as Redis does; without one it believes its callers. */
  readonly clock: SimClock | undefined
  /** Writes are on disk a while after they were acknowledged: a crash may lose the last of them. */
  readonly losesTail: boolean
  /** What leaves a partition arrives later, carried by the process that owns it. */
  readonly relays: boolean
  /** Says what has changed, and not only that something has. */
  readonly isPrecise: boolean
  /** Puts a planted fault between the server and what it keeps. */
  plant(store: Store): Store
}

/** Who is to hear of a change: everybody, every node, one node, or whoever follows a partition. */
type Audience = 'all' | 'nodes' | { readonly node: string } | { readonly partition: number }

/** A client of the server, as far as the server knows it. */
export interface StoreConnection {
  reset(): void
  hear(audience: Audience, change?: Change): void
}

/** How calls of the nodes' own verbs begin. */
const MEMBERS = 'members.'

type AnyVerb = (...args: readonly unknown[]) => Promise<unknown>

/**
 * The store as a server of its own: it can be down, restart, and come back without the last of what it had acknowledged.
 * Each call takes effect in one event. It writes down who owned what at each commit.
 */
export class StoreServer {
  store: Store
  isDown = false
  readonly log: WriteLog
  readonly carrier: Carrier
  /** Every commit that took effect, and is still there. */
  readonly commits: CommitFacts[] = []
  /** What broke P4: commits under a lease that the store had given away. */
  readonly intrusions: string[] = []
  readonly #options: StoreServerOptions
  /** How many writes there were after each commit. */
  readonly #commitWrites: number[] = []
  readonly #owners = new Map<number, Lease | undefined>()
  readonly #lastCommits = new Map<number, string>()
  readonly #connections = new Set<StoreConnection>()
  readonly #replies: Reply[] = []

  constructor(options: StoreServerOptions) {
    this.#options = options
    this.log = new WriteLog(options.scheduler, !options.losesTail)
    this.carrier = new Carrier({ scheduler: options.scheduler, isDown: () => this.isDown, arrive: (messages, replies) => this.#arrive(messages, replies) })
    this.store = this.#open()
  }

  connect(connection: StoreConnection): void {
    this.#connections.add(connection)
  }

  disconnect(connection: StoreConnection): void {
    this.#connections.delete(connection)
  }

  /** Goes down: whoever waits hears that the connection is gone. */
  crash(): void {
    this.isDown = true
    for (const connection of this.#connections) connection.reset()
  }

  /** Comes back, without the writes of the last `loseMs` milliseconds where they were not on disk. */
  async restart(loseMs: number): Promise<Remains> {
    this.isDown = false
    const remains = this.log.lose(loseMs)
    if (this.#options.losesTail) await this.#rebuild(remains.kept)
    this.#tell('all')
    return remains
  }

  /** Carries out a call of a process. */
  execute(call: string, args: readonly unknown[], process: SimProcess | undefined): Promise<unknown> {
    const given = this.#onOwnClock(call, args)
    this.log.add(call, given)
    switch (call) {
      case 'claim':
        return this.#claim(given[0] as ClaimRequest, process)
      case 'release':
        return this.#release(given[0] as readonly Lease[])
      case 'commit':
        return this.#commit(given[0] as Lease, given[1] as Commit, process)
      case 'append':
        return this.#append(given[0] as readonly InboxMessage[], given[1] as number)
      case 'takeReplies':
        return this.#takeReplies(given[0] as string)
      case 'members.announce':
      case 'members.retire':
        return this.#asMember(call, given)
      default:
        return this.#run(call, given)
    }
  }

  #open(): Store {
    const { partitions, isShared, plant, isPrecise } = this.#options
    const store = plant(createMemoryStore({ partitions, shared: isShared }))
    if (!isPrecise) store.subscribe(() => this.#tell('all'))
    return store
  }

  #run(call: string, args: readonly unknown[]): Promise<unknown> {
    const isOfMembers = call.startsWith(MEMBERS)
    const owner = isOfMembers ? (this.store.members ?? {}) : this.store
    return (Reflect.get(owner, isOfMembers ? call.slice(MEMBERS.length) : call) as AnyVerb).apply(owner, args as unknown[])
  }

  #onOwnClock(call: string, args: readonly unknown[]): readonly unknown[] {
    const { clock } = this.#options
    if (!clock) return args
    if (call === 'claim') return [{ ...(args[0] as ClaimRequest), now: clock.now() }]
    if (call === 'renew' || call === 'members.announce') return [args[0], clock.now(), args[2]]
    return args
  }

  // ── calls that somebody hears of ──────────────────────────────────────────────────────────────────────────

  #tell(audience: Audience, change?: Change): void {
    for (const connection of this.#connections) connection.hear(audience, change)
  }

  #tellInboxes(messages: readonly InboxMessage[]): void {
    if (!this.#options.isPrecise) return
    for (const partition of new Set(messages.map(message => message.partition))) this.#tell('nodes', { kind: 'inbox', partition })
  }

  #tellNodes(replies: readonly Reply[]): void {
    if (this.#options.isPrecise) for (const { node } of replies) this.#tell({ node }, { kind: 'replies' })
    else if (replies.length > 0) this.#tell('all')
  }

  async #claim(request: ClaimRequest, process: SimProcess | undefined): Promise<ClaimResult> {
    const result = await this.store.claim(request)
    if (!result.ok) return result
    this.#owners.set(request.partition, result.lease)
    this.carrier.carry(request.partition, process)
    return result
  }

  async #release(leases: readonly Lease[]): Promise<void> {
    await this.store.release(leases)
    for (const lease of leases) if (isSame(this.#owners.get(lease.partition), lease)) this.#owners.set(lease.partition, undefined)
    if (this.#options.isPrecise) this.#tell('nodes')
  }

  async #append(messages: readonly InboxMessage[], depthMax: number): Promise<void> {
    await this.store.append(messages, depthMax)
    this.#tellInboxes(messages)
  }

  async #asMember(call: string, args: readonly unknown[]): Promise<unknown> {
    const names = async (): Promise<string> => ((await this.store.members?.all()) ?? []).map(({ node }) => node).join()
    const before = await names()
    const result = await this.#run(call, args)
    if (this.#options.isPrecise && (await names()) !== before) this.#tell('nodes')
    return result
  }

  async #commit(lease: Lease, commit: Commit, process: SimProcess | undefined): Promise<void> {
    const { partition } = lease
    const { relays, isPrecise } = this.#options
    const leaves = (message: InboxMessage): boolean => relays && message.partition !== partition
    const kept: Commit = relays ? { ...commit, outbox: commit.outbox.filter(message => !leaves(message)), replies: [] } : commit
    await this.store.commit(lease, kept)
    const isRepeated = this.#lastCommits.get(partition) === commit.id
    this.#lastCommits.set(partition, commit.id)
    this.#note(lease, commit)
    if (isRepeated) return
    if (relays) {
      this.carrier.take(partition, commit.outbox.filter(leaves), commit.replies)
      this.carrier.carry(partition, process)
    } else this.#tellNodes(commit.replies)
    this.#tellInboxes(kept.outbox)
    if (isPrecise) this.#tell({ partition })
  }

  #note(lease: Lease, { id, seq, deadLetters, resolved }: Commit): void {
    const { partition, epoch, token } = lease
    const owner = this.#owners.get(partition)
    if (!isSame(owner, lease)) this.intrusions.push(`commit ${seq} of partition ${partition} came under epoch ${epoch}, while the store had given it ${owner ? `away under epoch ${owner.epoch}` : 'back'}`)
    this.commits.push({ id, partition, epoch, token, seq, letters: deadLetters, resolved })
    this.#commitWrites.push(this.log.count)
  }

  async #arrive(messages: readonly InboxMessage[], replies: readonly Reply[]): Promise<void> {
    this.#replies.push(...replies)
    this.#tellNodes(replies)
    if (messages.length > 0) await this.#append(messages, Infinity)
  }

  async #takeReplies(node: string): Promise<readonly Reply[]> {
    const carried = this.#replies.filter(reply => reply.node === node)
    for (const reply of carried) this.#replies.splice(this.#replies.indexOf(reply), 1)
    return [...(await this.store.takeReplies(node)), ...carried]
  }

  // ── a restart ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Makes again what was on disk. Whoever owned a partition does not any more: what he knows may never have been. */
  async #rebuild(kept: number): Promise<void> {
    this.store = this.#open()
    for (const { call, args } of this.log.writes) await this.#run(call, args).catch(() => undefined)
    this.commits.length = this.#commitWrites.length = this.#commitWrites.findLastIndex(count => count <= kept) + 1
    this.#lastCommits.clear()
    for (const { partition, id } of this.commits) this.#lastCommits.set(partition, id)
    for (let partition = 0; partition < this.store.partitions; partition++) await this.#voidLease(partition)
  }

  async #voidLease(partition: number): Promise<void> {
    const request: ClaimRequest = { partition, node: 'store', token: `restart ${this.log.count}`, now: Number.MAX_SAFE_INTEGER, ttlMs: 0 }
    this.log.add('claim', [request])
    const claim = await this.store.claim(request)
    if (claim.ok) await this.execute('release', [[claim.lease]], undefined)
  }
}

const isSame = (owner: Lease | undefined, lease: Lease): boolean => owner !== undefined && owner.epoch === lease.epoch && owner.token === lease.token

/** Whether somebody with this scope belongs to an audience. */
export function isConcerned(scope: SubscribeScope | undefined, audience: Audience): boolean {
  if (audience === 'all' || scope === undefined) return true
  if (audience === 'nodes') return 'node' in scope
  if ('node' in audience) return 'node' in scope && scope.node === audience.node
  return 'partition' in scope && scope.partition === audience.partition
}
