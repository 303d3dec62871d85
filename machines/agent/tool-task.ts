import { task } from '../../src/core/task.ts'
import type { TaskScope } from '../../src/core/task.ts'
import { issuesOf } from './answer.ts'
import { TOOL_TIMEOUT_MS } from './limits.ts'
import type { Tool } from './tool.ts'

export interface ToolInput {
  readonly callId: string
  readonly input: unknown
  readonly data: unknown
}

export interface ToolResult {
  readonly result: unknown
  readonly isError: boolean
}

const refuse = (error: string): ToolResult => ({ result: { error }, isError: true })

/** The calls of a tool as durable tasks. What is wrong with a call or a result is a result that says so, for the model. */
export const toolTask = (tool: Tool, resultBytesMax: number) =>
  task({
    retry: tool.retry ?? 1,
    timeout: tool.timeoutMs ?? TOOL_TIMEOUT_MS,
    ...(tool.queue !== undefined && { queue: tool.queue }),
    async run(scope: TaskScope<ToolInput>): Promise<ToolResult> {
      const { callId, data, input } = scope.input
      if (!tool.idempotent && scope.attempt > 1) return refuse(`the call was interrupted by a crash: ${tool.name} may have done its work, or not, and is not run twice`)
      const checked = await tool.input.safeParseAsync(input)
      if (!checked.success) return refuse(issuesOf(checked.error))
      const output = await tool.run(checked.data, {
        callId,
        data,
        attempt: scope.attempt,
        idempotencyKey: scope.idempotencyKey,
        progress: details => scope.progress(details),
        get signal() {
          return scope.signal
        },
      })
      return resultOf(tool, output, tool.resultBytesMax ?? resultBytesMax)
    },
  })

async function resultOf({ name, output: schema }: Tool, output: unknown, bytesMax: number): Promise<ToolResult> {
  const checked = await schema?.safeParseAsync(output)
  if (checked?.success === false) return refuse(`${name} gave back what it must not: ${issuesOf(checked.error)}`)
  // A string this long need not be written as JSON to know that it is too long.
  const tooLong = (bytes: number): ToolResult => refuse(`the result of ${name} has ${bytes} bytes or more, the limit is ${bytesMax}: ask for less`)
  if (typeof output === 'string' && output.length > bytesMax) return tooLong(output.length)
  const text = textOf(checked ? checked.data : output)
  if (text === undefined) return refuse(`the result of ${name} cannot be written as JSON`)
  const bytes = new TextEncoder().encode(text).length
  return bytes > bytesMax ? tooLong(bytes) : { result: JSON.parse(text) as unknown, isError: false }
}

function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value ?? null)
  } catch {
    return undefined
  }
}
