import { relative } from 'node:path'
import { styleText } from 'node:util'
import { drawText } from './chart.ts'
import { figures, querySchema, queryText } from './query.ts'
import { drawing } from './report.ts'
import type { createReport } from './report.ts'

type Report = Awaited<ReturnType<typeof createReport>>
type Outcome = NonNullable<ReturnType<Report['getInitialSnapshot']>['output']>
type Member = Outcome['members'][number]

const HEALTH = '.health'

/** A line for what has come of a health check or a stage. */
export function tellMember({ member, status, attempts, isFallback = false, output, reason }: Member): void {
  const isDone = status === 'done'
  const word = !isDone ? status : member.endsWith(HEALTH) ? 'healthy' : isFallback ? 'fallback' : 'done'
  const tries = attempts === 1 ? '' : `${attempts} attempts`
  const line = `  ${member.replace(HEALTH, '').padEnd(6)}${word.padEnd(10)}${tries.padEnd(12)}${isDone ? resultText(member, output) : (reason ?? '')}`.trimEnd()
  console.log(styleText(!isDone ? 'red' : isFallback ? 'yellow' : member.endsWith(HEALTH) ? 'gray' : 'green', line))
}

function resultText(member: string, output: unknown): string {
  switch (member) {
    case 'nlp':
      return queryText(querySchema.parse(output))
    case 'data': {
      const { rows, file } = figures.parse(output)
      return `${rows.length} ${rows.length === 1 ? 'row' : 'rows'} from ${file}`
    }
    case 'viz':
      return relative('.', drawing.parse(output).file)
    default:
      return ''
  }
}

/** Says how it ended; gives the exit code. */
export function conclude({ status, output, reason }: Outcome): number {
  if (status !== 'done') {
    console.error(`pipeline: ${reason}`)
    return 1
  }
  console.log(`\n${drawText(drawing.parse(output).figures)}`.trimEnd())
  return 0
}
