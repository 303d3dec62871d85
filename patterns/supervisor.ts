import type { MemberOutcome } from '../machines/outcome.ts'
import { catalogueEntryOf } from '../src/core/catalogue.ts'
import { TroupeError } from '../src/core/errors.ts'
import { decision, functionMember } from './decision.ts'
import type { Briefing, Decision, Report } from './decision.ts'
import { memberLogic, resolveMembers, withRole } from './member.ts'
import type { Member, MemberOptions, Members } from './member.ts'
import { asVerdict, done, failed, inOrder, isDone, resultAt, team, whyNot } from './team.ts'
import type { PatternOptions, TeamContext, Verdict } from './team.ts'

/** What a member's work that is not done means: the manager is told, or the whole has failed. */
export type MemberFailure = 'tell' | 'fail'

export interface SupervisorOptions extends PatternOptions {
  /** Given a `Briefing`; puts out a `Decision`. A pure function, or a member: an agent with `output: decision`, or a machine of your own. */
  readonly manager: ((briefing: Briefing) => Decision) | Member | MemberOptions
  readonly members: Members
  /** What each member is for, as the manager is told. Default: what they say of themselves. */
  readonly descriptions?: Readonly<Record<string, string>>
  /** For all members, or by name. Default `tell`. */
  readonly onFailure?: MemberFailure | Readonly<Record<string, MemberFailure>>
  /** Decisions in a row that cannot be carried out, such as work for a member that there is not. Default 3. */
  readonly mistakesMax?: number
}

const MANAGER = 'manager'

/** What a decision of the manager comes to. */
type Order = { readonly kind: 'mistake'; readonly why: string } | Decision

/**
 * A manager decides, members work at the same time, their outcomes go back to the manager, until it finishes or has had
 * `limits.turnsMax` turns. Throws `config/invalid`.
 *
 * @example
 * const desk = supervisor({ name: 'desk', manager: 'lead', members: { research: 'researcher', writing: 'writer' } })
 */
export function supervisor({ manager, members: given, descriptions = {}, onFailure = 'tell', mistakesMax = 3, ...options }: SupervisorOptions) {
  const { name } = options
  const workers = resolveMembers(name, given)
  const known = Object.keys(workers)
  const stranger = Object.keys(typeof onFailure === 'string' ? descriptions : { ...descriptions, ...onFailure }).find(member => !known.includes(member))
  if (stranger !== undefined) throw new TroupeError('config/invalid', `pattern '${name}': there is no member '${stranger}'; the members are ${known.join(', ')}`)
  const { crew, root, ends, limits } = team(options, withRole(name, workers, MANAGER, typeof manager === 'function' ? functionMember(manager) : manager))
  const roster = known.map(member => ({ name: member, description: descriptions[member] ?? catalogueEntryOf(memberLogic(workers[member]?.member ?? member))?.description ?? '' }))

  const turnsOf = ({ work }: TeamContext): readonly number[] => work.flatMap(({ member }, index) => (member === MANAGER ? [index] : []))

  const orderOf = (output: unknown): Order => readOrder(output, known, limits.fanOutMax)
  /** Of the manager's latest turn. */
  const order = (context: TeamContext): Order => orderOf(resultAt(context, turnsOf(context).at(-1) ?? 0)?.output)

  const briefing = (context: TeamContext): Briefing => {
    const turns = turnsOf(context)
    const last = turns.length === 0 ? null : order(context)
    return { task: context.task, members: roster, turn: turns.length + 1, turnsMax: limits.turnsMax, reports: reportsOf(context), mistake: last?.kind === 'mistake' ? last.why : null }
  }

  /** What the manager's turn ends the whole with, if it does. */
  const verdictOf = (context: TeamContext): Verdict | null => {
    const turns = turnsOf(context)
    const outcome = resultAt(context, turns.at(-1) ?? 0) as MemberOutcome
    if (!isDone(outcome)) return failed(whyNot(outcome), null, outcome.status === 'out-of-budget' ? 'out-of-budget' : 'failed')
    const now = order(context)
    if (now.kind === 'finish') return done(now.answer)
    const latest = turns.slice(-mistakesMax)
    const areAllMistakes = latest.length === mistakesMax && latest.every(index => orderOf(resultAt(context, index)?.output).kind === 'mistake')
    if (areAllMistakes && now.kind === 'mistake') return failed(`the manager has decided what cannot be done ${mistakesMax} times in a row, at last: ${now.why}`)
    return turns.length >= limits.turnsMax ? failed(`the manager has not finished in ${limits.turnsMax} turns, the limit turnsMax`) : null
  }

  const failureOf = (context: TeamContext): Verdict | null => {
    const since = turnsOf(context).at(-1) ?? 0
    const fatal = context.work.slice(since + 1).map((_, offset) => resultAt(context, since + 1 + offset) as MemberOutcome)
      .find(outcome => !isDone(outcome) && (typeof onFailure === 'string' ? onFailure : onFailure[outcome.member]) === 'fail')
    return fatal ? asVerdict(fatal) : null
  }

  return crew.createMachine({
    ...root,
    initial: 'deciding',
    states: {
      deciding: {
        entry: { type: 'give', params: ({ context }) => () => [{ member: MANAGER, task: briefing(context) }] },
        always: { guard: 'isAllEnded', target: 'delegating' },
      },
      delegating: {
        entry: [
          { type: 'conclude', params: ({ context }) => () => verdictOf(context) },
          { type: 'give', params: ({ context }) => () => tasksOf(order(context)) },
        ],
        always: { guard: 'isAllEnded', target: 'collecting' },
      },
      collecting: {
        entry: { type: 'conclude', params: ({ context }) => () => failureOf(context) },
        always: { guard: 'isOpen', target: 'deciding' },
      },
      ...ends,
    },
  })
}

function readOrder(output: unknown, known: readonly string[], fanOutMax: number): Order {
  const parsed = decision.safeParse(output)
  if (!parsed.success) return { kind: 'mistake', why: `that was no decision: ${parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'output'}: ${message}`).join('; ')}` }
  if (parsed.data.kind === 'finish') return parsed.data
  const { tasks } = parsed.data
  const unknown = tasks.filter(({ member }) => !known.includes(member)).map(({ member }) => `'${member}'`)
  if (unknown.length > 0) return { kind: 'mistake', why: `there is no member ${unknown.join(', ')}; the members are ${known.join(', ')}` }
  if (tasks.length > fanOutMax) return { kind: 'mistake', why: `${tasks.length} pieces of work at once, the limit is ${fanOutMax}` }
  return parsed.data
}

const tasksOf = (order: Order): readonly { readonly member: string; readonly task: unknown }[] => (order.kind === 'delegate' ? order.tasks : [])

/** Of all that was given out: the manager decides when nothing is under way. */
const reportsOf = (context: TeamContext): readonly Report[] =>
  inOrder(context).flatMap(({ member, status, output, reason }, index) => (member === MANAGER ? [] : [{ member, task: context.work[index]?.task, status, output, reason }]))
