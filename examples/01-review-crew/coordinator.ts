import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import type { ApprovalAsked, ApprovalInput, approval } from 'troupe/machines'
import { cpuTask } from 'troupe/workers'
import { assign, enqueueActions, sendTo, setup, stopChild } from 'xstate'
import type { DoneActorEvent, ErrorActorEvent, OutputFrom } from 'xstate'
import type { Comparison, compareFiles } from './compare-files.ts'
import { listFiles } from './list-files.ts'
import type { findNearest, Near } from './look-alikes/nearest.ts'
import { groupsOf } from './look-alikes/swarm.ts'
import type { lookAlikes } from './look-alikes/swarm.ts'
import { comparable, reportInput, summarize, writeReport } from './report.ts'
import type { ReportInput, ReportSummary } from './report.ts'
import type { Review, createReviewer } from './reviewer.ts'
import { defaultSettings } from './settings.ts'
import type { Settings } from './settings.ts'

/** What makes a run: the same input is the same run. */
export interface CrewInput {
  readonly folder: string
  /** Folders in it to look into; all of it when empty. */
  readonly within: readonly string[]
}

export interface Failure {
  readonly path: string
  readonly reason: string
}

export interface CrewContext extends CrewInput {
  readonly settings: Settings
  readonly files: readonly string[]
  /** How many of the files have been given to a reviewer. */
  readonly given: number
  /** Files in the hands of a reviewer, by the id of the reviewer. */
  readonly running: Readonly<Record<string, string>>
  readonly reviews: readonly Review[]
  readonly failures: readonly Failure[]
  /** Files that were finished before the last start. */
  readonly takenOver: number
  readonly isLate: boolean
  readonly comparison: Comparison | null
  readonly near: Near
  /** Findings that look alike, by their places in the list of the comparable ones. */
  readonly groups: readonly (readonly number[])[]
  /** What a person is asked, until somebody decides. */
  readonly question: Question | null
  /** Why the report was not to be written. */
  readonly refusal: string | null
  readonly summary: ReportSummary | null
  /** Why the run stands still, until it is started again. */
  readonly problem: string | null
}

export interface Question extends Omit<ApprovalAsked, 'subject'> {
  readonly subject: ReportSummary
}

/** Whoever sits at the terminal, as the approval knows them. */
export const APPROVER = 'you'
/** A report that nobody has asked for in this time is not written. */
const APPROVAL_MS = 7 * 24 * 60 * 60 * 1000

/** A person's answer to a question. */
export interface Decision {
  readonly type: 'approval.decide'
  readonly approve: boolean
  readonly by: string
  readonly revision: string
}

/**
 * Gives every file of a folder to a reviewer of its own, a few at a time; compares what they found, has it grouped by a swarm,
 * and writes the report once a person agrees.
 */
