import type { AnyActorLogic } from 'xstate'
import type { Clock, Random } from './core/clock.ts'
import { plainCodec } from './core/codec.ts'
import type { Codec } from './core/codec.ts'
import { TroupeError } from './core/errors.ts'
import { resolveLimits } from './core/limits.ts'
import type { Limits } from './core/limits.ts'
import { DEFAULT_QUEUE, resolveQueues } from './core/queue.ts'
import type { QueueOptions } from './core/queue.ts'
import type { Store } from './core/store.ts'
import { taskOf } from './core/task.ts'
import type { TaskDefinition } from './core/task.ts'
import { defineMachines } from './host/definition.ts'
import type { Machines } from './host/definition.ts'
import { tasksOfAll, workersOf } from './host/task-worker.ts'
import type { TaskWorker } from './host/task-worker.ts'
import { isLogic, kindOf } from './host/xstate/logic.ts'
import { openStore } from './open-store.ts'
import { createCpuPool } from './workers/cpu-pool.ts'
import type { WorkersOptions } from './workers/layout.ts'
import { nameProcess, systemClock, systemRandom } from './system-ports.ts'

export interface WorkerOptions {
  /** A store whose queues are shared, `redis://…`, as in `createRuntime`. */
  readonly store: string | Store
  /** Queues to serve, by name. */
  readonly queues: Readonly<Record<string, QueueOptions>>
  /** Machines whose tasks this worker runs. Their actors stay where they are. */
  readonly machines?: Machines
  /** Tasks by their full name, such as `order/charge`, for a worker that does not have the machines. */
  readonly tasks?: Readonly<Record<string, AnyActorLogic>>
  /** Threads for CPU-heavy tasks (`cpuTask`), as in `createRuntime`. */
  readonly workers?: WorkersOptions
  /** That of the runtimes. Default: plain. */
  readonly codec?: Codec
  readonly limits?: Partial<Limits>
  readonly clock?: Clock
  readonly random?: Random
  /** Hears of failures that nobody waits for. Default: console.error. */
  readonly onError?: (error: unknown) => void
}

/** A process that runs tasks for actors elsewhere. */
export class Worker {
  /** Its name in the queues. */
  readonly name: string
  readonly #workers: readonly TaskWorker[]
  readonly #closeStore: () => Promise<void>

  /** @internal */
  constructor(name: string, workers: readonly TaskWorker[], closeStore: () => Promise<void>) {
    this.name = name
    this.#workers = workers
    this.#closeStore = closeStore
  }

  /** Tasks whose code runs here now. */
  get running(): number {
    return this.#workers.reduce((sum, { size }) => sum + size, 0)
  }

  /** Stops taking; what runs is told to stop and given back to the queue, as not attempted. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.close()))
    await this.#closeStore()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Runs tasks that name a queue (`task({ queue: 'gpu', … })`) for actors that live in other processes of the same store.
 * Throws `config/invalid` for a store without shared queues, or when there is nothing to run.
 *
 * @example
 * await using worker = await createWorker({ store: 'redis://localhost', machines: { order }, queues: { gpu: { concurrency: 2 } } })
 */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { clock = systemClock, random = systemRandom, codec = plainCodec, onError = error => console.error(error) } = options
  const limits = resolveLimits(options.limits)
  const queues = resolveQueues(options.queues)
  const definitions = defineMachines(options.machines ?? {}, limits)
  const tasks = new Map([...tasksOfAll(definitions), ...Object.entries(options.tasks ?? {}).map(([name, logic]) => [name, givenTask(name, logic)] as const)])
  if (queues.size === 0) throw new TroupeError('config/invalid', 'createWorker needs queues: { name: { concurrency } }')
  if (queues.has(DEFAULT_QUEUE)) throw new TroupeError('config/invalid', `createWorker cannot serve the queue '${DEFAULT_QUEUE}': nodes run the tasks of their own actors; give those tasks a queue`)
  if (tasks.size === 0) throw new TroupeError('config/invalid', 'createWorker has nothing to run: give it machines whose tasks have names in setup({ actors }), or tasks')
  const cpuPool = createCpuPool(options.workers, onError)
  const { store, close } = await openStore(options.store)
  if (!store.queues) {
    await close()
    throw new TroupeError('config/invalid', 'createWorker needs a store with shared queues, such as redis://…: on this one the runtime runs all tasks itself')
  }
  const name = nameProcess(random)
  const workers = workersOf({ worker: name, workers: cpuPool, store, queues, clock, limits, definitions, codec, tasks, report: onError })
  const worker = new Worker(name, workers, async () => {
    await cpuPool.close()
    await close()
  })
  try {
    for (const each of workers) await each.start()
  } catch (error) {
    await worker.close()
    throw error
  }
  return worker
}

function givenTask(name: string, logic: unknown): TaskDefinition {
  if (isLogic(logic) && kindOf(logic) === 'task') return taskOf(logic)
  throw new TroupeError('config/invalid', `tasks['${name}'] is neither task({ … }) nor fromPromise(…)`)
}
