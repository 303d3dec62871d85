import { hostname } from 'node:os'
import type { AuditEntry } from './core/client/handler.ts'
import type { Clock, Random } from './core/clock.ts'
import type { PatternInfo } from './core/catalogue.ts'
import { plainCodec } from './core/codec.ts'
import type { Codec } from './core/codec.ts'
import { TroupeError } from './core/errors.ts'
import { resolveLimits } from './core/limits.ts'
import type { Limits } from './core/limits.ts'
import { SYSTEM_PREFIX, isSystemMachine } from './core/system-machine.ts'
import { resolveQueues } from './core/queue.ts'
import type { QueueOptions } from './core/queue.ts'
import type { Store } from './core/store.ts'
import { chartOfDefinition } from './graph/definition-chart.ts'
import { createDraw } from './graph/drawing.ts'
import { guestHandlers } from './guests/guest-handlers.ts'
import type { InspectOptions, Inspection } from './host/client/parts.ts'
import { PatternCatalogue, checkMembers } from './host/catalogue.ts'
import { defineMachines } from './host/definition.ts'
import type { Machines } from './host/definition.ts'
import { createCounters } from './host/env.ts'
import type { HostEnv } from './host/env.ts'
import { MemoryAccount } from './host/memory-account.ts'
import { Node } from './host/node.ts'
import { Runtime } from './host/runtime.ts'
import { tasksOfAll, workersOf } from './host/task-worker.ts'
import { kindOf } from './host/xstate/logic.ts'
import { openStore } from './open-store.ts'
import { createCpuPool } from './workers/cpu-pool.ts'
import type { WorkersOptions } from './workers/layout.ts'
import { VERSION } from './version.ts'
import { nameProcess, systemClock, systemRandom } from './system-ports.ts'
import { registerWebhooks } from './register-webhooks.ts'
import type { WebhooksOptions } from './webhooks/webhooks.ts'

export interface RuntimeOptions<TMachines extends Machines = Machines> {
  /** Machines by name; an entry with `{ machine, version, migrate, retention, supervision, limits, events, … }` says more about one. */
  readonly machines: TMachines
  /**
   * Where everything is kept: `sqlite:./path/app.db` (a file), `redis://host:port` (many processes and machines; several hosts after
   * each other are a cluster, `rediss:` is TLS), `memory:` (nothing survives), or a store of your own.
   * Options of SQLite: `sqlite:./app.db?synchronous=NORMAL` trades the last commits at a power loss for speed, `&partitions=4`.
   * Options of Redis: `?prefix=shop&partitions=16&durability=process-crash`, or `power-loss`, or `failover`.
   */
  readonly store: string | Store
  readonly limits?: Partial<Limits>
  /** Queues of tasks that this process serves, by name. On Redis limits and shares hold over all processes. */
  readonly queues?: Readonly<Record<string, QueueOptions>>
  /** Definitions of patterns (`definePattern`) that `runtime.patterns.definitions()` shows, for those who build machines of them. */
  readonly patterns?: readonly PatternInfo[]
  /** Threads for CPU-heavy work (`cpuTask`): how many, pinned to which CPUs, in which planes. They begin when they are needed. */
  readonly workers?: WorkersOptions
  /** Journal entries older than this many milliseconds may go, but for what an actor still needs. Default: kept. */
  readonly journalMs?: number
  /** What holds for all webhooks. They cost nothing while there are none. */
  readonly webhooks?: WebhooksOptions
  /** Transforms all user data at the store's edge. Default: plain. */
  readonly codec?: Codec
  readonly clock?: Clock
  readonly random?: Random
  /** Hears of failures that nobody waits for. Default: console.error. */
  readonly onError?: (error: unknown) => void
  /** Hears of every call of a client (`runtime.client()`, server, command line) that changes something or was to: who, what, and what came of it. */
  readonly onAudit?: (entry: AuditEntry) => void
}

