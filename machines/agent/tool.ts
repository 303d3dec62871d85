import { z } from 'zod'
import type { ZodType } from 'zod'
import { TroupeError } from '../../src/core/errors.ts'
import type { RetryPolicy } from '../../src/core/retry.ts'
import type { ToolSpec } from './model.ts'

/** What the code of a tool is given beside its input. */
export interface ToolScope {
  /** Aborted when the call is cancelled or times out. */
  readonly signal: AbortSignal
  /** The same on every attempt of the call: give it to whatever must act once. */
  readonly idempotencyKey: string
  /** 1 for the first. */
  readonly attempt: number
  readonly callId: string
  /** The `data` that the agent was started with: who it works for, and the like. */
  readonly data: unknown
  /** Tells watchers how far it is; not kept. */
  progress(data: unknown): void
}

export interface ToolOptions<TInput, TOutput> {
  /** Letters, digits, `_` and `-`, at most 64. */
  readonly name: string
  /** What it does and when to use it, for the model. */
  readonly description: string
  /** What arguments it takes; checks must be synchronous. What does not fit goes back to the model. */
  readonly input: ZodType<TInput>
  /** What it gives; what does not fit is an error that the model is told. */
  readonly output?: ZodType<TOutput>
  /** Whether a person must agree before it runs. A predicate that throws counts as yes. Default false. */
  readonly needsApproval?: boolean | ((input: TInput, data: unknown) => boolean)
  /** Who may decide on its calls, by the `by` of the decision. Default: those of the agent, or anybody. */
  readonly approvers?: readonly string[]
  /** Longest time of one attempt, in milliseconds. Default 60,000. */
  readonly timeoutMs?: number
  /** When a failed call is tried again before the model is told. Default: not at all. */
  readonly retry?: Partial<RetryPolicy> | number
  /** False for what must never begin twice: a call that a crash has interrupted is not run again, and the model is told so. Default true. */
  readonly idempotent?: boolean
  /** Name of a queue, see `task()`. */
  readonly queue?: string
  /** UTF-8 bytes of its result as JSON. Default: `resultBytesMax` of the agent. */
  readonly resultBytesMax?: number
  run(input: TInput, scope: ToolScope): TOutput | PromiseLike<TOutput>
}

/** A tool of an agent; see `tool()`. */
export type Tool = Omit<ToolOptions<unknown, unknown>, 'needsApproval' | 'timeoutMs' | 'idempotent'> & {
  readonly needsApproval: (input: unknown, data: unknown) => boolean
  readonly timeoutMs: number | undefined
  readonly idempotent: boolean
  readonly spec: ToolSpec
}

export const isToolName = (name: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(name)

/**
 * A tool: what an agent can do. Each call is a durable task of its own, so it runs at least once, and not again once its
 * result is committed. Throws `config/invalid` for options that make no sense.
 *
 * @example
 * const weather = tool({
 *   name: 'weather', description: 'The weather in a city, now.', input: z.object({ city: z.string() }),
 *   run: ({ city }, { signal }) => fetch(`https://wttr.in/${city}?format=3`, { signal }).then(response => response.text()),
 * })
 */
export function tool<TInput, TOutput>(options: ToolOptions<TInput, TOutput>): Tool {
  const { name, description, input, needsApproval = false, idempotent = true, retry, timeoutMs } = options
  const fail = (what: string): never => {
    throw new TroupeError('config/invalid', `tool '${name}': ${what}`)
  }
  if (!isToolName(name)) fail("a name has letters, digits, '_' and '-' only, and at most 64 of them")
  if (!idempotent && retry !== undefined) fail('what is not idempotent cannot be tried again: leave out `retry`, or honour the idempotency key and say `idempotent: true`')
  const asks = (value: unknown, data: unknown): boolean => {
    try {
      return typeof needsApproval === 'function' ? needsApproval(value as TInput, data) : needsApproval
    } catch {
      // Whoever cannot tell had better ask.
      return true
    }
  }
  return { ...(options as unknown as Tool), idempotent, timeoutMs, needsApproval: asks, spec: { name, description, input: jsonSchemaOf(input, name) } }
}

function jsonSchemaOf(schema: ZodType, name: string): ToolSpec['input'] {
  try {
    return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  } catch (cause) {
    throw new TroupeError('config/invalid', `tool '${name}': its input has no JSON schema`, { cause })
  }
}
