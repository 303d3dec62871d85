import type { ZodType } from 'zod'
import { z } from 'zod'
import { isName } from '../../src/core/address.ts'
import { TroupeError } from '../../src/core/errors.ts'
import { readBreakerUse } from '../permit.ts'
import type { BreakerUse } from '../permit.ts'
import type { Budget } from './budget.ts'
import type { Guardrail } from './guardrails.ts'
import { handoffName, handoffSpec, isHandoffName, readHandoffs } from './handoff.ts'
import type { Handoff } from './handoff.ts'
import { checkPositive, defaultAgentLimits } from './limits.ts'
import type { AgentLimits } from './limits.ts'
import type { Memory } from './memory.ts'
import type { JsonSchema, Model, ModelHints, ModelSettings, ToolSpec } from './model.ts'
import type { ModelCallOptions } from './model-task.ts'
import { modelIdOf, toModel } from './models/to-model.ts'
import type { AnyModel } from './models/to-model.ts'
import { defaultPrices } from './prices.ts'
import type { PriceTable } from './prices.ts'
import { isToolName } from './tool.ts'
import type { Tool } from './tool.ts'

export interface AgentOptions<TOutput = string> {
  /** Letters, digits, `_`, `.` and `-`. */
  readonly name: string
  readonly description?: string
  /** What it can do, in words of the application; `runtime.agents` finds it by them. */
  readonly capabilities?: readonly string[]
  /** What the model is told to be and to do; a pure function of the `data` that the agent was started with. */
  readonly instructions: string | ((data: unknown) => string)
  readonly model: AnyModel
  readonly tools?: readonly Tool[]
  /** What it answers; checks must be synchronous. What does not fit goes back to the model. Default: text. */
  readonly output?: ZodType<TOutput>
  /** Agents that it may hand over to. */
  readonly handoffs?: readonly (Handoff | string)[]
  readonly guardrails?: { readonly input?: readonly Guardrail[]; readonly output?: readonly Guardrail[] }
  /** Default: all messages. */
  readonly memory?: Memory
  readonly budget?: Budget
  /** Of the calls of all tools that say nothing of their own. */
  readonly approvals?: {
    /** Who may decide, by the `by` of the decision. Default: anybody. */
    readonly approvers?: readonly string[]
    /** Milliseconds until a call that nobody has decided on counts as rejected. Default: never. */
    readonly timeoutMs?: number
  }
  readonly settings?: ModelSettings
  /** What is known of the work, for a model that routes by it. */
  readonly hints?: ModelHints
  readonly modelCall?: ModelCallOptions
  /** A circuit breaker that is asked before each model call: its address, or more. */
  readonly breaker?: string | BreakerUse
  readonly limits?: Partial<AgentLimits>
  /** USD per million tokens, by model. Default: `defaultPrices`. */
  readonly prices?: PriceTable
}

/** The options with everything filled in and looked at. */
export interface AgentSettings extends Omit<AgentOptions<unknown>, 'tools' | 'handoffs' | 'model' | 'limits' | 'breaker'> {
  readonly model: Model
  readonly modelId: string
  readonly tools: ReadonlyMap<string, Tool>
  readonly handoffs: readonly Handoff[]
  readonly specs: readonly ToolSpec[]
  readonly schema: JsonSchema | undefined
  readonly memory: Memory
  readonly budget: Budget
  readonly limits: AgentLimits
  readonly prices: PriceTable
  readonly breaker: Required<BreakerUse> | undefined
  instructionsFor(data: unknown): string
}

/** Throws `config/invalid` naming the agent and the option. */
export function readOptions(options: AgentOptions<unknown>): AgentSettings {
  const { name, instructions, tools = [], memory = { kind: 'all' }, budget = {}, output } = options
  const fail = (what: string): never => {
    throw new TroupeError('config/invalid', `agent '${name}': ${what}`)
  }
  if (!isName(name)) fail("a name has letters, digits, '_', '.' and '-' only")
  const byName = new Map(tools.map(tool => [tool.name, tool]))
  if (byName.size < tools.length) fail('two tools have the same name')
  const reserved = tools.find(tool => isHandoffName(tool.name))
  if (reserved) fail(`the tool name '${reserved.name}' is kept for handoffs`)
  const handoffs = readHandoffs(options.handoffs ?? [])
  const named = handoffs.map(handoffName)
  const wrong = named.findIndex((tool, index) => !isToolName(tool) || named.indexOf(tool) !== index)
  if (wrong >= 0) fail(`the handoff to '${handoffs[wrong]?.to}' needs a tool name of its own, of at most 64 letters, digits, '_' and '-', not '${named[wrong]}'`)
  const limits = { ...defaultAgentLimits, ...options.limits }
  checkPositive(name, { ...limits, ...budget, 'approvals.timeoutMs': options.approvals?.timeoutMs, 'modelCall.timeoutMs': options.modelCall?.timeoutMs, ...numbersOf(memory) })
  const model = toModel(options.model)
  return {
    ...options,
    model,
    modelId: modelIdOf(model),
    tools: byName,
    handoffs,
    specs: [...tools.map(({ spec }) => spec), ...handoffs.map(handoffSpec)],
    schema: output && z.toJSONSchema(output, { io: 'input', unrepresentable: 'any' }),
    memory,
    budget,
    limits,
    prices: options.prices ?? defaultPrices,
    breaker: options.breaker === undefined ? undefined : readBreakerUse(`agent '${name}'`, options.breaker),
    instructionsFor: typeof instructions === 'string' ? () => instructions : instructions,
  }
}

const numbersOf = (memory: Memory): Record<string, number> => Object.fromEntries(Object.entries(memory).filter((entry): entry is [string, number] => typeof entry[1] === 'number').map(([key, value]) => [`memory.${key}`, value]))
