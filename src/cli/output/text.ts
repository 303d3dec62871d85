/** Text that has been made fit for a terminal: nothing in it but what may be seen, and styles of ours. */
export class Painted {
  readonly text: string
  readonly width: number

  constructor(text: string, width: number) {
    this.text = text
    this.width = width
  }
}

/** Plain strings come from anywhere and are cleaned before they are shown. */
export type Text = string | number | Painted

/** C0, DEL, C1, line and paragraph separators, and what turns the direction of writing. */
// oxlint-disable-next-line no-control-regex -- they are what it is about
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' }

/** What a value holds, as it can be seen: nothing in it moves the cursor, or hides. */
export const clean = (value: string): string => value.replaceAll(UNSEEN, sign => SHORT[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Needs no look at its letters. */
const PLAIN = /^[\u0020-\u007e]*$/
const WIDE = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

const widthOfLetter = (letter: string): number => (/^\p{M}/u.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1)

/** Columns that clean text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const { segment } of letters.segment(text)) width += widthOfLetter(segment)
  return width
}

/** The beginning of clean text, as much as fits, with … where something is missing. */
function cut(text: string, width: number): string {
  if (text.length <= width && PLAIN.test(text)) return text
  if (widthOf(text) <= width) return text
  let kept = ''
  let used = 0
  for (const { segment } of letters.segment(text)) {
    used += widthOfLetter(segment)
    if (used > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

/** The same of text with styles of ours: they stay whole, and what is cut is between them. */
export function cutStyled(text: string, width: number): string {
  let left = width
  // oxlint-disable-next-line no-control-regex -- styles begin with it
  return text.replaceAll(/(\u001b\[[\d;]*m)|[^\u001b]+/g, (part, style: string | undefined) => {
    if (style !== undefined) return style
    const kept = left <= 0 ? '' : cut(part, left)
    left -= widthOf(part)
    return kept
  })
}

export const shown = (text: Text): Painted => {
  if (text instanceof Painted) return text
  const cleaned = clean(String(text))
  return new Painted(cleaned, widthOf(cleaned))
}
