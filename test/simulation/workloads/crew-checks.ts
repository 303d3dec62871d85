import { addressOf, ordinalOf, parseActorId } from '../../../src/core/address.ts'
import type { ActorId } from '../../../src/core/address.ts'
import type { JournalEntry } from '../../../src/core/journal.ts'
import type { ActorHistory } from '../../support/faults/history.ts'
import type { Aftermath, Report } from './workload.ts'

/** What histories must say of supervised actors: V2 to V6 of `src/host/supervision.ts`. */
export function checkLives({ history: { actors } }: Aftermath, restartsMax: number, report: Report): void {
  const all = [...actors.values()]
  for (const actor of all) checkLife(actor, restartsMax, report)
  const families = Map.groupBy(all.filter(({ record }) => record.parent !== null), ({ record }) => record.parent as ActorId)
  for (const [parent, children] of families) {
    const { entries = [] } = actors.get(parent) ?? {}
    checkSiblings({ machine: parseActorId(parent).machine, entries }, children.toSorted((a, b) => ordinalOf(a.id) - ordinalOf(b.id)), report)
  }
}

const isForSibling = ({ kind, event }: JournalEntry): boolean => kind === 'restart' && event?.type === 'sibling.restarted'
const isOwn = (entry: JournalEntry): boolean => entry.kind === 'restart' && !isForSibling(entry)

function checkLife({ id, entries, record }: ActorHistory, restartsMax: number, report: Report): void {
  const own = entries.filter(isOwn).length
  if (own > restartsMax) report(`${addressOf(id)} has begun ${own} lives because it threw, and may begin ${restartsMax}`)
  let [before, current] = [new Set<string>(), new Set<string>()]
  for (const [index, { seq, kind, event, delta = [] }] of entries.entries()) {
    const task = kind === 'task' ? (event?.['task'] as string) : undefined
    if (task !== undefined && before.has(task)) report(`${addressOf(id)} has heard of task ${task} of an earlier life at step ${seq}`)
    if (task !== undefined) current.add(task)
    if (kind === 'restart') [before, current] = [before.union(current), new Set()]
    if (kind !== 'failed') continue
    const [, dueAt] = delta.find(([path]) => path[0] === 'restartAt') ?? []
    const next = entries[index + 1]
    if (typeof dueAt !== 'number') {
      if (next || record.status !== 'failed') report(`${addressOf(id)} has failed at step ${seq}, and goes on with ${next?.kind}, now ${record.status}`)
    } else if (next?.kind !== 'restart' || next.at < dueAt) report(`${addressOf(id)} waits from step ${seq} on for its restart at ${dueAt}; what came next was ${next?.kind} at ${next?.at}`)
  }
}

type Family = Pick<ActorHistory, 'entries'> & { readonly machine: string }

/** Each life that a child has begun because it threw was told its parent once, and by that each sibling concerned once. */
function checkSiblings({ machine, entries }: Family, children: readonly ActorHistory[], report: Report): void {
  const due = new Map(children.map(({ id }) => [id, new Set<string>()]))
  const told = new Map<ActorId, number>()
  const over = new Set<string>()
  const dismissed = new Set<string>()
  for (const { kind, event, from, id, sent = [] } of entries) {
    for (const { to, type } of sent) if (type === 'dismiss') dismissed.add(to)
    if (kind !== 'child' || from === undefined || id === undefined) continue
    if (event?.type !== 'child.restarted') {
      over.add(from)
      continue
    }
    told.set(from, (told.get(from) ?? 0) + 1)
    for (const child of children) {
      if (!followers(machine, from, child.id) || over.has(child.id)) continue
      const times = child.entries.filter(entry => isForSibling(entry) && entry.causation === id).length
      // A hand that throws may have been between two lives, or over; what was dismissed before may be.
      const mayMiss = dismissed.has(child.id) || child.entries.some(entry => entry.kind === 'failed')
      if (times > 1 || (times === 0 && !mayMiss)) report(`${addressOf(child.id)} has restarted ${times} times because ${addressOf(from)} has once`)
      due.get(child.id)?.add(id)
    }
  }
  for (const { id, entries: own } of children) {
    const lives = own.filter(isOwn).length
    if ((told.get(id) ?? 0) !== lives) report(`${addressOf(id)} has restarted ${lives} times, and its parent was told ${told.get(id) ?? 0} times`)
    for (const entry of own) if (isForSibling(entry) && !due.get(id)?.has(entry.causation ?? '')) report(`${addressOf(id)} has restarted at step ${entry.seq} though no sibling that concerns it had`)
  }
}

function followers(machine: string, failed: ActorId, other: ActorId): boolean {
  switch (machine) {
    case 'one-for-all':
      return other !== failed
    case 'rest-for-one':
      return ordinalOf(other) > ordinalOf(failed)
    default:
      return false
  }
}
