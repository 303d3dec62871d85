import { TroupeError } from '../../src/core/errors.ts'

/** Every bound of an agent, with its unit in the name. */
export interface AgentLimits {
  /** User messages that wait while the agent works; a further one is refused. */
  readonly queueMax: number
  /** Answers in a row that the model may mend: wrong arguments, unknown tools, JSON that does not fit, nothing at all. */
  readonly repairsMax: number
  /** Times that the same tool may be called with the same input in one piece of work. */
  readonly repeatsMax: number
  /** Tool calls of one answer; further ones are not carried out. */
  readonly callsMax: number
  /** UTF-8 bytes of a tool's result as JSON. */
  readonly resultBytesMax: number
  /** UTF-8 bytes, about, of the conversation that a handoff takes along, from its end. */
  readonly handoverBytesMax: number
}

export const defaultAgentLimits: AgentLimits = {
  queueMax: 100,
  repairsMax: 3,
  repeatsMax: 5,
  callsMax: 32,
  resultBytesMax: 256 << 10,
  // Half of what an event or an output may have.
  handoverBytesMax: 512 << 10,
}

/** Times of agents that say nothing of theirs. */
export const MODEL_TIMEOUT_MS = 120_000
export const TOOL_TIMEOUT_MS = 60_000
export const GUARDRAIL_TIMEOUT_MS = 60_000

/** Characters of an error that a model is told. */
const ERROR_CHARS_MAX = 2_000

/** What an error says, in the length that a model should read. */
export function textOfError(error: unknown): string {
  return shortened(error instanceof Error ? error.message : typeof error === 'string' ? error : jsonOf(error))
}

export const shortened = (text: string): string => (text.length > ERROR_CHARS_MAX ? `${text.slice(0, ERROR_CHARS_MAX)} …` : text)

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

/** Throws `config/invalid` for what is no positive number, naming the agent and the option. */
export function checkPositive(agent: string, options: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    const isTooLong = name.endsWith('Ms') && value === Infinity
    if (value !== undefined && (isTooLong || !(value > 0))) throw new TroupeError('config/invalid', `agent '${agent}': ${name} must be a positive number, not ${String(value)}`)
  }
}
