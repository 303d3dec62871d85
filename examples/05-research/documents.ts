import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { tool } from 'troupe/agents'
import { z } from 'zod'

const FILES_MAX = 2_000
const HITS_MAX = 12
const LINES_MAX = 60

export interface Hit {
  readonly file: string
  readonly line: number
  readonly text: string
}

const COMMON = new Set('a an and are as at be by can do does for from how if in into is it its of on or that the their then there this to was what when where which who why will with'.split(' '))

/** The words that count, without their endings. */
export const wordsOf = (text: string): readonly string[] => [...new Set((text.toLowerCase().match(/[a-z][a-z0-9]+|\d+/g) ?? []).filter(word => !COMMON.has(word)).map(word => word.replace(/(ing|ed|es|s)$/, '')))]

/** A folder of text files, read when it is asked for: whoever cites a line can be checked. */
export class Documents {
  readonly #folder: string
  #lines: ReadonlyMap<string, readonly string[]> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Lines by file, by path in the folder. Throws where there is none, or more than 2,000. */
  get #all(): ReadonlyMap<string, readonly string[]> {
    if (this.#lines) return this.#lines
    const paths = readdirSync(this.#folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.(md|txt)$/.test(entry.name) && !/node_modules|\/\./.test(entry.parentPath))
      .map(entry => join(entry.parentPath, entry.name)).toSorted()
    if (paths.length === 0) throw new Error(`there are no .md or .txt files in ${this.#folder}`)
    if (paths.length > FILES_MAX) throw new Error(`there are ${paths.length} files in ${this.#folder}, more than ${FILES_MAX}`)
    return (this.#lines = new Map(paths.map(path => [relative(this.#folder, path).split(sep).join('/'), readFileSync(path, 'utf8').split(/\r?\n/)])))
  }

  get files(): readonly string[] {
    return [...this.#all.keys()]
  }

  get text(): string {
    return [...this.#all].flat(2).join('\n')
  }

  /** A line by its number from 1; undefined where there is none. */
  line(file: string, number: number): string | undefined {
    return this.#all.get(file)?.[number - 1]
  }

  lines(file: string): readonly string[] {
    const lines = this.#all.get(file)
    if (!lines) throw new Error(`there is no document ${file}`)
    return lines
  }

  /** Lines of prose that have most of the words; rare words count more. */
  search(query: string, files: readonly string[] = this.files): readonly Hit[] {
    const words = wordsOf(query)
    const prose = files.flatMap(file => proseOf(this.lines(file)).map(hit => ({ file, ...hit, found: new Set(wordsOf(hit.text)) })))
    const weights = words.map(word => [word, Math.log(1 + prose.length / (1 + prose.filter(({ found }) => found.has(word)).length))] as const)
    return prose
      .map(({ found, ...hit }) => ({ hit, score: weights.reduce((sum, [word, weight]) => sum + (found.has(word) ? weight : 0), 0) }))
      .filter(({ score }) => score > 0).toSorted((a, b) => b.score - a.score).slice(0, HITS_MAX).map(({ hit }) => hit)
  }
}

/** What is neither code, heading nor table. */
function proseOf(lines: readonly string[]): readonly Omit<Hit, 'file'>[] {
  let isCode = false
  return lines.flatMap((text, index) => {
    if (text.trimStart().startsWith('```')) isCode = !isCode
    return isCode || text.length < 30 || /^\s*(```|\||#|<!--)/.test(text) ? [] : [{ line: index + 1, text }]
  })
}

/** What agents can do with them. */
export const createTools = (documents: Documents) => [
  tool({
    name: 'list_documents', description: 'All documents, with their numbers of lines.', input: z.object({}),
    run: () => documents.files.map(file => ({ file, lines: documents.lines(file).length })),
  }),
  tool({
    name: 'search', description: 'Lines that have most of some words, the best first; in all documents or in some.', input: z.object({ words: z.string(), files: z.array(z.string()).optional() }),
    run: ({ words, files }) => documents.search(words, files),
  }),
  tool({
    name: 'read_lines', description: `Lines of a document with their numbers, at most ${LINES_MAX}.`, input: z.object({ file: z.string(), from: z.int().min(1), to: z.int().min(1) }),
    run: ({ file, from, to }) => documents.lines(file).slice(from - 1, Math.min(to, from + LINES_MAX - 1)).map((text, index) => ({ line: from + index, text })),
  }),
]
