import { limits } from './finding.ts'
import type { Finding } from './finding.ts'
import type { PlainLine } from './fingerprint.ts'

export interface Fingerprinted {
  readonly path: string
  readonly prints: readonly string[]
}

export interface PlacedFinding extends Finding {
  readonly path: string
}

interface Place {
  readonly path: string
  readonly line: number
}

/** Hashes that many files share are boilerplate: only the first places count. */
const PLACES_MAX = 20

/**
 * Runs of equal lines in two files. Hashes only say where to look: the lines themselves, read again, decide.
 */
export async function findDuplicates(files: readonly Fingerprinted[], readLines: (path: string) => Promise<readonly PlainLine[]>): Promise<readonly PlacedFinding[]> {
  const findings = new Map<string, PlacedFinding>()
  for (const [first, ...others] of placesByHash(files)) {
    for (const other of others) {
      if (!first || other.path === first.path) continue
      const run = commonRun(await readLines(first.path), first.line, await readLines(other.path), other.line)
      if (!run || run.length <= limits.commonLinesMax) continue
      const text = `lines ${run.there.from}–${run.there.to} are also in ${first.path}:${run.here.from} (${run.length} lines of code)`
      findings.set(`${other.path}:${run.there.from}:${first.path}`, { path: other.path, rule: 'duplicated-block', line: run.there.from, text })
    }
  }
  return [...findings.values()]
}

function placesByHash(files: readonly Fingerprinted[]): readonly (readonly Place[])[] {
  const places = new Map<string, Place[]>()
  for (const { path, prints } of files) {
    for (const print of prints) {
      const [line = '', hash = ''] = print.split(':')
      const known = places.get(hash)
      if (!known) places.set(hash, [{ path, line: Number(line) }])
      else if (known.length < PLACES_MAX) known.push({ path, line: Number(line) })
    }
  }
  return [...places.values()].filter(list => list.length > 1)
}

/** The longest run of equal lines around two lines; undefined when they differ after all. */
function commonRun(here: readonly PlainLine[], hereLine: number, there: readonly PlainLine[], thereLine: number) {
  const a = here.findIndex(({ line }) => line === hereLine)
  const b = there.findIndex(({ line }) => line === thereLine)
  const equal = (offset: number): boolean => here[a + offset] !== undefined && here[a + offset]?.text === there[b + offset]?.text
  if (a < 0 || b < 0 || !equal(0)) return undefined
  let [from, to] = [0, 0]
  while (equal(from - 1)) from--
  while (equal(to + 1)) to++
  const span = (lines: readonly PlainLine[], at: number) => ({ from: lines[at + from]?.line ?? 0, to: lines[at + to]?.line ?? 0 })
  return { length: to - from + 1, here: span(here, a), there: span(there, b) }
}
