import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

type Row = Readonly<Record<string, string>>

/** A CSV file with a header: columns that hold numbers are measures, the others dimensions. */
export interface Table {
  readonly file: string
  readonly rows: readonly Row[]
  readonly measures: readonly string[]
  readonly dimensions: readonly string[]
  /** The dimension that holds months such as `2025-03`. */
  readonly time: string | undefined
}

const isNumber = (text: string): boolean => /^-?\d+(\.\d+)?$/.test(text)
const isMonth = (text: string): boolean => /^\d{4}-\d{2}$/.test(text)

/** Throws where it is no such file, with the line. */
export function readTable(path: string): Table {
  const file = basename(path)
  const [header = [], ...lines] = readFileSync(path, 'utf8').split(/\r?\n/).filter(line => line.trim() !== '').map(cells)
  const rows = lines.map((line, index): Row => {
    if (line.length !== header.length) throw new Error(`${file}, line ${index + 2}: ${line.length} values for ${header.length} columns`)
    return Object.fromEntries(header.map((column, at) => [column, line[at] ?? '']))
  })
  const every = (column: string, test: (text: string) => boolean): boolean => rows.every(row => test(row[column] ?? ''))
  const measures = header.filter(column => every(column, isNumber))
  const dimensions = header.filter(column => !measures.includes(column))
  if (rows.length === 0 || measures.length === 0 || dimensions.length === 0) throw new Error(`${file} needs a header, and at least one row with a number and a name in it`)
  return { file, rows, measures, dimensions, time: dimensions.find(column => every(column, isMonth)) }
}

/** Commas inside quotes are part of a value. */
const cells = (line: string): string[] => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map(cell => cell.trim().replace(/^"(.*)"$/, '$1').replaceAll('""', '"'))

/** The values of a dimension, each once. */
export const valuesOf = ({ rows }: Table, dimension: string): readonly string[] => [...new Set(rows.map(row => row[dimension] ?? ''))]
