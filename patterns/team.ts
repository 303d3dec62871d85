import { assign, enqueueActions, setup } from 'xstate'
import type { AnyActorLogic, DoneActorEvent } from 'xstate'
import { addUsage, noUsage } from '../machines/outcome.ts'
import type { MemberInput, MemberOutcome, OutcomeStatus, PatternOutcome } from '../machines/outcome.ts'
import { whyUnfit } from '../machines/storable.ts'
import { catalogueEntryOf, catalogued, childLogicOf } from '../src/core/catalogue.ts'
import { TroupeError } from '../src/core/errors.ts'
import { delegation } from './delegation.ts'
import type { DelegationInput } from './delegation.ts'
import { resolvePatternLimits } from './limits.ts'
import type { PatternLimits } from './limits.ts'
import type { MemberOptions } from './member.ts'

/** What every pattern can be told. */
export interface PatternOptions {
  /** By which the catalogue and error messages know it. */
  readonly name: string
  readonly description?: string
  /** What it can do, in words of the application, for those who look for it. */
  readonly capabilities?: readonly string[]
  readonly limits?: Partial<PatternLimits>
}

/** How far a pattern is. The same in the context of each, for those who watch. */
export interface Progress {
  /** Pieces of work given out so far. */
  readonly total: number
  readonly begun: number
  readonly ended: number
  /** Of those that ended: not `done`. */
  readonly failed: number
}

/** What came of one piece of work, by its place in `work`. */
export interface WorkResult {
  readonly index: number
  readonly outcome: MemberOutcome
}

/** How a pattern ends. */
export interface Verdict {
  readonly status: OutcomeStatus
  readonly output: unknown
  readonly reason: string | null
}

/** State of a pattern: what it has given out, and what came of it. Patterns work out everything else from these. */
export interface TeamContext {
  readonly task: unknown
  /** How many patterns deep this one is, by what it was told: what stands behind names is known only as it runs. */
  readonly depth: number
  readonly work: readonly DelegationInput[]
  /** In the order in which they ended. */
  readonly results: readonly WorkResult[]
  readonly progress: Progress
  readonly verdict: Verdict | null
}

export const isDone = ({ status }: { readonly status: OutcomeStatus }): boolean => status === 'done'
export const done = (output: unknown): Verdict => ({ status: 'done', output: output ?? null, reason: null })
/** What somebody's work comes to, as the end of the whole. */
export const asVerdict = (outcome: MemberOutcome): Verdict => (isDone(outcome) ? done(outcome.output) : failed(whyNot(outcome), outcome.output))
export const failed = (reason: string, output: unknown = null, status: OutcomeStatus = 'failed'): Verdict => ({ status, output, reason })

/** What came of a piece of work, by its place; undefined while it goes on. */
export const resultAt = ({ results }: TeamContext, index: number): MemberOutcome | undefined => results.findLast(result => result.index === index)?.outcome
/** What came of the latest piece of work. */
export const lastResult = (context: TeamContext): MemberOutcome | undefined => resultAt(context, context.work.length - 1)
/** Whether all work has ended, and nobody has said yet what comes of it. */
export const isAllEnded = ({ progress, verdict }: TeamContext): boolean => verdict === null && progress.ended === progress.total
/** What came of all pieces, in the order in which they were given out. */
export const inOrder = ({ results }: TeamContext): MemberOutcome[] => results.toSorted((a, b) => a.index - b.index).map(({ outcome }) => outcome)
/** Why somebody's work is not done, with the name. */
export const whyNot = ({ member, status, reason }: MemberOutcome): string => `'${member}' is ${status}${reason === null ? '' : `: ${reason}`}`

const workId = (index: number): string => `work-${index}`
const indexOf = (actorId: string): number => Number(actorId.slice('work-'.length))

/**
 * The parts that patterns are made of: pieces of work are given out (`give`), a bounded number at a time, their outcomes
 * kept, and what is under way when the pattern ends is called off. A verdict ends it, whatever state it is in.
 * Throws `config/invalid` for limits that are none, and more members or levels than the limits allow.
 */
