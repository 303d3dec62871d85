import type { Run } from '../command.ts'
import { ago, duration, ranges } from '../output/format.ts'

export const cluster: Run = async ({ out, signal, client: connect }) => {
  const client = await connect()
  const found = await client.cluster({}, { signal })
  out.answer(found, () => {
    const unowned = found.partitions.filter(({ node }) => node === null).map(({ partition }) => partition)
    out.table(found.nodes, [
      { head: 'NODE', cell: ({ node, isSelf }) => (isSelf ? `${node} *` : node), min: 10 }, { head: 'WHERE', cell: ({ host, pid }) => (host === undefined ? '–' : `${host} ${pid ?? ''}`), min: 8 },
      { head: 'PARTITIONS', cell: ({ partitions }) => `${partitions.length} (${ranges(partitions)})`, min: 10 }, { head: 'ACTORS', cell: ({ liveActors }) => liveActors ?? '–', align: 'right' }, { head: 'TASKS', cell: ({ runningTasks }) => runningTasks ?? '–', align: 'right' },
      { head: 'LATE', cell: ({ lagMs }) => (lagMs === undefined ? '–' : duration(lagMs)), align: 'right' }, { head: 'SINCE', cell: ({ startedAt }) => (startedAt === undefined ? '–' : ago(startedAt)), min: 9 },
    ])
    if (unowned.length > 0) out.line(out.paint('yellow', `${unowned.length} of ${found.partitions.length} partitions have no node: ${ranges(unowned)}`))
  })
}

export const queues: Run = async ({ out, signal, client: connect }) => {
  const client = await connect()
  const found = await client.queues({}, { signal })
  out.answer(found, () => {
    if (found.queues.length === 0) return out.note('There are no queues.')
    out.table(found.queues, [
      { head: 'QUEUE', cell: ({ queue }) => queue }, { head: 'WAITING', cell: ({ waiting }) => Object.values(waiting).reduce((sum, count) => sum + count, 0), align: 'right' }, { head: 'RUNNING', cell: ({ active }) => active, align: 'right' },
      { head: 'DONE', cell: ({ ended }) => ended?.completed ?? '–', align: 'right' }, { head: 'FAILED', cell: ({ ended }) => ended?.failed ?? '–', align: 'right' },
      { head: 'BY PRIORITY', cell: ({ waiting }) => Object.entries(waiting).map(([priority, count]) => `${priority} ${count}`).join(', ') || '–', min: 8 },
      { head: 'BY KEY', cell: ({ keys }) => keys.map(({ key, waiting, active }) => `${key} ${waiting}+${active}`).join(', ') || '–', min: 8 }, { head: 'WORKERS', cell: ({ workers: serving }) => serving.length, align: 'right' },
    ])
  })
}

export const workers: Run = async ({ out, signal, client: connect }) => {
  const client = await connect()
  const found = await client.workers({}, { signal })
  out.answer(found, () => {
    const { cpusAllowed, pinning, threads } = found
    out.line('CPUs      ', cpusAllowed === null ? 'not known' : ranges(cpusAllowed))
    out.line('pinning   ', pinning.isOn ? out.paint('green', 'on') : out.paint('yellow', `off: ${pinning.reason ?? 'not possible here'}`))
    if (threads.length === 0) return out.note('No thread has begun: they begin with the first cpuTask.')
    const shownOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : value === null || value === undefined ? '–' : JSON.stringify(value))
    const names = Object.keys(threads[0] ?? {})
    out.table(threads, names.map(name => ({ head: name.toUpperCase(), cell: (thread: Readonly<Record<string, unknown>>) => shownOf(thread[name]) })))
  })
}
