import { assign, emit, enqueueActions, setup } from 'xstate'
import { z } from 'zod'
import { WAITS_FOR_PEOPLE, catalogued } from '../src/core/catalogue.ts'
import type { OpenApproval } from '../src/core/catalogue.ts'
import { hashText } from '../src/core/hash.ts'
import { reply } from '../src/core/targets.ts'
import { actorOf, askerSchema } from './asker.ts'
import type { Asker } from './asker.ts'
import { noUsage } from './outcome.ts'
import type { Outcome } from './outcome.ts'

const LEVELS_MAX = 10
const APPROVERS_MAX = 100
/** Characters of a title in a list. */
const TITLE_MAX = 120

const level = z
  .object({
    /** Who may decide. */
    approvers: z.array(z.string().min(1)).min(1).max(APPROVERS_MAX),
    /** Approvals needed. Default 1. */
    quorum: z.int().min(1).default(1),
    /** Rejections that end it. Default 1. */
    vetoes: z.int().min(1).default(1),
    /** Time to answer before the next level is asked, after the last one before it expires, in milliseconds. */
    timeoutMs: z.number().positive(),
  })
  .refine(({ approvers, quorum }) => quorum <= new Set(approvers).size, 'the quorum is larger than the number of approvers')

const inputSchema = z.object({
  /** What is to be approved, whole: it is what people see. */
  subject: z.json(),
  levels: z.array(level).min(1).max(LEVELS_MAX),
  /** An actor that gets `approval.asked` whenever somebody has to be asked. */
  notify: askerSchema.optional(),
})

/** Who is asked what, level after level. */
export type ApprovalInput = Omit<z.input<typeof inputSchema>, 'subject' | 'notify'> & { readonly subject: unknown; readonly notify?: Asker }

type Level = z.output<typeof level>

export interface Vote {
  readonly by: string
  readonly approve: boolean
  readonly reason: string | null
}

/** How it ended, at which level (from 0), over which revision, and who said what there. */
export interface Verdict {
  readonly decision: 'approved' | 'rejected' | 'expired' | 'cancelled' | 'invalid'
  readonly subject: unknown
  readonly revision: string
  readonly level: number
  readonly votes: readonly Vote[]
}

/** The answer to every decision. What was refused changed nothing. */
export type DecisionReply =
  | { readonly accepted: true; readonly approvals: number; readonly rejections: number; readonly quorum: number }
  | { readonly accepted: false; readonly refused: 'not-an-approver' | 'answered-already' | 'other-revision'; readonly revision: string }

/** To `notify`, and emitted to watchers: these people are to decide on this revision. */
export interface ApprovalAsked {
  readonly type: 'approval.asked'
  readonly approvers: readonly string[]
  readonly level: number
  readonly subject: unknown
  readonly revision: string
}

const schemas = {
  /** `revision` is that of the snapshot on which the person decided. */
  'approval.decide': z.object({ type: z.literal('approval.decide'), approve: z.boolean(), by: z.string(), revision: z.string(), reason: z.string().optional() }),
  /** Another subject in place of the old one: all votes are void, the first level is asked again. */
  'approval.amend': z.object({ type: z.literal('approval.amend'), subject: z.json() }),
  'approval.cancel': z.object({ type: z.literal('approval.cancel'), reason: z.string().optional() }),
}

type Decide = z.infer<(typeof schemas)['approval.decide']>
type ApprovalEvent = Decide | { readonly type: 'approval.amend'; readonly subject: unknown } | z.infer<(typeof schemas)['approval.cancel']>

export interface ApprovalContext {
  readonly subject: unknown
  /** Of this subject in this state: what a decision must name. */
  readonly revision: string
  readonly amendments: number
  readonly levels: readonly Level[]
  readonly level: number
  readonly votes: readonly Vote[]
  readonly notify: Asker | null
  /** Why it ended without an approval. */
  readonly reason: string | null
}

const revisionOf = (subject: unknown, amendments: number): string => `${amendments}-${hashText(JSON.stringify(subject)).toString(36)}`

function begin(input: unknown): ApprovalContext {
  const { success, data, error } = inputSchema.safeParse(input)
  const subject = data?.subject ?? null
  return { subject, revision: revisionOf(subject, 0), amendments: 0, levels: data?.levels ?? [], level: 0, votes: [], notify: data?.notify ?? null, reason: success ? null : z.prettifyError(error) }
}

const levelOf = ({ levels, level }: ApprovalContext): Level => levels[level] as Level

const count = (votes: readonly Vote[], approve: boolean): number => votes.filter(vote => vote.approve === approve).length

function refusalOf(context: ApprovalContext, { by, revision }: Decide): (DecisionReply & { accepted: false })['refused'] | undefined {
  if (revision !== context.revision) return 'other-revision'
  if (!levelOf(context).approvers.includes(by)) return 'not-an-approver'
  return context.votes.some(vote => vote.by === by) ? 'answered-already' : undefined
}

const asked = ({ level, subject, revision, ...context }: ApprovalContext): ApprovalAsked => ({ type: 'approval.asked', approvers: context.levels[level]?.approvers ?? [], level, subject, revision })

/** What the people of the level are asked, as an inbox shows it. */
const openApproval = ({ level, subject, revision, votes, levels }: ApprovalContext): OpenApproval => ({ id: '', title: titleOf(subject), subject, approvers: levels[level]?.approvers ?? [], level, votes, revision, decision: { revision } })

