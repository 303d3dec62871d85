import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, enqueueActions, setup, stopChild } from 'xstate'
import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import { compareFiles } from './compare-files.ts'
import type { Comparison } from './compare-files.ts'
import { listFiles } from './list-files.ts'
import { reportInput, writeReport } from './report.ts'
import type { ReportInput, ReportSummary } from './report.ts'
import type { Review, reviewer } from './reviewer.ts'
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
  readonly summary: ReportSummary | null
  /** Why the run stands still, until it is started again. */
  readonly problem: string | null
}

/** Gives every file of a folder to a reviewer of its own, a few at a time, and reports what they found. */
export const coordinator = setup({
  types: {
    input: {} as CrewInput,
    context: {} as CrewContext,
    events: {} as { readonly type: 'go'; readonly settings: Settings } | DoneActorEvent<Review> | ErrorActorEvent<Error>,
    output: {} as ReportSummary,
  },
  actors: {
    // Spread: where many processes share a run, each reviews some of its files.
    reviewer: remote<typeof reviewer>('reviewer', { spread: true }),
    listFiles: task({ run: ({ input }: TaskScope<CrewInput>) => listFiles(input.folder, input.within), retry: 1 }),
    compareFiles: task({ run: ({ input }: TaskScope<Pick<CrewContext, 'folder' | 'reviews'>>) => compareFiles(input.folder, input.reviews) }),
    writeReport: task({ run: ({ input }: TaskScope<ReportInput>) => writeReport(input), retry: { attempts: 3, baseMs: 100 } }),
  },
  actions: {
    /** Every start of the process says how to go on. */
    begin: assign(({ context, event }) => (event.type === 'go' ? { settings: event.settings, problem: null, takenOver: context.reviews.length } : {})),
    hire: enqueueActions(({ context: { folder, settings, files, given, running }, enqueue }) => {
      const { concurrency, flaky, paceMs, audit } = settings
      const free = Math.max(0, concurrency - Object.keys(running).length)
      const hired = files.slice(given, given + free).map((path, index) => ({ id: `file-${given + index}`, path }))
      for (const { id, path } of hired) enqueue.spawnChild('reviewer', { id, input: { folder, path, flaky, paceMs, audit } })
      enqueue.assign({ given: given + hired.length, running: { ...running, ...Object.fromEntries(hired.map(({ id, path }) => [id, path])) } })
    }),
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
            assign({ reviews: ({ context, event }) => [...context.reviews, event.output] }),
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
        onDone: { target: 'writing', actions: assign({ comparison: ({ event }) => event.output }) },
      },
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

/** What went wrong in the first place: the innermost cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : messageOf(error.cause)
}
