import type { AgentContext, Summary } from './context.ts'
import type { Message, Model, ModelRequest } from './model.ts'
import { cutBefore, remark } from './transcript.ts'

/**
 * What of the conversation the model sees. The conversation itself is kept whole.
 * A policy is data: `{ kind: 'window', messagesMax: 50 }`.
 */
export type Memory =
  /** Everything. */
  | { readonly kind: 'all' }
  /** The newest messages. */
  | { readonly kind: 'window'; readonly messagesMax: number }
  /** The newest messages that have at most so many tokens, by `estimate` (default: four characters each). */
  | { readonly kind: 'tokens'; readonly tokensMax: number; readonly estimate?: (message: Message) => number }
  /** Once more than `messagesMax` stand there, all but the newest `keep` become a summary, by a model call of its own. */
  | { readonly kind: 'summarise'; readonly messagesMax: number; readonly keep: number; readonly model?: Model; readonly instructions?: string }
  /** A pure function of yours. */
  | { readonly kind: 'custom'; readonly view: (messages: readonly Message[], data: unknown) => readonly Message[] }

const CHARS_PER_TOKEN = 4
const SUMMARY_INSTRUCTIONS = 'Summarise the conversation for somebody who has to go on with it. Keep names, numbers, decisions, open questions and what was promised. Answer with the summary alone.'

const estimateTokens = (message: Message): number => Math.ceil(JSON.stringify(message).length / CHARS_PER_TOKEN)

/** The messages that a model sees. */
export function viewOf({ messages, summary, data }: AgentContext, memory: Memory): readonly Message[] {
  switch (memory.kind) {
    case 'all':
      return messages
    case 'window':
      return since(messages, messages.length - memory.messagesMax)
    case 'tokens':
      return newestWithin(messages, memory.tokensMax, memory.estimate ?? estimateTokens)
    case 'summarise':
      return summary ? [remark(`What was said before, in short:\n${summary.text}`), ...messages.slice(summary.upTo)] : messages
    case 'custom':
      return memory.view(messages, data)
  }
}

/** The messages from an index on, from the first words of the user there; what the user has asked last is never missing. */
function since(messages: readonly Message[], from: number): readonly Message[] {
  const view = messages.slice(Math.max(0, from))
  const words = view.findIndex(({ role }) => role === 'user')
  if (words >= 0) return view.slice(words)
  // In the midst of a long turn: no result may stand there without its call.
  const whole = view.findIndex(({ role }) => role !== 'tool')
  return [...messages.filter(({ role }) => role === 'user').slice(-1), ...(whole < 0 ? [] : view.slice(whole))]
}

/** The newest messages that have no more than this together. */
export function newestWithin(messages: readonly Message[], max: number, sizeOf: (message: Message) => number): readonly Message[] {
  let first = messages.length
  for (let left = max; first > 0; first--) {
    left -= sizeOf(messages[first - 1] as Message)
    if (left < 0) break
  }
  return first === 0 ? messages : since(messages, first)
}

/** Up to where the conversation is to be summarised now; undefined when there is no need. */
export function summaryDue({ messages, summary }: AgentContext, memory: Memory): number | undefined {
  if (memory.kind !== 'summarise') return undefined
  const from = summary?.upTo ?? 0
  if (messages.length - from <= memory.messagesMax) return undefined
  const upTo = cutBefore(messages, from, memory.keep)
  return upTo > from ? upTo : undefined
}

/** What the summariser reads. */
export function summaryRequest({ messages, summary }: AgentContext, memory: Memory, upTo: number): ModelRequest {
  const before = summary ? [`Summary of what came before:\n${summary.text}`] : []
  const text = [...before, ...messages.slice(summary?.upTo ?? 0, upTo).map(textOf)].join('\n\n')
  const instructions = memory.kind === 'summarise' ? memory.instructions : undefined
  return { instructions: instructions ?? SUMMARY_INSTRUCTIONS, messages: [{ role: 'user', content: text }], tools: [], settings: {} }
}

export const newSummary = (text: string, upTo: number): Summary => ({ text, upTo })

function textOf(message: Message): string {
  switch (message.role) {
    case 'user':
      return `${message.name ?? 'user'}: ${typeof message.content === 'string' ? message.content : message.content.map(part => (part.type === 'text' ? part.text : `[${part.mediaType}]`)).join(' ')}`
    case 'assistant':
      return `assistant: ${message.content}${message.toolCalls.map(({ tool, input }) => `\n[calls ${tool} ${JSON.stringify(input)}]`).join('')}`
    case 'tool':
      return `${message.tool}: ${JSON.stringify(message.result)}`
  }
}
