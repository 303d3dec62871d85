import { createVectorIndex, searchIndex } from 'troupe/vector'
import type { PlacedFinding } from '../analyse/duplicates.ts'
import { plainLines } from '../analyse/fingerprint.ts'
import type { PlainLine } from '../analyse/fingerprint.ts'
import { readSource } from '../read-source.ts'
import { DIMENSIONS, embed } from './embed.ts'

export interface NearestInput {
  readonly folder: string
  readonly findings: readonly PlacedFinding[]
}

/** For each finding, by its place in the list, those that it is near to. */
export type Near = readonly (readonly number[])[]

/** Lines of code from the place of a finding on that say what it is about. */
const LINES = 10
/** Cosine from which two pieces of code look alike. */
const LIKENESS_MIN = 0.8
const NEAREST_MAX = 6
/** Queries of one search. */
const QUERIES = 1_000

/** Findings of one rule whose code looks alike, and is not the same code: those nearest to each, in both directions. Runs on a thread of the pool. */
export async function findNearest({ folder, findings }: NearestInput): Promise<Near> {
  const near = findings.map(() => new Set<number>())
  const codeOf = reader(folder)
  const isApart = (a: PlacedFinding | undefined, b: PlacedFinding | undefined): boolean => a?.path !== b?.path || Math.abs((a?.line ?? 0) - (b?.line ?? 0)) >= LINES
  for (const places of Map.groupBy(findings.keys(), place => findings[place]?.rule).values()) {
    const vectors = await Promise.all(places.map(async place => embed(await codeOf(findings[place] as PlacedFinding))))
    const telling = places.filter((_, index) => vectors[index]?.some(value => value !== 0))
    for (const [place, other] of await pairs(telling, vectors.filter(vector => vector.some(value => value !== 0)))) {
      if (!isApart(findings[place], findings[other])) continue
      near[place]?.add(other)
      near[other]?.add(place)
    }
  }
  return near.map(places => [...places].toSorted((a, b) => a - b))
}

async function pairs(ids: readonly number[], vectors: readonly Float32Array[]): Promise<readonly (readonly [number, number])[]> {
  if (ids.length < 2) return []
  const all = new Float32Array(vectors.length * DIMENSIONS)
  for (const [row, vector] of vectors.entries()) all.set(vector, row * DIMENSIONS)
  const index = await createVectorIndex({ dimensions: DIMENSIONS, vectors: all, ids })
  const found: (readonly [number, number])[] = []
  for (let from = 0; from < ids.length; from += QUERIES) {
    const hits = await searchIndex(index, vectors.slice(from, from + QUERIES), NEAREST_MAX + 1, { metric: 'cosine' })
    for (const [query, row] of hits.entries()) {
      const own = ids[from + query] as number
      for (const { id, score } of row) if (id !== own && score >= LIKENESS_MIN) found.push([own, id])
    }
  }
  return found
}

/** Code at a finding; none of a file that is gone. */
function reader(folder: string): (finding: PlacedFinding) => Promise<readonly string[]> {
  const known = new Map<string, Promise<readonly PlainLine[]>>()
  return async ({ path, line }) => {
    const lines = known.get(path) ?? readSource(folder, path).then(plainLines, () => [])
    known.set(path, lines)
    const from = (await lines).findIndex(each => each.line >= line)
    return from < 0 ? [] : (await lines).slice(from, from + LINES).map(({ text }) => text)
  }
}
