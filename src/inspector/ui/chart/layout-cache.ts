import type { ElkNode } from 'elkjs/lib/elk-api.js'

const KEY = 'troupe.layouts'
/** Machines whose layouts are kept; the one used longest ago goes. */
const LAYOUTS_MAX = 24
/** Of one layout's text: a machine of a thousand states is laid out anew in each page, so that others keep their places. */
const CHARS_MAX = 300_000

interface Kept {
  /** What was laid out: another text (new words, other fonts) needs another layout. */
  readonly text: string
  readonly graph: ElkNode
}

const inMemory = new Map<string, Kept>()

/** A layout that was made before, in this page or an earlier one. */
export function recallGraph(hash: string, text: string): ElkNode | undefined {
  const kept = inMemory.get(hash) ?? stored().get(hash)
  return kept?.text === text ? kept.graph : undefined
}

export function rememberGraph(hash: string, text: string, graph: ElkNode): void {
  inMemory.set(hash, { text, graph })
  const layouts = stored()
  layouts.delete(hash)
  if (JSON.stringify(graph).length + text.length <= CHARS_MAX) layouts.set(hash, { text, graph })
  try {
    localStorage.setItem(KEY, JSON.stringify([...layouts].slice(-LAYOUTS_MAX)))
  } catch {
    // The browser keeps no more: the next page lays out again.
    localStorage.removeItem(KEY)
  }
}

function stored(): Map<string, Kept> {
  try {
    return new Map(JSON.parse(localStorage.getItem(KEY) ?? '[]') as readonly (readonly [string, Kept])[])
  } catch {
    return new Map()
  }
}
