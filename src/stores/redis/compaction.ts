import type { ActorId } from '../../core/address.ts'
import { liveStatuses } from '../../core/store.ts'
import type { Deployment } from './deployment.ts'
import { indexOf, unpackRecord } from './record-text.ts'

/** An actor that goes, if it and the root of its run are still as they were found. */
export interface Leaving {
  readonly id: ActorId
  readonly text: string
  readonly root: ActorId
  readonly rootText: string
}

export interface Compaction {
  /** Actors of the oldest runs that are more than may stay. */
  surplus(partition: number, completedMax: Readonly<Record<string, number>>, limit: number): Promise<readonly Leaving[]>
  /** Actors of the oldest runs of all machines. */
  oldest(partition: number, limit: number): Promise<readonly Leaving[]>
}

/** Finds completed runs that may go, and their actors: each root last, none of a run in which something waits. */
export function createCompaction({ connection, keysOf }: Deployment): Compaction {
  const first = async (key: string, count: number) => (await connection.call(client => client.zrange(key, '0', String(count - 1)))) as ActorId[]

  async function surplusOf(key: string, max: number, limit: number): Promise<ActorId[]> {
    const excess = (await connection.call(client => client.zcard(key))) - max
    return excess > 0 ? first(key, Math.min(excess, limit)) : []
  }

  async function actors(partition: number, roots: readonly ActorId[], limit: number): Promise<readonly Leaving[]> {
    if (roots.length === 0) return []
    const of = keysOf(partition)
    const runs = (await connection.run('runs', [of.one('actors'), ...roots.map(root => of.run(root))], [limit, ...roots])) as readonly (readonly string[])[]
    return runs.flatMap((flat, at) => leavingOf(partition, roots[at] as ActorId, flat))
  }

  return {
    async surplus(partition, completedMax, limit) {
      const roots = await Promise.all(Object.entries(completedMax).map(([machine, max]) => surplusOf(keysOf(partition).completed(machine), max, limit)))
      return actors(partition, roots.flat(), limit)
    },
    oldest: async (partition, limit) => (limit > 0 ? actors(partition, await first(keysOf(partition).one('completed'), limit), limit) : []),
  }
}

function leavingOf(partition: number, root: ActorId, [rootText = '', ...flat]: readonly string[]): readonly Leaving[] {
  const leaving: Leaving[] = []
  for (let at = 0; at < flat.length; at += 2) {
    const [id, text] = [flat[at] as ActorId, flat[at + 1] ?? '']
    const { status, completedAt, parked } = unpackRecord(id, partition, text)
    if (liveStatuses.includes(status) || completedAt === null || parked > 0) return []
    leaving.push({ id, text, root, rootText })
  }
  return leaving
}

/** The line by which a script sees whether an actor has changed. */
export const marksOf = ({ id, text, root, rootText }: Leaving): readonly string[] => [id, indexOf(text), root, indexOf(rootText)]
