import type { MemberOutcome } from '../machines/outcome.ts'
import { TroupeError } from '../src/core/errors.ts'
import { resolveMembers, withRole } from './member.ts'
import type { Member, MemberOptions } from './member.ts'
import { asVerdict, done, failed, inOrder, isDone, lastResult, team } from './team.ts'
import type { PatternOptions, TeamContext, Verdict } from './team.ts'

/** What a critic says of a draft. */
export interface Critique {
  readonly accepted: boolean
  /** What the refiner is told. */
  readonly feedback?: unknown
}

export interface LoopUntilOptions extends PatternOptions {
  /** Given a `Refinement`; puts out a draft. */
  readonly refiner: Member | MemberOptions
  /** A function, or a member who is given `{ task, draft, round }`. Puts out a `Critique`, or just whether it accepts. */
  readonly critic: ((draft: unknown, task: unknown) => Critique | boolean) | Member | MemberOptions
  /** Default 5; at most `limits.turnsMax`. */
  readonly roundsMax?: number
}

/** What a refiner is given. */
export interface Refinement {
  readonly task: unknown
  /** 1 for the first. */
  readonly round: number
  /** Null in the first round. */
  readonly draft: unknown
  readonly feedback: unknown
}

const [REFINER, CRITIC] = ['refiner', 'critic']

/**
 * A refiner works on a draft until a critic accepts it. Fails, with the last draft as what there was, when a member fails,
 * the rounds are used up, or a draft comes a second time. Throws `config/invalid`.
 *
 * @example
 * const essay = loopUntil({ name: 'essay', refiner: 'writer', critic: 'editor', roundsMax: 3 })
 */
export function loopUntil({ refiner, critic, roundsMax = 5, ...options }: LoopUntilOptions) {
  const { name } = options
  const byFunction = typeof critic === 'function'
  const members = resolveMembers(name, { [REFINER]: refiner })
  const { crew, root, ends, limits } = team(options, byFunction ? members : withRole(name, members, CRITIC, critic))
  if (!(Number.isInteger(roundsMax) && roundsMax >= 1 && roundsMax <= limits.turnsMax)) throw new TroupeError('config/invalid', `pattern '${name}': roundsMax must be a whole number from 1 to the limit turnsMax, ${limits.turnsMax}, not ${roundsMax}`)

  const outputsOf = (context: TeamContext, member: string): unknown[] => inOrder(context).filter(outcome => outcome.member === member && isDone(outcome)).map(({ output }) => output)
  const draftOf = (context: TeamContext): unknown => outputsOf(context, REFINER).at(-1) ?? null
  const roundOf = ({ work }: TeamContext): number => work.filter(({ member }) => member === REFINER).length
  const critiqueOf = (context: TeamContext): Critique => readCritique(byFunction ? critic(draftOf(context), context.task) : outputsOf(context, CRITIC).at(-1))
  /** Null while there is a further round to come. */
  const decide = (context: TeamContext): Verdict | null => {
    const drafts = outputsOf(context, REFINER)
    const draft = draftOf(context)
    if (critiqueOf(context).accepted) return done(draft)
    if (drafts.slice(0, -1).some(earlier => JSON.stringify(earlier) === JSON.stringify(draft))) return failed(`no progress: the draft of round ${roundOf(context)} has been there before`, draft)
    return roundOf(context) >= roundsMax ? failed(`not accepted after ${roundsMax} rounds`, draft) : null
  }
  const giveUp = { type: 'conclude', params: ({ context }: { readonly context: TeamContext }) => () => ({ ...asVerdict(lastResult(context) as MemberOutcome), output: draftOf(context) }) } as const
  return crew.createMachine({
    ...root,
    initial: 'refining',
    states: {
      refining: {
        entry: {
          type: 'give',
          params: ({ context }) => () => {
            const round = roundOf(context) + 1
            return [{ member: REFINER, task: { task: context.task, round, draft: draftOf(context), feedback: round === 1 ? null : (critiqueOf(context).feedback ?? null) } satisfies Refinement }]
          },
        },
        always: [{ guard: 'isLastDone', target: 'criticising' }, { guard: 'isAllEnded', actions: giveUp }],
      },
      criticising: {
        entry: { type: 'give', params: ({ context }) => () => (byFunction ? [] : [{ member: CRITIC, task: { task: context.task, draft: draftOf(context), round: roundOf(context) } }]) },
        always: [{ guard: 'isLastDone', target: 'deciding' }, { guard: 'isAllEnded', actions: giveUp }],
      },
      deciding: {
        entry: { type: 'conclude', params: ({ context }) => () => decide(context) },
        always: { guard: 'isOpen', target: 'refining' },
      },
      ...ends,
    },
  })
}

function readCritique(output: unknown): Critique {
  if (typeof output === 'boolean') return { accepted: output }
  const { accepted } = (output ?? {}) as Partial<Critique>
  if (typeof accepted !== 'boolean') throw new Error(`the critic has to say { accepted: true or false }, not ${JSON.stringify(output)}`)
  return output as Critique
}
