import { z } from 'zod'
import type { MemberOutcome } from '../machines/outcome.ts'
import { TroupeError } from '../src/core/errors.ts'
import type { DelegationInput } from './delegation.ts'
import { resolveMembers } from './member.ts'
import type { MemberOptions, Members } from './member.ts'
import { done, failed, isDone, resultAt, team, whyNot } from './team.ts'
import type { PatternOptions, TeamContext, Verdict } from './team.ts'

/** What a member does with a letter: writes others, gives the answer to the whole, both, or nothing. An agent says so with `output: move`. */
export const move = z.object({ send: z.array(z.object({ to: z.string(), content: z.unknown() })).optional(), answer: z.unknown().optional() })
export type Move = z.infer<typeof move>

/** One who is not a member: from it come the task, and what could not be delivered. */
export const NETWORK = 'network'

/** What was written, as those who wrote or got it are told of it. */
export interface Letter {
  readonly from: string
  readonly to: string
  readonly content: unknown
}

/** What a member is given. */
export interface NetworkTask {
  readonly task: unknown
  readonly from: string
  readonly content: unknown
  /** What it has written and got before, the latest last. */
  readonly thread: readonly Letter[]
  /** Whom it may write. */
  readonly mayWrite: readonly string[]
  /** Letters on the way from the task to this one. */
  readonly hops: number
}

export interface NetworkOptions extends PatternOptions {
  readonly members: Members
  /** Who gets the task. */
  readonly start: string
  /** Who may write whom; who is not named may write nobody. Default: everybody everybody. */
  readonly allow?: Readonly<Record<string, readonly string[]>>
  /** Letters in a row, each an answer to the one before. Default 20. */
  readonly hopsMax?: number
  /** Letters in all. Default 200. */
  readonly lettersMax?: number
  /** Letters that are refused, in all; each is told to who wrote it. Default 10. */
  readonly refusalsMax?: number
  /** Letters before this one that a member is shown. Default 10. */
  readonly threadMax?: number
  /** What a letter means whose reader fails: who wrote it is told, or the whole has failed. Default `tell`. */
  readonly onFailure?: 'tell' | 'fail'
}

/**
 * Members write each other, as far as they may, until one of them gives the answer, or nobody has anything to say any more,
 * or a limit is reached. Each letter is a piece of work of whom it is for. Throws `config/invalid`.
 *
 * @example
 * const council = network({ name: 'council', start: 'chair', members: ['chair', 'law', 'money'], allow: { chair: ['law', 'money'], law: ['chair'], money: ['chair'] } })
 */
