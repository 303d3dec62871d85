import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { agent, scriptedModel, toModel } from 'troupe/agents'
import { pipeline } from 'troupe/patterns'
import { z } from 'zod'
import { drawChart, drawText } from './chart.ts'
import { modelOfEnvironment } from './model.ts'
import { evaluate, figures, parseQuestion, querySchema, schemaText } from './query.ts'
import type { Figures, Query } from './query.ts'
import { readTable } from './table.ts'

export const stages = ['nlp', 'data', 'viz'] as const
export type StageName = (typeof stages)[number]

export interface Settings {
  readonly csv: string
  /** Read when `csv` cannot be. */
  readonly backup: string | undefined
  readonly broken: StageName | undefined
  /** Milliseconds that every stage takes at least. */
  readonly paceMs: number
}

export interface ReportTask {
  readonly question: string
  /** Where the chart goes. */
  readonly out: string
}

/** What it comes to. */
export const drawing = z.object({ file: z.string(), figures })
export type Drawing = z.infer<typeof drawing>

/** The offline model: the rules, said as a model would say it. */
const rulesModel = (csv: string) => scriptedModel([({ messages: [asked] }) => JSON.stringify(parseQuestion(asked?.role === 'user' && typeof asked.content === 'string' ? asked.content : '', readTable(csv)))])

/** Something to be done, once: the pipeline says when it is tried again. */
const once = <TTask, TOutput>(run: (task: TTask, signal: AbortSignal) => TOutput | Promise<TOutput>) => task({ retry: 1, run: ({ input, signal }: TaskScope<{ readonly task: TTask }>) => run(input.task, signal) })

/** From a question in words to a chart: understand it, add up the data, draw it. Each stage has somebody to stand in for it. */
export async function createReport({ csv, backup, broken, paceMs }: Settings) {
  const model = toModel((await modelOfEnvironment()) ?? rulesModel(csv))
  const work = async (stage: StageName, signal: AbortSignal): Promise<void> => {
    await sleep(paceMs, undefined, { signal })
    if (stage === broken) throw new Error(`${stage} was broken on purpose`)
  }
  const nlp = agent({
    name: 'nlp', instructions: 'Say which figures answer the question.', output: querySchema,
    model: async (request, scope) => {
      await work('nlp', scope.signal)
      return model({ ...request, instructions: `${request.instructions} ${schemaText(readTable(csv))}` }, scope)
    },
    modelCall: { retry: { attempts: 2, baseMs: 100 } },
  })
  const data = once(async (query: Query, signal) => {
    await work('data', signal)
    return evaluate(query, readTable(csv))
  })
  const viz = once(async ({ title, out, figures: given }: DrawTask, signal) => {
    await work('viz', signal)
    return draw(out, drawChart(title, given), given)
  })
  return pipeline({
    name: 'report',
    stages: [
      {
        name: 'nlp', member: nlp, input: task => (task as ReportTask).question, timeoutMs: 60_000, validate: querySchema,
        healthCheck: once(({ question }: ReportTask) => question.trim() !== ''),
        fallback: once((question: string) => parseQuestion(question, readTable(csv))),
      },
      {
        name: 'data', member: data, timeoutMs: 10_000, retry: { attempts: 2, baseMs: 100 }, validate: figures,
        healthCheck: once(() => readTable(csv).rows.length),
        ...(backup !== undefined && { fallback: once((query: Query) => evaluate(query, readTable(backup))) }),
      },
      {
        name: 'viz', member: viz, input: drawTask, timeoutMs: 10_000, retry: { attempts: 2, baseMs: 100 }, validate: drawing,
        healthCheck: once(({ out }: ReportTask) => (accessSync(dirname(out), constants.W_OK), true)),
        fallback: once(({ title, out, figures: given }: DrawTask) => draw(out.replace(/\.svg$/, '.txt'), `${title}\n\n${drawText(given)}`, given)),
      },
    ],
  })
}

interface DrawTask {
  readonly title: string
  readonly out: string
  readonly figures: Figures
}

const drawTask = (task: unknown, previous: unknown): DrawTask => ({ title: (task as ReportTask).question, out: (task as ReportTask).out, figures: previous as Figures })

function draw(file: string, content: string, given: Figures): Drawing {
  writeFileSync(file, content)
  return { file, figures: given }
}
