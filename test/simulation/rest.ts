import type { SimNode } from './sim-node.ts'
import type { StoreServer } from './store-server.ts'

export interface RestParts {
  readonly server: StoreServer
  readonly nodes: readonly SimNode[]
  /** Clients are through with all they had to do. */
  readonly isDone: boolean
  readonly waiting: ReadonlySet<string>
  /** By the clocks of all machines, which agree by now. */
  readonly now: number
}

/** What of a world is not at rest yet; undefined when all of it is. */
export async function unrestOf({ server, nodes, isDone, waiting, now }: RestParts): Promise<string | undefined> {
  if (!isDone) return `clients wait for ${[...waiting].join(', ')}`
  if (server.carrier.size > 0) return `${server.carrier.size} messages are on their way between partitions`
  const { store } = server
  for (const { partition, node } of await store.leases()) {
    if (node === null) return `nobody owns partition ${partition}`
    const [message] = await store.take(partition, 0, 1)
    if (message) return `message ${message.id} waits for ${message.to}`
    const [open] = await store.unsettled(partition, '', 1)
    if (open !== undefined) return `${open} is not settled`
    const due = await store.nextDue(partition)
    if (due !== undefined && due <= now) return `something of partition ${partition} was due at ${due}, and it is ${now}`
  }
  for (const { runtime, leftovers } of nodes) {
    if (!runtime) return 'a process is down'
    const { lagMs, runningTasks } = runtime.health()
    if (lagMs > 0 || runningTasks > 0) return `a process lags by ${lagMs} ms and runs ${runningTasks} tasks`
    if (leftovers !== undefined) return `a process has ${leftovers}`
  }
  return undefined
}