export function team({ name, description, capabilities = [], limits: overrides }: PatternOptions, members: Readonly<Record<string, MemberOptions>>) {
  const limits = resolvePatternLimits(name, overrides)
  const worker = delegation(members, { timeoutMs: limits.memberTimeoutMs })
  const size = Object.keys(members).length
  if (size > limits.fanOutMax) throw new TroupeError('config/invalid', `pattern '${name}' has ${size} members, the limit fanOutMax is ${limits.fanOutMax}`)
  const depth = 1 + depthOf(worker)
  if (depth > limits.depthMax) throw new TroupeError('config/invalid', `pattern '${name}' has ${depth} levels of patterns, the limit depthMax is ${limits.depthMax}`)

  const crew = setup({
    types: { context: {} as TeamContext, input: {} as MemberInput, output: {} as PatternOutcome, events: {} as DoneActorEvent | { readonly type: 'CANCEL' } },
    actors: { delegation: worker },
    delays: { patience: limits.patternTimeoutMs },
    actions: {
      /** Gives out work; what plans it may throw, which is a verdict. */
      give: enqueueActions(({ context, enqueue }, plan: () => readonly DelegationInput[]) => {
        if (context.verdict) return
        const planned = planWork(plan, context, limits)
        if ('status' in planned) return enqueue.assign({ verdict: planned })
        const work = [...context.work, ...planned]
        const next = withBegun({ ...context, work, progress: { ...context.progress, total: work.length } }, limits)
        begunBetween(context, next).forEach(begun => enqueue.spawnChild('delegation', begun))
        enqueue.assign(next)
      }),
      take: enqueueActions(({ context, enqueue }, { actorId, output }: DoneActorEvent) => {
        const next = withBegun(withResults(context, [{ index: indexOf(actorId), outcome: output as MemberOutcome }]), limits)
        enqueue.stopChild(actorId)
        begunBetween(context, next).forEach(begun => enqueue.spawnChild('delegation', begun))
        enqueue.assign(next)
      }),
      /** Ends what is under way. */
      callOff: enqueueActions(({ context, enqueue }) => {
        const open = openWork(context)
        open.filter(({ index }) => index < context.progress.begun).forEach(({ index }) => enqueue.stopChild(workId(index)))
        enqueue.assign(withResults(context, open))
      }),
      /** The end, whatever state this is, unless the verdict is null; what works it out may throw. The first one holds. */
      conclude: assign(({ context }, verdict: () => Verdict | null) => ({ verdict: context.verdict ?? attempt(verdict) })),
    },
    guards: {
      isDone: ({ context }) => context.verdict?.status === 'done',
      isNotDone: ({ context }) => context.verdict !== null && !isDone(context.verdict),
      isOpen: ({ context }) => context.verdict === null,
      isAllEnded: ({ context }) => isAllEnded(context),
      /** All work has ended and the last piece is done. */
      isLastDone: ({ context }) => isAllEnded(context) && lastResult(context)?.status === 'done',
    },
  })
  const root = {
    id: name,
    meta: catalogued({ kind: 'pattern', name, ...(description !== undefined && { description }), capabilities }),
    context: ({ input }: { readonly input: MemberInput | undefined }): TeamContext => {
      const { task = null, depth: level = 1 } = input ?? {}
      const verdict = level > limits.depthMax ? failed(`it is ${level} patterns deep, the limit depthMax is ${limits.depthMax}: is there a cycle?`) : null
      return { task, depth: level, work: [], results: [], progress: { total: 0, begun: 0, ended: 0, failed: 0 }, verdict }
    },
    on: {
      'xstate.done.actor.*': { actions: { type: 'take', params: ({ event }: { readonly event: DoneActorEvent }) => event } },
      CANCEL: { actions: { type: 'conclude', params: () => () => failed('it was cancelled', null, 'cancelled') } },
    },
    after: { patience: { actions: { type: 'conclude', params: () => () => failed(`it took longer than ${limits.patternTimeoutMs} ms`, null, 'timeout') } } },
    always: [{ guard: 'isDone', target: '.done' }, { guard: 'isNotDone', target: '.failed' }],
    output: ({ context }: { readonly context: TeamContext }): PatternOutcome => outcomeOf(context),
  } as const
  const ends = { done: { type: 'final', entry: 'callOff' }, failed: { type: 'final', entry: 'callOff' } } as const
  return { crew, root, ends, limits }
}

