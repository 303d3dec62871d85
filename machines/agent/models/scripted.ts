import { TroupeError } from '../../../src/core/errors.ts'
import type { FinishReason, Model, ModelReply, ModelRequest, ModelScope, ToolCall } from '../model.ts'
import { estimateUsage, textOf } from './estimate.ts'

/** One step of a script. Text and tool calls as the model says them; the rest is how it misbehaves. */
export interface ScriptedReply {
  readonly text?: string
  /** Default id: `call-<step>-<position>`. */
  readonly toolCalls?: readonly { readonly tool: string; readonly input?: unknown; readonly id?: string; readonly malformed?: string }[]
  /** Default: `tool-calls` where there are any, else `stop`. */
  readonly finish?: FinishReason
  /** Default: estimated from the request and the reply. */
  readonly usage?: ModelReply['usage']
  /** Pieces that the text is streamed in. Default: one for each word. */
  readonly chunks?: number
  /** Turns of the event loop before each piece. Default 0: all at once. */
  readonly turns?: number
  /** Fails this many attempts of the call before it succeeds, after half of the text. */
  readonly failures?: number
  /** Fails every attempt: with this error, or with `model/failed` and this message. */
  readonly throws?: string | Error
  /** Answers nothing until it is aborted. */
  readonly hangs?: boolean
}

type Scripted = string | ScriptedReply

/** A reply, or a function that makes it of the request. */
export type ScriptStep = Scripted | ((request: ModelRequest, scope: ModelScope) => Scripted | PromiseLike<Scripted>)

/** What to reply where the last message contains a text, matches an expression, or fits a condition. */
export interface ScriptRule {
  readonly when: string | RegExp | ((request: ModelRequest) => boolean)
  readonly reply: ScriptStep
}

export interface ScriptOptions {
  /** Default `scripted`. */
  readonly modelId?: string
}

/**
 * A deterministic model for tests and demos. A list of steps is read by the number of replies that the conversation holds
 * already, rules by its last message (the first that fits): the model keeps no state, so that restarts, retries and copies
 * of it on other nodes say the same. Throws `model/unscripted` where the script has nothing to say.
 *
 * @example
 * scriptedModel([{ toolCalls: [{ tool: 'add', input: { a: 1, b: 2 } }] }, 'It is 3.'])
 * scriptedModel({ rules: [{ when: /refund/i, reply: 'Gladly.' }], otherwise: 'Pardon?' })
 */
export function scriptedModel(script: readonly ScriptStep[] | { readonly rules: readonly ScriptRule[]; readonly otherwise?: ScriptStep }, { modelId = 'scripted' }: ScriptOptions = {}): Model {
  const choose = 'rules' in script
    ? (request: ModelRequest) => script.rules.find(rule => fits(rule.when, request))?.reply ?? script.otherwise
    : (request: ModelRequest) => script[repliesIn(request)]
  const model = async (request: ModelRequest, scope: ModelScope): Promise<ModelReply> => {
    const step = choose(request)
    if (step === undefined) throw unscripted(modelId, script, request)
    const scripted = typeof step === 'function' ? await step(request, scope) : step
    return perform(typeof scripted === 'string' ? { text: scripted } : scripted, request, scope)
  }
  return Object.assign(model, { modelId })
}

async function perform(scripted: ScriptedReply, request: ModelRequest, scope: ModelScope): Promise<ModelReply> {
  const { text = '', throws, failures = 0, turns = 0 } = scripted
  if (scripted.hangs) await aborted(scope.signal)
  const pieces = inPieces(text, scripted.chunks)
  const fails = throws !== undefined || scope.attempt <= failures
  for (const piece of fails ? pieces.slice(0, Math.ceil(pieces.length / 2)) : pieces) {
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    scope.signal.throwIfAborted()
    scope.onText(piece)
  }
  if (throws instanceof Error) throw throws
  if (fails) throw new TroupeError('model/failed', throws ?? `the script lets attempt ${scope.attempt} fail, as it does the first ${failures}`)
  const toolCalls = (scripted.toolCalls ?? []).map((call, index): ToolCall => ({
    id: call.id ?? `call-${repliesIn(request) + 1}-${index + 1}`,
    tool: call.tool,
    input: call.malformed === undefined ? (call.input ?? {}) : null,
    ...(call.malformed !== undefined && { malformed: call.malformed }),
  }))
  const finish = scripted.finish ?? (toolCalls.length > 0 ? 'tool-calls' : 'stop')
  return { text, toolCalls, finish, usage: scripted.usage ?? estimateUsage(request, { text, toolCalls }) }
}

const repliesIn = ({ messages }: ModelRequest): number => messages.filter(({ role }) => role === 'assistant').length

function fits(when: ScriptRule['when'], request: ModelRequest): boolean {
  if (typeof when === 'function') return when(request)
  const text = lastText(request)
  // `search`, because `test` of an expression with a `g` remembers where it was.
  return typeof when === 'string' ? text.includes(when) : text.search(when) >= 0
}

function lastText({ messages }: ModelRequest): string {
  const last = messages.at(-1)
  return last === undefined ? '' : textOf(last.role === 'tool' ? last.result : last.content)
}

/** By words, or in so many pieces of about one length. */
export function inPieces(text: string, count?: number): readonly string[] {
  if (count === undefined) return text.match(/\s*\S+\s*$|\s*\S+/g) ?? (text === '' ? [] : [text])
  const size = Math.max(1, Math.ceil(text.length / Math.max(1, count)))
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size))
}

const aborted = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => {
  const give = (): void => reject(signal.reason as Error)
  if (signal.aborted) give()
  else signal.addEventListener('abort', give, { once: true })
})

const EXCERPT_CHARS = 200

function unscripted(modelId: string, script: Parameters<typeof scriptedModel>[0], request: ModelRequest): TroupeError {
  const said = JSON.stringify(lastText(request).slice(0, EXCERPT_CHARS))
  const why = 'rules' in script
    ? `none of its ${script.rules.length} rules fits`
    : `its replies end with number ${script.length}, and the conversation asks for number ${repliesIn(request) + 1}`
  return new TroupeError('model/unscripted', `the script of model "${modelId}" has no reply: ${why}; the last message is ${said}`)
}
