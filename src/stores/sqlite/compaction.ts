import type { Connection } from './connection.ts'

/** An actor that goes. */
export interface Leaving {
  readonly aid: number
  readonly last: number
  readonly id: string
}

interface CompletedRoot {
  readonly id: string
  readonly completedAt: number
}

export interface Compaction {
  /** Actors of the oldest runs that are more than may stay. */
  surplus(partition: number, completedMax: Readonly<Record<string, number>>, limit: number): readonly Leaving[]
  /** Actors of the oldest runs of all machines. */
  oldest(partition: number, limit: number): readonly Leaving[]
}

/** The condition of the index `actor_completed`, which every query here reads. */
const IS_COMPLETED_ROOT = 'completed_at IS NOT NULL AND id = run'

/** Finds completed runs that may go, and their actors: each root last, none of a run in which something waits. */
export function createCompaction(connection: Connection): Compaction {
  const nextMachine = connection.prepare(`SELECT machine FROM actor WHERE partition = ? AND machine > ? AND ${IS_COMPLETED_ROOT} ORDER BY machine LIMIT 1`)
  const countOf = connection.prepare(`SELECT count(*) AS n FROM actor WHERE partition = ? AND machine = ? AND ${IS_COMPLETED_ROOT}`)
  const rootsOf = connection.prepare(`SELECT id, completed_at AS completedAt FROM actor WHERE partition = ? AND machine = ? AND ${IS_COMPLETED_ROOT} ORDER BY completed_at LIMIT ?`)
  const isBusy = connection.prepare('SELECT 1 FROM actor WHERE run = ? AND (completed_at IS NULL OR parked > 0) LIMIT 1')
  const actorsOf = connection.prepare('SELECT aid, last, id FROM actor WHERE run = ? ORDER BY id = run, aid LIMIT ?')

  const roots = (partition: number, machine: string, limit: number) => rootsOf.all(partition, machine, limit) as unknown as readonly CompletedRoot[]

  /** Machines that have completed roots, by one look into the index for each. */
  function* machines(partition: number): Generator<string> {
    for (let row = nextMachine.get(partition, ''); row; row = nextMachine.get(partition, String(row['machine']))) yield String(row['machine'])
  }

  function actors(runs: readonly CompletedRoot[], limit: number): readonly Leaving[] {
    const leaving: Leaving[] = []
    for (const { id } of runs) {
      if (leaving.length >= limit) break
      if (!isBusy.get(id)) leaving.push(...(actorsOf.all(id, limit - leaving.length) as unknown as readonly Leaving[]))
    }
    return leaving
  }

  return {
    surplus(partition, completedMax, limit) {
      const runs = Object.entries(completedMax).flatMap(([machine, max]) => {
        const excess = Number(countOf.get(partition, machine)?.['n']) - max
        return excess > 0 ? roots(partition, machine, Math.min(excess, limit)) : []
      })
      return actors(runs, limit)
    },
    oldest(partition, limit) {
      if (limit <= 0) return []
      const runs = [...machines(partition)].flatMap(machine => roots(partition, machine, limit))
      return actors(runs.toSorted((a, b) => a.completedAt - b.completedAt), limit)
    },
  }
}
