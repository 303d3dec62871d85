import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { fingerprintsOf, plainLines } from './analyse/fingerprint.ts'
import { linksOf } from './analyse/links.ts'
import type { Links } from './analyse/links.ts'
import { codeLines } from './analyse/source.ts'
import { isTestFile } from './analyse/tests.ts'
import { beginWork, workRetry } from './assignment.ts'
import type { Assignment } from './assignment.ts'
import { readSource } from './read-source.ts'

/** What the lead must know of a file to say who is to look at it, and the crew to compare it with others. */
export interface Facts extends Links {
  readonly path: string
  readonly lines: number
  readonly isTest: boolean
  readonly hasComments: boolean
  /** Hashes of its blocks; see `fingerprintsOf`. */
  readonly prints: readonly string[]
  /** Process that has read it. */
  readonly by: number
  readonly retries: number
}

/** Reads a file before anybody is asked about it. There is nothing to decide, so it is a task, not an agent. */
export const scout = task({
  run: async ({ input: { task: assignment }, attempt, signal }: TaskScope<{ readonly task: Assignment }>): Promise<Facts> => {
    await beginWork('scout', assignment, { attempt, signal })
    const { folder, path } = assignment
    const source = await readSource(folder, path)
    return {
      ...linksOf(source),
      path,
      lines: codeLines(source),
      isTest: isTestFile(path),
      hasComments: source.comments.length > 0,
      prints: fingerprintsOf(plainLines(source)),
      by: process.pid,
      retries: attempt - 1,
    }
  },
  retry: workRetry,
  // A file that is gone stays gone.
  retryIf: error => (error as NodeJS.ErrnoException).code !== 'ENOENT',
})
