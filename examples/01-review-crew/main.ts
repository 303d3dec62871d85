import { TroupeError } from 'troupe'
import { ruleNames } from './analyse/finding.ts'
import { personAt } from './ask-person.ts'
import { reviewFolder } from './crew.ts'
import type { Outcome } from './crew.ts'
import { openModel } from './model.ts'
import { UsageError, help, isRedis, parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { count } from './report.ts'
import type { ReportSummary } from './report.ts'
import { removeStore } from './remove-store.ts'
import { createTeamScreen } from './team-screen.ts'
import { createScreen } from './terminal.ts'
import { reviewByWorkers } from './workers.ts'

const startedAt = performance.now()

// With `| head` nobody reads the rest; the work goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (!options) {
    console.log(help)
    return 0
  }
  if (options.fresh && options.workers === 0) await removeStore(options.store, options.isStoreNamed)
  const interrupt = new AbortController()
  // Once: a second Ctrl-C ends the process at once, which does no harm either.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort(signal))
  return tell(options.workers > 0 ? await withWorkers(options, interrupt.signal) : await alone(options, interrupt.signal))
}

async function alone(options: Options, signal: AbortSignal): Promise<Outcome> {
  return reviewFolder(options, createScreen(process.stdout), personAt(process.stdin, process.stdout), signal)
}

async function withWorkers(options: Options, signal: AbortSignal): Promise<Outcome> {
  // What is wrong with the model is said once, not by each worker.
  await openModel(process.env)
  const screen = createTeamScreen(process.stdout)
  return reviewByWorkers(options, screen, personAt(process.stdin, process.stdout), signal).finally(() => screen.end())
}

/** Says how it ended; gives the exit code. */
function tell(outcome: Outcome): number {
  switch (outcome.type) {
    case 'done':
      console.log(`Done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s${historyOf(outcome.progress)}.`)
      tellSummary(outcome.summary)
      return 0
    case 'done before':
      console.log('Already done; use --fresh to start over, and --pace 100 to have time to kill it.')
      tellSummary(outcome.summary)
      return 0
    case 'asking':
      tellWaiting(outcome.question.subject)
      return 0
    case 'refused':
      console.log(`The report is not written: ${outcome.reason}. All work is kept: the same command asks again.`)
      return 0
    case 'interrupted':
      console.log(`Stopped after ${outcome.progress.done} of ${count(outcome.progress.total, 'file')}. Run again to go on.`)
      return outcome.by === 'SIGTERM' ? 143 : 130
    case 'stuck':
      console.error(`review-crew: ${outcome.problem}\nRun again to try again.`)
      return 1
  }
}

function tellWaiting({ findings, files }: ReportSummary): void {
  console.log(`${count(findings, 'finding')} in ${count(files, 'file')}. The report waits for a person to approve it, and there is no terminal to ask at.`)
  console.log('All work is done and kept: the same command with --yes writes the report, at a terminal it asks.')
}

const NO_REDIS = 'Is there a Redis? `apt install redis-server` starts one; or `brew install redis`, then `redis-server`. Without --store no server is needed.'

const remedyOf = ({ code, message, remedy }: TroupeError): string => (code === 'store/failed' && isRedis(message) && message.includes('did not answer') ? NO_REDIS : remedy)

function historyOf({ takenOver, retries }: { readonly takenOver: number; readonly retries: number }): string {
  return `${takenOver > 0 ? `, ${count(takenOver, 'file')} taken over from an earlier run` : ''}${retries > 0 ? `, ${count(retries, 'attempt')} tried again` : ''}`
}

function tellSummary({ files, lines, findings, byRule, groups, failed, unreviewed, path }: ReportSummary): void {
  console.log(`${count(files, 'file')}, ${count(lines, 'line')} of code, ${count(findings, 'finding')}`)
  for (const rule of ruleNames) if (byRule[rule]) console.log(`  ${String(byRule[rule]).padStart(5)}  ${rule}`)
  if (groups > 0) console.log(`${count(groups, 'group')} of findings look alike`)
  if (failed > 0) console.log(`${count(failed, 'file')} could not be reviewed: the report says why`)
  if (unreviewed > 0) console.log(`${count(unreviewed, 'file')} not reviewed: the deadline came first`)
  console.log(`Report: ${path}`)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof TroupeError)) throw error
  console.error(`review-crew: ${error.message}`)
  console.error(error instanceof TroupeError ? remedyOf(error) : 'Try --help.')
  process.exitCode = error instanceof TroupeError ? error.exitCode : 2
}
