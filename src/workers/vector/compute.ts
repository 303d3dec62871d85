import { isMoved } from '../../core/cpu-pool.ts'
import type { CpuFunction, CpuInput, CpuOutput, CpuPool } from '../../core/cpu-pool.ts'

/** Where something is computed, and what ends it. */
export interface ComputeOptions {
  /** Threads, such as `runtime.workers`. Default: computed here, at once, which holds up the event loop. */
  readonly pool?: CpuPool | undefined
  /** Plane of the pool. Default: its first. */
  readonly plane?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Calls a function that thread-functions.ts exports under its own name, on the pool or here. */
export async function compute<TFunction extends CpuFunction>(run: TFunction, input: CpuInput<TFunction>, { pool, plane, signal }: ComputeOptions): Promise<CpuOutput<TFunction>> {
  signal?.throwIfAborted()
  if (pool) return pool.run<TFunction>({ module: new URL('./thread-functions.ts', import.meta.url), export: run.name, input, ...(plane !== undefined && { plane }), ...(signal && { signal }) })
  const output: unknown = run(input as never, HERE)
  return (isMoved(output) ? output.value : output) as CpuOutput<TFunction>
}

const HERE = { attempt: 1, idempotencyKey: '', checkpoint: undefined, heartbeat: () => undefined, progress: () => undefined }

/** As many parts as threads that compute at once. */
export const partsFor = <TItem>(items: readonly TItem[], { pool, plane }: ComputeOptions): readonly (readonly TItem[])[] => partsOf(items, pool?.threadsMax(plane) ?? 1)

/** At most so many parts of items, one after the other, as equal as they can be. */
export function partsOf<TItem>(items: readonly TItem[], most: number): readonly (readonly TItem[])[] {
  const parts = Math.min(items.length, most)
  return Array.from({ length: parts }, (_, part) => items.slice(Math.floor((part * items.length) / parts), Math.floor(((part + 1) * items.length) / parts)))
}
