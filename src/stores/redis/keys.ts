import { parseActorId } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { actorStatuses } from '../../core/store.ts'
import type { ActorStatus, DeadLetterState } from '../../core/store.ts'

/** Before all keys and channels of a deployment. */
export const DEFAULT_PREFIX = 'troupe'

/**
 * Names of the keys of one partition. All of them have its hash tag, so they lie in one slot of a cluster and one script may
 * write them together.
 */
export class PartitionKeys {
  readonly #root: string

  constructor(prefix: string, partition: number) {
    this.#root = `{${prefix}:${partition}}:`
  }

  /** A key there is one of. */
  one(name: KeyName): string {
    return this.#root + name
  }

  all(...names: readonly KeyName[]): string[] {
    return names.map(name => this.#root + name)
  }

  /** What `lua/parts/inbox.lua` needs, and what else a script that uses it does. */
  inbox(...names: readonly KeyName[]): string[] {
    return this.all('meta', 'inbox', 'receivers', 'depth', 'blobs', 'blobrefs', ...names)
  }

  rows(id: ActorId): string {
    return `${this.#root}r:${id}`
  }

  olderBases(id: ActorId): string {
    return `${this.#root}ob:${id}`
  }

  positions(id: ActorId): string {
    return `${this.#root}pk:${id}`
  }

  marks(id: ActorId): string {
    return `${this.#root}m:${id}`
  }

  run(id: ActorId): string {
    return `${this.#root}run:${id}`
  }

  status(tenant: string, status: ActorStatus): string {
    return `${this.#root}s:${tenant}:${status}`
  }

  statuses(tenant: string): string[] {
    return actorStatuses.map(status => this.status(tenant, status))
  }

  statusOf(id: ActorId, status: ActorStatus): string {
    return this.status(parseActorId(id).tenant, status)
  }

  /** Roots of completed runs of a machine. */
  completed(machine: string): string {
    return `${this.#root}c:${machine}`
  }

  letters(state: DeadLetterState): string {
    return `${this.#root}letters:${state}`
  }
}

export type KeyName =
  | 'meta'
  | 'actors'
  | 'bases'
  | 'journal'
  | 'inbox'
  | 'receivers'
  | 'depth'
  | 'blobs'
  | 'blobrefs'
  | 'out'
  | 'relayed'
  | 'senders'
  | 'parked'
  | 'due'
  | 'unsettled'
  | 'expiry'
  | 'completed'
  | 'aged'
  | 'markends'
  | 'letters'
  | 'resolved'

/** Key of what the whole deployment shares. */
export const configKey = (prefix: string): string => `{${prefix}:config}`

/** Keys of the nodes that live. */
export const memberKeys = (prefix: string): readonly [members: string, ends: string] => [`{${prefix}:nodes}:members`, `{${prefix}:nodes}:ends`]

/** Keys of the replies that wait for a node. */
export const replyKeys = (prefix: string, node: string): readonly [replies: string, relayed: string] => [`{${prefix}:node:${node}}:replies`, `{${prefix}:node:${node}}:relayed`]

const queueKeyNames = [
  'settings', 'meta', 'index', 'pending:high', 'pending:medium', 'pending:low', 'order:high', 'order:medium', 'order:low', 'lines', 'queued', 'active', 'running',
  'details', 'done', 'completed', 'failed', 'dead_letter', 'epochs', 'workers', 'protocol',
] as const

export const queueKey = (prefix: string, queue: string, name: (typeof queueKeyNames)[number]): string => `{${prefix}:q:${queue}}:${name}`

/** Keys of a queue of tasks, in the order in which all its scripts take them; `lua/parts/queue-keys.lua` explains them. */
export const queueKeys = (prefix: string, queue: string): string[] => queueKeyNames.map(name => queueKey(prefix, queue, name))

/** Key of the names of all queues. */
export const queuesKey = (prefix: string): string => `{${prefix}:config}:queues`

/** Channels by which handles tell each other what may have changed. */
export const channels = {
  node: (prefix: string, node = ''): string => `${prefix}:n:${node}`,
  partition: (prefix: string, partition: number): string => `${prefix}:c:${partition}`,
  leases: (prefix: string): string => `${prefix}:l`,
  queue: (prefix: string, queue: string): string => `${prefix}:q:${queue}`,
}
