import { setTimeout as sleep } from 'node:timers/promises'
import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { agent, toModel } from 'troupe/agents'
import type { AnyModel, Model } from 'troupe/agents'
import { finding, pipeline, research } from 'troupe/patterns'
import type { Finding } from 'troupe/patterns'
import { check } from './claims.ts'
import { createTools } from './documents.ts'
import type { Documents } from './documents.ts'
import { modelOfEnvironment } from './model.ts'
import { editorRules, readerRules } from './rules.ts'

const FORM = 'Answer with JSON. `text` is a Markdown list: each line is one claim in a sentence and ends with the place it stands, such as [guide/setup.md:12]. `citations` has source, line and quote of each claim; a quote is copied letter by letter from that one line.'

/** Eight readers, two editors, one chief; then every quote is looked up where it is said to stand. */
export async function createStudy(documents: Documents, paceMs: number) {
  const real = await modelOfEnvironment()
  const slowly = (model: AnyModel): Model => {
    const step = toModel(model)
    return async (request, scope) => (await sleep(paceMs, undefined, { signal: scope.signal }), step(request, scope))
  }
  const reader = agent({
    name: 'reader', instructions: `You read documents to answer a question: search your sources, read around what you find, and say what they say about it. ${FORM} Without anything to say, both are empty.`,
    model: slowly(real ?? readerRules), tools: createTools(documents), output: finding, budget: { turnsMax: 12 },
  })
  const editor = agent({
    name: 'editor', instructions: `You bring together what readers have found: keep what answers the question, drop what is said twice. ${FORM} Cite only what they cite.`,
    model: slowly(real ?? editorRules), output: finding, budget: { turnsMax: 4 },
  })
  const chief = agent({
    name: 'chief', instructions: `You answer a question from the reports of your editors: what matters most comes first. ${FORM} Cite only what they cite.`,
    model: slowly(real ?? editorRules), output: finding, budget: { turnsMax: 4 },
  })
  const study = pipeline({
    name: 'study',
    stages: [
      { name: 'research', member: research({ name: 'research', worker: 'reader', synthesiser: 'editor', executive: 'chief' }), timeoutMs: 3_600_000 },
      { name: 'check', member: task({ run: ({ input }: TaskScope<{ readonly task: Finding }>) => check(input.task, documents) }) },
    ],
  })
  return { study, reader, editor, chief }
}
