const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** A length of time as people say it: `340 ms`, `1.2 s`, `3 min 20 s`, `2 d 4 h`. */
export function durationText(ms: number): string {
  if (ms < 0) return `−${durationText(-ms)}`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(ms < 9_950 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1_000) * 1_000
  for (const [index, [unit, length]] of UNITS.entries()) {
    if (seconds < length) continue
    const [smaller, smallerLength] = UNITS[index + 1] ?? ['s', 1_000] as const
    const rest = Math.floor((seconds % length) / smallerLength)
    return `${Math.floor(seconds / length)} ${unit}${rest === 0 ? '' : ` ${rest} ${smaller}`}`
  }
  return `${Math.round(ms / 1_000)} s`
}
