/** The innermost of the active states: the others are part of their names. */
export const leavesOf = (states: readonly string[]): readonly string[] => states.filter(state => !states.some(other => other.startsWith(`${state}.`)))

const PARTS_SHOWN = 2

/** The end of a path, which says most: `…packing.waiting`. */
export function shortPath(path: string): string {
  const parts = path.split('.')
  return parts.length > PARTS_SHOWN ? `…${parts.slice(-PARTS_SHOWN).join('.')}` : path
}
