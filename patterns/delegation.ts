import { assign, enqueueActions, setup, stopChild } from 'xstate'
import type { DoneActorEvent, ErrorActorEvent, UnknownActorLogic } from 'xstate'
import { addUsage, asOutcome, noUsage } from '../machines/outcome.ts'
import type { MemberOutcome, Outcome, OutcomeStatus, Usage } from '../machines/outcome.ts'
import { callEnded, permit, permitOf, readBreakerUse } from '../machines/permit.ts'
import type { BreakerUse } from '../machines/permit.ts'
import { toStorable, whyUnfit } from '../machines/storable.ts'
import { TroupeError } from '../src/core/errors.ts'
import { backoffMs, resolveRetry } from '../src/core/retry.ts'
import { actorAt } from '../src/core/targets.ts'
import { defaultPatternLimits } from './limits.ts'
import { memberLogic } from './member.ts'
import type { MemberOptions, MemberPolicy, Validation } from './member.ts'

/** A piece of work for a member. */
export interface DelegationInput {
  /** One of the names that the delegation was made with; another name is a failed outcome. */
  readonly member: string
  readonly task: unknown
  /** What the member's input has beside the task, such as the messages so far. */
  readonly more?: Readonly<Record<string, unknown>>
}

export interface DelegationContext extends DelegationInput {
  /** Of all attempts so far, those of the fallback too. */
  readonly attempts: number
  /** Of whoever is at it. */
  readonly attempt: number
  readonly isFallback: boolean
  readonly usage: Usage
  /** Of the last attempt. */
  readonly outcome: Outcome
}

/** Those after which the same member may do better. */
const worthAnotherTry: readonly OutcomeStatus[] = ['failed', 'timeout', 'empty']
/** Those after which somebody else may. A refusal by a guardrail or a person stands. */
const worthAFallback: readonly OutcomeStatus[] = [...worthAnotherTry, 'out-of-budget']

const CHILD = 'member'
/** No name of a member has a space. */
const PERMIT = 'circuit breaker'
const fallbackOf = (name: string): string => `fallback:${name}`
const ended = (status: OutcomeStatus, reason: string, output: unknown = null): Outcome => ({ kind: 'outcome', status, output, reason, usage: noUsage })

/**
 * A piece of work in a member's hands, as a machine that a pattern spawns for each: asks the member's circuit breaker, begins
 * the member, waits with a timeout, tries again, validates, turns to the fallback. Always ends with a `MemberOutcome`; stopping it stops the member.
 * Throws `config/invalid` for a retry policy that makes no schedule.
 */
