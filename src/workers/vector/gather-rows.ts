import { numbersOf, ranksOf, startsOf } from './shard.ts'
import type { Shard } from './shard.ts'

/** Rows for one shard, from others. */
export interface Gathering {
  readonly into: Shard
  /** For each row the number of its source, counted through all source shards. */
  readonly rows: Uint32Array
  /** For each row its rank. */
  readonly ranks: Uint32Array
}

/** Copies rows from shards to others, without their lengths. */
export function gatherRows({ from, gatherings }: { readonly from: readonly Shard[]; readonly gatherings: readonly Gathering[] }): void {
  const starts = startsOf(from)
  const sources = from.map(numbersOf)
  for (const { into, rows, ranks } of gatherings) {
    const [numbers, { stride }] = [numbersOf(into), into]
    ranksOf(into).set(ranks)
    let shard = 0
    for (const [place, row] of rows.entries()) {
      shard = shardAt(starts, row, shard)
      const at = row - (starts[shard] as number)
      numbers.set((sources[shard] as Float32Array).subarray(at * stride, (at + 1) * stride), place * stride)
    }
  }
}

/** Index of the shard with a row; rows that are near each other mostly lie in the same one. */
function shardAt(starts: readonly number[], row: number, last: number): number {
  if (row >= (starts[last] as number) && row < (starts[last + 1] as number)) return last
  return starts.findLastIndex(start => start <= row)
}
