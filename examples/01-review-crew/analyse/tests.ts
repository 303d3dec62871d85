import type { Finding } from './finding.ts'
import type { Source } from './source.ts'

/** Whether a file holds tests, by its name. */
export const isTestFile = (path: string): boolean => /\.(?:test|spec)\.[cm]?[jt]s$|(?:^|\/)__tests__\//.test(path)

/** Rules about tests. */
export const reviewTests = (source: Source): readonly Finding[] => [...modifiedTests(source), ...emptyTests(source)]

const TEST = ['test', 'it', 'describe', 'suite']

/** `.only` keeps all other tests from running, `.skip` this one: for that there should be a reason. */
function modifiedTests({ syntax, comments }: Source): readonly Finding[] {
  const isExplained = (line: number): boolean => comments.some(comment => comment.line === line || comment.endLine === line - 1)
  return syntax.tokens.flatMap(({ text, line }, at): readonly Finding[] => {
    if (!syntax.isWord(at, ...TEST) || syntax.isMark(at - 1, '.', '?.') || !syntax.isMark(at + 1, '.') || !syntax.isMark(at + 3, '(')) return []
    const modifier = syntax.text(at + 2)
    if (modifier === 'only') return [{ rule: 'focused-test', line, text: `${text}.only keeps all others from running` }]
    return modifier === 'skip' && !isExplained(line) ? [{ rule: 'skipped-test', line, text: `${text}.skip has no comment that says why` }] : []
  })
}

/** Tests that call nothing, so check nothing. */
function emptyTests({ syntax, functions }: Source): readonly Finding[] {
  return syntax.tokens.flatMap(({ line }, at): readonly Finding[] => {
    if (!syntax.isWord(at, 'test', 'it') || syntax.isMark(at - 1, '.', '?.') || !syntax.isMark(at + 1, '(')) return []
    const body = functions.find(({ head }) => syntax.parent(head) === at + 1)?.body ?? -1
    if (body < 0) return []
    for (let inside = body + 1; inside < syntax.partner(body); inside++) if (syntax.isMark(inside, '(')) return []
    return [{ rule: 'empty-test', line, text: 'the test calls nothing, so it checks nothing' }]
  })
}
