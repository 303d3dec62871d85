import type { Content, Message } from '../machines/agent/index.ts'
import { addUsage, noUsage } from '../machines/outcome.ts'
import type { MemberOutcome, Outcome, PatternOutcome, Usage } from '../machines/outcome.ts'
import { passOn } from './history.ts'
import type { History } from './history.ts'

/** A change of control. */
export interface Transfer {
  readonly from: string
  readonly to: string
  readonly reason: string
}

/** A user's message that waits for its turn. */
export interface Waiting {
  readonly content: Content
  /** Whose `ask` wants the outcome. */
  readonly ask: string | null
}

/** One turn of the user, in the hands of one agent after the other. */
export interface Turn extends Waiting {
  readonly transfers: readonly Transfer[]
  /** Handoffs to agents that there are not. */
  readonly mistakes: number
  readonly members: readonly MemberOutcome[]
  readonly usage: Usage
  /** Null while somebody is at it. */
  readonly outcome: PatternOutcome | null
}

export interface HandoffRules {
  readonly members: readonly string[]
  readonly start: string
  readonly handoffsMax: number
  readonly repeatsMax: number
  readonly mistakesMax: number
  readonly onFailure: 'fail' | 'start'
  readonly history: History
}

export const beginTurn = ({ content, ask }: Waiting): Turn => ({ content, ask, transfers: [], mistakes: 0, members: [], usage: noUsage, outcome: null })

/** What comes next in a turn: it is over, the one who has control is told something, or another one gets control. */
export type Next = { readonly kind: 'over'; readonly turn: Turn } | { readonly kind: 'say'; readonly turn: Turn; readonly content: string } | { readonly kind: 'transfer'; readonly turn: Turn; readonly to: string; readonly content: string; readonly messages: readonly Message[] }

/** The turn after the one who has control has done its part of it. */
export function afterPart(before: Turn, active: string, outcome: Outcome, rules: HandoffRules): Next {
  const turn: Turn = { ...before, members: [...before.members, { ...withoutMessages(outcome), member: active, attempts: 1 }], usage: addUsage(before.usage, outcome.usage) }
  if (outcome.status === 'handed-off') return afterHandoff(turn, active, outcome.output as { readonly to: string; readonly reason: string; readonly messages: readonly Message[] }, rules)
  if (outcome.status === 'done' || rules.onFailure === 'fail' || active === rules.start) return over(turn, outcome)
  return transfer(turn, { from: active, to: rules.start, reason: `${active} is ${outcome.status}: ${outcome.reason ?? ''}` }, [{ role: 'user', content: before.content }], rules)
}

function afterHandoff(turn: Turn, from: string, { to, reason, messages }: { readonly to: string; readonly reason: string; readonly messages: readonly Message[] }, rules: HandoffRules): Next {
  if (rules.members.includes(to) && to !== from) return transfer(turn, { from, to, reason }, messages, rules)
  const others = rules.members.filter(name => name !== from).join(', ')
  const why = to === from ? `${from} cannot hand over to itself` : `there is no agent '${to}'`
  const mistakes = turn.mistakes + 1
  if (mistakes > rules.mistakesMax) return over(turn, failure(`${from} has handed over ${mistakes} times to whom it cannot, at last: ${why}; the others are ${others}`))
  return { kind: 'say', turn: { ...turn, mistakes }, content: `Error: nothing was handed over: ${why}. The others are ${others}. Go on yourself, or hand over to one of them.` }
}

function transfer(before: Turn, made: Transfer, messages: readonly Message[], { handoffsMax, repeatsMax, history }: HandoffRules): Next {
  const { from, to, reason } = made
  if (before.transfers.length >= handoffsMax) return over(before, failure(`handed over ${handoffsMax} times in one turn, the limit handoffsMax: ${pathOf(before)}, and then to ${to}`))
  const again = before.transfers.filter(other => other.from === from && other.to === to).length
  if (again >= repeatsMax) return over(before, failure(`it goes round in circles: ${from} has handed over to ${to} ${again} times before: ${pathOf(before)}`))
  const known = passOn(messages, history)
  if (typeof known === 'string') return over(before, failure(`what ${to} is to know cannot be said: ${known}`))
  return { kind: 'transfer', turn: { ...before, transfers: [...before.transfers, made] }, to, content: `${from} has handed over to you${reason === '' ? '' : `: ${reason}`}. Go on with it.`, messages: known }
}

const pathOf = ({ transfers }: Turn): string => [transfers[0]?.from, ...transfers.map(({ to }) => to)].join(' → ')

const failure = (reason: string): Outcome => ({ kind: 'outcome', status: 'failed', output: null, reason, usage: noUsage })

const over = (turn: Turn, outcome: Outcome): Next => ({ kind: 'over', turn: { ...turn, outcome: { ...outcome, usage: turn.usage, members: turn.members } } })

/** The conversation is the agents'. */
function withoutMessages(outcome: Outcome): Outcome {
  if (outcome.status !== 'handed-off') return outcome
  const { to, reason } = outcome.output as Transfer
  return { ...outcome, output: { to, reason } }
}
