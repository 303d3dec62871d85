import { createHistogram } from 'node:perf_hooks'
import { createCpuPool } from 'troupe/workers'
import type { countPrimes } from './cpu-work.ts'
import { best, median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'

/** About 15 ms of work. */
const BELOW = 60_000
const PRIMES = 6057
const EMPTY_CALLS = 2_000
const LOOK_EVERY_MS = 2

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
  const { p50, p99 } = late()
  if (results.some(primes => primes !== PRIMES)) throw new Error(`there are ${PRIMES} primes below ${BELOW}`)
  const { pinning } = pool.info()
  if (!pinning.isOn) throw new Error(`the threads are not pinned: ${pinning.reason}`)
  return { threads: all, perSecond: (calls * 1000) / wallMs, p50, p99 }
}

/** Looks by itself, not by `monitorEventLoopDelay`: that counts its own interval as delay. */
function watchLateness(): () => { readonly p50: number; readonly p99: number } {
  const lateness = createHistogram()
  let due = performance.now() + LOOK_EVERY_MS
  const timer = setInterval(() => {
    const now = performance.now()
    lateness.record(Math.max(1, Math.round((now - due) * 1000)))
    due = now + LOOK_EVERY_MS
  }, LOOK_EVERY_MS)
  return () => {
    clearInterval(timer)
    return { p50: lateness.percentile(50) / 1000, p99: lateness.percentile(99) / 1000 }
  }
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
