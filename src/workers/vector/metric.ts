import type { Sum } from './kernel.ts'

/** How near two vectors are: the cosine of their angle, their dot product, or their Euclidean distance. */
export type Metric = 'cosine' | 'dot' | 'l2'

/** What the kernel computes for it. */
export const sumOf: Readonly<Record<Metric, Sum>> = { cosine: 'products', dot: 'products', l2: 'squares' }

/** The score of a sum: the greater the nearer. For `l2` that is the squared distance, negative. */
export function scoreOf(metric: Metric, sum: number, rowLength: number, queryLength: number): number {
  if (metric === 'cosine') return sum / (rowLength * queryLength)
  return metric === 'dot' ? sum : 0 - sum
}

/** The Euclidean norm. */
export function lengthOf(vector: ArrayLike<number>): number {
  let sum = 0
  for (let at = 0; at < vector.length; at++) sum += (vector[at] as number) ** 2
  return Math.sqrt(sum)
}
