/**
 * One of several processes that share a review: `fork('worker.ts', [options as JSON])`. All of them own partitions and do the
 * work in them; one at a time is told to speak, which is to tell how far the review is and who owns what.
 */
import { hostname } from 'node:os'
import { setInterval, setTimeout as sleep } from 'node:timers/promises'
import { TroupeError } from 'troupe'
import type { ErrorCode } from 'troupe'
import { begin, decide, follow, openCrew, outcomeOf, progressOf } from './crew.ts'
import type { CrewRuntime, CrewSnapshot, Outcome } from './crew.ts'
import { chooseRun } from './choose-run.ts'
import { coordinator } from './coordinator.ts'
import type { Question } from './coordinator.ts'
import type { Options } from './options.ts'
import type { Progress } from './terminal.ts'

export type Order =
  /** Begin the review, and speak from then on. */
  | { readonly type: 'begin'; readonly fresh: boolean }
  /** Speak of a review that has begun. */
  | { readonly type: 'speak'; readonly key: string }
  /** Hand in a person's answer, and speak on. */
  | { readonly type: 'decide'; readonly key: string; readonly question: Question; readonly approve: boolean }
  | { readonly type: 'close' }

export type Fact =
  | { readonly type: 'ready' }
  | { readonly type: 'begun'; readonly key: string }
  | { readonly type: 'progress'; readonly progress: Progress; readonly reviewed: Readonly<Record<number, number>> }
  /** Process that owns each partition; null for those without an owner. */
  | { readonly type: 'owners'; readonly owners: readonly (number | null)[] }
  | { readonly type: 'over'; readonly outcome: Outcome }
  | { readonly type: 'trouble'; readonly message: string }
  /** It cannot do its part. */
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string }

/** How long the partitions of a killed worker wait for the others, in milliseconds. */
const LEASE_MS = 3_000
const LOOK_MS = 200
const AGAIN_MS = 500

/** Whoever has started this process may be gone: then nobody hears it, until `disconnect` ends it. */
const say = (fact: Fact): void => void process.send?.(fact, undefined, undefined, () => undefined)

/** Works until it is told to close, or until whoever has started it is gone. */
async function work({ input, key, store, settings }: Options): Promise<void> {
  // Ctrl-C goes to all processes of a terminal: the first one says what is to be done.
  process.on('SIGINT', () => undefined)
  const runtime = await openCrew(store, { limits: { leaseTtlMs: LEASE_MS }, onError: tellTrouble })
  const close = (): void => void runtime.close().finally(() => process.exit())
  process.once('SIGTERM', close)
  process.once('disconnect', close)
  let isSpeaker = false
  process.on('message', (order: Order) => {
    if (order.type === 'begin' || order.type === 'speak') {
      if (isSpeaker) return
      isSpeaker = true
      void tellOwners(runtime)
    }
    switch (order.type) {
      case 'begin':
        return void beginReview(order.fresh).catch(refuse)
      case 'speak':
        return void tellReview(runtime, order.key)
      case 'decide':
        return void decide(runtime.actor(coordinator, order.key), order.question, order.approve).then(() => tellReview(runtime, order.key), refuse)
      case 'close':
        return close()
    }
  })
  say({ type: 'ready' })

  async function beginReview(fresh: boolean): Promise<void> {
    const run = await chooseRun(runtime, key, fresh)
    const first = await begin(runtime.actor(coordinator, run), input, settings)
    if ('type' in first) return say({ type: 'over', outcome: first })
    say({ type: 'begun', key: run })
    await tellReview(runtime, run)
  }
}

/** Until it is over, whatever the store does meanwhile. */
async function tellReview(runtime: CrewRuntime, key: string): Promise<void> {
  await untilDone(async () => {
    const crew = runtime.actor(coordinator, key)
    let last = await crew.snapshot()
    tellProgress(last)
    for await (last of follow(crew, last)) tellProgress(last)
    say({ type: 'over', outcome: outcomeOf(last) })
  })
}

async function tellOwners(runtime: CrewRuntime): Promise<void> {
  await untilDone(async () => {
    for await (const _ of setInterval(LOOK_MS)) {
      const { nodes, partitions } = await runtime.cluster()
      const pids = new Map(nodes.map(({ node, pid, host }) => [node, host === hostname() ? pid : undefined]))
      say({ type: 'owners', owners: partitions.map(({ node }) => (node === null ? null : (pids.get(node) ?? null))) })
    }
  })
}

/** Tries again what the store or the way to it has failed. */
async function untilDone(attempt: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'runtime/closed') return
      tellTrouble(error)
      await sleep(AGAIN_MS)
    }
  }
}

function tellProgress(snapshot: CrewSnapshot): void {
  const reviewed = Map.groupBy(snapshot.context.reviews, ({ by }) => by)
  say({ type: 'progress', progress: progressOf(snapshot), reviewed: Object.fromEntries([...reviewed].map(([pid, reviews]) => [pid, reviews.length])) })
}

function tellTrouble(error: unknown): void {
  say({ type: 'trouble', message: error instanceof Error ? error.message : String(error) })
}

function refuse(error: unknown): void {
  if (!(error instanceof TroupeError)) throw error
  say({ type: 'refused', code: error.code, message: error.message })
}

await work(JSON.parse(process.argv[2] ?? '') as Options).catch(refuse)
