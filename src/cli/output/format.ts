/** Times and numbers as people read them. */

const UNITS: readonly (readonly [string, number])[] = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]]

/** `3 min`, `250 ms`: one unit is enough to see how long. */
export function duration(ms: number): string {
  for (const [unit, size] of UNITS) if (Math.abs(ms) >= size) return `${Math.floor(Math.abs(ms) / size)} ${unit}`
  return `${Math.max(0, Math.round(Math.abs(ms)))} ms`
}

export const ago = (time: number, now = Date.now()): string => (now - time < 1_000 ? 'now' : `${duration(now - time)} ago`)

export const until = (time: number, now = Date.now()): string => (time <= now ? 'now' : `in ${duration(time - now)}`)

/** Local time of day, to the millisecond. */
export function clockTime(time: number): string {
  const date = new Date(time)
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

export const bytes = (count: number): string => (count < 1024 ? `${count} B` : count < 1 << 20 ? `${(count / 1024).toFixed(1)} KiB` : count < 1 << 30 ? `${(count / (1 << 20)).toFixed(1)} MiB` : `${(count / (1 << 30)).toFixed(1)} GiB`)

/** Ranges of numbers: `0-3,7`. */
export function ranges(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b)
  const parts: string[] = []
  for (let index = 0; index < sorted.length; index++) {
    const from = sorted[index] ?? 0
    let to = from
    while (sorted[index + 1] === to + 1) to = sorted[++index] ?? to
    parts.push(from === to ? String(from) : `${from}-${to}`)
  }
  return parts.join(',') || '–'
}

/** `1 node`, `3 nodes` */
export const counted = (count: number, noun: string, many = `${noun}s`): string => `${count.toLocaleString('en')} ${count === 1 ? noun : many}`
