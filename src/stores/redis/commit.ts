import { TroupeError } from '../../core/errors.ts'
import type { ActorId } from '../../core/address.ts'
import { parseActorId } from '../../core/address.ts'
import type { ActorWrite, Commit, DeadLetter, Lease } from '../../core/store.ts'
import type { Argument } from './connection.ts'
import { blobHash } from './deployment.ts'
import type { Deployment } from './deployment.ts'
import { channels } from './keys.ts'
import type { PartitionKeys } from './keys.ts'
import { packParked } from './mailbox.ts'
import { packIndex, packRecord } from './record-text.ts'
import type { Outgoing, Relay } from './relay.ts'

/** What `commit.lua` is given: its keys and arguments grow side by side, in the order in which it reads them. */
class CommitCall {
  readonly keys: string[]
  readonly args: Argument[]
  readonly #of: PartitionKeys

  constructor(of: PartitionKeys, args: readonly Argument[]) {
    this.#of = of
    this.keys = [
      ...of.inbox('actors', 'bases', 'due', 'unsettled', 'expiry', 'aged', 'journal', 'out', 'parked', 'markends', 'letters', 'resolved'),
      ...(['present', 'replayed', 'discarded'] as const).map(state => of.letters(state)),
      of.one('completed'),
    ]
    this.args = [...args]
  }

  actors(writes: readonly ActorWrite[]): void {
    const kinds = new Map<string, number>()
    for (const { record } of writes) {
      const { tenant, machine } = parseActorId(record.id)
      const kind = kindOf(record.id)
      if (kinds.has(kind)) continue
      kinds.set(kind, kinds.size + 1)
      this.keys.push(...this.#of.statuses(tenant), this.#of.completed(machine))
    }
    this.args.push(kinds.size, writes.length)
    for (const write of writes) this.#actor(write, kinds.get(kindOf(write.record.id)) ?? 0)
  }

  #actor({ record, created, base, row }: ActorWrite, kind: number): void {
    const { id, run, createdAt } = record
    const joinsRun = created && run !== id
    this.keys.push(this.#of.rows(id))
    if (created || base) this.keys.push(this.#of.olderBases(id))
    if (joinsRun) this.keys.push(this.#of.run(run))
    this.args.push(id, created ? 1 : 0, kind, createdAt, packIndex(record), packRecord(record))
    this.args.push(base ? base.seq : '', base?.data ?? '', row?.fromSeq ?? '', row?.toSeq ?? '', row?.data ?? '', joinsRun ? 1 : 0)
  }

  messages({ unpark, park, outbox, replies }: Commit, at: number, blobBytes: number): void {
    this.args.push(unpark.length)
    for (const { position, actor } of unpark) this.#with(this.#of.positions(actor), position, actor)
    this.args.push(park.length)
    for (const message of park) this.#with(this.#of.positions(message.to), message.to, packParked(message))
    this.args.push(outbox.length + replies.length)
    for (const { id, to, partition, at: sent, data } of outbox) this.args.push(partition, id, to, sent, data, blobHash(data, blobBytes))
    for (const { node, request, data } of replies) this.args.push(`@${node}`, request, '', at, data, blobHash(data, blobBytes))
  }

  rest({ marks, deadLetters, resolved }: Commit): void {
    this.args.push(marks.length)
    for (const { actor, key, fingerprint, expiresAt } of marks) this.#with(this.#of.marks(actor), actor, key, fingerprint, expiresAt)
    this.args.push(deadLetters.length)
    for (const letter of deadLetters) this.args.push(letter.id, letter.state, packLetter(letter))
    this.args.push(resolved.length)
    for (const { id, state, at, reason } of resolved) this.args.push(id, state, JSON.stringify([at, reason]), at)
  }

  #with(key: string, ...args: readonly Argument[]): void {
    this.keys.push(key)
    this.args.push(...args)
  }
}

/** Tenant and machine. */
const kindOf = (id: ActorId): string => id.slice(0, id.indexOf('/', id.indexOf('/') + 1))

/** The letter's text is followed by a second line once it is resolved. */
const packLetter = ({ actor, partition, at, data, cause, resolvedAt, reason }: DeadLetter): string => JSON.stringify([actor, partition, at, data, cause, resolvedAt, reason])

export function unpackLetter(id: string, text: string): DeadLetter {
  const [state = '', letter = '', resolution] = text.split('\n')
  const [actor, partition, at, data, cause, resolvedAt, reason] = JSON.parse(letter) as [ActorId, number, number, string, string, number | null, string | null]
  const [resolvedLater, reasonLater] = resolution === undefined ? [resolvedAt, reason] : (JSON.parse(resolution) as [number, string | null])
  return { id, actor, partition, at, data, cause, state: state as DeadLetter['state'], resolvedAt: resolvedLater, reason: reasonLater }
}

/** All that waits in the outbox, if it is what this commit has put there, up to the number `last`. */
function outgoing(partition: number, { outbox, replies, at }: Commit, waiting: number, last: number | undefined): readonly Outgoing[] {
  const messages = outbox.filter(message => message.partition !== partition)
  if (last === undefined || messages.length + replies.length !== waiting) return []
  const entries = [
    ...messages.map(message => ({ ...message, target: String(message.partition), at: String(message.at) })),
    ...replies.map(({ node, request, data }) => ({ target: `@${node}`, id: request, to: '', at: String(at), data })),
  ]
  return entries.map((entry, index) => ({ ...entry, number: last - waiting + 1 + index }))
}

/** The one atomic write (S1). */
export function createCommit({ connection, prefix, blobBytes, keysOf }: Deployment, relay: Relay): (lease: Lease, commit: Commit) => Promise<void> {
  return async ({ partition, token, epoch, node }, commit) => {
    const { id, seq, at, inboxFloor, actors } = commit
    for (const { record } of actors) {
      if (record.partition !== partition) throw new Error(`actor ${record.id} of partition ${record.partition} is committed in partition ${partition}`)
    }
    for (const { record, created, base } of actors) if (created && !base) throw new Error(`actor ${record.id} is created without a base`)
    const call = new CommitCall(keysOf(partition), [token, epoch, id, seq, at, inboxFloor, channels.node(prefix), channels.partition(prefix, partition), partition])
    call.actors(actors)
    call.messages(commit, at, blobBytes)
    call.rest(commit)
    const [status, detail, last] = (await connection.write('commit', call.keys, call.args)) as readonly [string, string | number, number?]
    switch (status) {
      case 'ok':
        if (detail !== 0) relay.start(partition, outgoing(partition, commit, Number(detail), last))
        return
      case 'stale':
        throw new TroupeError('lease/stale', `partition ${partition} is no longer owned by node ${node} (epoch ${epoch}); the store is at epoch ${detail}`, { details: { partition, node, epoch, storeEpoch: Number(detail) } })
      case 'behind':
        throw new TroupeError('lease/stale', `commit ${seq} of partition ${partition} does not follow ${detail}: another commit came before it`, { details: { partition, seq, storeSeq: Number(detail) } })
      case 'void':
        throw new TroupeError('lease/stale', `partition ${partition} must be claimed again: its Redis has failed over or started again since node ${node} claimed it (epoch ${epoch}), and may have lost its last writes`, { details: { partition, node, epoch } })
      default:
        throw new Error(`${detail} (partition ${partition})`)
    }
  }
}
