import { lengthOf } from './metric.ts'
import { lengthsOf, numbersOf } from './shard.ts'
import type { Shard } from './shard.ts'

/** What cannot be searched: the first of each, numbered within its shard. */
export interface Flaws {
  /** A number that is not finite. */
  readonly number?: { readonly row: number; readonly column: number; readonly value: number }
  /** A row of zeros, which has no direction. */
  readonly zeroRow?: number
}

/** Takes the length of each row, and looks for what cannot be searched. */
export function measureShards({ shards }: { readonly shards: readonly Shard[] }): readonly Flaws[] {
  return shards.map(shard => {
    const lengths = lengthsOf(shard)
    const numbers = numbersOf(shard)
    const rowOf = (row: number): Float32Array => numbers.subarray(row * shard.stride, (row + 1) * shard.stride)
    for (let row = 0; row < shard.rows; row++) lengths[row] = lengthOf(rowOf(row))
    // A sum of squares of single-precision numbers cannot overflow, and no number but NaN and Infinity leaves it not finite.
    const row = lengths.findIndex(length => !Number.isFinite(length))
    if (row >= 0) {
      const column = rowOf(row).findIndex(value => !Number.isFinite(value))
      return { number: { row, column, value: rowOf(row)[column] as number } }
    }
    const zeroRow = lengths.indexOf(0)
    return zeroRow < 0 ? {} : { zeroRow }
  })
}
