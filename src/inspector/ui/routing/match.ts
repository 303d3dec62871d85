export type Params = Readonly<Record<string, string>>

/** The parts of a path that a pattern such as `/actors/:machine/:key` names, or undefined where it is of another shape. */
export function matchPath(pattern: string, path: string): Params | undefined {
  const names = pattern.split('/')
  const parts = path.replace(/\/+$/, '').split('/')
  if (names.length !== parts.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const part = decode(parts[index] ?? '')
    if (name.startsWith(':') && part) params[name.slice(1)] = part
    else if (name !== part) return undefined
  }
  return params
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
