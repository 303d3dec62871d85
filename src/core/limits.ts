import { TroupeError } from './errors.ts'

/** Every bound of the engine, with its unit in the name. Override in `createRuntime({ limits })`, some per machine too. */
export interface Limits {
  /** Live actors kept in memory per node; the rest rest in the store. */
  readonly liveActorsMax: number
  /** Bytes that a node holds for live actors and for local work that waits, by its own account: over it actors go to rest; once the waiting work alone is over it, events and starts from outside are refused. */
  readonly nodeBytesMax: number
  /** Bytes of the store over which completed runs go, the oldest first, and then events and starts from outside are refused. Beside it 90 % of what the store itself allows (Redis: `maxmemory`). Default: none. */
  readonly storeBytesMax: number
  /** Actors that may be active at once per partition; a further start is refused. */
  readonly activeActorsMax: number
  /** Events waiting for one actor; a further one is refused. */
  readonly mailboxDepthMax: number
  /** UTF-8 bytes of one event, input, output or task result as JSON. */
  readonly payloadBytesMax: number
  /** UTF-8 bytes of one whole checkpoint as JSON. */
  readonly checkpointBytesMax: number
  /** Steps of one batch, bounding how long a commit may take. */
  readonly batchStepsMax: number
  /** Bytes of journal that one batch may collect before it is committed. */
  readonly batchBytesMax: number
  /** Milliseconds that one batch may step before it is committed. */
  readonly batchMsMax: number
  /** Microsteps of one event; more is an endless `always` or `raise` loop. */
  readonly microstepsMax: number
  /** Nesting of any payload or context. */
  readonly jsonDepthMax: number
  /** Tasks that run at once per node, over all queues. */
  readonly tasksMax: number
  /** Times a task may take its process down before it is given up. */
  readonly taskCrashesMax: number
  /** Age of the oldest due work, in milliseconds, above which the node reports itself not ready. */
  readonly dueAgeMsMax: number
  /** Time an idempotency key is remembered, in milliseconds. */
  readonly idempotencyMs: number
  /** Time a lease lasts without renewal, in milliseconds. */
  readonly leaseTtlMs: number
  /** Times a commit whose outcome is unknown is tried again with the same id. */
  readonly commitRetriesMax: number
  /** Time after which a task that waits for another actor looks whether it waits in a cycle, in milliseconds; each further look takes twice as long to come. */
  readonly askProbeMs: number
  /** Actors of the longest cycle that is found. */
  readonly askCycleMax: number
}

export const defaultLimits: Limits = {
  liveActorsMax: 10_000,
  nodeBytesMax: 512 << 20,
  storeBytesMax: Infinity,
  activeActorsMax: 1_000_000,
  mailboxDepthMax: 10_000,
  payloadBytesMax: 1 << 20,
  checkpointBytesMax: 32 << 20,
  batchStepsMax: 2_000,
  batchBytesMax: 4 << 20,
  batchMsMax: 50,
  microstepsMax: 10_000,
  jsonDepthMax: 64,
  tasksMax: 1_000,
  taskCrashesMax: 5,
  dueAgeMsMax: 30_000,
  idempotencyMs: 24 * 60 * 60 * 1000,
  leaseTtlMs: 10_000,
  commitRetriesMax: 5,
  askProbeMs: 2_000,
  askCycleMax: 100,
}

/** Fills in the defaults. Throws `config/invalid` for a name that is no limit or a value that is no positive number. */
export function resolveLimits(overrides: Partial<Limits> = {}, base: Limits = defaultLimits): Limits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(base, name)) throw new TroupeError('config/invalid', `limits.${name} is not a limit; the limits are ${Object.keys(base).join(', ')}`)
    if (typeof value !== 'number' || !(value > 0)) throw new TroupeError('config/invalid', `limits.${name} must be a positive number, not ${String(value)}`)
  }
  return { ...base, ...overrides }
}

/** Entries of a page when nobody says how many. */
const PAGE = 100
const PAGE_MAX = 1_000

/** How many entries a page has. Throws `config/invalid` for a limit that is no whole number from 1. */
export function pageSize(limit: number = PAGE): number {
  if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 1)) throw new TroupeError('config/invalid', `limit must be a whole number from 1, not ${limit}`)
  return Math.min(limit, PAGE_MAX)
}
