import { actorId, childKey, isSpread, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { ActorDocument, PersistedChild, PersistedSnapshot } from '../core/document.ts'
import { QUIET } from './xstate/effects.ts'
import type { Effects, SpawnRequest } from './xstate/effects.ts'
import { escapePart } from './xstate/internals.ts'

/**
 * A document as the beginning of another actor: same state, own life. Durable children begin anew under the fork with the
 * input they had, open tasks are attempted again from the first time, overdue timers fire at once. It has no parent.
 */
export function forkDocument(source: ActorDocument, id: ActorId, now: number): { readonly document: ActorDocument; readonly head: ActorDocument; readonly effects: Effects } {
  const spawns: SpawnRequest[] = []
  let { ordinal } = source
  const { tenant } = parseActorId(id)
  const move = (snapshot: PersistedSnapshot, path: string): PersistedSnapshot => {
    const { address, input } = snapshot as PersistedSnapshot & { address?: ActorId; input?: unknown }
    if (address !== undefined && snapshot.status === 'active') {
      const { machine } = parseActorId(address)
      const fresh = actorId({ tenant, machine, key: childKey(id, path.slice(1), ++ordinal, isSpread(address)) })
      spawns.push({ id: fresh, machine, input: JSON.stringify(input ?? null), path, sync: false })
      return { ...snapshot, address: fresh } as PersistedSnapshot
    }
    if (!snapshot.children) return snapshot
    const moved = Object.entries(snapshot.children).map(([key, child]): [string, PersistedChild] => [key, { ...child, snapshot: move(child.snapshot, `${path}/${escapePart(key)}`) }])
    return { ...snapshot, children: Object.fromEntries(moved) }
  }
  const snapshot = move(source.snapshot, '')
  const sync = syncPaths(source.snapshot, '')
  const tasks = Object.fromEntries(Object.entries(source.tasks).map(([key, task]) => [key, { ...task, attempt: 1, failures: 0, crashes: 0, dueAt: now }]))
  const document: ActorDocument = { ...source, snapshot, tasks, ordinal, parent: null, asks: [], restarts: [], cancelAt: null, failure: null, status: 'active' }
  const effects: Effects = { ...QUIET, spawns: spawns.map(spawn => ({ ...spawn, sync: sync.has(spawn.path) })) }
  return { document, head: document, effects }
}

/** Paths of the children whose parent wants their snapshots. */
function syncPaths(snapshot: PersistedSnapshot, path: string): ReadonlySet<string> {
  const paths = Object.entries(snapshot.children ?? {}).flatMap(([key, child]) => {
    const below = `${path}/${escapePart(key)}`
    return [...(child.syncSnapshot ? [below] : []), ...syncPaths(child.snapshot, below)]
  })
  return new Set(paths)
}
