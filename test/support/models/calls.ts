import type { Message, ModelRequest, ModelScope } from 'troupe/agents'

/** A request with a user's text, and what else matters to the test. */
export const asking = (text: string, rest: Partial<ModelRequest> = {}): ModelRequest => ({ instructions: 'Be brief.', messages: [{ role: 'user', content: text }], tools: [], settings: {}, ...rest })

export const assistant = (content: string): Message => ({ role: 'assistant', content, toolCalls: [] })

/** The scope of one attempt, and the text that it tells. */
export function listening(rest: Partial<ModelScope> = {}): { readonly scope: ModelScope; readonly told: string[] } {
  const told: string[] = []
  return { told, scope: { signal: new AbortController().signal, idempotencyKey: 'key', attempt: 1, onText: delta => told.push(delta), ...rest } }
}
