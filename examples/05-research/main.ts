import { createHash } from 'node:crypto'
import { statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { TroupeError, createRuntime } from 'troupe'
import type { ActorHandle, Runtime } from 'troupe'
import type { AgentMachine } from 'troupe/agents'
import type { Finding, ResearchTask } from 'troupe/patterns'
import type { Checked } from './claims.ts'
import { Documents } from './documents.ts'
import { reportOf } from './report.ts'
import { createStudy } from './study.ts'

const help = `Answers a question from a folder of documents: eight readers, two editors, one chief; every claim with file and line.

  npx node --conditions=troupe-source examples/05-research/main.ts [question] [options]

  --folder DIR   .md and .txt files (default: this repository's docs)
  --out FILE     where the report goes (default report.md)
  --pace MS      lets every step of a model take so long, to have time for a kill -9
  --help         this text

Kill it at any time: the same command goes on where it was. Asked again, it knows the answer, until the documents change.`

const QUESTION = 'How is a task tried again after a crash?'

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { folder: { type: 'string' }, out: { type: 'string', default: 'report.md' }, pace: { type: 'string', default: '0' }, help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) return console.log(help), 0
  if (!/^\d{1,5}$/.test(values.pace)) throw new Error(`--pace takes milliseconds, not '${values.pace}'`)
  const folder = resolve(values.folder ?? join(import.meta.dirname, '../../docs'))
  const out = resolve(values.out)
  for (const path of [folder, dirname(out)]) if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`there is no folder ${path}`)
  const documents = new Documents(folder)
  const { files: sources } = documents
  const question = positionals.join(' ') || QUESTION
  const key = createHash('sha256').update(JSON.stringify([question, documents.text, process.env['TROUPE_MODEL'] ?? ''])).digest('hex').slice(0, 12)

  await using runtime = await createRuntime({ machines: await createStudy(documents, Number(values.pace)), store: 'sqlite:./data/research/studies.db' })
  const study = await studyOf(runtime, key)
  await study.start({ task: { question, sources } satisfies ResearchTask })
  console.log(`${question}\n${sources.length} ${sources.length === 1 ? 'document' : 'documents'} in ${relative('.', folder) || '.'}\n`)
  await follow(runtime, study)
  const { status, output, reason } = await study.result()
  if (status !== 'done') return console.error(`research: ${reason}`), 1
  const { claims, dropped } = output as Checked
  writeFileSync(out, reportOf({ question, folder, out, documents: sources.length, claims }))
  console.log(`\n${claims.length === 0 ? 'The documents say nothing about it' : `${countOf(claims.length)}, each with file and line`}: ${relative('.', out)}${dropped > 0 ? ` (${dropped} left out: they did not stand where they said)` : ''}`)
  return 0
}

/** The study of these documents by this question: the one at work or done, or a new one after those that have failed. */
async function studyOf(runtime: Runtime<Awaited<ReturnType<typeof createStudy>>>, key: string) {
  for (let attempt = 1; ; attempt++) {
    const study = runtime.actor('study', `${key}-${attempt}`)
    const known = await study.snapshot().catch(() => undefined)
    if (known?.output === undefined || known.output.status === 'done') return study
  }
}

const countOf = (claims: number): string => (claims === 1 ? '1 claim' : `${claims} claims`)

/** Tells what each member has come to, as it does. */
async function follow(runtime: Runtime, study: ActorHandle): Promise<void> {
  const told = new Set<string>()
  for await (const { seq } of study.watch({ from: Math.max(0, (await study.snapshot()).seq - 1) })) {
    if (seq < (await study.snapshot()).seq) continue
    const { actors } = await runtime.actors({ run: study.address, status: 'done' })
    for (const { address } of actors.filter(actor => actor.address !== study.address && !told.has(actor.address))) {
      told.add(address)
      const { output } = await (runtime.at(address) as unknown as ActorHandle<AgentMachine<Finding>>).snapshot()
      const [member = ''] = address.split('/')
      const files = [...new Set(output?.output?.citations.map(({ source }) => source))]
      const text = output?.status === 'done' ? `${countOf(output.output?.citations.length ?? 0)}${member === 'reader' && files.length > 0 ? ` from ${files.join(', ')}` : ''}` : `${output?.status}: ${output?.reason}`
      console.log(`  ${styleText('cyan', member.padEnd(8))}${text}`)
    }
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`research: ${(error as Error).message}`)
  process.exitCode = error instanceof TroupeError ? error.exitCode : 2
}
