import { createHash } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from './settings.ts'

/** The file to review, and how. */
export interface Assignment extends Pick<Settings, 'flaky' | 'paceMs' | 'audit'> {
  readonly folder: string
  /** Relative to the folder, with forward slashes. */
  readonly path: string
}

/** What every attempt of work on a file begins with: it is noted, takes its time, and fails when it is asked to. */
export async function beginWork(name: string, { path, audit, paceMs, flaky }: Assignment, { attempt, signal }: { readonly attempt: number; readonly signal: AbortSignal }): Promise<void> {
  if (audit !== null) await appendFile(audit, `${name} ${path}\n`)
  if (paceMs > 0) await sleep(paceMs, undefined, { signal })
  if (flaky && attempt < luckyAttempt(`${name} ${path}`)) throw new Error(`${name} of ${path} failed on purpose`)
}

/** Work on a file may fail, be cut off by a crash, and be done again without harm: it only reads. */
export const workRetry = { attempts: 5, baseMs: 100, maxMs: 2_000 }

/** With `--flaky` about every third piece of work fails once, and every ninth twice. */
function luckyAttempt(name: string): number {
  const [first = 0] = createHash('sha256').update(name).digest()
  return first % 9 === 0 ? 3 : first % 3 === 0 ? 2 : 1
}
