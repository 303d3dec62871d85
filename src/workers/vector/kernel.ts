import { STEP_NUMBERS } from './shard.ts'
import type { Shard } from './shard.ts'
import { encodeModule, f64, f64x2, get, i32, repeat, set } from './wasm.ts'
import type { Code, WasmFunction } from './wasm.ts'
import { compile, createMemory, instantiate, pagesOf } from './web-assembly.ts'

/*
 * What is computed for each row of a shard: the sum of x·q, or of (x − q)², over its numbers.
 *
 * Invariant
 * V1  A sum is taken in double precision, over four lanes (number j goes to lane j mod 4), and the lanes are added as (0 + 2) + (1 + 3).
 *     So it has the same bits whatever the number of queries, shards and threads, and wherever it is computed.
 *
 * WebAssembly because it is the only SIMD that Node has: more than twice as fast as the best loop over typed arrays with one query, more
 * than three times with four (docs/vector.md). Single precision is faster, but its sums are not those of a brute force, nor are ties and order.
 */

/** What a kernel sums up. */
export type Sum = 'products' | 'squares'

/** Queries that are computed together, so that a row is read once for all of them. */
const GROUP_QUERIES = 4
/** Rows of one call of a kernel at most. */
const BLOCK_ROWS_MAX = 1_024
/** Bytes of rows that are compared with all queries before the next: they stay in the second-level cache. */
const BLOCK_ROW_BYTES = 256 << 10
/** Bytes of the sums of one query. */
const BLOCK_SUM_BYTES = BLOCK_ROWS_MAX * 8
const STEP_BYTES = STEP_NUMBERS * 4

const SHARD = 0
const SCRATCH = 1
const [ROW, END, ROW_BYTES, QUERY, OUT, ROW_END, AT] = [0, 1, 2, 3, 4, 5, 6]
const FIRST_VECTOR = 7

/** `(row, end, rowBytes, query, out)`: the rows from `row` to `end` of the shard against `queries` interleaved queries of the scratch memory. */
function kernel(name: string, sum: Sum, queries: number): WasmFunction {
  const each = Array.from({ length: queries }, (_, query) => query)
  // The lanes 0 and 1 of each query are in one local, 2 and 3 in another; then come the numbers of the row, and a difference.
  const lanesOf = (query: number, half: number): number => FIRST_VECTOR + 2 * query + half
  const numbers = FIRST_VECTOR + 2 * queries
  const difference = numbers + 1
  const add = (query: number, pair: number): Code => {
    const lanes = lanesOf(query, pair % 2)
    const ofQuery = f64x2.load(SCRATCH, (query * STEP_NUMBERS + 2 * pair) * 8, get(AT))
    const sumWith = (product: Code): Code => set(lanes, f64x2.add(get(lanes), product))
    if (sum === 'products') return sumWith(f64x2.mul(get(numbers), ofQuery))
    return [...set(difference, f64x2.sub(get(numbers), ofQuery)), ...sumWith(f64x2.mul(get(difference), get(difference)))]
  }
  const step = [0, 1, 2, 3].flatMap(pair => [...set(numbers, f64x2.loadSingles(SHARD, pair * 8, get(ROW))), ...each.flatMap(query => add(query, pair))])
  const finish = (query: number): Code => {
    const [low, high] = [lanesOf(query, 0), lanesOf(query, 1)]
    return [...set(low, f64x2.add(get(low), get(high))), ...f64.store(SCRATCH, query * BLOCK_SUM_BYTES, get(OUT), f64.add(f64x2.lane(0, get(low)), f64x2.lane(1, get(low))))]
  }
  const advance = (local: number, bytes: Code): Code => set(local, i32.add(get(local), bytes))
  const row = [
    ...each.flatMap(query => [...set(lanesOf(query, 0), f64x2.zero), ...set(lanesOf(query, 1), f64x2.zero)]),
    ...set(AT, get(QUERY)),
    ...set(ROW_END, i32.add(get(ROW), get(ROW_BYTES))),
    ...repeat([...step, ...advance(ROW, i32.const(STEP_BYTES)), ...advance(AT, i32.const(queries * STEP_NUMBERS * 8))], i32.isBelow(get(ROW), get(ROW_END))),
    ...each.flatMap(finish),
    ...advance(OUT, i32.const(8)),
  ]
  return { name, params: 5, locals: { i32: 2, v128: 2 * queries + 2 }, body: repeat(row, i32.isBelow(get(ROW), get(END))) }
}

