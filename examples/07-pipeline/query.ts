import { z } from 'zod'
import { valuesOf } from './table.ts'
import type { Table } from './table.ts'

/** A question as data: the sum of a measure for each value of a dimension. */
export const querySchema = z.object({
  measure: z.string(),
  by: z.string().describe('A dimension, or `year`'),
  where: z.array(z.object({ column: z.string(), value: z.string().describe('A value of the column, or the year a month begins with') })),
  top: z.int().min(1).nullable().describe('Only so many, the largest first'),
})
export type Query = z.infer<typeof querySchema>

export const schemaText = (table: Table): string =>
  `Measures: ${table.measures.join(', ')}. Dimensions: ${table.dimensions.map(name => `${name} (${valuesOf(table, name).join(', ')})`).join('; ')}, year.`

const SYNONYMS: Readonly<Record<string, RegExp>> = { revenue: /earn|sales|turnover|money/, units: /sold|pieces|how many/ }

/** What a question asks for, by the names in it. Throws what is missing, with an example. */
export function parseQuestion(question: string, table: Table): Query {
  const words = question.toLowerCase()
  const { measures, dimensions, time } = table
  const isNamed = (name: string): boolean => new RegExp(`\\b${escape(name.toLowerCase())}s?\\b`).test(words)
  const measure = measures.find(isNamed) ?? measures.find(name => SYNONYMS[name]?.test(words))
  const by = [...(time === undefined ? [] : ['year']), ...dimensions].find(name => new RegExp(`\\b(by|per|each|which|what|every|top \\d+|best)\\s+${escape(name.toLowerCase())}s?\\b`).test(words)) ?? dimensions.find(isNamed) ?? time
  if (measure === undefined || by === undefined) throw new Error(`the question names no ${measure === undefined ? `measure (${measures.join(', ')})` : `dimension (${dimensions.join(', ')})`}; ask for example "${measures.at(-1)} by ${dimensions[0]}"`)
  const named = dimensions.filter(column => column !== time).flatMap(column => valuesOf(table, column).filter(isNamed).map(value => ({ column, value })))
  const year = /\b(19|20)\d{2}\b/.exec(words)?.[0]
  const top = /\btop (\d+)\b/.exec(words)?.[1]
  return { measure, by, where: [...named, ...(year !== undefined && time !== undefined ? [{ column: time, value: year }] : [])], top: top === undefined ? null : Number(top) }
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The question as it was understood. */
export const queryText = ({ measure, by, where, top }: Query): string =>
  `${top === null ? '' : `top ${top}: `}${measure} by ${by}${where.map(({ column, value }) => (/^\d{4}/.test(value) ? `, ${value}` : `, ${column} ${value}`)).join('')}`

export const figures = z.object({ query: querySchema, file: z.string(), rows: z.array(z.object({ name: z.string(), value: z.number() })).min(1, 'no rows fit the question') })
export type Figures = z.infer<typeof figures>

/** The sums that a query asks for: months and years in their order, others the largest first. Throws for columns that there are not. */
export function evaluate(query: Query, table: Table): Figures {
  const { measure, by, where, top } = query
  const unknown = [by === 'year' ? table.time : by, ...where.map(({ column }) => column)].find(name => name === undefined || !table.dimensions.includes(name)) ?? (table.measures.includes(measure) ? undefined : measure)
  if (unknown !== undefined) throw new Error(`${table.file} has no column '${unknown}'`)
  const sums = new Map<string, number>()
  for (const row of table.rows) {
    if (!where.every(({ column, value }) => row[column] === value || (column === table.time && row[column]?.startsWith(`${value}-`)))) continue
    const name = (by === 'year' ? row[table.time ?? '']?.slice(0, 4) : row[by]) ?? ''
    sums.set(name, (sums.get(name) ?? 0) + Number(row[measure]))
  }
  const rows = [...sums].map(([name, value]) => ({ name, value }))
  const isTime = (by === table.time || by === 'year') && top === null
  const sorted = rows.toSorted((a, b) => (isTime ? a.name.localeCompare(b.name) : b.value - a.value))
  return { query, file: table.file, rows: top === null ? sorted : sorted.slice(0, top) }
}
