import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { violationsText } from './checks.ts'
import { explainFailure } from './failure.ts'
import { planOf } from './plan.ts'
import type { SimPlan } from './plan.ts'
import { runSeeds } from './pool.ts'
import type { PoolOptions } from './pool.ts'
import { parsePlan } from './shrink.ts'
import { isWorkloadName, workloadNames } from './workloads/index.ts'
import { simulate } from './world.ts'

const USAGE = `npm run simulate -- [options]

  --seed N         one seed; with --seeds or --minutes the first of them
  --seeds N        so many seeds
  --minutes N      as many seeds as there is time for
  --workload NAME  only this one: ${workloadNames.join(', ')}
  --plan FILE      the plan in a file, as a failed seed has left it
  --trace          every event of a single seed
  --jobs N         processes at once; default one per core
`

const SEEDS = 1_000
const PROGRESS_MS = 5_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    workload: { type: 'string' },
    plan: { type: 'string' },
    jobs: { type: 'string' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function numberOf(name: 'seed' | 'seeds' | 'minutes' | 'jobs'): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name} must be a number above 0, not ${text}`)
  return number
}

function workloadOf(): PoolOptions['workload'] {
  const { workload } = values
  if (workload !== undefined && !isWorkloadName(workload)) throw new Error(`--workload must be one of ${workloadNames.join(', ')}, not ${workload}`)
  return workload
}

/** One plan, here, event by event if asked for. True when nothing is wrong. */
async function runOne(plan: SimPlan, isWhole: boolean): Promise<boolean> {
  const started = performance.now()
  const { violations, tally, trace } = await simulate(plan, values.trace ? { onEvent: ({ at, owner, label }) => console.log(`${at.toFixed(3).padStart(12)} ${(owner?.name ?? '-').padEnd(3)} ${label}`) } : {})
  console.log(JSON.stringify(plan))
  console.log(tally.table())
  console.log(`\ntrace ${trace.toString(16).padStart(8, '0')}, ${Math.round(performance.now() - started)} ms`)
  if (violations.length === 0) return true
  console.log(isWhole ? await explainFailure({ seed: plan.seed, violations }, workloadOf()) : violationsText(violations))
  return false
}

async function runMany(): Promise<boolean> {
  const workload = workloadOf()
  const minutes = numberOf('minutes')
  const jobs = numberOf('jobs')
  const first = numberOf('seed') ?? 1 + (Date.now() % 2 ** 30)
  const count = numberOf('seeds') ?? (minutes === undefined ? SEEDS : undefined)
  let told = performance.now()
  const started = told
  const { tally, failures, ms } = await runSeeds({
    first,
    ...(count !== undefined && { count }),
    ...(minutes !== undefined && { timeMs: minutes * 60_000 }),
    ...(workload && { workload }),
    ...(jobs !== undefined && { jobs }),
    onProgress(seeds, failed) {
      if (performance.now() - told < PROGRESS_MS) return
      told = performance.now()
      console.error(`${seeds} seeds from ${first} on, ${Math.round((seeds / (told - started)) * 1_000)} per second, ${failed} failed`)
    },
  })
  const seeds = tally.get('seeds')
  console.log(tally.table())
  console.log(`\n${seeds} seeds from ${first} on in ${Math.round(ms / 1_000)} s, ${Math.round((seeds / ms) * 1_000)} per second, ${failures.length} failed`)
  for (const { seed, violations } of failures.slice(1)) console.log(`\nseed ${seed}: ${violationsText(violations.slice(0, 1))}`)
  if (failures[0]) console.log(`\n${await explainFailure(failures[0], workload)}`)
  return failures.length === 0
}

async function run(): Promise<boolean> {
  if (values.plan !== undefined) return runOne(parsePlan(readFileSync(values.plan, 'utf8')), false)
  const seed = numberOf('seed')
  if (seed !== undefined && values.seeds === undefined && values.minutes === undefined) return runOne(planOf(seed, workloadOf()), true)
  return runMany()
}

if (values.help) console.log(USAGE)
else process.exitCode = (await run()) ? 0 : 1
