import { createSharedMemory } from './web-assembly.ts'
import type { WasmMemory } from './web-assembly.ts'

/*
 * Shared memory of a shard: the rows, each padded with zeros to `stride` single-precision numbers; then a length (the Euclidean norm) for
 * each row in double precision; then a rank for each row: its place among all rows in the order of their ids, which decides ties.
 */

/** Rows that are searched in one piece: plain data, which threads share. */
export interface Shard {
  readonly memory: WasmMemory<SharedArrayBuffer>
  readonly rows: number
  /** Numbers from one row to the next. */
  readonly stride: number
}

/** Numbers that a kernel takes in one step: rows are padded to a multiple of it. */
export const STEP_NUMBERS = 8
/** Bytes of the rows of a shard. The same everywhere, so that what depends on the order of sums does not depend on the machine. */
const SHARD_BYTES_MAX = 4 << 20

export const strideOf = (dimensions: number): number => Math.ceil(dimensions / STEP_NUMBERS) * STEP_NUMBERS

const shardRowsMax = (dimensions: number): number => Math.max(1, Math.floor(SHARD_BYTES_MAX / (strideOf(dimensions) * 4)))

const sizesOf = (rows: number, stride: number) => ({ lengthsAt: rows * stride * 4, ranksAt: rows * (stride * 4 + 8), bytes: rows * (stride * 4 + 8 + 4) })

/** Shards with room for so many rows, all zeros. */
export function createShards(dimensions: number, rows: number): readonly Shard[] {
  const [stride, most] = [strideOf(dimensions), shardRowsMax(dimensions)]
  return Array.from({ length: Math.ceil(rows / most) }, (_, index) => {
    const own = Math.min(most, rows - index * most)
    return { memory: createSharedMemory(sizesOf(own, stride).bytes), rows: own, stride }
  })
}

export const numbersOf = ({ memory, rows, stride }: Shard): Float32Array<SharedArrayBuffer> => new Float32Array(memory.buffer, 0, rows * stride)

export const lengthsOf = ({ memory, rows, stride }: Shard): Float64Array<SharedArrayBuffer> => new Float64Array(memory.buffer, sizesOf(rows, stride).lengthsAt, rows)

export const ranksOf = ({ memory, rows, stride }: Shard): Uint32Array<SharedArrayBuffer> => new Uint32Array(memory.buffer, sizesOf(rows, stride).ranksAt, rows)

/** Number of the first row of each shard, and at the end that of all rows. */
export function startsOf(shards: readonly Shard[]): readonly number[] {
  const starts = [0]
  for (const { rows } of shards) starts.push((starts.at(-1) ?? 0) + rows)
  return starts
}
