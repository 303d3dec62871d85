import { hashText } from '../../src/core/hash.ts'
import { issuesOf, readAnswer } from './answer.ts'
import { excessOf, outOfBudget, spend } from './budget.ts'
import type { AgentContext, Ending, OpenCall } from './context.ts'
import { handoffIn } from './handoff.ts'
import { textOfError } from './limits.ts'
import type { Message, ModelReply, ToolCall } from './model.ts'
import type { Heard } from './model-task.ts'
import type { AgentSettings } from './options.ts'
import { costOf } from './prices.ts'
import { errorMessage, nameCalls, remark, saidBy, toolMessage } from './transcript.ts'

/**
 * What an agent makes of a model's answer: a pure function, so that what was heard once is understood in one way for ever.
 * It leaves either open calls (tools are to be run), or an ending, or neither: then the model is asked again.
 */
export function hear(context: AgentContext, heard: Heard, agent: AgentSettings): Partial<AgentContext> {
  const modelId = heard.ok ? (heard.reply.modelId ?? agent.modelId) : agent.modelId
  const { work, usage } = spend(context, { ...heard.spent, modelCalls: 1, costUsd: costOf(modelId, heard.spent, agent.prices) })
  if (!heard.ok) return { work, usage, ending: failed(`the model: ${heard.error}`) }
  const lastTokens = heard.reply.usage.inputTokens + heard.reply.usage.outputTokens
  const next: AgentContext = { ...context, work: { ...work, lastTokens }, usage, revision: context.revision + 1 }
  return { work: next.work, usage, revision: next.revision, ...(heard.reply.toolCalls.length > 0 ? hearCalls(next, heard.reply, agent) : hearText(next, heard.reply, agent)) }
}

const failed = (reason: string, output: unknown = null): Ending => ({ status: 'failed', output, reason })

// ── an answer in words ────────────────────────────────────────────────────────────────────────────────────────

function hearText(context: AgentContext, reply: ModelReply, agent: AgentSettings): Partial<AgentContext> {
  if (reply.text.trim() === '') {
    if (reply.finish === 'content-filter') return { ending: { status: 'blocked', output: null, reason: 'the provider of the model has filtered its answer' } }
    return askAgain(context, agent, [remark('You have answered nothing. Answer, or call a tool.')], { status: 'empty', output: null, reason: 'the model answered nothing, and nothing again when it was asked to' })
  }
  const messages = [...context.messages, saidBy(agent.name, reply, [])]
  if (reply.finish === 'length') return { messages, ending: failed('the answer was cut off at the most tokens the model may write', reply.text) }
  if (reply.finish === 'content-filter') return { messages, ending: { status: 'blocked', output: null, reason: 'the provider of the model has filtered its answer' } }
  const answer = readAnswer(reply.text, agent.output)
  if (answer.ok) return { messages, ending: { status: 'done', output: answer.value, reason: null } }
  const again = askAgain({ ...context, messages }, agent, [remark(`Your answer does not fit the schema: ${answer.reason}. Answer again, with JSON alone.`)], failed(`the answer does not fit its schema: ${answer.reason}`, reply.text))
  return { messages, ...again }
}

/** Lets the model mend what it has said, so often and no more. */
function askAgain({ messages, work }: AgentContext, { limits }: AgentSettings, said: readonly Message[], otherwise: Ending): Partial<AgentContext> {
  if (work.repairs >= limits.repairsMax) return { ending: otherwise }
  return { messages: [...messages, ...said], work: { ...work, repairs: work.repairs + 1 } }
}

// ── an answer with calls ──────────────────────────────────────────────────────────────────────────────────────

function hearCalls(context: AgentContext, reply: ModelReply, agent: AgentSettings): Partial<AgentContext> {
  const calls = nameCalls(reply.toolCalls, context)
  const said = [...context.messages, saidBy(agent.name, reply, calls)]
  const instead = (of: readonly Pick<ToolCall, 'id' | 'tool'>[], reason: string): Message[] => of.map(call => errorMessage(call, reason))

  const transfer = calls.find(call => handoffIn(call, agent.handoffs))
  if (transfer) {
    const handoff = handoffIn(transfer, agent.handoffs)
    const others = instead(calls.filter(call => call !== transfer), 'not carried out: the conversation was handed over in the same answer')
    return { messages: [...said, toolMessage(transfer, `handed over to ${handoff?.to}`), ...others], ending: { status: 'handed-off', output: handoff, reason: null } }
  }
  const excess = excessOf(context, { ...agent.budget, turnsMax: Infinity })
  if (excess !== null) return { messages: [...said, ...instead(calls, 'not carried out: the budget is used up')], ending: outOfBudget(excess) }

  const repeats = countCalls(context.work.repeats, calls)
  const loop = calls.find(call => (repeats[nameOf(call)] ?? 0) >= agent.limits.repeatsMax)
  if (loop) return { messages: [...said, ...instead(calls, 'not carried out: the same call again')], ending: failed(`loops: it has called ${loop.tool} ${agent.limits.repeatsMax} times with the same input`) }

  const read = calls.map((call, index) => ({ call, fault: index < agent.limits.callsMax ? faultOf(call, agent) : `not carried out: more than ${agent.limits.callsMax} calls in one answer` }))
  const faulty = read.filter(({ fault }) => fault !== null)
  const messages = [...said, ...faulty.map(({ call, fault }) => errorMessage(call, fault ?? ''))]
  const sound = read.filter(({ fault }) => fault === null).map(({ call }) => openCall(call, context, agent))
  const work = { ...context.work, repeats, repairs: faulty.length > 0 ? context.work.repairs + 1 : 0 }
  if (work.repairs > agent.limits.repairsMax) {
    const stopped = instead(sound, 'not carried out: too many faulty calls')
    return { messages: [...messages, ...stopped], work, ending: failed(`it could not mend its calls in ${agent.limits.repairsMax} attempts: ${faulty[0]?.fault}`) }
  }
  return { messages, work, calls: sound }
}

/** Why a call cannot be run; null when it can. */
function faultOf({ tool: name, input, malformed }: ToolCall, { tools, specs }: AgentSettings): string | null {
  const tool = tools.get(name)
  if (!tool) return `there is no tool '${name}'; there are: ${specs.map(spec => spec.name).join(', ') || 'none'}`
  if (malformed !== undefined) return 'the arguments are not JSON that can be kept'
  try {
    const checked = tool.input.safeParse(input)
    return checked.success ? null : `the arguments of ${name} are wrong: ${issuesOf(checked.error)}`
  } catch (error) {
    return `the arguments of ${name} cannot be checked: ${textOfError(error)}`
  }
}

function openCall({ id, tool: name, input }: ToolCall, { data }: AgentContext, { tools }: AgentSettings): OpenCall {
  const tool = tools.get(name)
  const asks = tool?.needsApproval(tool.input.parse(input), data) ?? true
  return { id, tool: name, input, state: asks ? 'awaiting' : 'running' }
}

const nameOf = ({ tool, input }: ToolCall): string => `${tool}:${hashText(JSON.stringify(input) ?? '').toString(36)}`

function countCalls(repeats: Readonly<Record<string, number>>, calls: readonly ToolCall[]): Readonly<Record<string, number>> {
  const counted: Record<string, number> = { ...repeats }
  for (const name of new Set(calls.map(nameOf))) counted[name] = (counted[name] ?? 0) + 1
  return counted
}
