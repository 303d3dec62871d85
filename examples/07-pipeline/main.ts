import { createHash, randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { TroupeError, createRuntime } from 'troupe'
import type { Runtime } from 'troupe'
import { createReport, stages } from './report.ts'
import type { ReportTask } from './report.ts'
import { conclude, tellMember } from './tell.ts'

const help = `Answers a question about a CSV file with a chart: it is understood (nlp), added up (data) and drawn (viz).

  npx node --conditions=troupe-source examples/07-pipeline/main.ts [question] [options]

  "revenue by month in 2025"        the default
  "Which region earned the most?"   "top 2 products by units"   "units of tea per month in the north"

  --csv FILE      any CSV with a header (default: sales.csv beside this program)
  --backup FILE   read when the other one cannot be (default: sales-backup.csv, which ends in September)
  --out FILE      where the chart goes (default chart.svg)
  --break STAGE   nlp, data or viz fails, to see who stands in for it
  --pace MS       lets every stage take so long, to have time for a kill -9
  --help          this text

Kill it at any time: the same command goes on with the stage it was at.`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { csv: { type: 'string' }, backup: { type: 'string' }, out: { type: 'string', default: 'chart.svg' }, break: { type: 'string' }, pace: { type: 'string', default: '0' }, help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) return console.log(help), 0
  if (!values.out.endsWith('.svg')) throw new Error(`--out takes a file that ends in .svg, not '${values.out}'`)
  if (!/^\d{1,5}$/.test(values.pace)) throw new Error(`--pace takes milliseconds, not '${values.pace}'`)
  const broken = stages.find(stage => stage === values.break)
  if (values.break !== undefined && broken === undefined) throw new Error(`--break takes ${stages.join(', ')}, not '${values.break}'`)
  const csv = resolve(values.csv ?? join(import.meta.dirname, 'sales.csv'))
  const backup = values.backup ?? (values.csv === undefined ? join(import.meta.dirname, 'sales-backup.csv') : undefined)
  const task: ReportTask = { question: positionals.join(' ') || 'revenue by month in 2025', out: resolve(values.out) }

  const report = await createReport({ csv, backup, broken, paceMs: Number(values.pace) })
  await using runtime = await createRuntime({ machines: { report }, store: 'sqlite:./data/pipeline/reports.db' })
  const actor = runtime.actor(report, await keyOf(runtime, task, csv))
  await actor.start({ task })
  console.log(task.question)
  let told = 0
  for await (const { snapshot } of actor.watch({ from: 0 })) {
    const { results } = snapshot.context
    results.slice(told).forEach(({ outcome }) => tellMember(outcome))
    told = results.length
  }
  return conclude(await actor.result())
}

/** The run of this very question that has not ended yet, or a new one. */
async function keyOf(runtime: Runtime, task: ReportTask, csv: string): Promise<string> {
  const question = createHash('sha256').update(JSON.stringify([task, csv])).digest('hex').slice(0, 8)
  const { actors } = await runtime.actors({ machine: 'report', status: 'active' })
  const open = actors.find(({ address }) => address.startsWith(`report/${question}-`))
  return open?.address.slice('report/'.length) ?? `${question}-${randomUUID().slice(0, 8)}`
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`pipeline: ${(error as Error).message}`)
  process.exitCode = error instanceof TroupeError ? error.exitCode : 2
}
