import { findDuplicates } from './analyse/duplicates.ts'
import type { PlacedFinding } from './analyse/duplicates.ts'
import { plainLines } from './analyse/fingerprint.ts'
import type { PlainLine } from './analyse/fingerprint.ts'
import { findUnusedExports } from './analyse/unused-exports.ts'
import { readSource } from './read-source.ts'
import type { Review } from './reviewer.ts'

/** What only shows when all files lie side by side. */
export interface Comparison {
  readonly findings: readonly PlacedFinding[]
  readonly more: number
}

const FINDINGS_MAX = 2_000

/** Runs on a thread of the pool. */
export async function compareFiles({ folder, reviews }: { readonly folder: string; readonly reviews: readonly Review[] }): Promise<Comparison> {
  const files = reviews.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const known = new Map<string, Promise<readonly PlainLine[]>>()
  const read = (path: string): Promise<readonly PlainLine[]> => {
    const lines = known.get(path) ?? readSource(folder, path).then(plainLines, () => [])
    known.set(path, lines)
    return lines
  }
  const findings = [...findUnusedExports(files), ...(await findDuplicates(files, read))]
  return { findings: findings.slice(0, FINDINGS_MAX), more: Math.max(0, findings.length - FINDINGS_MAX) }
}
