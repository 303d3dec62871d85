/** What a function on the pool is told of its attempt, and can say while it computes. */
export interface CpuScope {
  /** 1 for the first attempt. */
  readonly attempt: number
  readonly idempotencyKey: string
  /** Details of the last heartbeat of an earlier attempt. */
  readonly checkpoint: unknown
  /** Says that it is alive; `details` are kept for the next attempt. */
  heartbeat(details?: unknown): void
  /** Tells watchers how far it is; not kept. */
  progress(data: unknown): void
}

/** A function that can run on the pool: a named export of a module. */
export type CpuFunction = (input: never, scope: CpuScope) => unknown

const MOVED = Symbol.for('troupe.moved')

/** A result whose buffers go to the caller instead of being copied. */
export interface Moved<TValue> {
  readonly value: TValue
  readonly transfer: readonly ArrayBuffer[]
  readonly [MOVED]: true
}

/**
 * Wraps what a function on the pool returns: these buffers are handed over, not copied, and are gone where they were.
 *
 * @example
 * return move(sums, [sums.buffer])
 */
export const move = <TValue>(value: TValue, transfer: readonly ArrayBuffer[]): Moved<TValue> => ({ value, transfer, [MOVED]: true })

export const isMoved = (value: unknown): value is Moved<unknown> => typeof value === 'object' && value !== null && MOVED in value

export type CpuInput<TFunction extends CpuFunction> = Parameters<TFunction>[0]
export type CpuOutput<TFunction extends CpuFunction> = Awaited<ReturnType<TFunction>> extends Moved<infer TValue> ? TValue : Awaited<ReturnType<TFunction>>

/** Where a function is found. */
export interface CpuSource {
  /** `new URL('./heavy.ts', import.meta.url)`; where only the `.js` beside it was built, that one is taken. */
  readonly module: URL | string
  /** Name of the exported function. */
  readonly export: string
  /** Plane of the pool it runs on. Default: the first. */
  readonly plane?: string
}

export interface CpuCall<TFunction extends CpuFunction> extends CpuSource {
  /** Whatever can be cloned between threads; a `SharedArrayBuffer` is shared. */
  readonly input: CpuInput<TFunction>
  /** Buffers of the input that are handed over instead of being copied: gone here from when the call begins to run. */
  readonly transfer?: readonly ArrayBuffer[]
  /** Ends the call: a thread that computes it is stopped and replaced. */
  readonly signal?: AbortSignal
  readonly scope?: CpuScope
}

/** Times in milliseconds, of calls that have ended. */
export interface CpuTimes {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** A thread that lives. */
export interface CpuThread {
  /** Id in Node. */
  readonly thread: number
  /** Id in the kernel; null where there is no /proc, and until it has begun. */
  readonly tid: number | null
  readonly plane: string
  /** The CPU it is pinned to; null for none. */
  readonly cpu: number | null
  /** CPUs on which the kernel lets it run, as it says now; null where it cannot be asked. */
  readonly cpusAllowed: readonly number[] | null
  /** Why it is not pinned; null when it is. */
  readonly reason: string | null
}

export interface CpuPlane {
  readonly plane: string
  /** Threads it may have; they begin when they are needed. */
  readonly threadsMax: number
  /** CPUs that its threads are pinned to, in turn; none when they are not pinned. */
  readonly cpus: readonly number[]
  readonly running: number
  readonly waiting: number
  readonly queueMax: number
  /** Calls that gave a result. */
  readonly completed: number
  /** Calls whose function threw. */
  readonly failed: number
  /** Calls that were aborted, waiting or running. */
  readonly aborted: number
  /** Calls whose thread died. */
  readonly crashed: number
  /** Share of the time of all its threads, since the first call, that functions took which have ended: 0 to 1. */
  readonly utilisation: number
  /** From the call until its function began, the start of a thread included. */
  readonly waitMs: CpuTimes
  /** Of the function itself. */
  readonly runMs: CpuTimes
}

export interface CpuPoolInfo {
  /** CPUs that this process may use; null where the kernel cannot be asked. */
  readonly cpusAllowed: readonly number[] | null
  /** CPUs that no thread is pinned to, so that the event loop has them. */
  readonly control: readonly number[]
  readonly pinning: { readonly isOn: boolean; /** Why it is not; null when it is. */ readonly reason: string | null }
  readonly planes: readonly CpuPlane[]
  readonly threads: readonly CpuThread[]
}

/** Threads that run CPU-heavy functions: the port behind `runtime.workers` and `scope.workers`. */
export interface CpuPool {
  /**
   * Runs a function on a thread. Rejects with what it threw, with the signal's reason, or with `workers/busy`, `workers/crashed`,
   * `workers/memory`, `workers/unknown`, `context/unserializable`, `config/invalid`, `runtime/closed`.
   *
   * @example
   * const sum = await runtime.workers.run<typeof add>({ module: new URL('./add.ts', import.meta.url), export: 'add', input: [1, 2] })
   */
  run<TFunction extends CpuFunction>(call: CpuCall<TFunction>): Promise<CpuOutput<TFunction>>
  /** How many calls of a plane run at once. Throws `config/invalid` for a plane there is not. */
  threadsMax(plane?: string): number
  info(): CpuPoolInfo
}
