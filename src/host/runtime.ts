import type { AnyActorLogic } from 'xstate'
import { DEFAULT_TENANT, actorId, addressOf, parseActorId, parseAddress } from '../core/address.ts'
import type { Client } from '../core/client/client.ts'
import type { Caller } from '../core/client/operation.ts'
import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { ErrorInfo } from '../core/errors.ts'
import type { CpuPool } from '../core/cpu-pool.ts'
import { pageSize } from '../core/limits.ts'
import type { Body } from '../core/message.ts'
import type { QueueView } from '../core/queue.ts'
import { actorOrders, deadLetterStates } from '../core/store.ts'
import type { ActorStatus, DeadLetter, DeadLetterState, LeaseInfo, Member } from '../core/store.ts'
import { conditionsOf } from './actor-query.ts'
import type { ActorQuery } from './actor-query.ts'
import { Catalogue } from './catalogue.ts'
import type { PatternCatalogue } from './catalogue.ts'
import { createClient } from './client/dispatch.ts'
import { JournalTail } from './client/journal-tail.ts'
import type { ClientExtras, InspectOptions, Inspection } from './client/parts.ts'
import type { Machines, Registration } from './definition.ts'
import type { Counters, HostEnv } from './env.ts'
import { viewQueues } from './queue-view.ts'
import { ActorHandle } from './handle.ts'
import type { HandleParts } from './handle.ts'
import { readMessage } from './batch.ts'
import { decodeError } from './coding.ts'
import type { Node } from './node.ts'
import { encodeEvent } from './payload.ts'
import type { PayloadRules } from './payload.ts'
import { Reader } from './reader.ts'
import { request } from './request.ts'
import { unknownMachine } from './status.ts'
import { findStuck } from './stuck.ts'
import type { StuckPage, StuckQuery } from './stuck.ts'
import type { CompactionState } from './sweeper.ts'

/** The logic behind an entry of `machines`. */
export type LogicOf<TEntry> = TEntry extends Registration<infer TLogic> ? TLogic : TEntry extends AnyActorLogic ? TEntry : never

/** An actor in a list. */
export interface ActorInfo {
  readonly address: string
  readonly machine: string
  readonly key: string
  readonly run: string
  readonly parent: string | null
  readonly status: ActorStatus
  readonly states: readonly string[]
  readonly tags: readonly string[]
  readonly seq: number
  readonly version: string
  readonly waiting: number
  readonly openTasks: number
  /** Milliseconds since the epoch. */
  readonly dueAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly completedAt: number | null
  readonly failure: ErrorInfo | null
}

export interface ActorPage {
  readonly actors: readonly ActorInfo[]
  /** Pass it on for the next page; undefined on the last. */
  readonly cursor: string | undefined
}

export interface DeadLetterInfo {
  readonly id: string
  readonly address: string
  readonly at: number
  readonly state: DeadLetterState
  /** What could not be processed: kind, event and envelope. Null when it cannot be read. */
  readonly message: unknown
  readonly cause: ErrorInfo
  readonly resolvedAt: number | null
  readonly reason: string | null
}

export interface Health {
  /** False while the oldest due work is older than `limits.dueAgeMsMax`, node or store take nothing more from outside, or the runtime is closing. */
  readonly ready: boolean
  /** Why it is not ready. */
  readonly reasons: readonly string[]
  readonly node: string
  readonly partitions: { readonly total: number; readonly owned: readonly number[] }
  /** Milliseconds by which the oldest due work is late. */
  readonly lagMs: number
  readonly liveActors: number
  readonly actorsInMemory: number
  readonly runningTasks: number
  /** Bytes that this node holds, by its own account: of actors, and of work handed in here that waits. The process takes more: code, caches, garbage. */
  readonly memory: { readonly bytes: number; readonly bytesMax: number; readonly actorBytes: number; readonly workBytes: number }
  /** Bytes of the store when it was last looked at (about every second), and how many it may hold; null while that is not known. */
  readonly store: { readonly bytes: number; readonly bytesMax: number | null } | null
  /** Completed runs that this node has deleted because there were too many, and why the last went. */
  readonly compaction: CompactionState
  readonly counters: Readonly<Counters>
}

