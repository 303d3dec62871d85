import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyStateMachine } from 'xstate'
import { statechart } from '../../../src/graph/statechart.ts'

const DOCS = join(import.meta.dirname, '../../../docs')
const PART = /<!-- statechart -->[^]*?<!-- \/statechart -->/

export const pathOf = (page: string): string => join(DOCS, `${page}.md`)

/** The text of a page as it is, and as it is with the statechart of the machine between its marks. */
export function drawnPage(page: string, machine: AnyStateMachine): { readonly now: string; readonly drawn: string } {
  const now = readFileSync(pathOf(page), 'utf8')
  if (!PART.test(now)) throw new Error(`docs/${page}.md has no part between <!-- statechart --> and <!-- /statechart -->`)
  return { now, drawn: now.replace(PART, () => `<!-- statechart -->\n\`\`\`mermaid\n${statechart(machine)}\n\`\`\`\n<!-- /statechart -->`) }
}
