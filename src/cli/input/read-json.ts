import { TroupeError } from '../../core/errors.ts'
import { readGiven } from './read-text.ts'

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/** JSON given as text, `@file` or `-`. Throws `request/invalid`, which says what is wrong and where. */
export async function readJson(given: string, what: string): Promise<JsonValue> {
  const text = await readGiven(given, what)
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    throw new TroupeError('request/invalid', `${what} is not JSON: ${(error as Error).message}${placeOf(text, error as Error)}${hintFor(text)}`, { cause: error })
  }
}

/** V8 names a place for some mistakes only. */
function placeOf(text: string, { message }: Error): string {
  if (/line \d+/.test(message)) return ''
  const at = /position (\d+)/.exec(message)?.[1]
  const position = at === undefined ? text.length : Number(at)
  const lines = text.slice(0, position).split('\n')
  return ` (line ${lines.length} column ${(lines.at(-1)?.length ?? 0) + 1})`
}

const hintFor = (text: string): string => (text === '' ? '; it is empty' : /^\{\s*'?\w+'?\s*:/.test(text) ? '; names and texts of JSON stand in double quotes, and the whole in single quotes for the shell' : '')

/** An event: an object with a type. */
export async function readEvent(type: string | undefined, given: string | undefined): Promise<{ type: string; [field: string]: JsonValue }> {
  if ((type === undefined) === (given === undefined)) throw new TroupeError('usage/invalid', 'name the type of the event (troupe send order/42 PAY), or give all of it (--event \'{"type":"PAY","cents":100}\')')
  if (type !== undefined) return { type }
  const event = await readJson(given ?? '', '--event')
  if (typeof event !== 'object' || event === null || Array.isArray(event) || typeof event['type'] !== 'string') throw new TroupeError('request/invalid', '--event must be an object with a type: \'{"type":"PAY"}\'')
  return event as { type: string }
}