export function network({ members: given, start, allow, hopsMax = 20, lettersMax = 200, refusalsMax = 10, threadMax = 10, onFailure = 'tell', ...options }: NetworkOptions) {
  const { name } = options
  const members: Readonly<Record<string, MemberOptions>> = Object.fromEntries(Object.entries(resolveMembers(name, given)).map(([member, own]) => [member, { validate: move, ...own }]))
  const known = Object.keys(members)
  const stranger = [start, ...Object.keys(allow ?? {}), ...Object.values(allow ?? {}).flat()].find(member => !known.includes(member))
  if (stranger !== undefined) throw new TroupeError('config/invalid', `pattern '${name}': there is no member '${stranger}'; the members are ${known.join(', ')}`)
  const { crew, root, ends } = team(options, members)
  const mayWrite = (member: string): readonly string[] => (allow ? (allow[member] ?? []) : known.filter(other => other !== member))

  const letter = (context: TeamContext, { from, to, content }: Letter, hops: number): DelegationInput => ({
    member: to,
    task: { task: context.task, from, content, thread: threadOf(context, to, threadMax), mayWrite: mayWrite(to), hops } satisfies NetworkTask,
  })
  const refusalOf = (from: string, to: string): string | undefined => {
    if (!known.includes(to)) return `there is no member '${to}'`
    return mayWrite(from).includes(to) ? undefined : `${from} may not write ${to}`
  }

  /** What comes of a letter that was read: further letters, to its reader those that were refused. */
  const answersTo = (context: TeamContext, index: number): readonly DelegationInput[] => {
    const outcome = resultAt(context, index) as MemberOutcome
    const { hops, from } = taskAt(context, index)
    const tell = (to: string, content: string): DelegationInput => letter(context, { from: NETWORK, to, content }, hops + 1)
    if (!isDone(outcome)) return [tell(from, `Your letter came to nothing: ${whyNot(outcome)}.`)]
    const sends = (outcome.output as Move).send ?? []
    const refused = sends.flatMap(({ to }) => refusalOf(outcome.member, to) ?? [])
    return [
      ...sends.filter(({ to }) => refusalOf(outcome.member, to) === undefined).map(({ to, content }) => letter(context, { from: outcome.member, to, content }, hops + 1)),
      ...(refused.length > 0 ? [tell(outcome.member, `Not delivered: ${refused.join('; ')}. You may write ${mayWrite(outcome.member).join(', ') || 'nobody'}.`)] : []),
    ]
  }

  /** Whether what came of a letter ends the whole. */
  const verdictOf = (context: TeamContext, index: number): Verdict | null => {
    const outcome = resultAt(context, index) as MemberOutcome
    const { from } = taskAt(context, index)
    if (!isDone(outcome)) return onFailure === 'fail' || from === NETWORK ? failed(whyNot(outcome)) : null
    const { answer } = outcome.output as Move
    if (answer !== undefined && answer !== null) return done(answer)
    const refusals = context.results.reduce((sum, result) => sum + (isDone(result.outcome) ? ((result.outcome.output as Move).send ?? []).filter(({ to }) => refusalOf(result.outcome.member, to) !== undefined).length : 0), 0)
    return refusals > refusalsMax ? failed(`${refusals} letters could not be delivered, the limit refusalsMax is ${refusalsMax}`) : null
  }

  const withinLimits = (context: TeamContext, letters: readonly DelegationInput[]): readonly DelegationInput[] => {
    const far = letters.find(({ task }) => (task as NetworkTask).hops > hopsMax)
    if (far) throw new Error(`a letter to '${far.member}' is ${hopsMax + 1} hops from the task, the limit hopsMax is ${hopsMax}`)
    if (context.work.length + letters.length > lettersMax) throw new Error(`${context.work.length + letters.length} letters, the limit lettersMax is ${lettersMax}`)
    return letters
  }

  return crew.createMachine({
    ...root,
    initial: 'writing',
    states: {
      writing: {
        entry: { type: 'give', params: ({ context }) => () => [letter(context, { from: NETWORK, to: start, content: context.task }, 0)] },
        on: {
          'xstate.done.actor.*': {
            actions: [
              { type: 'take', params: ({ event }) => event },
              { type: 'conclude', params: ({ context }) => () => verdictOf(context, lastIndex(context)) },
              { type: 'give', params: ({ context }) => () => withinLimits(context, answersTo(context, lastIndex(context))) },
            ],
          },
        },
        always: { guard: 'isAllEnded', actions: { type: 'conclude', params: () => () => failed('nobody has anything to say any more, and nobody has given an answer') } },
      },
      ...ends,
    },
  })
}

/** Of the work that has ended last. */
const lastIndex = ({ results }: TeamContext): number => results.at(-1)?.index ?? 0

const taskAt = ({ work }: TeamContext, index: number): NetworkTask => (work[index] as DelegationInput).task as NetworkTask

const threadOf = ({ work }: TeamContext, member: string, threadMax: number): readonly Letter[] =>
  work
    .map(({ member: to, task }): Letter => ({ from: (task as NetworkTask).from, to, content: (task as NetworkTask).content }))
    .filter(({ from, to }) => from === member || to === member)
    .slice(-threadMax)
