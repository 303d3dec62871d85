import { TroupeError } from '../../core/errors.ts'
import type { VectorId } from './ids.ts'

/** A result of a search: the greater the score, the nearer. */
export interface Hit<TId extends VectorId = VectorId> {
  readonly id: TId
  readonly score: number
}

/**
 * What makes scores of different lists comparable: `min-max` maps those of each list to 0 … 1 (all to 1 where they are equal), `rank`
 * takes 1 / (60 + place) instead (reciprocal rank fusion, Cormack and others 2009), `none` takes them as they are.
 */
export type Normalise = 'min-max' | 'rank' | 'none'

export interface MergeTopKOptions {
  /** Hits wanted. */
  readonly k: number
  /** Of each list, such as `[0.7, 0.3]`. Default: all 1. */
  readonly weights?: readonly number[] | undefined
  /** Default `min-max`. */
  readonly normalise?: Normalise | undefined
}

/** Place 1 is not worth 60 times as much as place 60. */
const RANK_OFFSET = 60

export interface MergeInput extends MergeTopKOptions {
  readonly lists: readonly (readonly Hit[])[]
}

/** What `mergeTopK` computes. */
export function mergeHits({ lists, k, weights, normalise = 'min-max' }: MergeInput): Hit[] {
  if (!(Number.isInteger(k) && k >= 1)) throw new TroupeError('vector/invalid', `k must be a whole number from 1, not ${k}`)
  if (weights && weights.length !== lists.length) throw new TroupeError('vector/invalid', `there are ${weights.length} weights for ${lists.length} lists`)
  const scores = new Map<VectorId, number>()
  for (const [list, hits] of lists.entries()) {
    const weight = weights?.[list] ?? 1
    if (!(Number.isFinite(weight) && weight >= 0)) throw new TroupeError('vector/invalid', `weight ${list} must be a number from 0, not ${weight}`)
    for (const { id, score } of normalised(bestOf(hits, list), normalise)) scores.set(id, (scores.get(id) ?? 0) + weight * score)
  }
  return Array.from(scores, ([id, score]) => ({ id, score })).toSorted(byScore).slice(0, k)
}

function byScore(a: Hit, b: Hit): number {
  return b.score - a.score || (a.id < b.id ? -1 : 1)
}

/** Each id once, in order. */
function bestOf(hits: readonly Hit[], list: number): readonly Hit[] {
  const best = new Map<VectorId, number>()
  for (const [place, { id, score }] of hits.entries()) {
    if (!Number.isFinite(score)) throw new TroupeError('vector/invalid', `the score of hit ${place} of list ${list} is ${score}, which is not finite`)
    best.set(id, Math.max(score, best.get(id) ?? -Infinity))
  }
  return Array.from(best, ([id, score]) => ({ id, score })).toSorted(byScore)
}

function normalised(hits: readonly Hit[], normalise: Normalise): readonly Hit[] {
  if (normalise === 'none') return hits
  if (normalise === 'rank') return hits.map(({ id }, place) => ({ id, score: 1 / (RANK_OFFSET + place + 1) }))
  const [most, least] = [hits[0]?.score ?? 0, hits.at(-1)?.score ?? 0]
  return hits.map(({ id, score }) => ({ id, score: most === least ? 1 : (score - least) / (most - least) }))
}
