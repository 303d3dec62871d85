import type { MemberOutcome } from '../machines/outcome.ts'
import { TroupeError } from '../src/core/errors.ts'
import { resolveMembers, withRole } from './member.ts'
import type { Member, MemberOptions, Members } from './member.ts'
import { asVerdict, failed, inOrder, isAllEnded, isDone, lastResult, team, whyNot } from './team.ts'
import type { PatternOptions, TeamContext } from './team.ts'

export interface DebateOptions extends PatternOptions {
  readonly debaters: Members
  /** Given `{ task, rounds }`: what was said in each round. Its output is that of the debate. */
  readonly judge: Member | MemberOptions
  /** Default 2; at most `limits.turnsMax`. */
  readonly rounds?: number
  /** Debaters that a round needs; who fails is heard again in the next one. Default 2, or 1 if there is one. */
  readonly debatersMin?: number
}

/** What somebody has said in a round of a debate. */
export interface Statement {
  readonly debater: string
  readonly statement: unknown
}

/** What a debater is given. */
export interface DebateTurn {
  readonly task: unknown
  /** 1 for the first. */
  readonly round: number
  /** What was said in the round before; nothing in the first. */
  readonly said: readonly Statement[]
}

const JUDGE = 'judge'

/**
 * Debaters speak in rounds, all at once, each hearing what was said in the round before; then a judge decides. A round
 * that says what the one before has said is the last. Throws `config/invalid`.
 *
 * @example
 * const design = debate({ name: 'design', debaters: ['optimist', 'sceptic'], judge: 'architect', rounds: 3 })
 */
export function debate({ debaters, judge, rounds = 2, debatersMin, ...options }: DebateOptions) {
  const { name } = options
  const members = resolveMembers(name, debaters)
  const names = Object.keys(members)
  const needed = debatersMin ?? Math.min(2, names.length)
  const { crew, root, ends, limits } = team(options, withRole(name, members, JUDGE, judge))
  if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= limits.turnsMax)) throw new TroupeError('config/invalid', `pattern '${name}': rounds must be a whole number from 1 to the limit turnsMax, ${limits.turnsMax}, not ${rounds}`)
  if (!(Number.isInteger(needed) && needed >= 1 && needed <= names.length)) throw new TroupeError('config/invalid', `pattern '${name}': debatersMin must be a whole number from 1 to the ${names.length} debaters, not ${needed}`)

  const outcomesOf = (context: TeamContext, round: number): MemberOutcome[] => inOrder(context).slice((round - 1) * names.length, round * names.length)
  const saidIn = (context: TeamContext, round: number): Statement[] => outcomesOf(context, round).filter(isDone).map(({ member, output }) => ({ debater: member, statement: output }))
  const roundOf = ({ work }: TeamContext): number => Math.ceil(work.length / names.length)
  const isSettled = (context: TeamContext, round: number): boolean => round > 1 && JSON.stringify(saidIn(context, round)) === JSON.stringify(saidIn(context, round - 1))
  return crew.extend({
    guards: {
      isSilent: ({ context }) => isAllEnded(context) && saidIn(context, roundOf(context)).length < needed,
      isOver: ({ context }) => isAllEnded(context) && (roundOf(context) >= rounds || isSettled(context, roundOf(context))),
    },
  }).createMachine({
    ...root,
    initial: 'arguing',
    states: {
      arguing: {
        entry: {
          type: 'give',
          params: ({ context }) => () => {
            const round = roundOf(context)
            return names.map(member => ({ member, task: { task: context.task, round: round + 1, said: saidIn(context, round) } satisfies DebateTurn }))
          },
        },
        always: [
          { guard: 'isSilent', actions: { type: 'conclude', params: ({ context }) => () => failed([`fewer than ${needed} have spoken in round ${roundOf(context)}`, ...outcomesOf(context, roundOf(context)).filter(outcome => !isDone(outcome)).map(whyNot)].join('; ')) } },
          { guard: 'isOver', target: 'judging' },
          { guard: 'isAllEnded', target: 'arguing', reenter: true },
        ],
      },
      judging: {
        entry: { type: 'give', params: ({ context }) => () => [{ member: JUDGE, task: { task: context.task, rounds: Array.from({ length: roundOf(context) }, (_, index) => saidIn(context, index + 1)) } }] },
        always: { guard: 'isAllEnded', actions: { type: 'conclude', params: ({ context }) => () => asVerdict(lastResult(context) as MemberOutcome) } },
      },
      ...ends,
    },
  })
}
