/**
 * One step of an AI SDK language model, through the provider's own port (`doStream`, `doGenerate`): the SDK's loop,
 * retries, tool execution and downloads are not between, because tasks and the agent's statechart do all that durably.
 * The package `ai` is needed only for gateway ids and for models of earlier specifications.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4ToolCall, LanguageModelV4Usage } from '@ai-sdk/provider'
import { TroupeError } from '../../../src/core/errors.ts'
import type { FinishReason, Model, ModelReply, ModelRequest, ModelScope, ToolCall } from '../model.ts'
import { modelFailure } from './ai-sdk-failure.ts'
import { toCallOptions } from './ai-sdk-prompt.ts'
import { estimateUsage } from './estimate.ts'

/** A language model of AI SDK 7 by its shape, so that declarations compile without `ai`; or the id of one at its gateway. */
export type AiSdkModel = string | {
  readonly specificationVersion: 'v2' | 'v3' | 'v4'
  readonly provider: string
  readonly modelId: string
  doGenerate(options: never): PromiseLike<unknown>
  doStream(options: never): PromiseLike<unknown>
}

export interface AiSdkOptions {
  /** False for endpoints that cannot stream: the text is told in one piece then. Default true. */
  readonly stream?: boolean
}

/** A model of an AI SDK language model. Throws `model/failed`, `model/refused`, and `config/invalid` where `ai` is missing. */
export function aiSdkModel(given: AiSdkModel, { stream = true }: AiSdkOptions = {}): Model {
  const modelId = typeof given === 'string' ? given : given.modelId
  let resolved: Promise<LanguageModelV4> | undefined
  const step = async (request: ModelRequest, scope: ModelScope): Promise<ModelReply> => {
    resolved ??= resolveModel(given)
    const model = await resolved
    try {
      const options = toCallOptions(request, model, scope.signal)
      const said = await (stream ? streamed(model, options, scope) : generated(model, options, scope))
      return toReply(request, said)
    } catch (error) {
      scope.signal.throwIfAborted()
      throw modelFailure(modelId, error)
    }
  }
  return Object.assign(step, { modelId })
}

async function resolveModel(given: AiSdkModel): Promise<LanguageModelV4> {
  if (typeof given !== 'string' && given.specificationVersion === 'v4') return given as unknown as LanguageModelV4
  const what = typeof given === 'string' ? `the model "${given}" of the AI gateway` : `the model "${given.modelId}" of specification ${given.specificationVersion}`
  const sdk = await import('ai').catch((cause: unknown) => {
    throw new TroupeError('config/invalid', `${what} needs the package "ai": npm install ai`, { cause })
  })
  const provider = globalThis.AI_SDK_DEFAULT_PROVIDER ?? sdk.gateway
  const model = typeof given === 'string' ? provider.languageModel(given) : (given as unknown as Parameters<typeof sdk.wrapLanguageModel>[0]['model'])
  return sdk.wrapLanguageModel({ model, middleware: [] })
}

/** What a model has said, of either way. */
interface Said {
  readonly text: string
  readonly calls: readonly LanguageModelV4ToolCall[]
  readonly usage: LanguageModelV4Usage
  readonly finish: LanguageModelV4FinishReason
}

async function streamed(model: LanguageModelV4, options: LanguageModelV4CallOptions, scope: ModelScope): Promise<Said> {
  const { stream } = await model.doStream(options)
  const calls: LanguageModelV4ToolCall[] = []
  let text = ''
  let end: Extract<LanguageModelV4StreamPart, { type: 'finish' }> | undefined
  for await (const part of stream) {
    scope.signal.throwIfAborted()
    if (part.type === 'error') throw part.error
    if (part.type === 'tool-call') calls.push(part)
    if (part.type === 'finish') end = part
    if (part.type === 'text-delta') {
      text += part.delta
      scope.onText(part.delta)
    }
  }
  // Providers begin with `other` and no word of their own, and keep it where the stream gives none.
  if (!end || (end.finishReason.unified === 'other' && end.finishReason.raw === undefined)) throw new Error('the stream broke off before its end')
  return { text, calls, usage: end.usage, finish: end.finishReason }
}

async function generated(model: LanguageModelV4, options: LanguageModelV4CallOptions, scope: ModelScope): Promise<Said> {
  const { content, usage, finishReason } = await model.doGenerate(options)
  const text = content.map(part => (part.type === 'text' ? part.text : '')).join('')
  if (text !== '') scope.onText(text)
  return { text, calls: content.filter(isToolCall), usage, finish: finishReason }
}

const isToolCall = (part: LanguageModelV4Content): part is LanguageModelV4ToolCall => part.type === 'tool-call'

function toReply(request: ModelRequest, { text, calls, usage, finish }: Said): ModelReply {
  if (finish.unified === 'error' || finish.unified === 'interrupted') throw new Error(`the answer ended with "${finish.raw ?? finish.unified}"`)
  // What the provider itself has run is part of its answer.
  const toolCalls = calls.filter(call => !call.providerExecuted).map(toToolCall(namesIn(request)))
  const estimate = estimateUsage(request, { text, toolCalls })
  return {
    text,
    toolCalls,
    finish: finish.unified satisfies FinishReason,
    usage: { inputTokens: usage.inputTokens.total ?? estimate.inputTokens, outputTokens: usage.outputTokens.total ?? estimate.outputTokens },
  }
}

const namesIn = ({ messages }: ModelRequest): Set<string> => new Set(messages.flatMap(message => (message.role === 'assistant' ? message.toolCalls.map(({ id }) => id) : [])))

const toToolCall = (taken: Set<string>) => ({ toolCallId, toolName: tool, input, providerMetadata }: LanguageModelV4ToolCall): ToolCall => {
  const call = { id: unique(toolCallId, taken), tool, ...(providerMetadata && { opaque: providerMetadata }) }
  try {
    // Models write nothing for a tool without parameters.
    return { ...call, input: input.trim() === '' ? {} : (JSON.parse(input) as unknown) }
  } catch {
    return { ...call, input: null, malformed: input }
  }
}

/** Some servers count calls anew in every answer, or name them all alike. */
function unique(id: string, taken: Set<string>): string {
  let name = id
  for (let count = 2; taken.has(name); count++) name = `${id}-${count}`
  taken.add(name)
  return name
}
