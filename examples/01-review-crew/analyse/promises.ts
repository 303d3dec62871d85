import type { Finding } from './finding.ts'
import { holdsStatements, isControlParen } from './outline.ts'
import type { Source } from './source.ts'

/**
 * Calls of async functions of the same file whose promise is dropped: a statement that is only the call.
 * A name that is declared more than once, or taken by a parameter, might mean something else: no finding then.
 */
export function reviewPromises(source: Source): readonly Finding[] {
  const { syntax } = source
  const bindings = asyncBindings(source)
  const methods = asyncMethods(source)
  return syntax.tokens.flatMap(({ text, line }, at): readonly Finding[] => {
    const isMember = syntax.isWord(at, 'this') && syntax.isMark(at + 1, '.')
    const name = isMember ? at + 2 : at
    if (!syntax.isName(name) || !syntax.isMark(name + 1, '(') || syntax.isMark(at - 1, '.', '?.')) return []
    const isAsync = isMember ? methods.has(methodKey(classAround(source, name), syntax.text(name))) : bindings.has(text)
    if (!isAsync || !beginsStatement(source, at) || !endsStatement(source, syntax.partner(name + 1))) return []
    return [{ rule: 'floating-promise', line, text: `${isMember ? 'this.' : ''}${syntax.text(name)}() is async, and nobody waits for it` }]
  })
}

function asyncBindings(source: Source): ReadonlySet<string> {
  const times = countEach(declarations(source))
  const names = source.functions.filter(({ isAsync, called }) => isAsync && called === 'binding').map(({ name }) => name ?? '')
  return new Set(names.filter(name => times.get(name) === 1))
}

/** Async methods that their class declares once, by class and name. */
function asyncMethods(source: Source): ReadonlySet<string> {
  const methods = source.functions.filter(({ called }) => called === 'method').map(({ name = '', head, isAsync }) => ({ key: methodKey(source.syntax.parent(head), name), isAsync }))
  const times = countEach(methods.map(({ key }) => key))
  return new Set(methods.filter(({ key, isAsync }) => isAsync && times.get(key) === 1).map(({ key }) => key))
}

const methodKey = (owner: number, name: string): string => `${owner} ${name}`

/** The braces of the class that a token is in; -1 outside of classes. */
function classAround({ syntax, braces }: Source, at: number): number {
  let around = syntax.parent(at)
  while (around >= 0 && braces.get(around) !== 'class') around = syntax.parent(around)
  return around
}

function countEach(items: readonly string[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const item of items) times.set(item, (times.get(item) ?? 0) + 1)
  return times
}

/** Every name that is declared in the file, as often as it is. */
function declarations({ syntax, functions }: Source): readonly string[] {
  const names: string[] = []
  const takeAll = (open: number): void => {
    for (let at = open; at <= Math.max(open, syntax.partner(open)); at++) if (syntax.isName(at)) names.push(syntax.text(at))
  }
  for (const { params } of functions) takeAll(params)
  for (let at = 0; at < syntax.tokens.length; at++) {
    if (syntax.isWord(at, 'const', 'let', 'var', 'class')) takeAll(at + 1)
    else if (syntax.isWord(at, 'function')) takeAll(syntax.isMark(at + 1, '*') ? at + 2 : at + 1)
    else if (syntax.isWord(at, 'catch') && syntax.isMark(at + 1, '(')) takeAll(at + 1)
    else if (syntax.isWord(at, 'import')) while (syntax.isName(at + 1) || syntax.isMark(at + 1, '{', '}', ',', '*')) takeAll(++at)
  }
  return names
}

const UNFINISHED = ['return', 'await', 'yield', 'throw', 'typeof', 'void', 'new', 'delete', 'in', 'of', 'instanceof', 'case', 'default', 'extends', 'as', 'satisfies', 'async', 'export']
const CONTINUES = ['in', 'instanceof', 'as', 'satisfies']

function beginsStatement(source: Source, at: number): boolean {
  const { syntax, braces } = source
  if (!holdsStatements(source, syntax.parent(at))) return false
  const before = at - 1
  if (before < 0 || syntax.isMark(before, ';') || syntax.isWord(before, 'else', 'do')) return true
  if (syntax.isMark(before, '{')) return true
  if (syntax.isMark(before, '}') && braces.get(syntax.partner(before)) === 'control') return true
  if (syntax.isMark(before, ')') && isControlParen(syntax, syntax.partner(before))) return true
  // Without a semicolon: a value has ended on a line before.
  const endsValue = syntax.isMark(before, ')', ']', '}') || (syntax.tokens[before]?.kind !== 'mark' && !UNFINISHED.includes(syntax.text(before)))
  return endsValue && (syntax.tokens[before]?.endLine ?? 0) < syntax.line(at)
}

function endsStatement({ syntax }: Source, close: number): boolean {
  const next = close + 1
  const token = syntax.tokens[next]
  if (!token || syntax.isMark(next, ';', '}')) return true
  if (token.line === syntax.line(close)) return false
  return token.kind === 'mark' ? syntax.isMark(next, '{', '@', '++', '--', '!', '~') : token.kind !== 'template' && token.kind !== 'regex' && !CONTINUES.includes(token.text)
}
