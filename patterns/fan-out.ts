import type { MemberOutcome } from '../machines/outcome.ts'
import { TroupeError } from '../src/core/errors.ts'
import type { DelegationInput } from './delegation.ts'
import { withRole } from './member.ts'
import type { Member, MemberOptions } from './member.ts'
import { asVerdict, done, failed, inOrder, isDone, lastResult, team, whyNot } from './team.ts'
import type { PatternOptions, TeamContext, Verdict } from './team.ts'

/**
 * What many at once must come to: `all` done; `any` one done (the others are called off); a `quorum` of so many done;
 * `settled`: all have ended, done or not.
 */
export type FanOutPolicy = 'all' | 'any' | 'settled' | { readonly quorum: number }

/** Makes one of the outputs of many: a function, or a member, who is given `{ task, outputs }`. */
export type Reducer<TOutputs> = ((outputs: TOutputs, task: unknown) => unknown) | Member | MemberOptions

interface FanOut<TOutputs> {
  readonly members: Readonly<Record<string, MemberOptions>>
  readonly policy: FanOutPolicy
  readonly reduce: Reducer<TOutputs> | undefined
  plan(task: unknown): readonly DelegationInput[]
  collect(outcomes: readonly MemberOutcome[]): TOutputs
}

const REDUCER = 'reduce'

/** Gives out work to many at once and makes one of what comes back. */
export function fanOut<TOutputs>(options: PatternOptions, { members, policy, reduce, plan, collect }: FanOut<TOutputs>) {
  checkPolicy(options.name, policy)
  const isFunction = typeof reduce === 'function'
  const { crew, root, ends } = team(options, reduce === undefined || isFunction ? members : withRole(options.name, members, REDUCER, reduce))
  const outputs = (context: TeamContext): TOutputs => collect(inOrder(context))
  return crew.extend({
    guards: {
      isMet: ({ context }) => standing(policy, context) === 'met',
      isBroken: ({ context }) => standing(policy, context) === 'broken',
    },
  }).createMachine({
    ...root,
    initial: 'working',
    states: {
      working: {
        entry: { type: 'give', params: ({ context }) => () => plan(context.task) },
        always: [
          { guard: 'isMet', target: 'reducing' },
          { guard: 'isBroken', actions: { type: 'conclude', params: ({ context }) => () => brokenBy(policy, context) } },
        ],
      },
      reducing: {
        entry: [
          'callOff',
          reduce === undefined || isFunction
            ? { type: 'conclude', params: ({ context }) => () => done(isFunction ? reduce(outputs(context), context.task) : outputs(context)) }
            : { type: 'give', params: ({ context }) => () => [{ member: REDUCER, task: { task: context.task, outputs: outputs(context) } }] },
        ],
        always: { guard: 'isAllEnded', actions: { type: 'conclude', params: ({ context }) => () => asVerdict(lastResult(context) as MemberOutcome) } },
      },
      ...ends,
    },
  })
}

function checkPolicy(pattern: string, policy: FanOutPolicy): void {
  if (typeof policy === 'string' ? ['all', 'any', 'settled'].includes(policy) : Number.isInteger(policy.quorum) && policy.quorum > 0) return
  throw new TroupeError('config/invalid', `pattern '${pattern}': policy must be all, any, settled or { quorum: a whole number from 1 }, not ${JSON.stringify(policy)}`)
}

/** Whether work under a policy still goes on, has met it, or cannot meet it any more. */
function standing(policy: FanOutPolicy, { progress: { total, ended, failed: missed }, verdict }: TeamContext): 'open' | 'met' | 'broken' {
  if (verdict) return 'open'
  if (policy === 'settled') return ended === total ? 'met' : 'open'
  const needed = policy === 'all' ? total : policy === 'any' ? Math.min(1, total) : policy.quorum
  if (ended - missed >= needed) return 'met'
  return total - missed < needed ? 'broken' : 'open'
}

const REASONS_MAX = 3

function brokenBy(policy: FanOutPolicy, context: TeamContext): Verdict {
  const { total, ended, failed: missed } = context.progress
  const asked = typeof policy === 'string' ? policy : `a quorum of ${policy.quorum}`
  const reasons = inOrder(context).filter(outcome => !isDone(outcome)).slice(0, REASONS_MAX).map(whyNot)
  return failed([`${asked} of ${total} cannot be had: ${ended - missed} done, ${missed} not`, ...reasons].join('; '))
}
