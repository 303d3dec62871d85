import { busiestKeys, priorities } from '../../core/queue.ts'
import type { QueueSettings, QueueView, TakenAttempt, TaskQueues, TaskReport } from '../../core/queue.ts'
import type { ScriptName } from './connection.ts'
import type { Deployment } from './deployment.ts'
import { channels, queueKey, queueKeys, queuesKey } from './keys.ts'

/** Attempts of one call: bounds how long a script runs. */
const BATCH = 200
const TAKEN_WIDTH = 5
/** How long a worker may say nothing before it is listed no more, in milliseconds: the heartbeat is a third of it. */
const WORKER_SILENT_MS = 30_000

interface End {
  readonly taken: TakenAttempt
  readonly report: TaskReport
  resolve(counted: boolean): void
  reject(error: unknown): void
}

type QueueScript = Extract<ScriptName, `queue/${string}`>

/** What a worker needs: published for those in other languages. */
const workerScripts = ['configure', 'take', 'extend', 'finish', 'return', 'retire'] as const

/** Queues of tasks on Redis Streams; what lies where is told in `lua/parts/queue-keys.lua`, the wire format in `docs/task-protocol.md`. */
export function createQueues({ connection, prefix }: Deployment): TaskQueues {
  const run = (script: QueueScript, queue: string, args: readonly (string | number)[]): Promise<unknown> => connection.run(script, queueKeys(prefix, queue), args)
  const write = (script: QueueScript, queue: string, args: readonly (string | number)[]): Promise<unknown> => connection.write(script, queueKeys(prefix, queue), args)
  const inBatches = async <T>(items: readonly T[], each: (batch: readonly T[]) => Promise<unknown>): Promise<void> => {
    for (let at = 0; at < items.length; at += BATCH) await each(items.slice(at, at + BATCH))
  }
  /** Ends of this turn, by queue and worker: one call tells them all. */
  const ending = new Map<string, End[]>()
  const endsOf = (queue: string, worker: string): End[] => {
    const name = `${queue} ${worker}`
    const ends = ending.get(name) ?? []
    if (ends.length > 0) return ends
    ending.set(name, ends)
    setImmediate(() => {
      ending.delete(name)
      void inBatches(ends, batch => tellEnds(queue, worker, batch))
    })
    return ends
  }
  const tellEnds = async (queue: string, worker: string, ends: readonly End[]): Promise<void> => {
    try {
      const args = ends.flatMap(({ taken: { entry, delivery, id }, report }) => [entry, delivery, id, report.ok ? 'completed' : 'failed', JSON.stringify(report)])
      const counted = (await write('queue/finish', queue, [worker, ...args])) as readonly number[]
      for (const [at, { resolve }] of ends.entries()) resolve(counted[at] === 1)
    } catch (error) {
      for (const { reject } of ends) reject(error)
    }
  }
  const known = new Set<string>()
  const register = async (queue: string): Promise<void> => {
    if (known.has(queue)) return
    const scripts = workerScripts.flatMap(script => [script, connection.textOf(`queue/${script}`)])
    await write('queue/publish', queue, ['keys', JSON.stringify(queueKeys(prefix, queue)), ...scripts])
    await connection.call(client => client.sadd(queuesKey(prefix), queue))
    known.add(queue)
  }
  return {
    async configure(queue, settings) {
      await register(queue)
      await write('queue/configure', queue, optionsOf(settings))
    },
    async put(queue, node, attempts, epochs) {
      await register(queue)
      const head = [queue, channels.queue(prefix, queue), channels.node(prefix, node)]
      const own = attempts.flatMap(attempt => {
        const epoch = epochs.get(attempt.partition)
        return epoch === undefined ? [] : [{ ...attempt, epoch }]
      })
      await inBatches(own, batch =>
        write('queue/put', queue, [...head, ...batch.flatMap(({ id, partition, epoch, key, priority, data }) => [id, partition, epoch, key, priorities.indexOf(priority) + 1, data])]),
      )
    },
    cancel: (queue, ids) => inBatches(ids, batch => write('queue/cancel', queue, [channels.queue(prefix, queue), ...batch])),
    async missing(queue, ids) {
      const missing: string[] = []
      await inBatches(ids, async batch => missing.push(...((await run('queue/missing', queue, batch)) as string[])))
      return missing
    },
    async take(queue, worker, limit) {
      // After the ends of this turn: the places that they free may be the ones asked for.
      if (ending.has(`${queue} ${worker}`)) await new Promise(setImmediate)
      const flat = (await write('queue/take', queue, [worker, Math.min(limit, BATCH)])) as readonly (string | number)[]
      const taken: TakenAttempt[] = []
      for (let at = 0; at < flat.length; at += TAKEN_WIDTH) {
        const [entry, delivery, id, data, details] = flat.slice(at, at + TAKEN_WIDTH)
        taken.push({ entry: String(entry), delivery: Number(delivery), id: String(id), data: String(data), details: String(details) })
      }
      return taken
    },
    async extend(queue, worker, taken, details) {
      const args = taken.flatMap(({ entry, delivery, id }) => [entry, delivery, id, details.get(id) ?? ''])
      return (await run('queue/extend', queue, [worker, ...args])) as readonly string[]
    },
    async progress(queue, id, data) {
      await connection.call(async client => {
        const channel = /^a\|[^|]*\|\d+\|[^|]*\|\d+\|([^|]*)\|/.exec((await client.hget(queueKey(prefix, queue, 'index'), id)) ?? '')?.[1]
        if (channel !== undefined) await client.publish(channel, `progress ${data}`)
      })
    },
    finish(queue, worker, taken, report) {
      const ends = endsOf(queue, worker)
      return new Promise((resolve, reject) => {
        ends.push({ taken, report, resolve, reject })
      })
    },
    async giveBack(queue, worker, { entry, delivery, id }) {
      await write('queue/return', queue, [worker, entry, delivery, id, channels.queue(prefix, queue)])
    },
    async retire(queue, worker) {
      await run('queue/retire', queue, [worker])
    },
    async results(queue, partitions, limit) {
      const flat = (await run('queue/results', queue, [limit, ...partitions])) as readonly string[]
      return flat.flatMap((id, at) => (at % 2 === 0 ? [{ id, data: flat[at + 1] ?? '' }] : []))
    },
    settle: (queue, ids) => inBatches(ids, batch => write('queue/settle', queue, batch)),
    async names() {
      return (await connection.call(client => client.smembers(queuesKey(prefix)))).toSorted()
    },
    async view(queue, keysMax) {
      return viewOf(queue, (await run('queue/view', queue, [keysMax, WORKER_SILENT_MS])) as ViewAnswer, keysMax)
    },
  }
}

