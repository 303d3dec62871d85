import { TroupeError } from '../core/errors.ts'
import { serverLimits } from './limits.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Names by which objects reach their prototypes. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])
const QUOTE = 34
const BACKSLASH = 92

/** An object or array that is open: its names, and where it stands. */
interface Frame {
  readonly names: Set<string> | undefined
  /** Name or index of the value that is read. */
  at: string | number
}

const refuse = (message: string): TroupeError => new TroupeError('request/invalid', message)
const placeOf = (frames: readonly Frame[]): string => frames.map(({ at }) => `/${String(at)}`).join('').slice(0, 200) || 'the top'

/**
 * Reads JSON as other readers of the same bytes would: one meaning or none. Refuses a byte order mark, what is not UTF-8, a name that
 * stands twice, names of prototypes, numbers out of range, and more levels or values than allowed. Throws `request/invalid`, saying where.
 */
export function parseStrictJson(bytes: ArrayBuffer): unknown {
  const text = decode(bytes)
  // First, because it ends where a bound is passed: a million names take the parser longer than anybody may be kept waiting.
  check(text)
  return parse(text)
}

function decode(bytes: ArrayBuffer): string {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw refuse('the body is not UTF-8')
  }
  if (text.codePointAt(0) === 0xfeff) throw refuse('the body begins with a byte order mark; send plain UTF-8')
  return text
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refuse(`the body is not JSON: ${(error as Error).message}`)
  }
}

/** Walks the tokens of a text that may yet turn out to be no JSON. */
function check(text: string): void {
  const frames: Frame[] = []
  let values = 0
  let names = 0
  let top: Frame | undefined
  let isName = false
  const count = (): void => {
    if (++values > serverLimits.jsonValuesMax) throw refuse(`the body has more than ${serverLimits.jsonValuesMax} values`)
  }
  for (let index = 0; index < text.length; index++) {
    switch (text[index]) {
      case '{':
      case '[': {
        if (frames.length >= serverLimits.jsonDepthMax) throw refuse(`the body is nested deeper than ${serverLimits.jsonDepthMax} levels at ${placeOf(frames)}`)
        isName = text[index] === '{'
        top = { names: isName ? new Set() : undefined, at: isName ? '' : 0 }
        frames.push(top)
        count()
        break
      }
      case '}':
      case ']':
        frames.pop()
        top = frames.at(-1)
        isName = false
        break
      case ',':
        count()
        isName = top?.names !== undefined
        if (typeof top?.at === 'number') top.at++
        break
      case '"': {
        const end = endOfString(text, index)
        if (isName && top) {
          if (++names > serverLimits.jsonNamesMax) throw refuse(`the body has more than ${serverLimits.jsonNamesMax} names`)
          enterName(text.slice(index, end + 1), top, frames)
        }
        isName = false
        index = end
        break
      }
      case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        index = endOfNumber(text, index, frames)
        break
      default:
    }
  }
}

function endOfString(text: string, start: number): number {
  let end = start + 1
  for (let code = text.charCodeAt(end); code !== QUOTE && end < text.length; code = text.charCodeAt(++end)) if (code === BACKSLASH) end++
  return end
}

function enterName(quoted: string, frame: Frame, frames: readonly Frame[]): void {
  const name = quoted.includes('\\') ? (parse(quoted) as string) : quoted.slice(1, -1)
  frame.at = name
  if (FORBIDDEN.has(name)) throw refuse(`${placeOf(frames)} is a name that is not allowed`)
  if (frame.names?.has(name)) throw refuse(`${placeOf(frames)} stands twice`)
  frame.names?.add(name)
}

const NUMBER = /[-+.\deE]+/y

function endOfNumber(text: string, start: number, frames: readonly Frame[]): number {
  NUMBER.lastIndex = start
  NUMBER.test(text)
  const end = NUMBER.lastIndex
  if (Math.abs(Number(text.slice(start, end))) === Infinity) throw refuse(`the number at ${placeOf(frames)} is out of range`)
  return end - 1
}
