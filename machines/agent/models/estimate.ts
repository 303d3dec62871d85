import type { Message, ModelReply, ModelRequest } from '../model.ts'

/** A rule of thumb for English in current tokenisers (https://platform.openai.com/tokenizer); other languages have fewer. */
const CHARS_PER_TOKEN = 4

/** About how many tokens a request has, without asking anybody. Files count as their reference, or their base64. */
export function estimateTokens({ instructions, messages, tools, output }: ModelRequest): number {
  const size = messages.reduce((sum, message) => sum + charsOf(message), 0)
  return Math.ceil((instructions.length + size + listChars(tools) + textOf(output).length) / CHARS_PER_TOKEN)
}

/** Usage of a step whose provider does not report it, so that budgets hold there too. */
export const estimateUsage = (request: ModelRequest, reply: Pick<ModelReply, 'text' | 'toolCalls'>): ModelReply['usage'] => ({
  inputTokens: estimateTokens(request),
  outputTokens: Math.ceil((reply.text.length + listChars(reply.toolCalls)) / CHARS_PER_TOKEN),
})

function charsOf(message: Message): number {
  switch (message.role) {
    case 'user': return textOf(message.content).length
    case 'assistant': return message.content.length + listChars(message.toolCalls)
    case 'tool': return textOf(message.result).length
  }
}

const listChars = (list: readonly unknown[]): number => (list.length === 0 ? 0 : textOf(list).length)

/** A value as a model reads it: text as it is, the rest as JSON. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
