/** One number of a benchmark. Without a target it is reported and judges nothing. */
export interface Figure {
  readonly figure: string
  readonly value: number
  readonly unit: string
  readonly atMost?: number
  readonly atLeast?: number
}

/** Runs in a process of its own, so that no measurement inherits another one's compiled code and heap. Gives back plain data. */
// Parameters are checked where a side is used: `Lab.measure` takes the side together with its parameters.
export type Side<TParams = never, TResult = unknown> = (params: TParams) => Promise<TResult>

export interface Bench {
  readonly name: string
  /** The one question it answers. */
  readonly question: string
  /** What it measures in child processes, by name. */
  readonly sides: Readonly<Record<string, Side>>
  run(lab: Lab): Promise<readonly Figure[]>
}

export interface Lab {
  /** A short run with small sizes: shows that the bench works and the order of magnitude, no more. */
  readonly quick: boolean
  /** Runs a side and gives back its result. */
  measure<TParams, TResult>(side: Side<TParams, TResult>, params: TParams): Promise<TResult>
  /** Runs a side and kills its process, as `kill -9` does, as soon as it has given its result. */
  measureAndKill<TParams, TResult>(side: Side<TParams, TResult>, params: TParams): Promise<TResult>
  /** Path of a new file in a folder that is removed at the end; on the same disk as the repository. */
  file(name: string): string
  /** Tells the person who waits. */
  say(text: string): void
}

export interface FigureLine {
  readonly bench: string
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** The bound, or null for a figure that has none. */
  readonly target: number | null
  /** Whether the target is met; true without one. */
  readonly ok: boolean
}

export function toLine(bench: string, { figure, value, unit, atMost, atLeast }: Figure): FigureLine {
  const ok = (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast) && Number.isFinite(value)
  return { bench, figure, value: round(value), unit, target: atMost ?? atLeast ?? null, ok }
}

/** Four significant digits: more is noise. JSON has no NaN, so a value that could not be measured becomes null. */
const round = (value: number): number => (Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4)))

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** The least disturbed round of a rate by the clock: what else runs on the machine can only slow a round down. CPU time needs no such choice. */
export const best = (rates: readonly number[]): number => Math.max(...rates)

/** Runs something several times, one after the other: sides that are compared take turns, so that a busy minute of the machine hits both. */
export async function rounds<T>(count: number, run: (round: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = []
  for (let round = 1; round <= count; round++) results.push(await run(round))
  return results
}

export interface Cost {
  readonly wallMs: number
  /** CPU of all threads of the process, the garbage collector's and compiler's included. */
  readonly cpuUs: number
}

/** Measures work in this process, from an empty young heap on. */
export async function costOf(work: () => unknown): Promise<Cost> {
  collectGarbage()
  const cpu = process.cpuUsage()
  const started = performance.now()
  await work()
  const wallMs = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs, cpuUs: user + system }
}

/** Sides run with `--expose-gc`. */
export function collectGarbage(): void {
  const { gc } = globalThis as { gc?: () => void }
  if (!gc) throw new Error('start with --expose-gc')
  gc()
}

const LOOK_EVERY_MS = 1

/**
 * Watches how late timers fire, in milliseconds: that long anything else that is due waits for the event loop. By itself, not by
 * `monitorEventLoopDelay`: that counts its own interval as delay. Ends with the call of what it gives back.
 */
export function watchLateness(): () => readonly number[] {
  const lateness: number[] = []
  let due = performance.now() + LOOK_EVERY_MS
  const timer = setInterval(() => {
    const now = performance.now()
    lateness.push(Math.max(0, now - due))
    due = now + LOOK_EVERY_MS
  }, LOOK_EVERY_MS)
  return () => {
    clearInterval(timer)
    return lateness
  }
}
