import { InvalidArgumentError } from 'commander'

/** Readers of option texts. What they throw is shown as a usage error that names the option. */

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0.')
  return Number(text)
}

export function pageLimit(text: string): number {
  const limit = wholeNumber(text)
  if (limit < 1 || limit > 1_000) throw new InvalidArgumentError('It must be a whole number from 1 to 1000.')
  return limit
}

export function port(text: string): number {
  const number = wholeNumber(text)
  if (number > 65_535) throw new InvalidArgumentError('It must be a port, 0 to 65535.')
  return number
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `7d`. */
export function milliseconds(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|m|min|h|d)$/.exec(text) ?? []
  if (count === undefined) throw new InvalidArgumentError('It must be a time such as 500ms, 30s, 5m, 2h or 7d.')
  return Number(count) * (UNIT_MS[unit] ?? 1)
}

export const oneOf = (...choices: readonly string[]) => (text: string): string => {
  if (!choices.includes(text)) throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`)
  return text
}

/** For options that may be given more than once. */
export const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]
