import type { Page } from 'playwright-core'

interface TraceEvent {
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly name: string
  /** Microseconds. */
  readonly dur?: number
  readonly args?: { readonly name?: string }
}

/** Tasks and little else: a trace of everything would be what slows the page down. */
const CATEGORIES = ['-*', 'disabled-by-default-devtools.timeline']

/** Milliseconds of the longest task on the page's main thread while `work` goes on, as Chrome traces it: layout and painting are in it, unlike in what scripts of the page can measure. */
export async function longestTaskMs(page: Page, work: () => Promise<unknown>): Promise<number> {
  const browser = page.context().browser()
  if (!browser) throw new Error('the page has no browser')
  await browser.startTracing(page, { categories: CATEGORIES })
  await work()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { readonly traceEvents: readonly TraceEvent[] }
  const main = new Set(traceEvents.filter(({ ph, args }) => ph === 'M' && args?.name === 'CrRendererMain').map(threadOf))
  const tasks = traceEvents.filter(event => event.name === 'RunTask' && event.ph === 'X' && main.has(threadOf(event)))
  if (tasks.length === 0) throw new Error('the trace has no task of a renderer')
  return tasks.reduce((longest, { dur = 0 }) => Math.max(longest, dur), 0) / 1_000
}

const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`
