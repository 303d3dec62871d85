import { compute, partsFor } from './compute.ts'
import type { ComputeOptions } from './compute.ts'
import type { Flaws } from './measure-shards.ts'
import { ranksOf, startsOf } from './shard.ts'
import type { Shard } from './shard.ts'
import { measureShards } from './thread-functions.ts'

/** What was found in rows. */
export interface Measured {
  /** The first number that is not finite, its row counted through all shards. */
  readonly bad: Flaws['number']
  /** Rank of a row of zeros; null when there is none. */
  readonly zeroRank: number | null
}

/** Takes the length of each row, and looks for what cannot be searched. */
export async function measureRows(shards: readonly Shard[], options: ComputeOptions): Promise<Measured> {
  const parts = await Promise.all(partsFor(shards, options).map(part => compute(measureShards, { shards: part }, options)))
  const flaws: readonly Flaws[] = parts.flat()
  const starts = startsOf(shards)
  const [bad] = flaws.flatMap(({ number }, shard) => (number ? [{ ...number, row: (starts[shard] as number) + number.row }] : []))
  const [zeroRank = null] = flaws.flatMap(({ zeroRow }, shard) => (zeroRow === undefined ? [] : [ranksOf(shards[shard] as Shard)[zeroRow] as number]))
  return { bad, zeroRank }
}
