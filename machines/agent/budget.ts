import { addUsage } from '../outcome.ts'
import type { Usage } from '../outcome.ts'
import type { AgentContext, Ending } from './context.ts'

/** What one piece of work (the task, or a turn of a session) may use. Looked at before each model call. */
export interface Budget {
  /** Input and output tokens together. Default: no limit. */
  readonly tokensMax?: number
  /** By the price table. Default: no limit. */
  readonly costUsdMax?: number
  /** Model calls. Default 25. */
  readonly turnsMax?: number
  /** Milliseconds from its beginning, waiting for people included. Default: no limit. */
  readonly wallMs?: number
}

export const TURNS_MAX = 25

export const outOfBudget = (reason: string): Ending => ({ status: 'out-of-budget', output: null, reason })

/** Adds what was used to the work at hand and to the agent's life. */
export const spend = ({ work, usage }: AgentContext, used: Partial<Usage>): Pick<AgentContext, 'work' | 'usage'> => {
  const all: Usage = { inputTokens: 0, outputTokens: 0, modelCalls: 0, toolCalls: 0, costUsd: 0, ...used }
  return { work: { ...work, usage: addUsage(work.usage, all) }, usage: addUsage(usage, all) }
}

/** Why another model call would exceed the budget; null when it fits, as far as can be known before. */
export function excessOf({ work: { usage, lastTokens } }: AgentContext, { tokensMax = Infinity, costUsdMax = Infinity, turnsMax = TURNS_MAX }: Budget): string | null {
  const tokens = usage.inputTokens + usage.outputTokens
  if (usage.modelCalls >= turnsMax) return `${usage.modelCalls} model calls were made, the budget's turnsMax`
  if (usage.costUsd >= costUsdMax) return `USD ${usage.costUsd} were spent of the budget's costUsdMax of ${costUsdMax}`
  // The next call reads at least what the last one has read and said.
  if (tokens >= tokensMax || tokens + lastTokens > tokensMax) return `${tokens} tokens were used and the next call has at least ${lastTokens}: more than the budget's tokensMax of ${tokensMax}`
  return null
}
