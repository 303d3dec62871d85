import { limits } from './finding.ts'
import type { Finding } from './finding.ts'
import { codeLines } from './source.ts'
import type { Source } from './source.ts'

/** Rules about lines. */
export const reviewLines = (source: Source): readonly Finding[] => [...longFile(source), ...longLines(source)]

function longFile(source: Source): readonly Finding[] {
  const lines = codeLines(source)
  return lines > limits.fileLinesMax ? [{ rule: 'long-file', line: 1, text: `the file has ${lines} lines of code, more than ${limits.fileLinesMax}` }] : []
}

function longLines({ lines }: Source): readonly Finding[] {
  const long = lines.flatMap((text, index) => (text.length > limits.lineCharactersMax ? [{ line: index + 1, length: text.length }] : []))
  const [first] = long
  if (!first) return []
  const longest = long.reduce((a, b) => (b.length > a.length ? b : a))
  const place = long.length === 1 ? '' : `, the longest, line ${longest.line}, has ${longest.length}`
  const what = long.length === 1 ? `the line has ${first.length} characters` : `${long.length} lines from here on have more than ${limits.lineCharactersMax} characters`
  return [{ rule: 'long-line', line: first.line, text: long.length === 1 ? `${what}, more than ${limits.lineCharactersMax}` : what + place }]
}
