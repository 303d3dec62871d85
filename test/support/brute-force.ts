import type { Hit, Metric } from 'troupe/vector'

/** The sum in double precision over four lanes that src/workers/vector/kernel.ts promises (V1), by a plain loop. */
function sum(dimensions: number, term: (at: number) => number): number {
  const lanes = [0, 0, 0, 0]
  for (let at = 0; at < dimensions; at++) lanes[at % 4] = (lanes[at % 4] ?? 0) + term(at)
  const [a = 0, b = 0, c = 0, d = 0] = lanes
  return a + c + (b + d)
}

const lengthOf = (vector: readonly number[]): number => Math.sqrt(vector.reduce((total, value) => total + value ** 2, 0))

function score(metric: Metric, row: readonly number[], query: readonly number[]): number {
  const at = (vector: readonly number[], column: number): number => vector[column] ?? Number.NaN
  if (metric === 'l2') return 0 - sum(query.length, column => (at(row, column) - at(query, column)) ** 2)
  const dot = sum(query.length, column => at(row, column) * at(query, column))
  return metric === 'dot' ? dot : dot / (lengthOf(row) * lengthOf(query))
}

/** The k nearest rows, compared with each and all. */
export function bruteForce<TId extends string | number>(rows: readonly { readonly id: TId; readonly vector: readonly number[] }[], query: readonly number[], k: number, metric: Metric): Hit<TId>[] {
  return rows.map(({ id, vector }) => ({ id, score: score(metric, vector, query) })).toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, k)
}
