import type { MemberOutcome } from '../machines/outcome.ts'
import { TroupeError } from '../src/core/errors.ts'
import { resolveMembers, withRole } from './member.ts'
import type { Member, MemberOptions, Members } from './member.ts'
import { attempt, done, failed, inOrder, isAllEnded, isDone, lastResult, team, whyNot } from './team.ts'
import type { PatternOptions, TeamContext, Verdict } from './team.ts'

export interface Ballot {
  readonly voter: string
  readonly choice: string
  /** 1 unless the voter has another one. */
  readonly weight: number
}

/** What the voters have decided: one choice, or several when they are tied, or none. */
export type Tally = (ballots: readonly Ballot[]) => readonly string[]

export interface VoteOptions extends PatternOptions {
  readonly voters: Members
  /** The choice in a voter's output. Default: the output itself if it is text, else its `choice`, else its JSON. */
  readonly choiceOf?: (output: unknown) => string
  /** `plurality` (default): the most weight; `majority`: more than half of the weight cast; `unanimous`; or a function of the ballots. */
  readonly tally?: keyof typeof tallies | Tally
  /** By voter. Default 1 each. */
  readonly weights?: Readonly<Record<string, number>>
  /** Ballots needed. Default: more than half of the voters. */
  readonly ballotsMin?: number
  /** Who decides when there is a tie, given `{ task, tied, ballots }`. Default: a tie has failed. */
  readonly tieBreaker?: Member | MemberOptions
}

/** What a vote puts out. */
export interface VoteResult {
  readonly choice: string
  /** Weight by choice. */
  readonly counts: Readonly<Record<string, number>>
  readonly ballots: readonly Ballot[]
}

const tallies = {
  plurality: ballots => leaders(ballots),
  majority: ballots => leaders(ballots).filter(choice => weightOf(ballots, choice) * 2 > weightOf(ballots)),
  unanimous: ballots => (new Set(ballots.map(({ choice }) => choice)).size === 1 ? leaders(ballots) : []),
} as const satisfies Record<string, Tally>

const TIE_BREAKER = 'tie-breaker'

/**
 * Voters answer the same task and a tally decides; who has no answer casts no ballot. Throws `config/invalid`.
 *
 * @example
 * const release = vote({ name: 'release', voters: ['tests', 'security', 'product'], tally: 'majority', weights: { security: 2 }, tieBreaker: 'lead' })
 */
export function vote({ voters, choiceOf = choiceIn, tally = 'plurality', weights = {}, ballotsMin, tieBreaker, ...options }: VoteOptions) {
  const { name } = options
  const members = resolveMembers(name, voters)
  const size = Object.keys(members).length
  const needed = ballotsMin ?? Math.floor(size / 2) + 1
  if (!(Number.isInteger(needed) && needed >= 1 && needed <= size)) throw new TroupeError('config/invalid', `pattern '${name}': ballotsMin must be a whole number from 1 to the ${size} voters, not ${needed}`)
  for (const [voter, weight] of Object.entries(weights)) {
    if (!Object.hasOwn(members, voter)) throw new TroupeError('config/invalid', `pattern '${name}' weighs '${voter}', who is no voter; the voters are ${Object.keys(members).join(', ')}`)
    if (!(weight >= 0 && Number.isFinite(weight))) throw new TroupeError('config/invalid', `pattern '${name}': the weight of '${voter}' must be a number from 0, not ${weight}`)
  }
  const decide: Tally = typeof tally === 'function' ? tally : tallies[tally]
  const { crew, root, ends } = team(options, tieBreaker === undefined ? members : withRole(name, members, TIE_BREAKER, tieBreaker))

  const ballotsOf = (context: TeamContext): Ballot[] =>
    inOrder(context).filter(outcome => isDone(outcome) && outcome.member !== TIE_BREAKER).map(({ member, output }) => ({ voter: member, choice: choiceOf(output), weight: weights[member] ?? 1 }))
  /** Null for a tie that somebody can break. */
  const count = (context: TeamContext): Verdict | null => {
    const ballots = ballotsOf(context)
    if (ballots.length < needed) return failed([`${ballots.length} ballots, ${needed} are needed`, ...inOrder(context).filter(outcome => !isDone(outcome)).map(whyNot)].join('; '))
    const winners = decide(ballots)
    const [choice] = winners
    if (choice === undefined) return failed(`no choice has what it needs: ${JSON.stringify(countsOf(ballots))}`)
    if (winners.length === 1) return done({ choice, counts: countsOf(ballots), ballots } satisfies VoteResult)
    return tieBreaker === undefined ? failed(`a tie of ${winners.join(', ')}`) : null
  }
  const broken = (context: TeamContext): Verdict => {
    const outcome = lastResult(context) as MemberOutcome
    const ballots = ballotsOf(context)
    if (!isDone(outcome)) return failed(whyNot(outcome))
    const choice = choiceOf(outcome.output)
    return decide(ballots).includes(choice) ? done({ choice, counts: countsOf(ballots), ballots } satisfies VoteResult) : failed(`the tie-breaker has chosen '${choice}', which is not tied`)
  }
  return crew.extend({ guards: { isTied: ({ context }) => isAllEnded(context) && attempt(() => count(context)) === null } }).createMachine({
    ...root,
    initial: 'voting',
    states: {
      voting: {
        entry: { type: 'give', params: ({ context }) => () => Object.keys(members).map(member => ({ member, task: context.task })) },
        always: [
          { guard: 'isTied', target: 'breakingTie' },
          { guard: 'isAllEnded', actions: { type: 'conclude', params: ({ context }) => () => count(context) } },
        ],
      },
      breakingTie: {
        entry: { type: 'give', params: ({ context }) => () => [{ member: TIE_BREAKER, task: { task: context.task, tied: decide(ballotsOf(context)), ballots: ballotsOf(context) } }] },
        always: { guard: 'isAllEnded', actions: { type: 'conclude', params: ({ context }) => () => broken(context) } },
      },
      ...ends,
    },
  })
}

function choiceIn(output: unknown): string {
  if (typeof output === 'string') return output.trim()
  const { choice } = (output ?? {}) as { readonly choice?: unknown }
  return typeof choice === 'string' ? choice : JSON.stringify(output)
}

const weightOf = (ballots: readonly Ballot[], choice?: string): number => ballots.reduce((sum, ballot) => (choice === undefined || ballot.choice === choice ? sum + ballot.weight : sum), 0)
const countsOf = (ballots: readonly Ballot[]): Record<string, number> => Object.fromEntries(ballots.map(({ choice }) => [choice, weightOf(ballots, choice)]))

/** Those with the most weight. */
function leaders(ballots: readonly Ballot[]): string[] {
  const counts = Object.entries(countsOf(ballots))
  const most = Math.max(...counts.map(([, weight]) => weight))
  return counts.filter(([, weight]) => weight === most).map(([choice]) => choice)
}