/** A node that owns partitions, or could. */
export interface ClusterNode extends Partial<Member> {
  readonly node: string
  /** Whether it is the one that answers. */
  readonly isSelf: boolean
  readonly partitions: readonly number[]
}

export interface Cluster {
  readonly nodes: readonly ClusterNode[]
  /** Who owns each partition, and until when by the store's clock; null for one that nobody owns now. */
  readonly partitions: readonly LeaseInfo[]
}

/**
 * A running Troupe: its actors, dead letters and health. Made by `createRuntime`.
 */
export class Runtime<TMachines extends Machines = Machines> {
  readonly #parts: HandleParts
  readonly #names: ReadonlyMap<AnyActorLogic, string>
  readonly #closeStore: () => Promise<void>
  readonly #extras: ClientExtras
  readonly #tail: JournalTail
  readonly #servers = new Set<Inspection>()
  readonly deadLetters: DeadLetters
  /** The registered agents, to be found by what they can do. */
  readonly agents: Catalogue
  readonly patterns: PatternCatalogue
  /** Threads for CPU-heavy work: what `cpuTask` runs on. */
  readonly workers: CpuPool

  /** @internal */
  constructor(env: HostEnv, node: Node, closeStore: () => Promise<void>, patterns: PatternCatalogue, extras: ClientExtras) {
    this.#parts = { env, node, reader: new Reader(env, () => node.isClosed) }
    this.#names = new Map([...env.definitions.values()].map(({ logic, name }) => [logic, name]))
    this.#closeStore = closeStore
    this.#extras = extras
    this.#tail = new JournalTail(this.#parts)
    this.workers = env.workers
    this.deadLetters = new DeadLetters(this.#parts)
    this.agents = new Catalogue('agent', env.definitions)
    this.patterns = patterns
  }

  /**
   * The actor of a machine under a key. Holds nothing and starts nothing.
   * Throws `machine/unknown`, `address/invalid`.
   *
   * @example
   * await runtime.actor(orderMachine, '42').send({ type: 'PAY' })
   */
  actor<TName extends keyof TMachines & string>(machine: TName, key: string): ActorHandle<LogicOf<TMachines[TName]>>
  actor<TLogic extends AnyActorLogic>(machine: TLogic, key: string): ActorHandle<TLogic>
  actor(machine: string | AnyActorLogic, key: string): ActorHandle {
    const { env } = this.#parts
    const name = typeof machine === 'string' ? machine : this.#names.get(machine)
    if (name === undefined || !env.definitions.has(name)) throw unknownMachine(name ?? (machine as { id?: string }).id ?? 'unnamed', env.definitions)
    return new ActorHandle(this.#parts, actorId({ tenant: DEFAULT_TENANT, machine: name, key }))
  }

  /** The actor at an address, `machine/key`: spawned ones too. */
  at(address: string): ActorHandle {
    const id = parseAddress(address)
    const { machine } = parseActorId(id)
    if (!this.#parts.env.definitions.has(machine)) throw unknownMachine(machine, this.#parts.env.definitions)
    return new ActorHandle(this.#parts, id)
  }

  /**
   * Everything that can be asked of this runtime as plain JSON: the door that server, inspector and command line go through too.
   * A caller may do what its role allows, by default all. Each call throws `access/denied` or `request/invalid` before it does anything.
   *
   * @example
   * const { actors } = await runtime.client().listActors({ tag: 'approval' })
   */
  client(caller: Caller = { name: null, role: 'admin' }): Client {
    return createClient({ ...this.#parts, runtime: this as unknown as Runtime, extras: this.#extras, tail: this.#tail }, caller)
  }

  /**
   * Serves inspector and API of this runtime at `http://127.0.0.1:4747`, until it is closed or the runtime is. `createServer` of
   * `troupe/server` has more options. Throws `config/invalid` for a port that cannot be had.
   *
   * @example
   * const { url } = await runtime.inspect()
   */
  async inspect(options: InspectOptions = {}): Promise<Inspection> {
    const { serve } = this.#extras
    if (!serve) throw new TroupeError('config/invalid', 'this runtime was made without a server')
    const server = await serve(this as unknown as Runtime, options)
    this.#servers.add(server)
    return server
  }

  /** A page of actors, oldest first. Those of Troupe's own machines come only when asked for by name. Throws `config/invalid` for a query that makes no sense. */
  async actors(query: ActorQuery = {}): Promise<ActorPage> {
    const { order, cursor, limit } = query
    if (order !== undefined && !actorOrders.includes(order)) throw new TroupeError('config/invalid', `order must be one of ${actorOrders.join(', ')}, not ${String(order)}`)
    const page = await this.#parts.reader.store.list({ ...conditionsOf(query), limit: pageSize(limit), ...(order !== undefined && { order }), ...(cursor !== undefined && { cursor }) })
    return {
      cursor: page.cursor,
      actors: page.records.map(({ id, run: root, parent, parked, error, ...record }) => {
        const { machine: name, key } = parseActorId(id)
        const { status: now, states, tags, seq, version, openTasks, dueAt, createdAt, updatedAt, completedAt } = record
        const failure = error === null ? null : decodeError(this.#parts.env.codec, id, error, record.seq)
        return { address: addressOf(id), machine: name, key, run: addressOf(root), parent: parent && addressOf(parent), status: now, states, tags, seq, version, waiting: parked, openTasks, dueAt, createdAt, updatedAt, completedAt, failure }
      }),
    }
  }

  /**
   * Looks at a page of active actors for those that nothing can ever wake: no timer, retry, task, living child or waiting message,
   * and no event that their state would act upon. Ones that wait for an event are not stuck. Reads one checkpoint per actor.
   *
   * @example
   * for (const { address, reason } of (await runtime.stuck()).actors) console.warn(`${address} is stuck: ${reason}`)
   */
  async stuck({ cursor, limit }: StuckQuery = {}): Promise<StuckPage> {
    const { env, reader } = this.#parts
    return findStuck(env, reader, { tenant: DEFAULT_TENANT, limit: pageSize(limit), ...(cursor !== undefined && { cursor }) })
  }

  health(): Health {
    const { env, node } = this.#parts
    const { memory, limits } = env
    const { sweeper } = node
    const { lagMs, liveActors, runningTasks } = node.describe()
    const reasons = [
      ...(node.isClosing ? ['the runtime is closing'] : []),
      ...(lagMs > limits.dueAgeMsMax ? [`the oldest due work is ${lagMs} ms late, the limit dueAgeMsMax is ${limits.dueAgeMsMax}`] : []),
      ...(memory.isBusy ? [memory.describe()] : []),
      ...(sweeper.isFull ? [sweeper.describe()] : []),
    ]
    return {
      ready: reasons.length === 0,
      reasons,
      node: env.node,
      partitions: { total: env.store.partitions, owned: [...node.owned.keys()] },
      lagMs,
      liveActors,
      actorsInMemory: [...node.owned.values()].reduce((sum, { actorsInMemory }) => sum + actorsInMemory, 0),
      runningTasks,
      memory: { bytes: memory.bytes, bytesMax: limits.nodeBytesMax, actorBytes: memory.actors, workBytes: memory.works },
      store: sweeper.size ? { bytes: sweeper.size.bytes, bytesMax: Number.isFinite(sweeper.bytesMax) ? sweeper.bytesMax : null } : null,
      compaction: sweeper.compaction,
      counters: { ...env.counters },
    }
  }

  /**
   * The nodes that live and what they own. Of other nodes, load and lag are as they last told (about every second), and only
   * where the store shares its partitions among them (Redis).
   */
  async cluster(): Promise<Cluster> {
    const { node, reader, env } = this.#parts
    const partitions = await reader.store.leases()
    const members = (await reader.store.members?.all()) ?? []
    const known = new Map<string, Partial<Member>>(partitions.flatMap(lease => (lease.node === null ? [] : [[lease.node, {}]])))
    for (const member of members) known.set(member.node, member)
    known.set(env.node, node.describe())
    const nodes = [...known].map(([name, about]) => ({ ...about, node: name, isSelf: name === env.node, partitions: partitions.filter(lease => lease.node === name).map(({ partition }) => partition) }))
    return { nodes, partitions }
  }

  /**
   * What waits and runs in each queue of tasks, by priority and by key. `default` and queues that the store does not share are
   * those of this process.
   */
  queues(): Promise<readonly QueueView[]> {
    const { env, node, reader } = this.#parts
    return viewQueues({ ...env, store: reader.store }, node.queues)
  }

  /** Ends gracefully: nothing new is taken, what was accepted is committed, tasks are handed back, leases released. */
  async close(): Promise<void> {
    // Requests under way end first. Without a server nothing is taken from this very moment on.
    if (this.#servers.size > 0) await Promise.all([...this.#servers].map(server => server.close()))
    await this.#parts.node.close()
    await this.#closeStore()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

export interface DeadLetterQuery {
  /** Address of the actor. */
  readonly address?: string
  /** Default 'present'. */
  readonly state?: DeadLetterState
  /** Id of the last one of the page before. */
  readonly after?: string
  /** Default 100, at most 1,000. */
  readonly limit?: number
}

/** What could not be processed, kept until somebody replays or discards it. */
export class DeadLetters {
  readonly #parts: HandleParts

  constructor(parts: HandleParts) {
    this.#parts = parts
  }

  /** Oldest first. */
  async list(query: DeadLetterQuery = {}): Promise<readonly DeadLetterInfo[]> {
    return (await this.stored(query)).map(letter => this.#present(letter))
  }

  /** @internal The same, as the store has them. */
  stored({ address, state = 'present', after, limit }: DeadLetterQuery): Promise<readonly DeadLetter[]> {
    const { store } = this.#parts.reader
    if (!deadLetterStates.includes(state)) throw new TroupeError('config/invalid', `state must be one of ${deadLetterStates.join(', ')}, not ${String(state)}`)
    return store.deadLetters({ tenant: DEFAULT_TENANT, state, limit: pageSize(limit), ...(address !== undefined && { actor: parseAddress(address) }), ...(after !== undefined && { after }) })
  }

  /**
   * Handles the event again, or another one in its place, or begins the task again; a failed actor is revived for it. The letter is
   * resolved in the commit that handles it. Throws `dead-letter/unknown`, `event/poisoned`, `event/invalid`.
   */
  async replay(id: string, { event }: { readonly event?: { readonly type: string } } = {}): Promise<void> {
    await this.#resolve(id, (letter, definition) => ({ kind: 'replay', letter: id, ...(event && { event: this.#instead(letter, definition, event) }) }))
  }

  /** Gives it up; the letter stays listed as discarded, with the reason. Throws `dead-letter/unknown`. */
  async discard(id: string, reason?: string): Promise<void> {
    await this.#resolve(id, () => ({ kind: 'discard', letter: id, reason: reason ?? null }))
  }

  async #resolve(id: string, body: (letter: DeadLetter, definition: PayloadRules) => Body): Promise<void> {
    const { env, reader } = this.#parts
    const [letter] = await reader.store.deadLetters({ id, limit: 1 })
    if (!letter) throw new TroupeError('dead-letter/unknown', `there is no dead letter ${id}`)
    const definition = env.definitions.get(parseActorId(letter.actor).machine) ?? { events: {}, limits: env.limits }
    await request(this.#parts, letter.actor, body(letter, definition), definition.limits.mailboxDepthMax)
  }

  /** Text of the event in the place of a letter's own. The schemas are of what the machine is sent, not of what its children are. */
  #instead(letter: DeadLetter, { events, limits }: PayloadRules, event: unknown): string {
    const { body } = readMessage({ ...letter, to: letter.actor }, this.#parts.env.codec)
    const isForChild = body.kind === 'event' && body.path !== undefined
    return encodeEvent({ events: isForChild ? {} : events, limits }, addressOf(letter.actor), event)
  }

  #present({ id, actor, at, data, cause, state, resolvedAt, reason }: DeadLetter): DeadLetterInfo {
    const { codec } = this.#parts.env
    const shown = { id, address: addressOf(actor), at, state, resolvedAt, reason }
    try {
      const message = readMessage({ id, to: actor, at, data }, codec)
      const { body } = message
      return { ...shown, message: { ...message, body: body.kind === 'event' ? { ...body, event: JSON.parse(body.event) as unknown } : body }, cause: decodeError(codec, actor, cause) }
    } catch (error) {
      // Kept because it could not be read: it must not hide the others.
      return { ...shown, message: null, cause: toErrorInfo(error) }
    }
  }
}

