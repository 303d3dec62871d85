import { appendFile } from 'node:fs/promises'
import { setInterval } from 'node:timers/promises'
import { TroupeError, createRuntime } from 'troupe'
import type { ActorSnapshot, Runtime } from 'troupe'
import { coordinator } from './coordinator.ts'
import type { Options } from './options.ts'
import type { ReportSummary } from './report.ts'
import { reviewer } from './reviewer.ts'
import type { Progress, Screen } from './terminal.ts'

const machines = { coordinator, reviewer }

/** One actor holds the reviews of up to 5,000 files, and hands them to one task. */
const limits = { payloadBytesMax: 64 << 20, checkpointBytesMax: 256 << 20 }

export type Outcome =
  | { readonly type: 'done'; readonly summary: ReportSummary; readonly progress: Progress }
  /** An earlier run of the process had finished it. */
  | { readonly type: 'done before'; readonly summary: ReportSummary }
  | { readonly type: 'interrupted'; readonly by: unknown; readonly progress: Progress }
  | { readonly type: 'stuck'; readonly problem: string }

/** Begins the review of a folder, or goes on with it, until the report is written or `signal` says stop. */
export async function reviewFolder({ input, key, store, settings }: Options, screen: Screen, signal: AbortSignal): Promise<Outcome> {
  await using runtime = await createRuntime({ machines, store, limits })
  const crew = runtime.actor(coordinator, key)
  await crew.start(input)
  const before = await crew.snapshot()
  if (before.status === 'done' && before.output) return { type: 'done before', summary: before.output }

  let last = await crew.ask({ type: 'go', settings }).catch((error: unknown) => {
    // What an earlier start had left to do may be done by now.
    if (error instanceof TroupeError && error.code === 'actor/ended') return crew.snapshot()
    throw error
  })
  const over = new AbortController()
  const follow = async (): Promise<void> => {
    screen.show(progressOf(last))
    for await (const step of crew.watch({ from: last.seq })) {
      if (!('snapshot' in step)) continue
      await noteDone(last, step.snapshot)
      last = step.snapshot
      screen.show(progressOf(last))
      if (last.context.problem !== null) return
    }
  }
  const interrupt = (): void => void runtime.close()
  signal.addEventListener('abort', interrupt)
  if (signal.aborted) interrupt()
  try {
    await Promise.all([follow().finally(() => over.abort()), showReviewers(runtime, crew.address, screen, over.signal)])
  } catch (error) {
    // After the runtime has closed there is nothing to follow.
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
  return outcomeOf(last, signal)
}

type CrewSnapshot = ActorSnapshot<typeof coordinator>

/** What a screen shows beside the coordinator: the state that each reviewer is in. */
async function showReviewers(runtime: Runtime<typeof machines>, run: string, screen: Screen, signal: AbortSignal): Promise<void> {
  if (!screen.isLive) return
  try {
    for await (const _ of setInterval(100, undefined, { signal })) {
      const { actors } = await runtime.actors({ machine: 'reviewer', status: 'active', run })
      // A reviewer has no timers: what it waits for is its next attempt.
      screen.showReviewers(actors.map(({ key, states, dueAt }) => ({ id: childIdOf(key), state: dueAt === null ? (states[0] ?? '') : 'retrying' })))
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** The id under which a spawned actor was spawned: its key is `run>id#number`. */
const childIdOf = (key: string): string => /([^>]+)#\d+$/.exec(key)?.[1] ?? key

/** For `--audit`: these files are done, and will not be touched again. */
async function noteDone(before: CrewSnapshot, { context: { reviews, settings } }: CrewSnapshot): Promise<void> {
  const fresh = reviews.slice(before.context.reviews.length)
  if (settings.audit !== null && fresh.length > 0) await appendFile(settings.audit, fresh.map(({ path }) => `done ${path}\n`).join(''))
}

function outcomeOf({ status, output, context, failure }: CrewSnapshot, signal: AbortSignal): Outcome {
  if (status === 'done' && output) return { type: 'done', summary: output, progress: progressOf({ context }) }
  if (signal.aborted) return { type: 'interrupted', by: signal.reason, progress: progressOf({ context }) }
  return { type: 'stuck', problem: context.problem ?? failure?.message ?? `the run is ${status}` }
}

function progressOf({ context }: Pick<CrewSnapshot, 'context'>): Progress {
  const { folder, settings, files, reviews, failures, running, takenOver } = context
  return {
    folder,
    concurrency: settings.concurrency,
    total: files.length,
    done: reviews.length + failures.length,
    takenOver,
    retries: reviews.reduce((sum, { retries }) => sum + retries, 0),
    running,
  }
}