export const coordinator = setup({
  types: {
    input: {} as CrewInput,
    context: {} as CrewContext,
    events: {} as { readonly type: 'go'; readonly settings: Settings } | Question | Decision | DoneActorEvent<OutputFrom<Reviewer>> | ErrorActorEvent<Error>,
    output: {} as ReportSummary,
  },
  actors: {
    // Spread: where many processes share a run, each reviews some of its files.
    reviewer: remote<Reviewer>('reviewer', { spread: true }),
    listFiles: task({ run: ({ input }: TaskScope<CrewInput>) => listFiles(input.folder, input.within), retry: 1 }),
    // What reads and computes for long does it on a thread of the pool.
    compareFiles: cpuTask<typeof compareFiles>({ module: new URL('./compare-files.ts', import.meta.url), export: 'compareFiles' }),
    findNearest: cpuTask<typeof findNearest>({ module: new URL('./look-alikes/nearest.ts', import.meta.url), export: 'findNearest' }),
    swarm: remote<typeof lookAlikes>('look-alikes'),
    gate: remote<typeof approval>('approval'),
    writeReport: task({ run: ({ input }: TaskScope<ReportInput>) => writeReport(input), retry: { attempts: 3, baseMs: 100 } }),
  },
  actions: {
    /** Every start of the process says how to go on. */
    begin: assign(({ context, event }) => (event.type === 'go' ? { settings: event.settings, problem: null, refusal: null, takenOver: context.reviews.length } : {})),
    hire: enqueueActions(({ context: { folder, settings, files, given, running }, enqueue }) => {
      const { concurrency, flaky, paceMs, audit } = settings
      const free = Math.max(0, concurrency - Object.keys(running).length)
      const hired = files.slice(given, given + free).map((path, index) => ({ id: `file-${given + index}`, path }))
      for (const { id, path } of hired) enqueue.spawnChild('reviewer', { id, input: { task: { folder, path, flaky, paceMs, audit } } })
      enqueue.assign({ given: given + hired.length, running: { ...running, ...Object.fromEntries(hired.map(({ id, path }) => [id, path])) } })
    }),
    keep: assign(({ context: { reviews, failures, running } }, { actorId, output }: DoneActorEvent<OutputFrom<Reviewer>>) =>
      output.status === 'done'
        ? { reviews: [...reviews, output.output as Review] }
        : { failures: [...failures, { path: running[actorId] ?? actorId, reason: output.reason ?? output.status }] }),
    dismiss: enqueueActions(({ context: { running }, enqueue }, { id }: { readonly id: string }) => {
      const { [id]: _, ...rest } = running
      enqueue(stopChild(id))
      enqueue.assign({ running: rest })
    }),
    dismissAll: enqueueActions(({ context: { running }, enqueue }) => {
      for (const id of Object.keys(running)) enqueue(stopChild(id))
      enqueue.assign({ running: {}, isLate: true })
    }),
  },
  guards: {
    isGiven: ({ context }) => context.settings.yes,
    isFinished: ({ context: { files, given, running } }) => given === files.length && Object.keys(running).length === 0,
  },
  delays: {
    deadline: ({ context }) => context.settings.deadlineMs,
  },
}).createMachine({
  id: 'coordinator',
  context: ({ input }) => ({
    ...input,
    settings: defaultSettings,
    files: [],
    given: 0,
    running: {},
    reviews: [],
    failures: [],
    takenOver: 0,
    isLate: false,
    comparison: null,
    near: [],
    groups: [],
    question: null,
    refusal: null,
    summary: null,
    problem: null,
  }),
  initial: 'waiting',
  on: { go: { actions: 'begin' } },
  states: {
    waiting: {
      on: { go: { target: 'listing', actions: 'begin' } },
    },
    listing: {
      invoke: {
        src: 'listFiles',
        input: ({ context: { folder, within } }) => ({ folder, within }),
        onDone: { target: 'reviewing', actions: assign({ files: ({ event }) => event.output }) },
        onError: { target: 'waiting', actions: assign({ problem: ({ event }) => messageOf(event.error) }) },
      },
    },
    reviewing: {
      entry: 'hire',
      always: { guard: 'isFinished', target: 'comparing' },
      after: { deadline: { target: 'comparing', actions: 'dismissAll' } },
      on: {
        go: { actions: ['begin', 'hire'] },
        'xstate.done.actor.*': {
          actions: [
            { type: 'keep', params: ({ event }) => event },
            { type: 'dismiss', params: ({ event }) => ({ id: event.actorId }) },
            'hire',
          ],
        },
        'xstate.error.actor.*': {
          actions: [
            assign({ failures: ({ context, event }) => [...context.failures, { path: context.running[event.actorId] ?? event.actorId, reason: messageOf(event.error) }] }),
            { type: 'dismiss', params: ({ event }) => ({ id: event.actorId }) },
            'hire',
          ],
        },
      },
    },
    comparing: {
      invoke: {
        src: 'compareFiles',
        input: ({ context: { folder, reviews } }) => ({ folder, reviews }),
        onDone: { target: 'measuringLikeness', actions: assign({ comparison: ({ event }) => event.output }) },
      },
    },
    measuringLikeness: {
      invoke: {
        src: 'findNearest',
        input: ({ context }) => ({ folder: context.folder, findings: comparable(context) }),
        onDone: { target: 'clustering', actions: assign({ near: ({ event }) => event.output }) },
      },
    },
    clustering: {
      invoke: {
        id: 'swarm',
        src: 'swarm',
        input: ({ context }) => ({ task: context.near }),
        onDone: { target: 'approving', actions: assign({ groups: ({ event }) => groupsOf(event.output) }) },
      },
    },
    approving: {
      invoke: {
        id: 'gate',
        src: 'gate',
        input: ({ context, self }): ApprovalInput => ({ subject: summarize(reportInput(context)), levels: [{ approvers: [APPROVER], timeoutMs: APPROVAL_MS }], notify: self }),
        onDone: [
          { guard: ({ event }) => event.output.status === 'done', target: 'writing' },
          { target: 'refused', actions: assign({ refusal: ({ event }) => event.output.reason }) },
        ],
      },
      always: { guard: 'isGiven', target: 'writing' },
      on: {
        'approval.asked': { actions: assign({ question: ({ event }) => event }) },
        'approval.decide': { actions: [assign({ question: null }), sendTo('gate', ({ event }) => event)] },
      },
      exit: assign({ question: null }),
    },
    refused: {
      on: { go: { target: 'approving', actions: 'begin' } },
    },
    writing: {
      invoke: {
        src: 'writeReport',
        input: ({ context }) => reportInput(context),
        onDone: { target: 'done', actions: assign({ summary: ({ event }) => event.output }) },
        onError: { target: 'unwritten', actions: assign({ problem: ({ event }) => messageOf(event.error) }) },
      },
    },
    unwritten: {
      on: { go: { target: 'writing', actions: 'begin' } },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => context.summary as ReportSummary,
})

type Reviewer = ReturnType<typeof createReviewer>

/** What went wrong in the first place: the innermost cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : messageOf(error.cause)
}
