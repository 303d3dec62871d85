import { task } from '../../src/core/task.ts'
import type { TaskScope } from '../../src/core/task.ts'
import { GUARDRAIL_TIMEOUT_MS } from './limits.ts'

export interface GuardrailScope {
  /** The `data` that the agent was started with. */
  readonly data: unknown
  readonly signal: AbortSignal
}

/**
 * A check of what goes into an agent (a user's content) or comes out of it (its answer): gives the reason to refuse it, or
 * null. It may ask whatever it wants, it runs in a task; one that fails refuses.
 *
 * @example
 * const noSecrets: Guardrail = answer => /\bsk-\w{20}/.test(String(answer)) ? 'it holds a key' : null
 */
export type Guardrail = (value: unknown, scope: GuardrailScope) => string | null | PromiseLike<string | null>

export interface GuardrailInput {
  readonly value: unknown
  readonly data: unknown
}

/** All guardrails of one side, as one task: the first reason to refuse, or null. */
export const guardrailTask = (guardrails: readonly Guardrail[]) =>
  task({
    timeout: GUARDRAIL_TIMEOUT_MS,
    async run({ input: { value, data }, signal }: TaskScope<GuardrailInput>): Promise<string | null> {
      for (const check of guardrails) {
        const reason = await check(value, { data, signal })
        if (reason !== null) return check.name === '' ? reason : `${check.name}: ${reason}`
      }
      return null
    },
  })
