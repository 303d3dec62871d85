import type { Source } from './source.ts'
import type { Syntax } from './syntax.ts'

/** What a file takes from another: names, or `*` for all it has. */
export interface Import {
  readonly from: string
  readonly names: readonly string[]
}

export interface Export {
  readonly name: string
  readonly line: number
  readonly isType: boolean
  /** Whether the rest of the file uses it too. */
  readonly usedHere: boolean
}

export interface Links {
  readonly imports: readonly Import[]
  readonly exports: readonly Export[]
}

const EVERYTHING = ['*']

/** Imports and exports of a file. Default exports are left out: they have no name that others must use. */
export function linksOf(source: Source): Links {
  const { syntax } = source
  const imports: Import[] = []
  const exports: Omit<Export, 'usedHere'>[] = []
  for (let at = 0; at < syntax.tokens.length; at++) {
    const isTop = syntax.parent(at) < 0
    if (isTop && syntax.isWord(at, 'import') && !syntax.isMark(at + 1, '(', '.')) {
      const from = nextString(syntax, at)
      imports.push({ from: literal(syntax, from), names: importedNames(syntax, at + 1, from) })
      at = from
    } else if (isTop && syntax.isWord(at, 'export')) {
      const from = exportSource(syntax, at)
      if (from >= 0) imports.push({ from: literal(syntax, from), names: importedNames(syntax, at + 1, from) })
      exports.push(...exportedNames(syntax, at))
      if (from >= 0) at = from
    } else if (/^['"]\.{1,2}\//.test(syntax.text(at))) {
      // import(), require(), new URL(): whoever names a file in a string may use all of it.
      imports.push({ from: literal(syntax, at), names: EVERYTHING })
    }
  }
  const lines = linesByName(source)
  // The line of its declaration is one.
  return { imports, exports: exports.map(item => ({ ...item, usedHere: (lines.get(item.name)?.size ?? 0) > 1 })) }
}

const literal = (syntax: Syntax, at: number): string => syntax.text(at).slice(1, -1)

function nextString(syntax: Syntax, at: number): number {
  while (at < syntax.tokens.length && syntax.tokens[at]?.kind !== 'string') at++
  return at
}

/** The module of `export … from 'module'`; -1 for exports of the file's own. */
function exportSource(syntax: Syntax, at: number): number {
  let next = syntax.isWord(at + 1, 'type') ? at + 2 : at + 1
  if (syntax.isMark(next, '*')) return nextString(syntax, next)
  next = syntax.isMark(next, '{') ? syntax.after(next) : -1
  return syntax.isWord(next, 'from') ? next + 1 : -1
}

/** The names between `import` or `export` and `from`, as the other module calls them. */
function importedNames(syntax: Syntax, start: number, end: number): readonly string[] {
  const names: string[] = []
  for (let at = start; at < end; at++) {
    if (syntax.isMark(at, '*')) return EVERYTHING
    if (syntax.isMark(at, '{')) return [...names, ...listed(syntax, at).map(({ original }) => original)]
    if (syntax.isName(at) && !syntax.isWord(at, 'type', 'from')) names.push('default')
  }
  return names
}

interface Listed {
  readonly original: string
  readonly alias: string
  readonly line: number
}

/** The items of `{ a, type b, c as d }`. */
function listed(syntax: Syntax, open: number): readonly Listed[] {
  const items: Listed[] = []
  let words: number[] = []
  for (let at = open + 1; at <= syntax.partner(open); at++) {
    if (syntax.isName(at)) words.push(at)
    if (!syntax.isMark(at, ',', '}')) continue
    const [first = -1, second = -1] = words
    if (words.length > 1 && syntax.text(first) === 'type' && syntax.text(second) !== 'as') words = words.slice(1)
    if (words.length > 0) items.push({ original: syntax.text(words[0] ?? -1), alias: syntax.text(words.at(-1) ?? -1), line: syntax.line(words[0] ?? -1) })
    words = []
  }
  return items
}

const TYPE_WORDS = ['interface', 'type']
const DECLARATIONS = ['const', 'let', 'var', 'function', 'class', 'enum', 'namespace', ...TYPE_WORDS]

function exportedNames(syntax: Syntax, start: number): readonly Omit<Export, 'usedHere'>[] {
  let at = start + 1
  if (syntax.isWord(at, 'default') || syntax.isMark(at, '*', '=')) return []
  const isTypeList = syntax.isWord(at, 'type') && syntax.isMark(at + 1, '{')
  if (isTypeList) at++
  if (syntax.isMark(at, '{')) return listed(syntax, at).filter(({ alias }) => alias !== 'default').map(({ alias, line }) => ({ name: alias, line, isType: isTypeList }))
  while (syntax.isWord(at, 'declare', 'abstract', 'async') || (syntax.isWord(at, 'const') && syntax.isWord(at + 1, 'enum'))) at++
  if (!syntax.isWord(at, ...DECLARATIONS)) return []
  const name = syntax.isMark(at + 1, '*') ? at + 2 : at + 1
  return syntax.isName(name) ? [{ name: syntax.text(name), line: syntax.line(name), isType: syntax.isWord(at, ...TYPE_WORDS) }] : []
}

/** The lines on which each name stands, members of objects aside. */
function linesByName({ syntax }: Source): ReadonlyMap<string, ReadonlySet<number>> {
  const lines = new Map<string, Set<number>>()
  for (const [at, { kind, text, line }] of syntax.tokens.entries()) {
    if (kind !== 'name' || syntax.isMark(at - 1, '.', '?.')) continue
    const known = lines.get(text)
    if (known) known.add(line)
    else lines.set(text, new Set([line]))
  }
  return lines
}