export function delegation(members: Readonly<Record<string, MemberOptions>>, defaults: MemberPolicy = {}) {
  const policies = new Map(Object.entries(members).map(([name, options]) => [name, policyOf(options, defaults)]))
  const fallbacks = Object.entries(members).flatMap(([name, { fallback = defaults.fallback }]) => (fallback === undefined ? [] : [[fallbackOf(name), memberLogic(fallback)] as const]))
  const policy = ({ member }: DelegationInput): Policy => policies.get(member) ?? unknownPolicy
  return setup({
    types: { context: {} as DelegationContext, input: {} as DelegationInput, output: {} as MemberOutcome, events: {} as DoneActorEvent | ErrorActorEvent },
    actors: Object.fromEntries([...Object.entries(members).map(([name, { member }]) => [name, memberLogic(member)] as const), ...fallbacks, [PERMIT, permit]]) as Record<string, UnknownActorLogic>,
    delays: {
      patience: ({ context }) => policy(context).timeoutMs,
      backoff: ({ context }) => policy(context).backoffMs(context.attempt),
    },
    actions: {
      begin: enqueueActions(({ context, enqueue }) => {
        const { member, task, more, isFallback } = context
        enqueue.assign({ attempts: context.attempts + 1, attempt: context.attempt + 1 })
        enqueue.spawnChild(isFallback ? fallbackOf(member) : member, { id: CHILD, input: { ...more, task } })
      }),
      end: stopChild(CHILD),
      tellBreaker: enqueueActions(({ context, self, enqueue }) => {
        const { breaker } = policy(context)
        if (breaker && !context.isFallback) enqueue.sendTo(actorAt(breaker.address), callEnded(permitOf(self, context.attempts), !worthAnotherTry.includes(context.outcome.status)))
      }),
      keep: assign(({ context }, outcome: Outcome) => {
        const checked = outcome.status === 'done' ? validated(outcome, policy(context).validate) : outcome
        return { outcome: checked, usage: addUsage(context.usage, outcome.usage) }
      }),
      turnToFallback: assign({ isFallback: true, attempt: 0 }),
    },
    guards: {
      isUnknown: ({ context }) => !policies.has(context.member),
      needsPermit: ({ context }) => policy(context).breaker !== undefined && !context.isFallback,
      canTryAgain: ({ context }) => worthAnotherTry.includes(context.outcome.status) && context.attempt < policy(context).attempts,
      canFallBack: ({ context }) => worthAFallback.includes(context.outcome.status) && !context.isFallback && policy(context).hasFallback,
    },
  }).createMachine({
    id: 'delegation',
    context: ({ input }) => ({ ...input, attempts: 0, attempt: 0, isFallback: false, usage: noUsage, outcome: ended('failed', `there is no member '${input.member}'; the members are ${[...policies.keys()].join(', ')}`) }),
    initial: 'looking',
    states: {
      looking: { always: [{ guard: 'isUnknown', target: 'ended' }, { guard: 'needsPermit', target: 'asking' }, { target: 'working' }] },
      asking: {
        invoke: {
          id: 'permit', src: PERMIT,
          input: ({ context, self }) => ({ ...policy(context).breaker, id: permitOf(self, context.attempts + 1) }),
          onDone: [{ guard: ({ event }) => event.output === null, target: 'working' }, { target: 'withoutPermit', actions: { type: 'keep', params: ({ event }) => ended('failed', String(event.output)) } }],
        },
        after: { patience: { target: 'withoutPermit', actions: { type: 'keep', params: ({ context }) => ended('timeout', `its circuit breaker gave no permit within ${policy(context).timeoutMs} ms`) } } },
      },
      withoutPermit: { always: [{ guard: 'canFallBack', target: 'working', actions: 'turnToFallback' }, { target: 'ended' }] },
      working: {
        entry: 'begin',
        exit: 'end',
        after: { patience: { target: 'assessing', actions: { type: 'keep', params: ({ context }) => ended('timeout', `it took longer than ${policy(context).timeoutMs} ms`) } } },
        on: {
          'xstate.done.actor.*': { target: 'assessing', actions: { type: 'keep', params: ({ event }) => outcomeOf(event.output) } },
          'xstate.error.actor.*': { target: 'assessing', actions: { type: 'keep', params: ({ event }) => thrown((event as ErrorActorEvent).error) } },
        },
      },
      assessing: { entry: 'tellBreaker', always: [{ guard: 'canTryAgain', target: 'waiting' }, { guard: 'canFallBack', target: 'working', actions: 'turnToFallback' }, { target: 'ended' }] },
      waiting: { after: { backoff: 'looking' } },
      ended: { type: 'final' },
    },
    output: ({ context: { outcome, member, attempts, usage, isFallback } }) => ({ ...outcome, usage, member, attempts, ...(isFallback && { isFallback }) }),
  })
}

interface Policy {
  readonly timeoutMs: number
  readonly attempts: number
  readonly hasFallback: boolean
  readonly validate: Validation | undefined
  readonly breaker: Required<BreakerUse> | undefined
  backoffMs(attempt: number): number
}

function policyOf(options: MemberOptions, defaults: MemberPolicy): Policy {
  const { timeoutMs = defaultPatternLimits.memberTimeoutMs, retry = 1, validate, fallback, breaker }: MemberPolicy = { ...defaults, ...options }
  // Whoever has somebody else for the work need not wait.
  const use = breaker === undefined ? undefined : { ...readBreakerUse('a delegation', breaker), ...(fallback !== undefined && { refused: 'fail' as const }) }
  const schedule = resolveRetry(retry)
  // 0.5 is the middle of the jitter: machines have no randomness.
  return { timeoutMs, attempts: schedule.attempts, hasFallback: fallback !== undefined, validate, breaker: use, backoffMs: attempt => backoffMs(schedule, attempt, 0.5) }
}

const unknownPolicy = policyOf({ member: 'nobody' }, {})

/** What a member in process puts out has passed no border yet. */
function outcomeOf(output: unknown): Outcome {
  const why = whyUnfit(output, 'its output')
  return why === null ? asOutcome(output) : ended('failed', why)
}

/** A member that threw has failed; one that somebody else stopped is called off. */
function thrown(error: unknown): Outcome {
  const reason = error instanceof Error ? error.message : String(error)
  return ended(error instanceof TroupeError && error.code === 'actor/ended' ? 'cancelled' : 'failed', reason)
}

function validated(outcome: Outcome, validate: Validation | undefined): Outcome {
  if (validate === undefined) return outcome
  const { output } = outcome
  const refuse = (why: string): Outcome => ended('failed', `its output is not valid: ${why}`, output)
  try {
    if (typeof validate === 'function') {
      const verdict = validate(output)
      return verdict === true ? outcome : refuse(verdict === false ? 'it was refused' : verdict)
    }
    const parsed = validate.safeParse(output)
    return parsed.success ? { ...outcome, output: toStorable(parsed.data, 'output') } : refuse(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'output'}: ${message}`).join('; '))
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}
