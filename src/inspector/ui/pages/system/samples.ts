import type { OutputOf } from '../../../protocol.ts'

type Health = OutputOf<'health'>

/** How much is kept: 10 minutes at one sample a second. More would grow for as long as the page is open. */
export const SAMPLES_MAX = 600

export interface Sample {
  readonly at: number
  readonly node: string
  readonly counters: Readonly<Record<string, number>>
  readonly gauges: { readonly lagMs: number; readonly memory: number; readonly store: number | null; readonly tasks: number }
}

export const sampleOf = ({ at, node, counters, lagMs, memory, store, runningTasks }: Health): Sample => ({ at, node, counters, gauges: { lagMs, memory: memory.bytes, store: store?.bytes ?? null, tasks: runningTasks } })

/** The samples with one more; the oldest go. A sample that is no newer than the last one says nothing. */
export const withSample = (samples: readonly Sample[], sample: Sample): readonly Sample[] =>
  sample.at <= (samples.at(-1)?.at ?? -Infinity) ? samples : [...samples.slice(Math.max(0, samples.length + 1 - SAMPLES_MAX)), sample]

/** Columns for a chart: times in seconds, then per series its values; null is a gap. */
export type Columns = readonly [readonly number[], ...(readonly (number | null)[])[]]

/**
 * Counts per second between each sample and the one before. A counter that fell, or another node that answered,
 * began anew: there is no rate then.
 */
export const ratesOf = (samples: readonly Sample[], counters: readonly string[]): Columns => [
  samples.slice(1).map(({ at }) => at / 1_000),
  ...counters.map(name => samples.slice(1).map((sample, index) => rateOf(samples[index], sample, name))),
]

function rateOf(before: Sample | undefined, after: Sample, name: string): number | null {
  if (before?.node !== after.node) return null
  const more = (after.counters[name] ?? 0) - (before.counters[name] ?? 0)
  return more < 0 ? null : (more / (after.at - before.at)) * 1_000
}

export const gaugesOf = (samples: readonly Sample[], gauges: readonly (keyof Sample['gauges'])[]): Columns => [
  samples.map(({ at }) => at / 1_000),
  ...gauges.map(name => samples.map(sample => sample.gauges[name])),
]