/** What a subject says of itself, or the beginning of its text. */
function titleOf(subject: unknown): string {
  const { title } = (typeof subject === 'object' && subject !== null ? subject : {}) as { readonly title?: unknown }
  return (typeof title === 'string' ? title : typeof subject === 'string' ? subject : JSON.stringify(subject)).slice(0, TITLE_MAX)
}

const verdictOf = ({ subject, revision, level, votes }: ApprovalContext, decision: Verdict['decision']): Verdict => ({ decision, subject, revision, level, votes })

const ended = (status: Outcome['status'], decision: Verdict['decision']) => ({
  type: 'final' as const,
  output: ({ context }: { context: ApprovalContext }): Outcome<Verdict> => ({ kind: 'outcome', status, output: verdictOf(context, decision), reason: status === 'done' ? null : context.reason, usage: noUsage }),
})

/**
 * Asks people before something happens: several per level, with quorum and veto, level after level as time runs out.
 * A decision counts once per person and only for the revision it names. Only approvals end it as approved; when nobody is
 * left to ask it has expired, which is a no. Output: an Outcome that is `done` when approved, with the verdict.
 *
 * @example
 * const gate = runtime.actor(approval, 'report-7')
 * await gate.start({ subject: report, levels: [{ approvers: ['ann', 'ben'], quorum: 2, timeoutMs: 3_600_000 }, { approvers: ['boss'], timeoutMs: 86_400_000 }] })
 * const { context } = await gate.snapshot()
 * await gate.ask({ type: 'approval.decide', approve: true, by: 'ann', revision: context.revision }, { until: 'reply' })
 */
export const approval = setup({
  types: {
    context: {} as ApprovalContext,
    events: {} as ApprovalEvent,
    input: {} as ApprovalInput,
    output: {} as Outcome<Verdict>,
    emitted: {} as ApprovalAsked,
  },
  schemas: { events: schemas },
  delays: { patience: ({ context }) => levelOf(context).timeoutMs },
  guards: {
    isInvalid: ({ context }) => context.levels.length === 0,
    counts: ({ context, event }) => refusalOf(context, event as Decide) === undefined,
    isApproved: ({ context }) => count(context.votes, true) >= levelOf(context).quorum,
    isRejected: ({ context }) => count(context.votes, false) >= levelOf(context).vetoes || levelOf(context).quorum > new Set(levelOf(context).approvers).size - count(context.votes, false),
    hasNextLevel: ({ context }) => context.level + 1 < context.levels.length,
  },
  actions: {
    askThem: enqueueActions(({ context, enqueue }) => {
      enqueue(emit(asked(context)))
      if (context.notify) enqueue.sendTo(actorOf(context.notify), asked(context))
    }),
    takeVote: assign(({ context, event }) => {
      const { by, approve, reason = null } = event as Decide
      return { votes: [...context.votes, { by, approve, reason }], reason: approve ? context.reason : `${by} rejected it${reason === null ? '' : `: ${reason}`}` }
    }),
    confirm: reply(({ context }: { context: ApprovalContext }): DecisionReply => ({ accepted: true, approvals: count(context.votes, true), rejections: count(context.votes, false), quorum: levelOf(context).quorum })),
    refuse: reply(({ context, event }: { context: ApprovalContext; event: ApprovalEvent }): DecisionReply => ({ accepted: false, refused: refusalOf(context, event as Decide) ?? 'answered-already', revision: context.revision })),
    escalate: assign(({ context }) => ({ level: context.level + 1, votes: [], reason: null })),
    expire: assign(({ context }) => ({ reason: `nobody of ${levelOf(context).approvers.join(', ')} decided within ${levelOf(context).timeoutMs} ms` })),
    amend: assign(({ context, event }) => {
      const { subject } = event as Extract<ApprovalEvent, { type: 'approval.amend' }>
      const amendments = context.amendments + 1
      return { subject, amendments, revision: revisionOf(subject, amendments), level: 0, votes: [], reason: null }
    }),
    cancel: assign(({ event }) => ({ reason: (event as { readonly reason?: string }).reason ?? 'it was cancelled' })),
  },
}).createMachine({
  id: 'approval',
  meta: catalogued({ kind: 'machine', name: 'approval', description: 'asks people, level after level, before something happens', capabilities: ['approval'] }, context => [openApproval(context as ApprovalContext)]),
  context: ({ input }) => begin(input),
  initial: 'checking',
  output: ({ event }) => (event as unknown as { output: Outcome<Verdict> }).output,
  states: {
    checking: { always: [{ guard: 'isInvalid', target: 'invalid' }, 'waiting'] },
    waiting: {
      tags: WAITS_FOR_PEOPLE,
      entry: 'askThem',
      always: [
        { guard: 'isApproved', target: 'approved' },
        { guard: 'isRejected', target: 'rejected' },
      ],
      after: {
        patience: [
          { guard: 'hasNextLevel', target: 'waiting', reenter: true, actions: 'escalate' },
          { target: 'expired', actions: 'expire' },
        ],
      },
      on: {
        'approval.decide': [{ guard: 'counts', actions: ['takeVote', 'confirm'] }, { actions: 'refuse' }],
        'approval.amend': { target: 'waiting', reenter: true, actions: 'amend' },
        'approval.cancel': { target: 'cancelled', actions: 'cancel' },
      },
    },
    approved: ended('done', 'approved'),
    rejected: ended('rejected', 'rejected'),
    expired: ended('timeout', 'expired'),
    cancelled: ended('cancelled', 'cancelled'),
    invalid: ended('failed', 'invalid'),
  },
})
