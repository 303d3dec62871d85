import { compute, partsFor } from './compute.ts'
import type { ComputeOptions } from './compute.ts'
import { measureRows } from './measure-rows.ts'
import { createShards, startsOf } from './shard.ts'
import type { Shard } from './shard.ts'
import { gatherRows } from './thread-functions.ts'
import type { VectorIndex } from './vector-index.ts'

export interface Arrangement {
  readonly dimensions: number
  readonly from: readonly Shard[]
  /** The rows wanted, in order, numbered through all shards. */
  readonly rows: Uint32Array
  /** The rank of each. */
  readonly ranks: Uint32Array
}

/** Copies rows of shards, which are sound, into new shards. */
export async function arrangeRows({ dimensions, from, rows, ranks }: Arrangement, options: ComputeOptions): Promise<Pick<VectorIndex, 'shards' | 'zeroRank'>> {
  const shards = createShards(dimensions, rows.length)
  const starts = startsOf(shards)
  const gatherings = shards.map((into, shard) => {
    // Not subarray: between threads that would copy all of the buffer.
    const own = (of: Uint32Array): Uint32Array => of.slice(starts[shard], starts[shard + 1])
    return { into, rows: own(rows), ranks: own(ranks) }
  })
  await Promise.all(partsFor(gatherings, options).map(part => compute(gatherRows, { from, gatherings: part }, options)))
  const { zeroRank } = await measureRows(shards, options)
  return { shards, zeroRank }
}