const modules = new Map<Sum, object>()

function moduleOf(sum: Sum): object {
  const known = modules.get(sum) ?? compile(encodeModule([kernel('one', sum, 1), kernel('many', sum, GROUP_QUERIES)], ['shard', 'scratch']))
  modules.set(sum, known)
  return known
}

type Kernel = (row: number, end: number, rowBytes: number, query: number, out: number) => void

/** Queries that are computed together. */
interface Group {
  /** Number of its first query. */
  readonly first: number
  readonly count: number
  /** Where it lies in the scratch memory, in bytes. */
  readonly at: number
}

/** Sums of one query and some rows. */
interface Block {
  /** Number of the query. */
  readonly query: number
  /** Number of the first row. */
  readonly start: number
  readonly sums: Float64Array
}

type Kernels = { readonly one: Kernel; readonly many: Kernel }

/** Takes sums of rows and queries, one after the other: all of them in one scratch memory. */
export class Scorer {
  readonly #sum: Sum
  // Each memory takes 8 GB of addresses, of which a process has 128 TB: not one per shard and call.
  readonly #scratch = createMemory(GROUP_QUERIES * BLOCK_SUM_BYTES)
  readonly #kernels = new Map<Shard, Kernels>()

  constructor(sum: Sum) {
    this.#sum = sum
  }

  /** Sums of the rows `from` to `to`, block by block for all queries, each of `stride` numbers. What it gives is overwritten by the next block. */
  *blocks(shard: Shard, queries: readonly Float64Array[], from: number, to: number): Generator<Block> {
    const { one, many } = this.#kernelsOf(shard)
    const groups = this.#lay(queries, shard.stride)
    const rowBytes = shard.stride * 4
    const rows = Math.min(BLOCK_ROWS_MAX, Math.max(1, Math.floor(BLOCK_ROW_BYTES / rowBytes)))
    for (let start = from; start < to; start += rows) {
      const end = Math.min(to, start + rows)
      for (const { first, count, at } of groups) {
        const run = count === 1 ? one : many
        run(start * rowBytes, end * rowBytes, rowBytes, at, 0)
        for (let turn = 0; turn < count; turn++) yield { query: first + turn, start, sums: new Float64Array(this.#scratch.buffer, turn * BLOCK_SUM_BYTES, end - start) }
      }
    }
  }

  #kernelsOf(shard: Shard): Kernels {
    const kernels = this.#kernels.get(shard) ?? instantiate<Kernels>(moduleOf(this.#sum), { shard: shard.memory, scratch: this.#scratch })
    this.#kernels.set(shard, kernels)
    return kernels
  }

  /** Lays queries into the scratch memory, in place of those of before. */
  #lay(queries: readonly Float64Array[], stride: number): readonly Group[] {
    const head = GROUP_QUERIES * BLOCK_SUM_BYTES
    const missing = head + queries.length * stride * 8 - this.#scratch.buffer.byteLength
    if (missing > 0) this.#scratch.grow(pagesOf(missing))
    const grouped = queries.length - (queries.length % GROUP_QUERIES)
    const groups: Group[] = []
    for (let first = 0; first < queries.length; ) {
      const count = first < grouped ? GROUP_QUERIES : 1
      const at = head + first * stride * 8
      const into = new Float64Array(this.#scratch.buffer, at, count * stride)
      for (let query = 0; query < count; query++) interleave(queries[first + query] as Float64Array, into, query, count)
      groups.push({ first, count, at })
      first += count
    }
    return groups
  }
}

/** Puts one query of `count` between the others, in turns of as many numbers as a kernel takes in one step. */
function interleave(query: Float64Array, into: Float64Array, turn: number, count: number): void {
  for (let at = 0; at < query.length; at += STEP_NUMBERS) into.set(query.subarray(at, at + STEP_NUMBERS), at * count + turn * STEP_NUMBERS)
}
