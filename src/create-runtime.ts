import { hostname } from 'node:os'
import type { Clock, Random } from './core/clock.ts'
import { plainCodec } from './core/codec.ts'
import type { Codec } from './core/codec.ts'
import { TroupeError } from './core/errors.ts'
import { resolveLimits } from './core/limits.ts'
import type { Limits } from './core/limits.ts'
import type { Store } from './core/store.ts'
import { defineMachines } from './host/definition.ts'
import type { Machines } from './host/definition.ts'
import { createCounters } from './host/env.ts'
import type { HostEnv } from './host/env.ts'
import { Node } from './host/node.ts'
import { Runtime } from './host/runtime.ts'
import { createMemoryStore } from './stores/memory/memory-store.ts'
import { openRedisStore } from './stores/redis/redis-store.ts'
import { openSqliteStore } from './stores/sqlite/sqlite-store.ts'
import { systemClock, systemRandom } from './system-ports.ts'

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
  /** How many tasks of each queue may run at once in this process. */
  readonly queues?: Readonly<Record<string, { readonly concurrency: number }>>
  /** Journal entries older than this many milliseconds may go, but for what an actor still needs. Default: kept. */
  readonly journalMs?: number
  /** Transforms all user data at the store's edge. Default: plain. */
  readonly codec?: Codec
  readonly clock?: Clock
  readonly random?: Random
  /** Hears of failures that nobody waits for. Default: console.error. */
  readonly onError?: (error: unknown) => void
}

/** Hooks that tests use beside the options. */
export interface RuntimeHooks {
  readonly probe?: HostEnv['probe']
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
  const definitions = defineMachines(options.machines, limits)
  const { store, close } = await openStore(options.store)
  const name = `${hostname().replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 40)}-${random.id().slice(0, 8)}`
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
    queues: concurrencies(options.queues),
    counters: createCounters(),
    nextMessageId: () => `${name}:${(++messages).toString(36)}`,
    settle: (request, outcome) => node.settle(request, outcome),
    notice: notice => node.notice(notice),
    report: onError,
    ...(hooks.probe && { probe: hooks.probe }),
  }
  const node = new Node(env, { journalMs: options.journalMs })
  try {
    await node.start()
  } catch (error) {
    await node.close()
    await close()
    throw error
  }
  return new Runtime<TMachines>(env, node, close)
}

async function openStore(given: string | Store): Promise<{ readonly store: Store; readonly close: () => Promise<void> }> {
  if (typeof given === 'object' && given !== null) {
    if (typeof (given as Partial<Store>).commit !== 'function') throw new TroupeError('config/invalid', "store is neither a URL such as 'sqlite:./path/app.db' nor a Store")
    return { store: given, close: () => Promise.resolve() }
  }
  const store = await openByUrl(String(given))
  return { store, close: () => store.close() }
}

async function openByUrl(url: string): Promise<Store> {
  const scheme = url.slice(0, url.indexOf(':') + 1)
  const rest = url.slice(scheme.length)
  if (scheme === 'memory:') return createMemoryStore()
  if (scheme === 'redis:' || scheme === 'rediss:') return openRedisStore(url)
  if (scheme !== 'sqlite:') throw new TroupeError('config/invalid', `store '${url}' is not known: use 'sqlite:./path/app.db', 'redis://host:port' or 'memory:'`)
  const [path = '', query = ''] = rest.split('?', 2)
  if (path === '') throw new TroupeError('config/invalid', `store '${url}' names no file: use 'sqlite:./path/app.db'`)
  const { synchronous = 'FULL', partitions, ...unknown } = Object.fromEntries(new URLSearchParams(query)) as Record<string, string>
  const stray = Object.keys(unknown)[0]
  if (stray !== undefined) throw new TroupeError('config/invalid', `store '${url}': option '${stray}' is not known; there are synchronous and partitions`)
  const mode = synchronous.toUpperCase()
  if (mode !== 'FULL' && mode !== 'NORMAL') throw new TroupeError('config/invalid', `store '${url}': synchronous must be FULL or NORMAL`)
  const count = partitions === undefined ? undefined : Number(partitions)
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= 1024)) throw new TroupeError('config/invalid', `store '${url}': partitions must be a whole number from 1 to 1024`)
  return openSqliteStore({ path, synchronous: mode, ...(count !== undefined && { partitions: count }) })
}

function concurrencies(queues: RuntimeOptions['queues'] = {}): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(queues).map(([name, queue]) => {
      const { concurrency } = (queue ?? {}) as { readonly concurrency?: number }
      if (concurrency === undefined || !(Number.isInteger(concurrency) && concurrency >= 1)) throw new TroupeError('config/invalid', `queues.${name}.concurrency must be a whole number from 1, not ${String(concurrency)}`)
      return [name, concurrency]
    }),
  )
}

