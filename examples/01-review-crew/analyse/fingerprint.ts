import type { Source } from './source.ts'
import { limits } from './finding.ts'

/** A line of code as it counts for duplicates: without comments, indentation and spacing. */
export interface PlainLine {
  readonly line: number
  readonly text: string
}

/** Lines hashed together, and how many neighbouring hashes one is chosen from. */
const GRAM = 6
const WINDOW = limits.commonLinesMax + 1 - GRAM + 1

/** The lines of code of a file, but imports and lines of nothing but brackets, which are alike everywhere. */
export function plainLines({ syntax }: Source): readonly PlainLine[] {
  const words = new Map<number, string[]>()
  let importUntil = -1
  for (const [at, { text, line }] of syntax.tokens.entries()) {
    if (syntax.parent(at) < 0 && syntax.isWord(at, 'import') && !syntax.isMark(at + 1, '(', '.')) importUntil = at
    if (importUntil >= 0) {
      if (syntax.tokens[at]?.kind === 'string') importUntil = -1
      continue
    }
    const known = words.get(line)
    if (known) known.push(text)
    else words.set(line, [text])
  }
  return [...words].map(([line, list]) => ({ line, text: list.join(' ') })).filter(({ text }) => /[\p{L}\p{N}]/u.test(text))
}

/**
 * Hashes by which files find what they have in common, as `line:hash`. Of every few neighbouring hashes only the least
 * is kept (winnowing: Schleimer, Wilkerson and Aiken, SIGMOD 2003), so that a run of more than `commonLinesMax`
 * equal lines always shares at least one.
 */
export function fingerprintsOf(lines: readonly PlainLine[]): readonly string[] {
  const grams = lines.slice(0, Math.max(0, lines.length - GRAM + 1)).map(({ line }, index) => ({
    line,
    hash: fnv1a(lines.slice(index, index + GRAM).map(({ text }) => text).join('\n')),
  }))
  const chosen = new Set<(typeof grams)[number]>()
  for (let from = 0; from + WINDOW <= grams.length; from++) chosen.add(grams.slice(from, from + WINDOW).reduce((least, gram) => (gram.hash <= least.hash ? gram : least)))
  return [...chosen].map(({ line, hash }) => `${line}:${hash.toString(36)}`)
}

/** http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
