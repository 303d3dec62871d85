import { readFileSync, statSync } from 'node:fs'
import { text as readStream } from 'node:stream/consumers'
import { TroupeError } from '../../core/errors.ts'

/** Larger input is no event and no config. */
const TEXT_BYTES_MAX = 16 << 20

/** What a person gave on the command line: the text itself, `@file`, or `-` for standard input. */
export async function readGiven(given: string, what: string): Promise<string> {
  if (given === '-') return readStream(process.stdin)
  return given.startsWith('@') ? readText(given.slice(1), what) : given
}

/** A file as text, or an error that says which file and what is wrong with it. */
export function readText(path: string, what: string): string {
  const bad = (why: string, cause?: unknown) => new TroupeError('request/invalid', `${what}: ${path} ${why}`, { details: { path }, cause })
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) throw bad('is not there')
  if (stat.isDirectory()) throw bad('is a folder, not a file')
  if (stat.size > TEXT_BYTES_MAX) throw bad(`has ${stat.size} bytes, more than ${TEXT_BYTES_MAX}`)
  try {
    return decode(readFileSync(path), bad)
  } catch (error) {
    if (error instanceof TroupeError) throw error
    throw bad(`cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`, error)
  }
}

function decode(bytes: Uint8Array, bad: (why: string) => TroupeError): string {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || bytes.subarray(0, 64).includes(0)) throw bad('is UTF-16 or no text: save it as UTF-8')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw bad('is not UTF-8: save it as UTF-8')
  }
}
