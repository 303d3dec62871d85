import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Connection } from './connection.ts'

/** A fixed piece of SQL with one parameter, and its value; undefined leaves the condition out. */
export type Condition = readonly [sql: string, value: string | number | undefined]

/** A query with optional conditions: one prepared statement per combination, values only as parameters. `tail` stands between them and the limit. */
export function createSelection(connection: Connection, head: string, tail: string): (conditions: readonly Condition[], limit: number) => Record<string, SQLOutputValue>[] {
  const statements = new Map<string, StatementSync>()
  return (conditions, limit) => {
    const used = conditions.filter(([, value]) => value !== undefined)
    const where = used.length === 0 ? '' : `WHERE ${used.map(([sql]) => sql).join(' AND ')}`
    let statement = statements.get(where)
    if (!statement) {
      statement = connection.prepare(`${head} ${where} ${tail} LIMIT ?`)
      statements.set(where, statement)
    }
    return statement.all(...used.map(([, value]) => value ?? null), limit)
  }
}
