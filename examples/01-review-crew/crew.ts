import { appendFile } from 'node:fs/promises'
import { setInterval } from 'node:timers/promises'
import { TroupeError, createRuntime } from 'troupe'
import type { ActorHandle, ActorSnapshot, Runtime, RuntimeOptions } from 'troupe'
import { approval } from 'troupe/machines'
import type { AnyModel } from 'troupe/agents'
import { APPROVER, coordinator } from './coordinator.ts'
import type { CrewInput, Question } from './coordinator.ts'
import { lookAlikes } from './look-alikes/swarm.ts'
import { openModel } from './model.ts'
import type { Options } from './options.ts'
import type { ReportSummary } from './report.ts'
import { createReviewer } from './reviewer.ts'
import type { Settings } from './settings.ts'
import type { Progress, Screen } from './terminal.ts'

const machinesOn = (model: AnyModel) => ({ coordinator, reviewer: createReviewer(model), 'look-alikes': lookAlikes, approval })

/** One actor holds the reviews of up to 5,000 files, and hands them to one task. */
const limits = { payloadBytesMax: 64 << 20, checkpointBytesMax: 256 << 20 }

export type Outcome =
  | { readonly type: 'done'; readonly summary: ReportSummary; readonly progress: Progress }
  /** An earlier run of the process had finished it. */
  | { readonly type: 'done before'; readonly summary: ReportSummary }
  /** Somebody is to say whether the report is to be written. */
  | { readonly type: 'asking'; readonly question: Question }
  /** Somebody has said that it is not. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'interrupted'; readonly by: unknown; readonly progress: Progress }
  | { readonly type: 'stuck'; readonly problem: string }

/** Asks whoever sits at the terminal; undefined when they went away. */
export type AskPerson = (question: Question, signal: AbortSignal) => Promise<boolean | undefined>

type CrewMachines = ReturnType<typeof machinesOn>
export type CrewRuntime = Runtime<CrewMachines>
export type CrewSnapshot = ActorSnapshot<typeof coordinator>
type Crew = ActorHandle<typeof coordinator>

export const openCrew = async (store: string, options: Pick<RuntimeOptions, 'onError' | 'limits'> = {}): Promise<CrewRuntime> =>
  createRuntime({ machines: machinesOn(await openModel(process.env)), store, ...options, limits: { ...limits, ...options.limits } })

/** Begins the review of a folder, or goes on with it, until the report is written, nobody can be asked, or `signal` says stop. */
export async function reviewFolder({ input, key, store, settings }: Options, screen: Screen, askPerson: AskPerson | undefined, signal: AbortSignal): Promise<Outcome> {
  await using runtime = await openCrew(store)
  const crew = runtime.actor(coordinator, key)
  const first = await begin(crew, input, settings)
  if ('type' in first) return first

  let last = await followShown(runtime, crew, first, screen, signal)
  while (last.context.question && askPerson && !signal.aborted) {
    const approve = await askPerson(last.context.question, signal)
    if (approve === undefined) break
    last = await followShown(runtime, crew, await decide(crew, last.context.question, approve), screen, signal)
  }
  return signal.aborted && last.status !== 'done' ? { type: 'interrupted', by: signal.reason, progress: progressOf(last) } : outcomeOf(last)
}

/** Shows how a review goes on until it is over, stands still, or `signal` says stop; gives its last state. */
async function followShown(runtime: CrewRuntime, crew: Crew, first: CrewSnapshot, screen: Screen, signal: AbortSignal): Promise<CrewSnapshot> {
  let last = first
  const over = new AbortController()
  const followAll = async (): Promise<void> => {
    screen.show(progressOf(first))
    for await (last of follow(crew, first)) screen.show(progressOf(last))
  }
  const interrupt = (): void => void runtime.close()
  signal.addEventListener('abort', interrupt)
  if (signal.aborted) interrupt()
  try {
    await Promise.all([followAll().finally(() => over.abort()), showReviewers(runtime, crew.address, screen, over.signal)])
  } catch (error) {
    // After the runtime has closed there is nothing to follow.
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', interrupt)
    screen.end()
  }
  return last
}

