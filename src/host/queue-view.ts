import { DEFAULT_QUEUE, busiestKeys, priorities } from '../core/queue.ts'
import type { Priority, QueueView } from '../core/queue.ts'
import type { HostEnv } from './env.ts'
import type { FairQueue } from './fair-queue.ts'

/** Keys listed per queue. */
const KEYS_MAX = 1_000

/** Queues of this process, and those that the store shares. */
export async function viewQueues({ store, queues, node }: HostEnv, local: ReadonlyMap<string, FairQueue<unknown>>): Promise<readonly QueueView[]> {
  const names = [...new Set([DEFAULT_QUEUE, ...local.keys(), ...(store.queues ? [] : queues.keys())])]
  const here = names.map(name => viewLocal(name, node, local.get(name)))
  const shared = (await store.queues?.names()) ?? []
  return [...here, ...(await Promise.all(shared.map(async name => store.queues?.view(name, KEYS_MAX)))).flatMap(view => view ?? [])]
}

function viewLocal(queue: string, worker: string, fair: FairQueue<unknown> | undefined): QueueView {
  const waiting = Object.fromEntries(priorities.map(priority => [priority, fair?.waiting(priority) ?? 0])) as Record<Priority, number>
  const active = fair?.active ?? 0
  const keys = [...(fair?.keys() ?? [])].map(([key, counts]) => ({ key, ...counts }))
  return { queue, waiting, active, ended: null, keys: busiestKeys(keys, KEYS_MAX), workers: [{ worker, active, silentMs: 0 }] }
}
