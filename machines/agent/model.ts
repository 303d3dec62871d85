/** JSON Schema, draft 2020-12, as `z.toJSONSchema` makes it. */
export type JsonSchema = Readonly<Record<string, unknown>>

export interface TextPart {
  readonly type: 'text'
  readonly text: string
}

/** A file in a message: by URL, or its bytes as base64. */
export interface FilePart {
  readonly type: 'file'
  /** IANA media type, such as `image/png`. */
  readonly mediaType: string
  readonly data: { readonly url: string } | { readonly base64: string }
}

export type Content = string | readonly (TextPart | FilePart)[]

/** A tool that the model wants called. */
export interface ToolCall {
  /** As the model has named it; unique within the conversation. */
  readonly id: string
  readonly tool: string
  readonly input: unknown
  /** What the model wrote, where that was no JSON; then `input` is null. */
  readonly malformed?: string
  /** What the provider wants back with the call, as it gave it (thought signatures). Nobody else reads it. */
  readonly opaque?: Readonly<Record<string, unknown>>
}

export type Message =
  | { readonly role: 'user'; readonly content: Content; readonly name?: string }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls: readonly ToolCall[]; readonly agent?: string }
  | { readonly role: 'tool'; readonly callId: string; readonly tool: string; readonly result: unknown; readonly isError: boolean }

/** A tool as the model is told of it. */
export interface ToolSpec {
  readonly name: string
  readonly description: string
  readonly input: JsonSchema
}

export interface ModelSettings {
  readonly temperature?: number
  readonly maxOutputTokens?: number
  readonly topP?: number
  readonly seed?: number
  readonly stopSequences?: readonly string[]
  /** `required`: some tool must be called; a name: that one. Default `auto`. */
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly tool: string }
}

/** One step of a model: what it reads. */
export interface ModelRequest {
  readonly instructions: string
  readonly messages: readonly Message[]
  readonly tools: readonly ToolSpec[]
  /** The answer is to be JSON of this schema. */
  readonly output?: JsonSchema
  readonly settings: ModelSettings
  /** What is known of the work, for a model that routes by it. */
  readonly hints?: ModelHints
}

export interface ModelHints {
  /** In words of the application: `code`, `summarise`. */
  readonly taskType?: string
  /** How hard it is, from 1 to 10. */
  readonly complexity?: number
}

export interface ModelScope {
  /** Aborted when the call is cancelled or times out. */
  readonly signal: AbortSignal
  /** The same on every attempt of the call. */
  readonly idempotencyKey: string
  /** 1 for the first. */
  readonly attempt: number
  /** Tells text as it comes; kept nowhere. */
  onText(delta: string): void
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'error' | 'other'

/** One step of a model: what it says. */
export interface ModelReply {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  readonly finish: FinishReason
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  /** The model that answered, by which it is paid; absent where that is the one that was called. */
  readonly modelId?: string
}

/**
 * A model is a function of one step: from a conversation to the next message. It has no memory and no loop of its own.
 * What it throws with `retryable: false` is not tried again; what has a `retryAfterMs` in its `details`, not before then.
 */
export interface Model {
  (request: ModelRequest, scope: ModelScope): PromiseLike<ModelReply>
  /** By which the price table knows it. Default: `unnamed`. */
  readonly modelId?: string
}
