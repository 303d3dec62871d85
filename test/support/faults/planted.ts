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