/** What is left open is not said, but for deliveries without a bound: where nothing is said of them there is one. */
function optionsOf({ total, perKey, minIdleMs, deliveriesMax, weights }: QueueSettings): string[] {
  const options = Object.entries({ total, perKey, minIdleMs, deliveriesMax }).filter(([option, value]) => value !== Infinity || option === 'deliveriesMax')
  const shares = Object.entries(weights).map(([key, weight]) => [`w:${key}`, weight] as const)
  return [...options, ...shares, ...(shares.length > 0 ? [['weighted', 1] as const] : [])].flatMap(([option, value]) => [option, String(value)])
}

type ViewAnswer = readonly [lengths: readonly number[], queued: readonly string[], running: readonly string[], workers: readonly (string | number)[]]

function viewOf(queue: string, [lengths, queued, running, workers]: ViewAnswer, keysMax: number): QueueView {
  const [high = 0, medium = 0, low = 0, active = 0, completed = 0, failed = 0, deadLetters = 0] = lengths
  const waitingOf = new Map(pairs(queued, 2).map(([key, waiting]) => [String(key), Number(waiting)]))
  const activeOf = new Map(pairs(running, 2).flatMap(([field, count]) => (String(field).startsWith('k:') ? [[String(field).slice(2), Number(count)] as const] : [])))
  const keys = [...new Set([...waitingOf.keys(), ...activeOf.keys()])].map(key => ({ key, waiting: waitingOf.get(key) ?? 0, active: activeOf.get(key) ?? 0 }))
  return {
    queue,
    waiting: { high, medium, low },
    active,
    ended: { completed, failed, deadLetters },
    keys: busiestKeys(keys, keysMax),
    workers: pairs(workers, 3).map(([worker, has, silentMs]) => ({ worker: String(worker), active: Number(has), silentMs: Number(silentMs) })),
  }
}

function pairs<T>(flat: readonly T[], width: number): T[][] {
  return Array.from({ length: flat.length / width }, (_, index) => flat.slice(index * width, (index + 1) * width))
}
