import type { OpenApproval } from '../../src/core/catalogue.ts'
import type { AgentContext, Decision, DecisionReply, OpenCall } from './context.ts'
import type { AgentSettings } from './options.ts'

/** Whose decision counts for a call; undefined for anybody's. */
const approversOf = (call: OpenCall, { tools, approvals }: AgentSettings): readonly string[] | undefined => tools.get(call.tool)?.approvers ?? approvals?.approvers

/** The calls that wait for a person, as an inbox shows them. */
export const openApprovals = ({ calls, revision }: AgentContext, agent: AgentSettings): readonly OpenApproval[] =>
  calls.flatMap(call => (call.state === 'awaiting' ? [{ id: call.id, title: `${agent.name}: ${call.tool}`, subject: { tool: call.tool, input: call.input }, approvers: approversOf(call, agent) ?? [], revision: String(revision), decision: { callId: call.id, revision } }] : []))

/** Whether a decision counts: it is about a call that waits, as it was asked, and by somebody who may decide. */
export function readDecision({ calls, revision }: AgentContext, { callId, by, revision: asked }: Decision, agent: AgentSettings): DecisionReply {
  const call = calls.find(({ id, state }) => id === callId && state === 'awaiting')
  const refuse = (reason: string): DecisionReply => ({ accepted: false, reason })
  if (!call) return refuse(`no call '${callId}' waits for a decision: it was decided on, has expired or never was`)
  if (asked !== undefined && asked !== revision) return refuse(`the decision is about revision ${asked} of the conversation, which is at ${revision}`)
  const approvers = approversOf(call, agent)
  if (approvers && (by === undefined || !approvers.includes(by))) return refuse(`${by ?? 'somebody without a name'} may not decide on ${call.tool}`)
  return { accepted: true }
}

/** What the model is told of a call that a person has refused, or nobody has decided on. */
export const rejectionOf = (decision: Pick<Decision, 'by' | 'reason'> | undefined): string =>
  decision ? `rejected${decision.by === undefined ? '' : ` by ${decision.by}`}${decision.reason === undefined ? '' : `: ${decision.reason}`}` : 'rejected: nobody has decided on it in time'
