import type { VectorId } from './ids.ts'
import { kMeans } from './k-means.ts'
import type { Clusters, KMeansOptions } from './k-means.ts'
import type { Hit } from './merge-hits.ts'
import { searchIndex } from './search-index.ts'
import type { SearchOptions, Vector } from './search-index.ts'
import type { ComputeOptions } from './compute.ts'
import { createVectorIndex } from './vector-index.ts'
import type { VectorIndexOptions } from './vector-index.ts'

// What the durable tasks run on a thread, all of it there.
export { mergeHits } from './merge-hits.ts'

type VectorsInput = Omit<VectorIndexOptions<VectorId>, keyof ComputeOptions>

export interface SearchInput extends VectorsInput, Pick<SearchOptions, 'metric'> {
  readonly queries: readonly Vector[]
  readonly k: number
}

export interface ClusterInput extends VectorsInput, Omit<KMeansOptions, keyof ComputeOptions> {}

export async function searchVectors({ queries, k, metric, ...vectors }: SearchInput): Promise<Hit[][]> {
  return searchIndex(await createVectorIndex(vectors), queries, k, { metric })
}

export async function clusterVectors({ clusters, metric, seed, rounds, ...vectors }: ClusterInput): Promise<Clusters<VectorId>> {
  return kMeans(await createVectorIndex(vectors), { clusters, metric, seed, rounds })
}
