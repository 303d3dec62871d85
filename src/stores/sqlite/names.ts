/**
 * Lists of names (state paths, tags) as one text that SQL can search for one exact name: `\u001fa\u001fb\u001f`.
 * A separator inside a name is written with an escape, so that any name XState allows is kept.
 */
const SEPARATOR = '\u001f'
const ESCAPE = '\u001e'
// eslint-disable-next-line no-control-regex -- these two control characters are the format
const SPECIAL = /[\u001e\u001f]/

export const frameName = (name: string): string => SEPARATOR + escapeName(name) + SEPARATOR

export const packNames = (names: readonly string[]): string => (names.length === 0 ? '' : SEPARATOR + names.map(escapeName).join(SEPARATOR) + SEPARATOR)

export function unpackNames(text: string): readonly string[] {
  if (text === '') return []
  const names = text.slice(1, -1).split(SEPARATOR)
  return text.includes(ESCAPE) ? names.map((name) => name.replaceAll(`${ESCAPE}1`, SEPARATOR).replaceAll(`${ESCAPE}0`, ESCAPE)) : names
}

function escapeName(name: string): string {
  return SPECIAL.test(name) ? name.replaceAll(ESCAPE, `${ESCAPE}0`).replaceAll(SEPARATOR, `${ESCAPE}1`) : name
}
