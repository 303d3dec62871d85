import { createHash } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, setup } from 'xstate'
import { ruleNames } from './analyse/finding.ts'
import type { Finding } from './analyse/finding.ts'
import { linkFile, inspectFile, measureFile } from './review-file.ts'
import type { FileLinks } from './review-file.ts'
import type { Settings } from './settings.ts'

/** The file to review, and how. */
export interface Assignment extends Pick<Settings, 'flaky' | 'paceMs' | 'audit'> {
  readonly folder: string
  /** Relative to the folder, with forward slashes. */
  readonly path: string
}

/** What a reviewer hands to the coordinator. */
export interface Review extends FileLinks {
  readonly path: string
  readonly lines: number
  readonly findings: readonly Finding[]
  /** Findings beyond those kept. */
  readonly more: number
  /** Process that did the last step. */
  readonly by: number
  /** Attempts of tasks that failed. */
  readonly retries: number
}

/** The findings that a reviewer keeps of one file. */
const FINDINGS_MAX = 20

/** Work on the file that may fail, be cut off by a crash, and be done again without harm: it only reads. */
const step = <TResult extends object>(name: string, work: (folder: string, path: string) => Promise<TResult>) =>
  task({
    run: async ({ input, attempt, signal }: TaskScope<Assignment>) => {
      if (input.audit !== null) await appendFile(input.audit, `${name} ${input.path}\n`)
      await sleep(input.paceMs, undefined, { signal })
      if (input.flaky && attempt < luckyAttempt(`${name} ${input.path}`)) throw new Error(`${name} of ${input.path} failed on purpose`)
      return { ...(await work(input.folder, input.path)), retries: attempt - 1, by: process.pid }
    },
    retry: { attempts: 5, baseMs: 100, maxMs: 2_000 },
    // A file that is gone stays gone.
    retryIf: error => (error as NodeJS.ErrnoException).code !== 'ENOENT',
  })

/** With `--flaky` about every third task fails once, and every ninth twice. */
function luckyAttempt(name: string): number {
  const [first = 0] = createHash('sha256').update(name).digest()
  return first % 9 === 0 ? 3 : first % 3 === 0 ? 2 : 1
}

/** Reviews one file in three steps. A step that is done is never done again. */
export const reviewer = setup({
  types: {
    input: {} as Assignment,
    context: {} as { readonly assignment: Assignment; readonly review: Review },
    output: {} as Review,
  },
  actors: {
    measure: step('measure', measureFile),
    inspect: step('inspect', inspectFile),
    link: step('link', linkFile),
  },
  actions: {
    add: assign(({ context: { review } }, result: Partial<Review>) => ({ review: joined(review, result) })),
  },
}).createMachine({
  id: 'reviewer',
  context: ({ input }) => ({
    assignment: input,
    review: { path: input.path, lines: 0, findings: [], more: 0, by: 0, retries: 0, imports: [], exports: [], prints: [] },
  }),
  initial: 'measuring',
  states: {
    measuring: {
      invoke: {
        src: 'measure',
        input: ({ context }) => context.assignment,
        onDone: { target: 'inspecting', actions: { type: 'add', params: ({ event }) => event.output } },
      },
    },
    inspecting: {
      invoke: {
        src: 'inspect',
        input: ({ context }) => context.assignment,
        onDone: { target: 'linking', actions: { type: 'add', params: ({ event }) => event.output } },
      },
    },
    linking: {
      invoke: {
        src: 'link',
        input: ({ context }) => context.assignment,
        onDone: { target: 'done', actions: { type: 'add', params: ({ event }) => event.output } },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => context.review,
})

/** A review with the result of one more step. Where there is too much to say, the gravest is kept. */
function joined(review: Review, result: Partial<Review>): Review {
  const findings = [...review.findings, ...(result.findings ?? [])].toSorted((a, b) => ruleNames.indexOf(a.rule) - ruleNames.indexOf(b.rule))
  return {
    ...review,
    ...result,
    findings: findings.slice(0, FINDINGS_MAX),
    more: review.more + Math.max(0, findings.length - FINDINGS_MAX),
    retries: review.retries + (result.retries ?? 0),
  }
}
