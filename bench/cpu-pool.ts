import { createCpuPool } from 'troupe/workers'
import type { countPrimes } from './cpu-work.ts'
import { best, median, percentile, rounds, watchLateness } from './harness.ts'
import type { Bench } from './harness.ts'

/** About 15 ms of work. */
const BELOW = 60_000
const PRIMES = 6057
const EMPTY_CALLS = 2_000

const call = { module: new URL('cpu-work.ts', import.meta.url), export: 'countPrimes' }

interface Load {
  /** Undefined: as many as there are CPUs. */
  readonly threads: number | null
  readonly calls: number
}

/** Calls per second of a pool that always has something to do, and how late timers of the event loop are meanwhile. */
async function compute({ threads, calls }: Load) {
  await using pool = createCpuPool({ ...(threads !== null && { threads }), queueMax: calls })
  const all = pool.threadsMax()
  const count = (below: number) => pool.run<typeof countPrimes>({ ...call, input: below })
  const warmUp = (): Promise<unknown> => Promise.all(Array.from({ length: all * 4 }, () => count(BELOW)))
  await warmUp()
  await warmUp()
  const late = watchLateness()
  const started = performance.now()
  const results = await Promise.all(Array.from({ length: calls }, () => count(BELOW)))
  const wallMs = performance.now() - started
  const lateness = late()
  if (results.some(primes => primes !== PRIMES)) throw new Error(`there are ${PRIMES} primes below ${BELOW}`)
  const { pinning } = pool.info()
  if (!pinning.isOn) throw new Error(`the threads are not pinned: ${pinning.reason}`)
  return { threads: all, perSecond: (calls * 1000) / wallMs, p50: percentile(lateness, 0.5), p99: percentile(lateness, 0.99) }
}

/** What a call costs that computes nothing: there and back, one after the other. */
async function callEmpty(): Promise<number> {
  await using pool = createCpuPool({ threads: 1 })
  const times: number[] = []
  for (let index = 0; index < EMPTY_CALLS; index++) {
    const started = performance.now()
    await pool.run<typeof countPrimes>({ ...call, input: 0 })
    times.push(performance.now() - started)
  }
  return median(times)
}

export const bench: Bench = {
  name: 'cpu-pool',
  question: 'How much faster than one thread is the pool, and does the event loop stay free meanwhile?',
  sides: { compute, callEmpty },
  async run(lab) {
    const count = lab.quick ? 1 : 5
    const calls = lab.quick ? 60 : 400
    lab.say('one thread and all')
    const results = await rounds(count, async () => ({ one: await lab.measure(compute, { threads: 1, calls }), all: await lab.measure(compute, { threads: null, calls }) }))
    lab.say('empty calls')
    const emptyMs = await lab.measure(callEmpty, undefined)
    const threads = results[0]?.all.threads ?? 1
    const speedup = best(results.map(({ all }) => all.perSecond)) / best(results.map(({ one }) => one.perSecond))
    return [
      { figure: 'threads', value: threads, unit: 'threads' },
      { figure: 'speedup', value: speedup, unit: 'x', atLeast: 0.8 * threads },
      { figure: 'callsPerSecond', value: best(results.map(({ all }) => all.perSecond)), unit: 'calls/s' },
      { figure: 'loopDelayP50Ms', value: median(results.map(({ all }) => all.p50)), unit: 'ms', atMost: 5 },
      { figure: 'loopDelayP99Ms', value: median(results.map(({ all }) => all.p99)), unit: 'ms', atMost: 5 },
      { figure: 'emptyCallP50Ms', value: emptyMs, unit: 'ms' },
    ]
  },
}
