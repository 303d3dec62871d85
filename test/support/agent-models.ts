import type { Model, ModelReply, ModelRequest, ToolCall } from 'troupe/agents'

export const usage = { inputTokens: 10, outputTokens: 5 }

export const words = (text: string): ModelReply => ({ text, toolCalls: [], finish: 'stop', usage })

export const calls = (...wanted: readonly (readonly [tool: string, input: unknown, id?: string])[]): ModelReply => ({
  text: '',
  toolCalls: wanted.map(([tool, input, id], index): ToolCall => ({ id: id ?? `c${index + 1}`, tool, input })),
  finish: 'tool-calls',
  usage,
})

type Line = ModelReply | Error | ((request: ModelRequest) => ModelReply)

/** A model that says these lines one after the other, the last one again and again; with the requests it was given. */
export function modelOf(...lines: readonly Line[]): Model & { readonly requests: ModelRequest[] } {
  const requests: ModelRequest[] = []
  const model: Model = async request => {
    requests.push(request)
    const line = lines[Math.min(requests.length, lines.length) - 1] as Line
    if (line instanceof Error) throw line
    return typeof line === 'function' ? line(request) : line
  }
  return Object.assign(model, { requests })
}
