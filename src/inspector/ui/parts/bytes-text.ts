const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes as people read them: `0 B`, `1.5 kB`, `340 MB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1_000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1_000 ** power
  return `${value.toFixed(power === 0 || value >= 99.5 ? 0 : 1)} ${UNITS[power]}`
}
