import type { AgentContext } from './context.ts'
import { summaryDue, summaryRequest, viewOf } from './memory.ts'
import type { ModelRequest } from './model.ts'
import type { AgentSettings } from './options.ts'

/** What the model is asked next. */
export const requestOf = (context: AgentContext, { instructionsFor, memory, specs, settings = {}, schema, hints }: AgentSettings): ModelRequest => ({
  instructions: instructionsFor(context.data),
  messages: viewOf(context, memory),
  tools: specs,
  settings,
  ...(schema && { output: schema }),
  ...(hints && { hints }),
})

/** What the summariser is asked: only where memory is summed up. */
export const summaryRequestOf = (context: AgentContext, { memory }: AgentSettings): ModelRequest => summaryRequest(context, memory, summaryDue(context, memory) ?? 0)
