import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { SeedFailure } from './failure.ts'
import type { SeedRange, SeedReport } from './seed-process.ts'
import { Tally } from './tally.ts'
import type { WorkloadName } from './workloads/index.ts'

export interface PoolOptions {
  readonly first: number
  /** How many seeds. Default: as many as there is time for. */
  readonly count?: number
  /** No new seeds after so many milliseconds. */
  readonly timeMs?: number
  readonly workload?: WorkloadName
  /** Processes at once. Default: one per core. */
  readonly jobs?: number
  onProgress?(seeds: number, failures: number): void
}

export interface PoolResult {
  readonly tally: Tally
  readonly failures: readonly SeedFailure[]
  readonly ms: number
}

/** Seeds given to a process at once. */
const RANGE = 20
/** A range that takes longer than this does not come to an end. */
const STUCK_MS = 120_000
/** Processes are as many as cores: the collector's own threads would only get into their way. A world leaves much behind that lives as long as it does: with more room for the young it is collected for less. */
const FLAGS = ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning', '--max-semi-space-size=32', '--single-threaded-gc']
/** After so many failures there is enough to look at. */
const FAILURES_MAX = 10

/** Runs seeds in processes of their own, one per core: plain Node, without a test runner's transformed modules. */
export async function runSeeds(options: PoolOptions): Promise<PoolResult> {
  const { first, count = Infinity, timeMs = Infinity, workload, jobs = availableParallelism(), onProgress } = options
  const started = performance.now()
  const tally = new Tally()
  const failures: SeedFailure[] = []
  let next = first
  const nextRange = (): SeedRange | undefined => {
    const left = Math.min(RANGE, first + count - next)
    if (left <= 0 || performance.now() - started > timeMs || failures.length >= FAILURES_MAX) return undefined
    next += left
    return { first: next - left, count: left, ...(workload && { workload }) }
  }
  const work = async (): Promise<void> => {
    const child = startProcess()
    try {
      for (let range = nextRange(); range; range = nextRange()) {
        const report = await runIn(child, range)
        tally.add(report.counts)
        failures.push(...report.failures)
        onProgress?.(tally.get('seeds'), failures.length)
      }
    } finally {
      child.kill()
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return { tally, failures: failures.toSorted((a, b) => a.seed - b.seed), ms: performance.now() - started }
}

function startProcess(): ChildProcess {
  const { NODE_V8_COVERAGE: _, NODE_OPTIONS: __, ...env } = process.env
  return fork(fileURLToPath(new URL('./seed-process.ts', import.meta.url)), { execArgv: FLAGS, env })
}

function runIn(child: ChildProcess, range: SeedRange): Promise<SeedReport> {
  return new Promise((resolve, reject) => {
    const describe = `seeds ${range.first} to ${range.first + range.count - 1}`
    const timer = setTimeout(() => reject(new Error(`${describe} come to no end: find the one with npm run simulate -- --seed N`)), STUCK_MS)
    const onExit = (code: number | null, signal: string | null): void => reject(new Error(`the process died at ${describe}: ${signal ?? `exit code ${code}`}`))
    child.once('exit', onExit)
    child.once('message', (report: SeedReport) => {
      clearTimeout(timer)
      child.off('exit', onExit)
      resolve(report)
    })
    child.send(range)
  })
}
