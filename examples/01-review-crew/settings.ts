/** How a run is to go on; a later start of the same run may bring other ones. All of it is JSON: the actors keep it. */
export interface Settings {
  /** Reviewers at work at the same time. */
  readonly concurrency: number
  /** From the first start to the report, whatever is done by then. */
  readonly deadlineMs: number
  /** Tasks fail now and then, to show that it does no harm. */
  readonly flaky: boolean
  /** The least time that a task takes, to watch and to kill it. */
  readonly paceMs: number
  /** Write the report without asking anybody. */
  readonly yes: boolean
  /** Absolute path of the report. */
  readonly out: string
  /** File that every attempt of a task is noted in. */
  readonly audit: string | null
}

export const defaultSettings: Settings = {
  concurrency: 4,
  // After a week the files are other ones.
  deadlineMs: 7 * 24 * 60 * 60 * 1000,
  flaky: false,
  paceMs: 0,
  yes: false,
  out: 'report.md',
  audit: null,
}
