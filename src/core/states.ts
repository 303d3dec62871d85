/** Paths of all active states, parents before children: `['pay', 'pay.waiting']`. */
export function statesOf(value: unknown, prefix = ''): readonly string[] {
  if (typeof value === 'string') return [prefix + value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [prefix + key, ...statesOf(inner, `${prefix}${key}.`)])
}
