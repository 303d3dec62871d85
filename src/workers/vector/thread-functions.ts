// What the threads of the pool call, each under its own name.
export { gatherRows } from './gather-rows.ts'
export { measureShards } from './measure-shards.ts'
export { mergeHits } from './merge-hits.ts'
export { assignRows, seedCentroids } from './nearest-centroids.ts'
export { searchShards } from './search-shards.ts'
