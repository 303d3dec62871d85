import { TroupeError } from '../../core/errors.ts'

/** Names a vector: text, or a whole number. All ids of an index are of one kind. */
export type VectorId = string | number

/** What becomes of several vectors with one id: an error, or the first or last of them stays. */
export type Duplicates = 'refuse' | 'first' | 'last'

/** Rows in the order of their ids. */
export interface Ranked<TId extends VectorId> {
  /** Ascending, each once. */
  readonly ids: readonly TId[]
  /** Number of the row of each id. */
  readonly rows: Uint32Array
}

/** Sorts rows by id. Throws `vector/invalid` for ids that are none, and for those that there are twice unless one of them is to stay. */
export function rankIds<TId extends VectorId>(given: readonly TId[], duplicates: Duplicates): Ranked<TId> {
  const kind = typeof given[0]
  for (const [row, id] of given.entries()) checkId(id, row, kind)
  const isSorted = given.every((id, row) => row === 0 || (given[row - 1] as TId) < id)
  if (isSorted) return { ids: [...given], rows: Uint32Array.from(given, (_, row) => row) }
  const idOf = (row: number): TId => given[row] as TId
  const sorted = Uint32Array.from(given, (_, row) => row).sort((a, b) => (idOf(a) < idOf(b) ? -1 : idOf(a) > idOf(b) ? 1 : a - b))
  const rows = sorted.filter((row, place) => {
    const twin = sorted[duplicates === 'last' ? place + 1 : place - 1]
    if (twin === undefined || idOf(twin) !== idOf(row)) return true
    if (duplicates === 'refuse') throw new TroupeError('vector/invalid', `the rows ${twin} and ${row} both have the id ${JSON.stringify(idOf(row))}; { duplicates: 'first' } or 'last' keeps one of them`)
    return false
  })
  return { ids: Array.from(rows, idOf), rows }
}

function checkId(id: VectorId, row: number, kind: string): void {
  const isId = typeof id === 'string' || Number.isSafeInteger(id)
  if (!isId) throw new TroupeError('vector/invalid', `the id of row ${row} must be text or a whole number, not ${String(id)}`)
  if (typeof id !== kind) throw new TroupeError('vector/invalid', `the id of row ${row} is a ${typeof id}, that of row 0 a ${kind}: ids of one index are of one kind, for ties are decided by their order`)
}
