import { z } from 'zod'
import type { AnyActorRef } from 'xstate'
import type { RetryPolicy } from '../../src/core/retry.ts'
import { task } from '../../src/core/task.ts'
import type { TaskScope } from '../../src/core/task.ts'
import { whyUnfit } from '../storable.ts'
import type { AgentContext } from './context.ts'
import { MODEL_TIMEOUT_MS, shortened, textOfError } from './limits.ts'
import type { Model, ModelReply, ModelRequest } from './model.ts'

/** How a model is called: each call is a durable task. */
export interface ModelCallOptions {
  /** Default: 5 attempts, 1 s doubling to 60 s. */
  readonly retry?: Partial<RetryPolicy> | number
  /** Longest time of one attempt, in milliseconds. Default 120,000. */
  readonly timeoutMs?: number
  /**
   * Name of a queue, see `task()`. Such a call takes its whole request with it, so its checkpoint costs what the model
   * reads; without a queue it is read from the agent where it runs.
   */
  readonly queue?: string
}

export interface Spent {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What came of a model call, with what all its attempts have used as far as that is known. */
export type Heard = { readonly ok: true; readonly reply: ModelReply; readonly spent: Spent } | { readonly ok: false; readonly error: string; readonly spent: Spent }

/** What is asked; or why that cannot be said: instructions and memory may be code of users. */
export type Prepared = ModelRequest | { readonly unprepared: string }

/** Null where the call reads its request from the agent. */
export type ModelCallInput = Prepared | null

/** What is asked of a model that is called elsewhere. */
export function prepared(make: () => ModelRequest): Prepared {
  try {
    const request = make()
    const unprepared = whyUnfit(request, 'the request')
    return unprepared === null ? request : { unprepared }
  } catch (error) {
    return { unprepared: textOfError(error) }
  }
}

const ATTEMPTS = 5
const nothing: Spent = { inputTokens: 0, outputTokens: 0 }
const add = (a: Spent, b: Partial<Spent> = nothing): Spent => ({ inputTokens: a.inputTokens + (b.inputTokens ?? 0), outputTokens: a.outputTokens + (b.outputTokens ?? 0) })

const tokens = z.number().min(0).catch(0)
const replySchema = z.object({
  text: z.string(),
  toolCalls: z.array(z.object({ id: z.string().catch(''), tool: z.string(), input: z.json().catch(null), malformed: z.string().optional(), opaque: z.record(z.string(), z.json()).optional() })),
  finish: z.enum(['stop', 'length', 'tool-calls', 'content-filter', 'error', 'other']).catch('other'),
  usage: z.object({ inputTokens: tokens, outputTokens: tokens }).catch(nothing),
  modelId: z.string().optional(),
})

/** A model's calls as durable tasks. `prepare` makes the request of the agent's context. */
export function modelTask(agent: string, model: Model, { retry, timeoutMs = MODEL_TIMEOUT_MS, queue }: ModelCallOptions, prepare: (context: AgentContext) => ModelRequest) {
  const attempts = typeof retry === 'number' ? retry : (retry?.attempts ?? ATTEMPTS)
  return task({
    retry: typeof retry === 'number' ? retry : { attempts, ...retry },
    timeout: timeoutMs,
    ...(queue !== undefined && { queue }),
    async run(scope: TaskScope<ModelCallInput>): Promise<Heard> {
      const before = (scope.checkpoint as Spent | undefined) ?? nothing
      const request = scope.input ?? prepared(() => prepare(contextOf(scope.self)))
      if ('unprepared' in request) return { ok: false, error: request.unprepared, spent: before }
      try {
        const reply = checkReply(await model(request, {
          attempt: scope.attempt,
          idempotencyKey: scope.idempotencyKey,
          onText: delta => scope.progress({ type: 'text', agent, delta }),
          get signal() {
            return scope.signal
          },
        }))
        return { ok: true, reply, spent: add(before, reply.usage) }
      } catch (error) {
        const { usage, retryable } = (error ?? {}) as { readonly usage?: Partial<Spent>; readonly retryable?: boolean }
        const spent = add(before, usage)
        if (retryable === false || scope.attempt >= attempts) return { ok: false, error: textOfError(error), spent }
        // Kept for the next attempt: what failed has its price too.
        scope.heartbeat(spent)
        throw error
      }
    },
  })
}

/** The agent's context as its task begins. It does not change while the model is at work. */
const contextOf = (task: AnyActorRef): AgentContext => {
  const { context } = (task._parent as AnyActorRef).getSnapshot() as { readonly context: AgentContext }
  return context
}

function checkReply(reply: unknown): ModelReply {
  const checked = replySchema.safeParse(reply)
  if (!checked.success) throw new TypeError(`the model's answer is none: ${z.prettifyError(checked.error)}`)
  if (checked.data.finish === 'error') throw Object.assign(new Error('the model broke off with an error'), { usage: checked.data.usage })
  return { ...checked.data, toolCalls: checked.data.toolCalls.map(keepable) } as ModelReply
}

/** Arguments that no checkpoint can hold are no arguments, so that the model can mend them. */
const keepable = <TCall extends { readonly input: unknown }>(call: TCall): TCall => (whyUnfit(call.input, 'input') === null ? call : { ...call, input: null, malformed: shortened(JSON.stringify(call.input)) })
