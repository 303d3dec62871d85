import type { ActorInfo } from 'troupe'
import type { CrewRuntime } from './crew.ts'

/**
 * The key of the newest review of a folder; with `fresh` that of a new one, and the former is stopped. Where a store is
 * shared, nothing of it can be deleted to start over: reviews are numbered, `app-1a2b3c4d`, `app-1a2b3c4d.2` and so on.
 */
export async function chooseRun(runtime: CrewRuntime, key: string, fresh: boolean): Promise<string> {
  const former = await formerRuns(runtime, key)
  const newest = former.at(-1)
  if (!fresh) return newest?.key ?? key
  if (newest?.completedAt === null) await runtime.at(newest.address).stop()
  return former.length === 0 ? key : `${key}.${former.length + 1}`
}

/** Oldest first. */
async function formerRuns(runtime: CrewRuntime, key: string): Promise<readonly ActorInfo[]> {
  const runs: ActorInfo[] = []
  let cursor: string | undefined
  do {
    const page = await runtime.actors({ machine: 'coordinator', ...(cursor !== undefined && { cursor }) })
    runs.push(...page.actors.filter(actor => actor.key === key || actor.key.startsWith(`${key}.`)))
    cursor = page.cursor
  } while (cursor !== undefined)
  return runs
}
