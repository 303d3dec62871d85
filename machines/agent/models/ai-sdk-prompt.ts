import type { JSONSchema7, LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4FilePart, LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4TextPart, LanguageModelV4ToolCallPart, LanguageModelV4ToolResultPart, SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { Content, JsonSchema, Message, ModelRequest, ModelSettings, ToolCall } from '../model.ts'

/** A request in the words of the AI SDK. */
export function toCallOptions({ instructions, messages, tools, output, settings }: ModelRequest, model: LanguageModelV4, abortSignal: AbortSignal): LanguageModelV4CallOptions {
  const { toolChoice, stopSequences, ...plain } = settings
  return {
    ...plain,
    ...(stopSequences && { stopSequences: [...stopSequences] }),
    abortSignal,
    prompt: toPrompt(output ? withSchema(instructions, output, model) : instructions, messages),
    ...(output && { responseFormat: { type: 'json', schema: output as JSONSchema7, name: 'output' } }),
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, input }) => ({ type: 'function', name, description, inputSchema: input as JSONSchema7 })),
      toolChoice: toToolChoice(toolChoice),
    }),
  }
}

/** Endpoints of `@ai-sdk/openai-compatible` are taken not to know schemas: the model reads the schema instead. */
function withSchema(instructions: string, output: JsonSchema, model: LanguageModelV4): string {
  const { supportsStructuredOutputs } = model as { supportsStructuredOutputs?: boolean }
  return supportsStructuredOutputs === false ? `${instructions}\n\nAnswer with JSON alone, of this schema:\n${JSON.stringify(output)}` : instructions
}

const toToolChoice = (choice: ModelSettings['toolChoice'] = 'auto'): NonNullable<LanguageModelV4CallOptions['toolChoice']> =>
  typeof choice === 'object' ? { type: 'tool', toolName: choice.tool } : { type: choice }

function toPrompt(instructions: string, messages: readonly Message[]): LanguageModelV4Prompt {
  const prompt: LanguageModelV4Prompt = instructions === '' ? [] : [{ role: 'system', content: instructions }]
  for (const message of messages) {
    const last = prompt.at(-1)
    // Providers want the results of one turn in one message.
    if (message.role === 'tool' && last?.role === 'tool') last.content.push(toToolResult(message))
    else prompt.push(toPromptMessage(message))
  }
  return prompt
}

function toPromptMessage(message: Message): LanguageModelV4Message {
  switch (message.role) {
    case 'user': return { role: 'user', content: toParts(message.content, message.name) }
    case 'tool': return { role: 'tool', content: [toToolResult(message)] }
    case 'assistant': {
      const text: LanguageModelV4TextPart[] = message.content === '' ? [] : [{ type: 'text', text: message.content }]
      return { role: 'assistant', content: [...text, ...message.toolCalls.map(toCallPart)] }
    }
  }
}

/** Names of speakers stand before what they say: most providers have no other place for them. */
function toParts(content: Content, name?: string): (LanguageModelV4TextPart | LanguageModelV4FilePart)[] {
  const speaker = name === undefined ? '' : `${name}: `
  if (typeof content === 'string') return [{ type: 'text', text: speaker + content }]
  const parts = content.map((part): LanguageModelV4TextPart | LanguageModelV4FilePart => {
    if (part.type === 'text') return { type: 'text', text: part.text }
    // A file by URL is the provider's to fetch.
    const data: LanguageModelV4FilePart['data'] = 'url' in part.data ? { type: 'url', url: new URL(part.data.url) } : { type: 'data', data: part.data.base64 }
    return { type: 'file', mediaType: part.mediaType, data }
  })
  return speaker === '' ? parts : [{ type: 'text', text: speaker }, ...parts]
}

const toCallPart = ({ id, tool, input, opaque }: ToolCall): LanguageModelV4ToolCallPart => ({
  type: 'tool-call',
  toolCallId: id,
  toolName: tool,
  // Providers take objects only; what was wrong with a malformed call is said in its result.
  input: input ?? {},
  ...(opaque && { providerOptions: opaque as SharedV4ProviderOptions }),
})

function toToolResult({ callId, tool, result, isError }: Extract<Message, { role: 'tool' }>): LanguageModelV4ToolResultPart {
  const kind = typeof result === 'string' ? 'text' : 'json'
  return {
    type: 'tool-result',
    toolCallId: callId,
    toolName: tool,
    output: { type: isError ? `error-${kind}` : kind, value: result ?? null } as LanguageModelV4ToolResultPart['output'],
  }
}