/** What tests and the command line need beside the options. */
export interface RuntimeHooks {
  readonly probe?: HostEnv['probe']
  /** Takes over no partition: for those who look into the store of other runtimes, and have no machines. */
  readonly isReader?: boolean
}

/**
 * Opens the store, takes over what no living process owns, and goes on with every actor in it.
 *
 * Throws `config/invalid`, `machine/invalid`, `store/corrupt`, `store/readonly`, `store/newer-format`, `store/partitions`.
 *
 * @example
 * await using runtime = await createRuntime({ machines: { order }, store: 'sqlite:./data/app.db' })
 * await runtime.actor(order, '42').start({ cents: 1200 })
 */
export async function createRuntime<const TMachines extends Machines>(options: RuntimeOptions<TMachines>, hooks: RuntimeHooks = {}): Promise<Runtime<TMachines>> {
  const { clock = systemClock, random = systemRandom, codec = plainCodec, onError = error => console.error(error) } = options
  const limits = resolveLimits(options.limits)
  if (typeof options.machines !== 'object' || options.machines === null) throw new TroupeError('config/invalid', 'createRuntime needs machines: { name: machine }')
  if (options.journalMs !== undefined && !(options.journalMs >= 0)) throw new TroupeError('config/invalid', `journalMs must be a number of milliseconds from 0, not ${options.journalMs}`)
  const reserved = Object.keys(options.machines).find(isSystemMachine)
  if (reserved !== undefined) throw new TroupeError('machine/invalid', `'${reserved}' cannot name a machine: names that begin with '${SYSTEM_PREFIX}' are Troupe's own`)
  const webhooks = registerWebhooks({ clock, random, limits, report: onError }, options.webhooks)
  const definitions = defineMachines({ ...options.machines, [webhooks.name]: webhooks.registration }, limits)
  checkMembers(definitions)
  const patterns = new PatternCatalogue(definitions, options.patterns ?? [])
  const cpuPool = createCpuPool(options.workers, onError)
  const { store, close } = await openStore(options.store)
  const name = nameProcess(random)
  let messages = 0
  const env: HostEnv = {
    node: name,
    process: { host: hostname(), pid: process.pid, startedAt: clock.now() },
    clock,
    random,
    store,
    codec,
    limits,
    definitions,
    queues: resolveQueues(options.queues),
    workers: cpuPool,
    counters: createCounters(),
    memory: new MemoryAccount(limits, store.partitions),
    draw: createDraw(kindOf),
    nextMessageId: () => `${name}:${(++messages).toString(36)}`,
    settle: (request, outcome) => node.settle(request, outcome),
    notice: notice => node.notice(notice),
    report: onError,
    ...(hooks.probe && { probe: hooks.probe }),
  }
  const node = new Node(env, { journalMs: options.journalMs, isReader: hooks.isReader ?? false })
  const workers = workersOf({ ...env, worker: name, tasks: tasksOfAll(definitions) })
  const end = async (): Promise<void> => {
    await Promise.all(workers.map(worker => worker.close()))
    await cpuPool.close()
    await webhooks[Symbol.asyncDispose]()
    await close()
  }
  try {
    await node.start()
    for (const worker of workers) await worker.start()
  } catch (error) {
    await node.close()
    await end()
    throw error
  }
  const guests = guestHandlers({ now: () => clock.now(), epoch: name, chartOf: chartOfDefinition })
  const runtime = new Runtime<TMachines>(env, node, end, patterns, { version: VERSION, handlers: { ...webhooks.handlers, ...guests }, serve, ...(options.onAudit && { onAudit: options.onAudit }) })
  webhooks.begin(runtime as unknown as Runtime)
  return runtime
}

/** Loaded by those who serve only. */
const serve = async (runtime: Runtime, options: InspectOptions): Promise<Inspection> => (await import('./create-server.ts')).createServer({ ...options, runtime })
