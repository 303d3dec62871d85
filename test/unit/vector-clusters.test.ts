import { describe, expect, test } from 'vitest'
import { createLists, createVectorIndex, kMeans, searchIndex } from 'troupe/vector'
import type { ClusterMetric, VectorIndex } from 'troupe/vector'
import { createSeededRandom } from 'troupe/testing'

const seed = Number(process.env['TROUPE_SEED'] ?? Date.now() % 2 ** 31)

/** Vectors around as many centres, which lie far from each other; the id of each says whose it is. */
function crowdsOf(crowds: number, each: number, dimensions = 16): Promise<VectorIndex<string>> {
  const random = createSeededRandom(seed)
  const centres = Array.from({ length: crowds }, (_, crowd) => Array.from({ length: dimensions }, (_, column) => (column === crowd ? 10 : 0)))
  const vectors = Float32Array.from(centres.flatMap(centre => Array.from({ length: each }, () => centre.map(value => value + random.next() - 0.5)).flat()))
  return createVectorIndex({ dimensions, vectors, ids: Array.from({ length: crowds * each }, (_, row) => `${String.fromCodePoint(97 + Math.floor(row / each))}${row % each}`) })
}

describe.each<ClusterMetric>(['l2', 'cosine'])(`k-means by %s (seed ${seed})`, metric => {
  test('finds crowds that lie apart', async () => {
    const { centroids, members, inertia } = await kMeans(await crowdsOf(6, 50), { clusters: 6, metric, seed })
    expect(centroids.length).toBe(6)
    // Each crowd is in one piece; k-means may put two together, which then costs more than all of the rest.
    for (const letter of ['a', 'b', 'c', 'd', 'e', 'f']) expect(members.filter(ids => ids.some(id => id.startsWith(letter))).length, letter).toBeLessThanOrEqual(2)
    expect(members.flat().length).toBe(300)
    expect(inertia).toBeGreaterThan(0)
  })

  test('gives the same for the same seed, and every vector to its nearest centroid', async () => {
    const crowds = await crowdsOf(5, 40)
    const clusters = await kMeans(crowds, { clusters: 8, metric, seed })
    expect(await kMeans(crowds, { clusters: 8, metric, seed })).toEqual(clusters)
    const centres = await createVectorIndex({ dimensions: 16, vectors: Float32Array.from(clusters.centroids.flatMap(centroid => Array.from(centroid))) })
    for (const [cluster, ids] of clusters.members.entries()) {
      for (const id of ids) {
        const shardRow = crowds.ids.indexOf(id)
        const [own] = await searchIndex(centres, rowOf(crowds, shardRow), 1, { metric })
        expect(own?.id).toBe(cluster)
      }
    }
  })

  test('makes as many clusters as there are different vectors', async () => {
    const same = await createVectorIndex({ dimensions: 3, vectors: Float32Array.from([1, 2, 3, 1, 2, 3, -1, 0, 1, 1, 2, 3]) })
    const { members, inertia } = await kMeans(same, { clusters: 4, metric })
    expect(members.map(ids => ids.join()).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['0,1,3', '2'])
    expect(inertia).toBe(0)
  })

  test('of nothing makes nothing', async () => {
    expect(await kMeans(await createVectorIndex({ dimensions: 3, vectors: new Float32Array() }), { clusters: 4, metric })).toMatchObject({ centroids: [], members: [], inertia: 0 })
  })

  test('finds the centroids of many vectors by a sample, and clusters all of them', async () => {
    const many = await crowdsOf(3, 1_000)
    const { members } = await kMeans(many, { clusters: 3, metric, seed })
    expect(members.flat().length).toBe(3_000)
  })

  test('is refused for vectors of zeros by cosine, and for numbers that make no sense', async () => {
    const crowds = await crowdsOf(1, 3)
    await expect(kMeans(crowds, { clusters: 0, metric })).rejects.toThrow('clusters must be a whole number from 1')
    await expect(kMeans(crowds, { clusters: 1, rounds: 0, metric })).rejects.toThrow('rounds must be a whole number from 1')
    const zero = kMeans(await createVectorIndex({ dimensions: 1, vectors: new Float32Array(1) }), { clusters: 1, metric })
    if (metric === 'l2') expect((await zero).members).toEqual([[0]])
    else await expect(zero).rejects.toThrow('the vector 0 is all zeros and has no cosine')
  })
})

const rowOf = ({ shards: [shard] }: VectorIndex, row: number): Float32Array => Float32Array.from(new Float32Array(shard?.memory.buffer ?? new ArrayBuffer(), row * 64, 16))

describe(`lists (seed ${seed})`, () => {
  test('searched in all find what a search without lists finds', async () => {
    const crowds = await crowdsOf(7, 60)
    const listed = await createLists(crowds, { seed })
    expect(listed.lists?.centroids.ids.length).toBe(21)
    const queries = [0, 100, 333].map(row => rowOf(crowds, row))
    for (const metric of ['cosine', 'dot', 'l2'] as const) {
      const exact = await searchIndex(crowds, queries, 15, { metric })
      expect(await searchIndex(listed, queries, 15, { metric })).toEqual(exact)
      expect(await searchIndex(listed, queries, 15, { metric, probes: 1_000 })).toEqual(exact)
    }
  })

  test('searched in a few find neighbours of the same crowd', async () => {
    const crowds = await crowdsOf(7, 60)
    const listed = await createLists(crowds, { lists: 7, seed })
    for (const row of [0, 100, 333]) {
      const id = crowds.ids[row] ?? ''
      const near = await searchIndex(listed, rowOf(crowds, row), 10, { probes: 2 })
      expect(near[0]?.id).toBe(id)
      expect(near.every(hit => hit.id.startsWith(id.slice(0, 1)))).toBe(true)
    }
  })

  test('are needed for probes', async () => {
    const crowds = await crowdsOf(2, 3)
    await expect(searchIndex(crowds, rowOf(crowds, 0), 1, { probes: 1 })).rejects.toThrow('probes are for an index with lists')
    await expect(searchIndex(await createLists(crowds), rowOf(crowds, 0), 1, { probes: 0 })).rejects.toThrow('probes must be a whole number from 1')
  })

  test('of an empty index are none, and a search with probes finds nothing', async () => {
    const empty = await createLists(await createVectorIndex({ dimensions: 2, vectors: new Float32Array() }))
    expect(await searchIndex(empty, [1, 0], 5, { probes: 1 })).toEqual([])
  })
})
