import type { ModelRequest } from '../model.ts'

/** JSON with sorted keys: the same text for the same content. */
export const canonical = (value: unknown): string => JSON.stringify(value, (_, inner: unknown) => (isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner)) ?? ''

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Which of the known requests is nearest to one that is not known, and where the two part. */
export function describeNearest(request: ModelRequest, known: readonly ModelRequest[]): string {
  const text = canonical(request)
  const scores = known.map(candidate => likeness(text, canonical(candidate)))
  const best = scores.indexOf(Math.max(...scores))
  const nearest = known[best]
  if (!nearest) return `it asks ${excerpt(request.messages.at(-1))}`
  const { path, a, b } = firstDifference(request, nearest)
  return `the nearest, number ${best + 1}, differs in ${path}: asked is ${a}, recorded ${b}`
}

/** Share of the longer text that both have in common at their ends, 0 to 1. */
function likeness(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  const head = commonHead(a, b)
  let tail = 0
  while (tail < shorter - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  return (head + tail) / Math.max(a.length, b.length)
}

function commonHead(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let head = 0
  while (head < shorter && a[head] === b[head]) head++
  return head
}

function firstDifference(a: unknown, b: unknown, path = ''): { readonly path: string; readonly a: string; readonly b: string } {
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && Array.isArray(a) === Array.isArray(b)) {
    const [left, right] = [a, b] as readonly Readonly<Record<string, unknown>>[]
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (canonical(left?.[key]) !== canonical(right?.[key])) return firstDifference(left?.[key], right?.[key], Array.isArray(a) ? `${path}[${key}]` : `${path}${path && '.'}${key}`)
    }
  }
  const from = typeof a === 'string' && typeof b === 'string' ? Math.max(0, commonHead(a, b) - LEAD_CHARS) : 0
  return { path, a: excerpt(a, from), b: excerpt(b, from) }
}

/** So much of a text stands before the place where it differs. */
const LEAD_CHARS = 20
const EXCERPT_CHARS = 120

function excerpt(value: unknown, from = 0): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? JSON.stringify(value.slice(from)) : canonical(value)
  return `${from > 0 ? '…' : ''}${text.length > EXCERPT_CHARS ? `${text.slice(0, EXCERPT_CHARS)}…` : text}`
}
