import { createHistogram } from 'node:perf_hooks'
import type { CpuTimes } from '../core/cpu-pool.ts'

/** A histogram of durations, kept in microseconds: Node's holds whole numbers from 1. */
export class Times {
  readonly #histogram = createHistogram()

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * 1000)))
  }

  get summary(): CpuTimes {
    const { count, mean, max } = this.#histogram
    const at = (percent: number): number => this.#histogram.percentile(percent) / 1000
    return count === 0 ? { count, mean: 0, p50: 0, p99: 0, max: 0 } : { count, mean: mean / 1000, p50: at(50), p99: at(99), max: max / 1000 }
  }
}
