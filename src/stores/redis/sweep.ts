import type { ActorId } from '../../core/address.ts'
import { parseActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Lease, Store, SweepRequest, Swept } from '../../core/store.ts'
import { createCompaction, marksOf } from './compaction.ts'
import type { Leaving } from './compaction.ts'
import type { Argument } from './connection.ts'
import type { Deployment } from './deployment.ts'
import { unpackRecord } from './record-text.ts'

/** Resolved dead letters stay a week. */
const RESOLVED_KEPT_MS = 7 * 24 * 60 * 60 * 1000
/** Senders are remembered for a day of silence: no copy of a call is on its way for so long, its connection is given up in seconds. */
const SENDER_KEPT_SECONDS = 24 * 60 * 60

interface Expired {
  readonly actors: readonly Leaving[]
  readonly marks: readonly string[]
  readonly letters: readonly string[]
  readonly aged: readonly string[]
  /** Newest journal entry whose actors are among the aged; '' for none. */
  readonly lastEntry: string
}

/** Finds what has outlived its retention, then deletes it: the second script must be told every key it writes. */
export function createSweep(deployment: Deployment): Store['sweep'] {
  const { connection, keysOf } = deployment
  const compaction = createCompaction(deployment)

  async function find({ partition, token, epoch, node }: Lease, { now, journalBefore, limit }: SweepRequest): Promise<Expired> {
    const keys = keysOf(partition).all('meta', 'expiry', 'actors', 'markends', 'resolved', 'aged', 'journal')
    const answer = (await connection.run('expired', keys, [token, epoch, now, now - RESOLVED_KEPT_MS, journalBefore ?? '', limit])) as ['stale', string] | ['ok', string[], string[], string[], string[], string]
    if (answer[0] === 'stale') throw stale({ partition, node, epoch }, answer[1])
    const [, found, marks, letters, aged, lastEntry] = answer
    const actors: Leaving[] = []
    for (let at = 0; at < found.length; at += 2) {
      const [id, text] = [found[at] as ActorId, found[at + 1] ?? '']
      actors.push({ id, text, root: id, rootText: text })
    }
    return { actors, marks, letters, aged, lastEntry }
  }

  /** Where the next sweep of a partition goes on looking for senders; a restart begins at the front. */
  const cursors = new Map<number, string>()

  return async (lease, request) => {
    const expired = await find(lease, request)
    const { now, journalBefore, completedMax, reclaim, limit } = request
    const { partition } = lease
    // In the order of the counts that the script gives.
    const leaving = [expired.actors, await compaction.surplus(partition, completedMax, limit), await compaction.oldest(partition, Math.min(reclaim, limit))]
    const head = [lease.token, lease.epoch, now, now - RESOLVED_KEPT_MS, journalBefore ?? '', limit, expired.lastEntry, cursors.get(partition) ?? '0', SENDER_KEPT_SECONDS]
    const { keys, args } = callFor(keysOf(partition), leaving, expired, partition)
    const answer = (await connection.write('sweep', keys, [...head, ...args])) as readonly ['stale', string] | readonly ['ok', string, number, number, number]
    if (answer[0] === 'stale') throw stale(lease, answer[1])
    const [, cursor, gone, surplus, reclaimed] = answer
    cursors.set(partition, cursor)
    return { expired: gone, surplus, reclaimed } satisfies Swept
  }
}

function callFor(of: ReturnType<Deployment['keysOf']>, leaving: readonly (readonly Leaving[])[], { marks, letters, aged }: Expired, partition: number): { readonly keys: readonly string[]; readonly args: readonly Argument[] } {
  const keys = [
    ...of.all('meta', 'actors', 'bases', 'journal', 'expiry', 'aged', 'markends', 'letters', 'resolved'),
    ...(['present', 'replayed', 'discarded'] as const).map(state => of.letters(state)),
    ...of.all('due', 'unsettled', 'parked', 'depth', 'senders', 'completed'),
  ]
  const args: Argument[] = [leaving.flat().length]
  for (const [why, actors] of leaving.entries()) {
    for (const actor of actors) {
      const { id, text } = actor
      const { tenant, machine } = parseActorId(id)
      const { status, run } = unpackRecord(id, partition, text)
      keys.push(of.status(tenant, status), of.rows(id), of.olderBases(id), of.positions(id), of.marks(id), of.run(run), of.completed(machine))
      args.push(why + 1, ...marksOf(actor))
    }
  }
  args.push(marks.length)
  for (const member of marks) {
    keys.push(of.marks(member.slice(0, member.indexOf('\n')) as ActorId))
    args.push(member)
  }
  args.push(letters.length, ...letters, aged.length)
  for (const id of aged as readonly ActorId[]) {
    keys.push(of.rows(id), of.olderBases(id))
    args.push(id)
  }
  return { keys, args }
}

const stale = ({ partition, node, epoch }: Pick<Lease, 'partition' | 'node' | 'epoch'>, storeEpoch: string): TroupeError =>
  new TroupeError('lease/stale', `partition ${partition} is no longer owned by node ${node} (epoch ${epoch}); the store is at epoch ${storeEpoch}`, { details: { partition, node, epoch, storeEpoch: Number(storeEpoch) } })
