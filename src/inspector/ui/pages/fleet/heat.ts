import type { OutputOf } from '../../../protocol.ts'
import { durationText } from '../../parts/duration-text.ts'

type Fleet = OutputOf<'fleet'>

/** What colours the chart. */
export const metrics = ['instances', 'dwell', 'errors'] as const
export type Metric = (typeof metrics)[number]

export const metricNames: Readonly<Record<Metric, string>> = { instances: 'Actors now', dwell: 'Time spent (p95)', errors: 'Error rate' }

/** Steps of the scale; 0 is nothing. */
export const HEAT_STEPS = 5

export interface Heat {
  /** 0 (nothing) to `HEAT_STEPS`. */
  readonly level: number
  readonly text: string
}

export interface HeatMap {
  /** By path of the state. */
  readonly states: ReadonlyMap<string, Heat>
  /** By `edgeKey`. */
  readonly edges: ReadonlyMap<string, Heat>
  /** What each level above 0 begins with. */
  readonly legend: readonly { readonly level: number; readonly text: string }[]
}

export const edgeKey = (source: string, target: string, event: string): string => JSON.stringify([source, target, event])

/** Numbers that grow by powers are told apart by powers: each level is as many times the one below. */
const levelOf = (value: number, max: number): number => (value <= 0 || max <= 0 ? 0 : Math.max(1, Math.ceil((Math.log1p(value) / Math.log1p(max)) * HEAT_STEPS)))

const beginOf = (level: number, max: number): number => Math.expm1((Math.log1p(max) * (level - 1)) / HEAT_STEPS)

/** Shares are compared as they are: 2 % is the highest level only where nothing is worse. */
const shareLevelOf = (share: number, max: number): number => (share <= 0 || max <= 0 ? 0 : Math.max(1, Math.ceil((share / max) * HEAT_STEPS)))

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

export const shareOf = (errors: number, all: number): number => (all === 0 ? 0 : errors / all)

/** How hot each state and transition is by one metric. Transitions have no dwell time: they are counted. */
export function heatOf({ states, edges }: Pick<Fleet, 'states' | 'edges'>, metric: Metric): HeatMap {
  if (metric === 'errors') {
    const max = Math.max(0, ...states.map(({ errors, visits }) => shareOf(errors, visits)), ...edges.map(({ errors, count }) => shareOf(errors, count)))
    const heat = (errors: number, all: number): Heat => ({ level: shareLevelOf(shareOf(errors, all), max), text: errors === 0 ? '' : `${percent(shareOf(errors, all))} (${errors} of ${all})` })
    return {
      states: new Map(states.map(({ path, errors, visits }) => [path, heat(errors, visits)])),
      edges: new Map(edges.map(({ source, target, event, errors, count }) => [edgeKey(source, target, event), heat(errors, count)])),
      legend: legendOf(max, level => `> ${percent((max * (level - 1)) / HEAT_STEPS)}`),
    }
  }
  const value = (state: Fleet['states'][number]): number => (metric === 'instances' ? state.instances : state.dwellP95Ms ?? 0)
  const text = (number: number): string => (metric === 'instances' ? String(number) : durationText(number))
  const max = Math.max(0, ...states.map(value))
  const edgeMax = Math.max(0, ...edges.map(({ count }) => count))
  return {
    states: new Map(states.map(state => [state.path, { level: levelOf(value(state), max), text: value(state) === 0 && (metric === 'instances' || state.dwellP95Ms === null) ? '' : text(value(state)) }])),
    edges: new Map(edges.map(({ source, target, event, count }) => [edgeKey(source, target, event), { level: levelOf(count, edgeMax), text: `×${count}` }])),
    legend: legendOf(max, level => `${level === 1 ? '>' : '≥'} ${text(metric === 'instances' ? Math.ceil(beginOf(level, max)) : beginOf(level, max))}`),
  }
}

const legendOf = (max: number, text: (level: number) => string): HeatMap['legend'] => (max === 0 ? [] : Array.from({ length: HEAT_STEPS }, (_, index) => ({ level: index + 1, text: text(index + 1) })))
