import type { OutputOf } from '../../../protocol.ts'
import type { Heat } from '../../chart/activity.ts'
import { durationText } from '../../parts/duration-text.ts'
import type { Traffic } from './traffic.ts'

type Fleet = OutputOf<'fleet'>

/** What colours the chart. */
export const metrics = ['instances', 'dwell', 'errors'] as const
export type Metric = (typeof metrics)[number]

export const metricNames: Readonly<Record<Metric, string>> = { instances: 'Actors now', dwell: 'Time spent (p95)', errors: 'Error rate' }

/** Steps of the scale; 0 is nothing. */
export const HEAT_STEPS = 5

export interface HeatMap {
  /** By path of the state. */
  readonly states: ReadonlyMap<string, Heat>
  /** By id of the transition. */
  readonly transitions: ReadonlyMap<string, Heat>
  /** What each level above 0 begins with. */
  readonly legend: readonly { readonly level: number; readonly text: string }[]
}

/** Numbers that grow by powers are told apart by powers: each level is as many times the one below. */
const levelOf = (value: number, max: number): number => (value <= 0 || max <= 0 ? 0 : Math.max(1, Math.ceil((Math.log1p(value) / Math.log1p(max)) * HEAT_STEPS)))

const beginOf = (level: number, max: number): number => Math.expm1((Math.log1p(max) * (level - 1)) / HEAT_STEPS)

/** Shares are compared as they are: 2 % is the highest level only where nothing is worse. */
const shareLevelOf = (share: number, max: number): number => (share <= 0 || max <= 0 ? 0 : Math.max(1, Math.ceil((share / max) * HEAT_STEPS)))

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

const shareOf = (errors: number, all: number): number => (all === 0 ? 0 : errors / all)

/** How hot each state and transition is by one metric. Transitions take no time: they are counted, where errors are not asked for. */
export function heatOf(states: Fleet['states'], traffic: readonly Traffic[], metric: Metric): HeatMap {
  if (metric === 'errors') {
    const max = Math.max(0, ...states.map(({ errors, visits }) => shareOf(errors, visits)), ...traffic.map(({ errors, count }) => shareOf(errors, count)))
    const heat = (errors: number, all: number): Heat => ({ level: shareLevelOf(shareOf(errors, all), max), text: errors === 0 ? '' : percent(shareOf(errors, all)) })
    return {
      states: new Map(states.map(({ path, errors, visits }) => [path, heat(errors, visits)])),
      transitions: new Map(traffic.map(({ id, errors, count }) => [id, heat(errors, count)])),
      legend: legendOf(max, level => `> ${percent((max * (level - 1)) / HEAT_STEPS)}`),
    }
  }
  const value = (state: Fleet['states'][number]): number | null => (metric === 'instances' ? state.instances || null : state.dwellP95Ms)
  const text = (number: number): string => (metric === 'instances' ? number.toLocaleString('en') : durationText(number))
  const max = Math.max(0, ...states.map(state => value(state) ?? 0))
  const most = Math.max(0, ...traffic.map(({ count }) => count))
  const stateHeat = (number: number | null): Heat => ({ level: levelOf(number ?? 0, max), text: number === null ? '' : text(number) })
  return {
    states: new Map(states.map(state => [state.path, stateHeat(value(state))])),
    transitions: new Map(traffic.map(({ id, count }) => [id, { level: levelOf(count, most), text: `×${count.toLocaleString('en')}` }])),
    legend: legendOf(max, level => `≥ ${text(Math.max(1, Math.ceil(beginOf(level, max))))}`),
  }
}

const legendOf = (max: number, text: (level: number) => string): HeatMap['legend'] => (max === 0 ? [] : Array.from({ length: HEAT_STEPS }, (_, index) => ({ level: index + 1, text: text(index + 1) }))
  // A level that begins where the next one does is nobody's.
  .filter(({ level, text: begin }) => level === HEAT_STEPS || begin !== text(level + 1)))
