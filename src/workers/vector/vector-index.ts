import { setImmediate as nextTurn } from 'node:timers/promises'
import { TroupeError } from '../../core/errors.ts'
import type { ComputeOptions } from './compute.ts'
import { rankIds } from './ids.ts'
import type { Duplicates, VectorId } from './ids.ts'
import { measureRows } from './measure-rows.ts'
import type { ClusterMetric } from './nearest-centroids.ts'
import { createShards, numbersOf, ranksOf, startsOf } from './shard.ts'
import type { Shard } from './shard.ts'

/** Vectors in shared memory: plain data that never changes, and that can go to other threads. */
export interface VectorIndex<TId extends VectorId = VectorId> {
  readonly dimensions: number
  /** In ascending order: the place of an id is its rank. */
  readonly ids: readonly TId[]
  readonly shards: readonly Shard[]
  /** Rank of a vector of zeros, which has no cosine; null when there is none. */
  readonly zeroRank: number | null
  /** How the rows lie in lists of near ones, for searches with `probes`; null when they do not. */
  readonly lists: VectorLists | null
}

export interface VectorLists {
  /** Number of the first row of each list, and at the end that of all rows. */
  readonly starts: readonly number[]
  readonly metric: ClusterMetric
  /** The centre of each list, by its number. */
  readonly centroids: VectorIndex<number>
}

export interface VectorIndexOptions<TId extends VectorId> extends ComputeOptions {
  /** Numbers of a vector. */
  readonly dimensions: number
  /** One vector after the other; copied. */
  readonly vectors: Float32Array
  /** Of each vector. Default: 0, 1, 2 … */
  readonly ids?: readonly TId[] | undefined
  /** Default `refuse`. */
  readonly duplicates?: Duplicates | undefined
}

const DIMENSIONS_MAX = 65_536
/** Rows that are copied before the event loop has its turn, in bytes. */
const COPY_BYTES = 1 << 20

/**
 * Lays vectors into shared memory, where threads can search them. Throws `vector/invalid`, naming row and column, for numbers that are
 * not finite, and for ids and sizes that make no sense.
 *
 * @example
 * const index = await createVectorIndex({ dimensions: 384, vectors, ids, pool: runtime.workers })
 */
export async function createVectorIndex<TId extends VectorId = number>(options: VectorIndexOptions<TId>): Promise<VectorIndex<TId>> {
  const { dimensions, vectors, duplicates = 'refuse' } = options
  checkWhole('dimensions', dimensions, DIMENSIONS_MAX)
  if (!(vectors instanceof Float32Array)) throw new TroupeError('vector/invalid', 'vectors must be one Float32Array with one vector after the other')
  if (vectors.length % dimensions !== 0) throw new TroupeError('vector/invalid', `vectors has ${vectors.length} numbers, which is no multiple of the ${dimensions} dimensions`)
  const given = options.ids ?? (Array.from({ length: vectors.length / dimensions }, (_, row) => row) as readonly VectorId[] as readonly TId[])
  if (given.length !== vectors.length / dimensions) throw new TroupeError('vector/invalid', `there are ${given.length} ids for ${vectors.length / dimensions} vectors`)
  const { ids, rows } = rankIds(given, duplicates)
  const shards = createShards(dimensions, rows.length)
  await fillShards(shards, vectors, rows, options)
  const { bad, zeroRank } = await measureRows(shards, options)
  if (!bad) return { dimensions, ids, shards, zeroRank, lists: null }
  const details = { ...bad, row: rows[bad.row] as number }
  throw new TroupeError('vector/invalid', `the number in row ${details.row}, column ${bad.column} of vectors is ${bad.value}, which is not finite`, { details })
}

/** Copies rows into shards in the order of their ranks. */
async function fillShards(shards: readonly Shard[], vectors: Float32Array, rows: Uint32Array, { dimensions, signal }: VectorIndexOptions<VectorId>): Promise<void> {
  const starts = startsOf(shards)
  const rowsAtOnce = Math.ceil(COPY_BYTES / (dimensions * 4))
  for (const [index, shard] of shards.entries()) {
    const [start, numbers] = [starts[index] as number, numbersOf(shard)]
    ranksOf(shard).set(Array.from({ length: shard.rows }, (_, place) => start + place))
    for (let place = 0; place < shard.rows; place++) {
      const row = rows[start + place] as number
      numbers.set(vectors.subarray(row * dimensions, (row + 1) * dimensions), place * shard.stride)
      if (place % rowsAtOnce === 0) {
        await nextTurn()
        signal?.throwIfAborted()
      }
    }
  }
}

export function checkWhole(name: string, value: number, most: number): void {
  if (!(Number.isInteger(value) && value >= 1 && value <= most)) throw new TroupeError('vector/invalid', `${name} must be a whole number from 1 to ${most.toLocaleString('en')}, not ${value}`)
}

/** The rank of each row, as the rows lie in the shards. */
export const rowRanks = ({ shards }: VectorIndex): readonly number[] => shards.flatMap(shard => Array.from(ranksOf(shard)))

export const rowIds = <TId extends VectorId>(index: VectorIndex<TId>): readonly TId[] => rowRanks(index).map(rank => index.ids[rank] as TId)
