/** What the agents say offline: rules in place of a language model. They quote, and choose; they make nothing up. */
import { scriptedModel } from 'troupe/agents'
import type { ModelRequest } from 'troupe/agents'
import type { SynthesisTask, WorkerTask } from 'troupe/patterns'
import { claimsOf, findingOf } from './claims.ts'
import type { Claim } from './claims.ts'
import { wordsOf } from './documents.ts'
import type { Hit } from './documents.ts'

const READ_MAX = 4
const CLAIMS_MAX = 8
const WORDS_OF_A_SENTENCE = 10

const taskOf = <T>({ messages: [asked] }: ModelRequest): T => JSON.parse(asked?.role === 'user' && typeof asked.content === 'string' ? asked.content : 'null') as T
const resultsOf = <T>({ messages }: ModelRequest, tool: string): readonly T[] => messages.flatMap(message => (message.role === 'tool' && message.tool === tool && !message.isError ? [message.result as T] : []))

/** How much a text has to do with a question: the words they share, for its length. */
const closeness = (question: unknown, text: string): number => {
  const asked = wordsOf(String(question))
  const words = wordsOf(text)
  return words.filter(word => asked.includes(word)).length / Math.sqrt(words.length + WORDS_OF_A_SENTENCE)
}

/** Looks for the words of the question, reads what stands around them, and quotes the best sentence of each line. */
export const readerRules = scriptedModel([
  request => {
    const { question, sources } = taskOf<WorkerTask>(request)
    return { toolCalls: [{ tool: 'list_documents' }, { tool: 'search', input: { words: String(question), files: sources } }] }
  },
  request => {
    const hits = resultsOf<readonly Hit[]>(request, 'search').flat().slice(0, READ_MAX)
    return hits.length === 0 ? JSON.stringify(findingOf([])) : { toolCalls: hits.map(({ file, line }) => ({ tool: 'read_lines', input: { file, from: line, to: line + 2 } })) }
  },
  request => {
    const { question } = taskOf<WorkerTask>(request)
    const hits = resultsOf<readonly Hit[]>(request, 'search').flat().slice(0, READ_MAX)
    const read = resultsOf<readonly { readonly line: number; readonly text: string }[]>(request, 'read_lines')
    return JSON.stringify(findingOf(hits.flatMap(({ file, line }, index) => claimIn(question, file, line, read[index]?.[0]?.text ?? ''))))
  },
])

function claimIn(question: unknown, source: string, line: number, text: string): readonly Claim[] {
  const sentences = text.replace(/^\s*(?:[-*]|\d+\.)\s+/, '').split(/(?<=[.!?])\s+(?=[A-Z`*])/)
  const best = sentences.toSorted((a, b) => closeness(question, b) - closeness(question, a))[0] ?? ''
  return best === '' ? [] : [{ text: best.replaceAll('**', '').replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1'), source, line, quote: best }]
}

/** Keeps the claims that have most to do with the question, each once: what editors do, and the chief. */
export const editorRules = scriptedModel([request => {
  const { question, findings } = taskOf<SynthesisTask>(request)
  const claims = findings.flatMap(claimsOf).toSorted((a, b) => closeness(question, b.text) - closeness(question, a.text))
  return JSON.stringify(findingOf(claims.filter((claim, index) => claims.findIndex(({ text }) => text === claim.text) === index).slice(0, CLAIMS_MAX)))
}])