/** A verdict, or why there is none. */
export function attempt(work: () => Verdict | null): Verdict | null {
  try {
    const verdict = work()
    const why = verdict && whyUnfit(verdict.output, 'output')
    return why === null ? verdict : failed(why)
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
}

function planWork(plan: () => readonly DelegationInput[], { work }: TeamContext, { fanOutMax, spawnsMax }: PatternLimits): readonly DelegationInput[] | Verdict {
  let more: readonly DelegationInput[] = []
  const refusal = attempt(() => {
    // Without a task an agent would be a session, and wait.
    more = plan().map(piece => ({ ...piece, task: piece.task ?? null }))
    return whyNoWork(more)
  })
  if (refusal) return refusal
  if (more.length > fanOutMax) return failed(`${more.length} pieces of work at once, the limit fanOutMax is ${fanOutMax}`)
  if (work.length + more.length > spawnsMax) return failed(`${work.length + more.length} pieces of work in all, the limit spawnsMax is ${spawnsMax}`)
  return more
}

/** Why work cannot be given out; null when it can. */
function whyNoWork(work: readonly DelegationInput[]): Verdict | null {
  for (const { member, task } of work) {
    const why = whyUnfit(task, `the task for '${member}'`)
    if (why !== null) return failed(why)
  }
  return null
}

/** As many pieces of work under way as may be. */
function withBegun(context: TeamContext, { concurrencyMax }: PatternLimits): TeamContext {
  const { work, progress } = context
  return { ...context, progress: { ...progress, begun: Math.max(progress.begun, Math.min(work.length, progress.ended + concurrencyMax)) } }
}

const begunBetween = (before: TeamContext, { work, progress, depth }: TeamContext): { readonly id: string; readonly input: DelegationInput }[] =>
  work.slice(before.progress.begun, progress.begun).map((input, offset) => ({ id: workId(before.progress.begun + offset), input: { ...input, more: { ...input.more, depth: depth + 1 } } }))

function withResults(context: TeamContext, more: readonly WorkResult[]): TeamContext {
  const { results, progress } = context
  const ended = progress.ended + more.length
  const missed = more.filter(({ outcome }) => !isDone(outcome)).length
  return { ...context, results: [...results, ...more], progress: { ...progress, begun: Math.max(progress.begun, ended), ended, failed: progress.failed + missed } }
}

/** What is given out and has not ended, as it ends when it is called off. */
function openWork({ work, results, progress }: TeamContext): WorkResult[] {
  const ended = new Set(results.map(({ index }) => index))
  return work.flatMap(({ member }, index) => {
    if (ended.has(index)) return []
    const hasBegun = index < progress.begun
    return [{ index, outcome: { kind: 'outcome', status: hasBegun ? 'cancelled' : 'skipped', output: null, reason: hasBegun ? 'it was called off' : 'it was not needed any more', usage: noUsage, member, attempts: hasBegun ? 1 : 0 } }]
  })
}

function outcomeOf(context: TeamContext): PatternOutcome {
  const members = inOrder(context)
  return { kind: 'outcome', ...(context.verdict ?? failed('it ended without a verdict')), usage: members.reduce((sum, { usage }) => addUsage(sum, usage), noUsage), members }
}

/** Levels of patterns inside a logic, itself included. What stands behind a name is not looked at. */
function depthOf(logic: AnyActorLogic): number {
  const inside = Object.values(childLogicOf(logic)).map(depthOf)
  return (catalogueEntryOf(logic)?.kind === 'pattern' ? 1 : 0) + Math.max(0, ...inside)
}
