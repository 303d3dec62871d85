import { cutStyled, shown } from './text.ts'
import type { Painted, Text } from './text.ts'

export interface Column<TRow> {
  readonly head: string
  readonly cell: (row: TRow) => Text
  readonly align?: 'right'
  /** May be cut to this width where the terminal is narrow; others keep theirs as long as they can. */
  readonly min?: number
}

const GAP = '  '
const MIN = 6

/** A table that fits: the widest columns give way first, cells that do not fit end in …. */
export function tableLines<TRow>(rows: readonly TRow[], columns: readonly Column<TRow>[], terminal: number, paintHead: (text: string) => Painted): readonly string[] {
  const heads = columns.map(({ head }) => shown(head))
  const cells = rows.map(row => columns.map(({ cell }) => shown(cell(row))))
  const widths = columns.map((_, index) => cells.reduce((width, row) => Math.max(width, row[index]?.width ?? 0), heads[index]?.width ?? 0))
  fit(widths, columns.map(({ min, head }) => min ?? Math.max(MIN, head.length)), terminal - GAP.length * (columns.length - 1))
  const lay = (row: readonly Painted[]): string => row.map((cell, index) => padded(cell, widths[index] ?? 0, columns[index]?.align === 'right', index === row.length - 1)).join(GAP).trimEnd()
  return [lay(heads.map(({ text }) => paintHead(text))), ...cells.map(lay)]
}

/** Takes from the widest until all fit, or none can give more. */
function fit(widths: number[], mins: readonly number[], room: number): void {
  for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; over--) {
    let widest = -1
    for (const [index, width] of widths.entries()) if (width > (mins[index] ?? 0) && (widest < 0 || width > (widths[widest] ?? 0))) widest = index
    if (widest < 0) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}

function padded({ text, width }: Painted, room: number, isRight: boolean, isLast: boolean): string {
  if (width > room) return cutStyled(text, room)
  const space = ' '.repeat(room - width)
  return isRight ? space + text : isLast ? text : text + space
}
