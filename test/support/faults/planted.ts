import { TroupeError } from 'troupe'
import type { ClaimResult, Commit, DeadLetter, DeadLetterFilter, InboxMessage, Lease, Store } from 'troupe'

/** Faults planted into a store: each takes away one thing that a guarantee rests on. */

type Verbs = { readonly [K in keyof Store]?: Store[K] }

/** A store of which some verbs are other ones. */
function withVerbs(inner: Store, verbs: Verbs): Store {
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in verbs ? verbs : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Whoever commits is taken for the owner, and the next in line. */
export function withoutFence(inner: Store): Store {
  const owners = new Map<number, { lease: Lease; seq: number }>()
  return withVerbs(inner, {
    async claim(request): Promise<ClaimResult> {
      const result = await inner.claim(request)
      if (result.ok) owners.set(request.partition, result)
      return result
    },
    async commit(lease, commit): Promise<void> {
      const owner = owners.get(lease.partition)
      if (!owner) return inner.commit(lease, commit)
      await inner.commit(owner.lease, { ...commit, seq: owner.seq + 1 })
      owners.set(lease.partition, { ...owner, seq: owner.seq + 1 })
    },
  })
}

/** Asks of a commit only that somebody has a lease which has not run out, and that it is the next in line. */
export function withLeaseByTimeOnly(inner: Store): Store {
  const owners = new Map<number, { readonly lease: Lease; readonly until: number }>()
  return withVerbs(inner, {
    async claim(request): Promise<ClaimResult> {
      const result = await inner.claim(request)
      if (result.ok) owners.set(request.partition, { lease: result.lease, until: request.now + request.ttlMs })
      return result
    },
    async renew(leases, now, ttlMs): Promise<readonly Lease[]> {
      for (const { partition } of leases) {
        const owner = owners.get(partition)
        if (owner) owners.set(partition, { ...owner, until: now + ttlMs })
        if (owner) await inner.renew([owner.lease], now, ttlMs)
      }
      return []
    },
    async commit(lease, commit): Promise<void> {
      const owner = owners.get(lease.partition)
      if (!owner || owner.until < commit.at) throw new TroupeError('lease/stale', `the lease of partition ${lease.partition} has run out`)
      await inner.commit(owner.lease, commit)
    },
  })
}

/** Gives leases that hardly ever run out. */
export const withEndlessLeases = (inner: Store): Store =>
  withVerbs(inner, { claim: request => inner.claim({ ...request, ttlMs: 1_000 * request.ttlMs }), renew: (leases, now, ttlMs) => inner.renew(leases, now, 1_000 * ttlMs) })

/** Takes a repeated commit for a new one. */
export function withoutCommitDedupe(inner: Store): Store {
  const last = new Map<number, string>()
  return withVerbs(inner, {
    async commit(lease, commit): Promise<void> {
      const isRepeated = last.get(lease.partition) === commit.id
      last.set(lease.partition, commit.id)
      await inner.commit(lease, isRepeated ? { ...commit, id: `${commit.id} again`, seq: commit.seq + 1, actors: commit.actors.filter(({ created }) => !created) } : commit)
    },
  })
}

/** Says that a commit is durable while it is in the writer's hands only: it is written at the next call, unless the partition has a new owner by then. */
export function withEarlyAcknowledgement(inner: Store): Store {
  const unwritten = new Map<number, () => Promise<void>>()
  const write = async (): Promise<void> => {
    const commits = [...unwritten.values()]
    unwritten.clear()
    for (const commit of commits) await commit()
  }
  const early = withVerbs(inner, {
    async claim(request): Promise<ClaimResult> {
      unwritten.delete(request.partition)
      return inner.claim(request)
    },
    async commit(lease, commit): Promise<void> {
      await write()
      unwritten.set(lease.partition, () => inner.commit(lease, commit))
    },
  })
  return new Proxy(early, {
    get: (target, name) => {
      const verb: unknown = Reflect.get(target, name)
      if (typeof verb !== 'function' || ['claim', 'commit', 'release', 'subscribe'].includes(String(name))) return verb
      return async (...args: unknown[]): Promise<unknown> => {
        await write()
        return (verb as (...args: unknown[]) => unknown)(...args)
      }
    },
  })
}

const ALL = 1e9

/** Trims an inbox by its length: of what waits, only the last messages are left. */
export const withShortInbox =
  (lengthMax: number) =>
  (inner: Store): Store =>
    withVerbs(inner, { take: async (partition, after, limit) => (await inner.take(partition, 0, ALL)).slice(-lengthMax).filter(({ position }) => position > after).slice(0, limit) })

/** Trims the rows of an actor by their number: those are gone, too, that its state is made of. */
export const withShortJournal =
  (lengthMax: number) =>
  (inner: Store): Store =>
    withVerbs(inner, {
      async load(id, at) {
        const stored = await inner.load(id, at)
        return stored && { ...stored, rows: stored.rows.slice(-lengthMax) }
      },
    })

/** Remembers no idempotency key. */
export const withoutDedupe = (inner: Store): Store => withVerbs(inner, { marks: async () => new Map<string, string>() })

/** Takes a dead letter out as it is looked up for its replay or discard, and puts it back when that is committed. */
export function withLettersDeletedFirst(inner: Store): Store {
  const lookUps = new Map<string, number>()
  const deleted = new Set<string>()
  return withVerbs(inner, {
    async deadLetters(filter: DeadLetterFilter): Promise<readonly DeadLetter[]> {
      const found = (await inner.deadLetters(filter)).filter(({ id }) => !deleted.has(id))
      const { id } = filter
      if (id === undefined) return found
      lookUps.set(id, (lookUps.get(id) ?? 0) + 1)
      // The first look is the API's, the second one the actor's owner's.
      if (lookUps.get(id) === 2) deleted.add(id)
      return found
    },
    async commit(lease: Lease, commit: Commit): Promise<void> {
      await inner.commit(lease, commit)
      for (const { id } of commit.resolved) deleted.delete(id)
    },
  })
}

const withOutbox = (inner: Store, change: (outbox: readonly InboxMessage[]) => readonly InboxMessage[]): Store =>
  withVerbs(inner, { commit: (lease: Lease, commit: Commit) => inner.commit(lease, { ...commit, outbox: change(commit.outbox) }) })

/** Delivers what actors send each other twice. */
export const withDoubledOutbox = (inner: Store): Store => withOutbox(inner, outbox => outbox.flatMap(message => [message, message]))

/** Delivers what a batch has sent in another order. */
export const withReversedOutbox = (inner: Store): Store => withOutbox(inner, outbox => outbox.toReversed())

/** Loses one message of each batch that sends several. */
export const withLossyOutbox = (inner: Store): Store => withOutbox(inner, outbox => (outbox.length > 1 ? outbox.slice(1) : outbox))
