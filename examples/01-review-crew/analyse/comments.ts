import type { Finding } from './finding.ts'
import type { FunctionOutline } from './outline.ts'
import type { Source } from './source.ts'

/** Rules about comments. */
export const reviewComments = (source: Source): readonly Finding[] => [...staleParams(source), ...todoOwners(source)]

/** A marker begins a line of a comment; the word inside a sentence is prose. */
const MARKER = /^[\s/*#]*(TODO|FIXME|XXX|HACK)\b(?!\([\w@.-]+\))/

function todoOwners({ comments }: Source): readonly Finding[] {
  return comments.flatMap(comment => comment.text.split('\n').flatMap((text, index): readonly Finding[] => {
    const marker = MARKER.exec(text)?.[1]
    return marker === undefined ? [] : [{ rule: 'todo-owner', line: comment.line + index, text: `${marker} names no owner: write ${marker}(name)` }]
  }))
}

const PARAM = /^[\s/*]*@param\s+(?:\{.*?\}\s+)?\[?(?:\.\.\.)?([\w$]+)/

/** Parameters that a comment tells of and the function below it has not. */
function staleParams({ comments, functions, syntax }: Source): readonly Finding[] {
  const functionAt = new Map(functions.toReversed().map(each => [syntax.line(each.head), each]))
  return comments.flatMap(({ text, line, endLine }): readonly Finding[] => {
    const below = functionAt.get(endLine + 1)
    if (!text.startsWith('/**') || !below || below.params < 0) return []
    const names = parameters(below)
    return text.split('\n').flatMap((row, index): readonly Finding[] => {
      const name = PARAM.exec(row)?.[1]
      return name === undefined || names === undefined || names.has(name) ? [] : [{ rule: 'stale-param', line: line + index, text: `${below.label} has no parameter ${name}` }]
    })
  })

  /** Undefined where a parameter is taken apart: then it may be called anything. */
  function parameters({ params }: FunctionOutline): ReadonlySet<string> | undefined {
    const names = new Set<string>()
    for (let at = params + 1; at < syntax.partner(params); at++) {
      if (syntax.isMark(at, '{', '[')) return undefined
      names.add(syntax.text(at))
    }
    return names
  }
}
