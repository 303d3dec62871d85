import type { ChildView, Json } from '../../../protocol.ts'

/** Paths of the active states in a state value of XState: `{ pay: 'waiting' }` → `pay`, `pay.waiting`. */
export function statesOfValue(value: Json, above = ''): readonly string[] {
  const path = (key: string): string => (above === '' ? key : `${above}.${key}`)
  if (typeof value === 'string') return [path(value)]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => [path(key), ...statesOfValue(inner, path(key))])
}

/** Sources of the machines on the way from the actor to a child in its tree. */
export const childPaths = (children: readonly ChildView[], path: string): readonly string[] =>
  children.filter(child => path === child.path || path.startsWith(`${child.path}/`)).toSorted((a, b) => a.path.length - b.path.length).map(({ src }) => src)