/** Starts a review, or tells it to go on; gives its state, or the outcome of one that was finished before. */
export async function begin(crew: Crew, input: CrewInput, settings: Settings): Promise<CrewSnapshot | Extract<Outcome, { type: 'done before' }>> {
  await crew.start(input)
  const before = await crew.snapshot()
  if (before.status === 'done' && before.output) return { type: 'done before', summary: before.output }
  return crew.ask({ type: 'go', settings }).catch((error: unknown) => {
    // What an earlier start had left to do may be done by now.
    if (error instanceof TroupeError && error.code === 'actor/ended') return crew.snapshot()
    throw error
  })
}

/** Hands a person's answer to the review, and gives its state. */
export const decide = (crew: Crew, { revision }: Question, approve: boolean): Promise<CrewSnapshot> =>
  crew.ask({ type: 'approval.decide', approve, by: APPROVER, revision })

/** The states of a review after the given one, until it is over or stands still. */
export async function* follow(crew: Crew, from: CrewSnapshot): AsyncGenerator<CrewSnapshot> {
  let last = from
  if (isStill(from)) return
  for await (const step of crew.watch({ from: from.seq })) {
    if (!('snapshot' in step)) continue
    await noteDone(last, step.snapshot)
    last = step.snapshot
    yield last
    if (isStill(last)) return
  }
}

/** Whether it goes on only when somebody says something. */
const isStill = ({ context: { problem, question, refusal } }: CrewSnapshot): boolean => problem !== null || question !== null || refusal !== null

/** What a screen shows beside the coordinator: who is at work on each file. */
async function showReviewers(runtime: CrewRuntime, run: string, screen: Screen, signal: AbortSignal): Promise<void> {
  if (!screen.isLive) return
  try {
    for await (const _ of setInterval(100, undefined, { signal })) {
      const { actors } = await runtime.actors({ machine: 'reviewer', status: 'active', run })
      screen.showReviewers(await Promise.all(actors.map(async ({ key, address }) => ({ id: childIdOf(key), members: atWork((await runtime.at(address).snapshot()).context) }))))
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof TroupeError && error.code === 'actor/unknown')) throw error
  }
}

/** Members that have been given work and have not ended it. */
function atWork(context: unknown): readonly string[] {
  const { work, results } = context as { readonly work: readonly { readonly member: string }[]; readonly results: readonly { readonly index: number }[] }
  return work.flatMap(({ member }, index) => (results.some(result => result.index === index) ? [] : [member]))
}

/** The id under which a spawned actor was spawned: its key is `run>id#number`, and a mark where it is spread. */
const childIdOf = (key: string): string => /([^>]+)#\d+~?$/.exec(key)?.[1] ?? key

/** For `--audit`: these files are done, and will not be touched again. */
async function noteDone(before: CrewSnapshot, { context: { reviews, settings } }: CrewSnapshot): Promise<void> {
  const fresh = reviews.slice(before.context.reviews.length)
  if (settings.audit !== null && fresh.length > 0) await appendFile(settings.audit, fresh.map(({ path }) => `done ${path}\n`).join(''))
}

/** How a review ended that is over or stands still. */
export function outcomeOf(snapshot: CrewSnapshot): Outcome {
  const { status, output, context, failure } = snapshot
  if (status === 'done' && output) return { type: 'done', summary: output, progress: progressOf(snapshot) }
  if (context.question) return { type: 'asking', question: context.question }
  if (context.refusal !== null) return { type: 'refused', reason: context.refusal }
  return { type: 'stuck', problem: context.problem ?? failure?.message ?? `the run is ${status}` }
}

/** What a terminal calls the states after the review of files. */
const stages: Readonly<Record<string, string>> = {
  comparing: 'comparing all files',
  measuringLikeness: 'measuring which findings look alike',
  clustering: 'a swarm of findings forms groups',
  writing: 'writing the report',
}

export function progressOf({ context, value }: CrewSnapshot): Progress {
  const { folder, settings, files, reviews, failures, running, takenOver } = context
  return {
    folder,
    concurrency: settings.concurrency,
    total: files.length,
    done: reviews.length + failures.length,
    takenOver,
    stage: stages[String(value)] ?? null,
    retries: reviews.reduce((sum, { retries }) => sum + retries, 0),
    running,
  }
}
