import { addressOf } from '../../core/address.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import { pageSize } from '../../core/limits.ts'
import type { ActorRecord } from '../../core/store.ts'
import type { ClientParts } from './parts.ts'
import { scan } from './scan.ts'
import { documentTree, pendingOf } from './views.ts'

type Pending = ShownOutput<'pending'>

/** Whether its checkpoint may have timers or tasks: of those that stand still the store does not know. */
const mayHave = ({ status, dueAt, openTasks }: ActorRecord): boolean => status === 'paused' || dueAt !== null || openTasks > 0

export function pendingHandlers(parts: ClientParts) {
  return {
    pending: async ({ machine, run, kind, cursor: from, limit }) => {
      const timers: Pending['timers'][number][] = []
      const tasks: Pending['tasks'][number][] = []
      const look = async (record: ActorRecord): Promise<readonly unknown[]> => {
        if (!mayHave(record)) return []
        const { id } = record
        const { document } = await parts.reader.document(id)
        const found = pendingOf(document, documentTree(parts, id, document))
        const address = addressOf(id)
        const foundTimers = kind === 'tasks' ? [] : found.timers.map(timer => ({ ...timer, address }))
        const foundTasks = kind === 'timers' ? [] : found.tasks.map(task => ({ ...task, address }))
        timers.push(...foundTimers)
        tasks.push(...foundTasks)
        return [...foundTimers, ...foundTasks]
      }
      const cursor = await scan(parts, { ...(machine !== undefined && { machine }), ...(run !== undefined && { run }) }, pageSize(limit), from, look)
      return { timers, tasks, ...(cursor !== undefined && { cursor }) }
    },
  } satisfies Partial<Handlers>
}
