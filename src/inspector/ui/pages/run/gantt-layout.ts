import type { Timeline } from './sequence-layout.ts'

export type Span = Timeline['spans'][number]

export interface Bar {
  readonly span: Span
  /** Line of the whole chart, from 0. */
  readonly line: number
  /** The end, or now while it lasts. */
  readonly to: number
}

export interface Group {
  readonly address: string
  /** Its heading; its bars are on the lines after it. */
  readonly line: number
  readonly bars: readonly Bar[]
}

export interface GanttLayout {
  readonly groups: readonly Group[]
  readonly lines: number
  readonly from: number
  readonly to: number
}

/** Actors below each other in the order of their begin; of each first the states, then the tasks, on as few lines as they fit without overlapping, outer states above those in them. */
export function layOutGantt(spans: readonly Span[], now: number): GanttLayout {
  const from = Math.min(...spans.map(span => span.from))
  const to = Math.max(...spans.map(span => span.to ?? now), from + 1)
  const byActor = Map.groupBy(spans.toSorted((a, b) => a.from - b.from || (b.to ?? now) - (a.to ?? now)), span => span.address)
  let lines = 0
  const groups = [...byActor].map(([address, own]): Group => {
    const line = lines++
    const bars = (['state', 'task'] as const).flatMap((kind) => {
      const packed = pack(own.filter(span => span.kind === kind), now)
      const first = lines
      lines += Math.max(0, ...packed.map(({ line }) => line + 1))
      return packed.map(bar => ({ ...bar, line: first + bar.line }))
    })
    return { address, line, bars }
  })
  return spans.length === 0 ? { groups: [], lines: 0, from: now, to: now + 1 } : { groups, lines, from, to }
}

/** Each on the first line that is free from its begin on. */
function pack(spans: readonly Span[], now: number): readonly Bar[] {
  const ends: number[] = []
  return spans.map((span) => {
    const to = Math.max(span.to ?? now, span.from)
    const free = ends.findIndex(end => end <= span.from)
    const line = free === -1 ? ends.length : free
    ends[line] = to
    return { span, line, to }
  })
}

const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000]

/** Round times from the begin on, at least `distance` pixels apart. */
export function ticks({ from, to }: Pick<GanttLayout, 'from' | 'to'>, width: number, distance = 90): readonly number[] {
  const least = ((to - from) / width) * distance
  const step = NICE.find(nice => nice >= least) ?? Math.ceil(least / 86_400_000) * 86_400_000
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => index * step)
}
