/** What work has used so far. Sums of all model calls, also of those whose answers were of no use. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly modelCalls: number
  readonly toolCalls: number
  /** By the price table; 0 for models without a price. */
  readonly costUsd: number
}

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, modelCalls: 0, toolCalls: 0, costUsd: 0 }

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    modelCalls: a.modelCalls + b.modelCalls,
    toolCalls: a.toolCalls + b.toolCalls,
    costUsd: a.costUsd + b.costUsd,
  }
}

/**
 * How a piece of work ended:
 * `done` with its output, or `failed`; `timeout`: out of time; `empty`: it came to an end with nothing in its hands;
 * `out-of-budget`: stopped before it could exceed its budget; `blocked`: a guardrail refused; `rejected`: a person did;
 * `handed-off`: somebody else is to go on; `cancelled`: called off; `skipped`: never begun.
 */
export type OutcomeStatus = (typeof statuses)[number]

const statuses = ['done', 'failed', 'timeout', 'empty', 'out-of-budget', 'blocked', 'rejected', 'handed-off', 'cancelled', 'skipped'] as const

/** What agents and patterns come to. Data, so that it can be an actor's output, and the output of whatever that is a part of. */
export interface Outcome<TOutput = unknown> {
  readonly kind: 'outcome'
  readonly status: OutcomeStatus
  /** Null unless `done`; of what ended early, what there was. */
  readonly output: TOutput | null
  /** Why it is not `done`, for people. */
  readonly reason: string | null
  readonly usage: Usage
}

/** What came of one member of a pattern, over all attempts. */
export interface MemberOutcome<TOutput = unknown> extends Outcome<TOutput> {
  readonly member: string
  readonly attempts: number
  /** Whether its fallback was the last at it. */
  readonly isFallback?: boolean
}

/** What a pattern comes to: as a whole, and by member in the order of their work. */
export interface PatternOutcome<TOutput = unknown> extends Outcome<TOutput> {
  readonly members: readonly MemberOutcome[]
}

/**
 * What every member of a pattern is given: agents and patterns take it, and so may machines of your own.
 * With a `task` it works until that is done; without, it is a session and waits for events.
 */
export interface MemberInput {
  readonly task?: unknown
  /** How many patterns deep the member is; patterns pass it on, and end one that is too deep. */
  readonly depth?: number
}

export function isOutcome(value: unknown): value is Outcome {
  const { kind, status, usage } = (value ?? {}) as Partial<Outcome>
  return kind === 'outcome' && statuses.some(known => known === status) && isUsage(usage)
}

const isUsage = (usage: Partial<Usage> | undefined): boolean => Object.keys(noUsage).every(key => Number.isFinite(usage?.[key as keyof Usage]))

/** The output of a member as an outcome: machines that know nothing of outcomes have done their work when they end. */
export function asOutcome(output: unknown): Outcome {
  if (isOutcome(output)) return output
  const isEmpty = output === undefined || output === null || output === ''
  return { kind: 'outcome', status: isEmpty ? 'empty' : 'done', output: isEmpty ? null : output, reason: isEmpty ? 'it ended without an output' : null, usage: noUsage }
}
