import { limits } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Source } from './source.ts'

/** Rules about the shape of functions. */
export const reviewShape = (source: Source): readonly Finding[] => [...longFunctions(source), ...deepNesting(source)]

/** Rules about statements that were forgotten, or never written. */
export const reviewSlips = (source: Source): readonly Finding[] => [...emptyCatches(source), ...consoleLogs(source)]

/** Suites of tests are lists, not functions to be read at one go. */
const SUITE = /^a function given to (?:describe|suite)$/

function longFunctions({ syntax, functions }: Source): readonly Finding[] {
  return functions.flatMap(({ head, body, label }): readonly Finding[] => {
    const line = syntax.line(head)
    const lines = body < 0 ? 0 : syntax.line(syntax.partner(body)) - line + 1
    if (lines <= limits.functionLinesMax || SUITE.test(label)) return []
    return [{ rule: 'long-function', line, text: `${label} has ${lines} lines, more than ${limits.functionLinesMax}` }]
  })
}

function deepNesting({ syntax, braces, functions }: Source): readonly Finding[] {
  const depths = new Map<number, number>()
  const reported = new Set<number>()
  const findings: Finding[] = []
  for (const [brace, kind] of braces) {
    if (kind !== 'control') continue
    let around = syntax.parent(brace)
    while (around >= 0 && braces.get(around) !== 'control' && braces.get(around) !== 'function') around = syntax.parent(around)
    const depth = (depths.get(around) ?? 0) + 1
    depths.set(brace, depth)
    const owner = depth > limits.nestingMax ? bodyAround(brace) : undefined
    if (owner === undefined || reported.has(owner)) continue
    reported.add(owner)
    const name = functions.find(({ body }) => body === owner)?.label ?? 'the file'
    findings.push({ rule: 'deep-nesting', line: syntax.line(brace), text: `${name} nests control flow more than ${limits.nestingMax} deep` })
  }
  return findings

  function bodyAround(brace: number): number {
    let around = brace
    while (around >= 0 && braces.get(around) !== 'function') around = syntax.parent(around)
    return around
  }
}

function emptyCatches({ syntax, comments }: Source): readonly Finding[] {
  const isEmpty = (brace: number): boolean => {
    const end = syntax.partner(brace)
    const [from, to] = [syntax.tokens[brace]?.start ?? 0, syntax.tokens[end]?.start ?? 0]
    // A comment in it says why: that is a decision, not a slip.
    return syntax.isMark(brace, '{') && end === brace + 1 && !comments.some(({ start }) => start > from && start < to)
  }
  return syntax.tokens.flatMap(({ line }, at): readonly Finding[] => {
    if (syntax.isWord(at, 'catch')) {
      const brace = syntax.isMark(at + 1, '(') ? syntax.after(at + 1) : at + 1
      return isEmpty(brace) ? [{ rule: 'empty-catch', line, text: 'the catch block is empty' }] : []
    }
    const swallows = syntax.isMark(at, '.') && syntax.text(at + 1) === 'catch' && syntax.isMark(at + 2, '(')
    const arrow = swallows ? syntax.after(at + 3) : -1
    return syntax.isMark(arrow, '=>') && isEmpty(arrow + 1) ? [{ rule: 'empty-catch', line: syntax.line(at + 1), text: '.catch() swallows every rejection' }] : []
  })
}

function consoleLogs({ syntax }: Source): readonly Finding[] {
  const at = syntax.tokens.flatMap((_, index) => (syntax.isWord(index, 'console') && syntax.isMark(index + 1, '.') && syntax.text(index + 2) === 'log' && syntax.isMark(index + 3, '(') ? [index] : []))
  const [first] = at
  if (first === undefined) return []
  return [{ rule: 'console-log', line: syntax.line(first), text: at.length === 1 ? 'console.log is called here' : `console.log is called ${at.length} times from here on` }]
}
