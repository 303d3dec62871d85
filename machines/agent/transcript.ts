import type { AgentContext } from './context.ts'
import type { Message, ModelReply, ToolCall } from './model.ts'

export const toolMessage = ({ id, tool }: Pick<ToolCall, 'id' | 'tool'>, result: unknown, isError = false): Message => ({ role: 'tool', callId: id, tool, result, isError })

export const errorMessage = (call: Pick<ToolCall, 'id' | 'tool'>, reason: string): Message => toolMessage(call, { error: reason }, true)

/** What the agent itself says to the model, in the only role that every model hears. */
export const remark = (content: string): Message => ({ role: 'user', name: 'agent', content })

export const saidBy = (agent: string, { text }: ModelReply, toolCalls: readonly ToolCall[]): Message => ({ role: 'assistant', content: text, toolCalls, agent })

/** The calls of an answer under ids that nothing in the conversation has: models use theirs again, or give none. */
export function nameCalls(calls: readonly ToolCall[], { messages, revision }: Pick<AgentContext, 'messages' | 'revision'>): readonly ToolCall[] {
  const taken = new Set(['', ...messages.flatMap(message => (message.role === 'tool' ? [message.callId] : []))])
  return calls.map((call, index) => {
    let { id } = call
    while (taken.has(id)) id = `${id || 'call'}.${revision}.${index}`
    taken.add(id)
    return id === call.id ? call : { ...call, id }
  })
}

/** Where a conversation may be cut: at a user's words, so that no result stands without its call. */
export function cutBefore(messages: readonly Message[], from: number, keep: number): number {
  const wanted = Math.max(from, messages.length - keep)
  for (let index = wanted; index < messages.length; index++) if (messages[index]?.role === 'user') return index
  for (let index = wanted; index > from; index--) if (messages[index]?.role === 'user') return index
  for (let index = wanted; index > from; index--) if (messages[index]?.role === 'assistant') return index
  return from
}
