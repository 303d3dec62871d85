import { z } from 'zod'
import { noUsage } from '../outcome.ts'
import type { MemberInput, Outcome, OutcomeStatus, Usage } from '../outcome.ts'
import type { AgentLimits } from './limits.ts'
import { newestWithin } from './memory.ts'
import type { Content, Message } from './model.ts'

export interface AgentInput extends MemberInput {
  /** A conversation to go on with. */
  readonly messages?: readonly Message[]
  /** What instructions, tools and guardrails may know: who it works for, and the like. Plain JSON. */
  readonly data?: unknown
  /** Whether a session tells its parent (`sendParent`) of its answers and handoffs. */
  readonly reports?: boolean
}

/** A user's message that waits for its turn. */
export interface QueuedMessage {
  readonly content: Content
  /** Whose `ask` wants the outcome. */
  readonly ask: string | null
}

/** A call whose result is not there yet. */
export interface OpenCall {
  readonly id: string
  readonly tool: string
  readonly input: unknown
  readonly state: 'running' | 'awaiting'
}

/** What of the conversation a summary stands for: all messages before `upTo`. */
export interface Summary {
  readonly text: string
  readonly upTo: number
}

/** How a piece of work is going to end. */
export interface Ending {
  readonly status: OutcomeStatus
  readonly output: unknown
  readonly reason: string | null
}

/** The output of a handoff. */
export interface Handover {
  readonly to: string
  readonly reason: string
}

/** The task, or one turn of a session. */
export interface Work {
  readonly ask: string | null
  readonly usage: Usage
  /** Tokens of the last model call: what the next one has at least. */
  readonly lastTokens: number
  /** Answers in a row that had to be mended. */
  readonly repairs: number
  /** How often each call was made, by tool and input. */
  readonly repeats: Readonly<Record<string, number>>
}

/** What an agent knows. Messages are only ever appended, so that a checkpoint costs what a step has added. */
export interface AgentContext {
  readonly session: boolean
  readonly reports: boolean
  readonly data: unknown
  readonly messages: readonly Message[]
  readonly summary: Summary | null
  readonly queue: readonly QueuedMessage[]
  readonly work: Work
  readonly calls: readonly OpenCall[]
  /** Counts the model's answers: a decision may name the one it is about. */
  readonly revision: number
  /** How many permits the circuit breaker was asked for. */
  readonly permits: number
  /** Null while at work. */
  readonly ending: Ending | null
  /** Of its whole life. */
  readonly usage: Usage
}

const content = z.union([
  z.string(),
  z.array(z.union([
    z.object({ type: z.literal('text'), text: z.string() }),
    z.object({ type: z.literal('file'), mediaType: z.string(), data: z.union([z.object({ url: z.string() }), z.object({ base64: z.string() })]) }),
  ])),
])

/** What an agent can be told. */
export const agentEvents = {
  'user.message': z.object({ type: z.literal('user.message'), content }),
  'approval.decide': z.object({ type: z.literal('approval.decide'), callId: z.string(), approve: z.boolean(), reason: z.string().optional(), by: z.string().optional(), revision: z.number().optional() }),
  'agent.end': z.object({ type: z.literal('agent.end') }),
}

export type AgentEvent = { readonly [K in keyof typeof agentEvents]: z.infer<(typeof agentEvents)[K]> }[keyof typeof agentEvents]
export type Decision = Extract<AgentEvent, { type: 'approval.decide' }>

/** What an agent says to a decision: the reply to `ask(decision, { until: 'reply' })`. */
export type DecisionReply = { readonly accepted: true } | { readonly accepted: false; readonly reason: string }

/** What a session tells its parent. */
export type AgentReport =
  | { readonly type: 'agent.answered'; readonly agent: string; readonly outcome: Outcome }
  | ({ readonly type: 'agent.handed-off'; readonly agent: string; readonly messages: readonly Message[]; readonly usage: Usage } & Handover)

const unasked: Ending = { status: 'empty', output: null, reason: 'nothing was asked of it' }
const atWork: Ending = { status: 'cancelled', output: null, reason: 'its work is not done yet' }
const noWork: Work = { ask: null, usage: noUsage, lastTokens: 0, repairs: 0, repeats: {} }

export function newContext({ task, messages = [], data = null, reports = false }: AgentInput = {}): AgentContext {
  const session = task === undefined
  const queue = session ? [] : [{ content: typeof task === 'string' ? task : JSON.stringify(task), ask: null }]
  return { session, reports, data, messages, summary: null, queue, work: noWork, calls: [], revision: 0, permits: 0, ending: unasked, usage: noUsage }
}

/** The oldest waiting message becomes the work at hand. */
export function beginWork({ queue, messages }: AgentContext): Partial<AgentContext> {
  const [next, ...rest] = queue
  return next ? { queue: rest, messages: [...messages, { role: 'user', content: next.content }], work: { ...noWork, ask: next.ask }, ending: null } : {}
}

export const ended = (status: OutcomeStatus, reason: string, output: unknown = null): { readonly ending: Ending } => ({ ending: { status, output, reason } })

/** What the work at hand, or else the last one, has come to. */
export function outcomeOf({ ending, work }: AgentContext): Outcome {
  const { status, output, reason } = ending ?? atWork
  return { kind: 'outcome', status, output, reason, usage: work.usage }
}

/** The same for whoever goes on with it: after a handoff with the conversation, which is too much for those who only asked. */
export function resultOf(context: AgentContext, limits: AgentLimits): Outcome {
  const outcome = outcomeOf(context)
  return outcome.status === 'handed-off' ? { ...outcome, output: { ...(outcome.output as Handover), messages: handedOver(context, limits) } } : outcome
}

const handedOver = ({ messages }: AgentContext, { handoverBytesMax }: AgentLimits): readonly Message[] => newestWithin(messages, handoverBytesMax, message => Buffer.byteLength(JSON.stringify(message)))

export function reportOf(agent: string, context: AgentContext, limits: AgentLimits): AgentReport {
  const outcome = outcomeOf(context)
  return outcome.status === 'handed-off' ? { type: 'agent.handed-off', agent, ...(outcome.output as Handover), messages: handedOver(context, limits), usage: outcome.usage } : { type: 'agent.answered', agent, outcome }
}
