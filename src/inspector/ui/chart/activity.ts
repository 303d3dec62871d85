import type { Chart, ChartTransition } from '../../protocol.ts'
import { createStore } from '../data/store.ts'
import type { Store } from '../data/store.ts'

/** What of a drawing is lit. Kept beside it: a step changes classes of a few elements and lays nothing out. */
export interface Activity {
  readonly active: ReadonlySet<string>
  /** Transitions that the last step took. */
  readonly taken: ReadonlySet<string>
  /** Of a drawing that shows many actors: numbers and colours of states by path, and of transitions by id. */
  readonly heat?: { readonly states: ReadonlyMap<string, Heat>; readonly transitions: ReadonlyMap<string, Heat> }
}

export interface Heat {
  /** From 0 (nothing) to 5. */
  readonly level: number
  readonly text: string
}

export const createActivity = (): Store<Activity> => createStore<Activity>({ active: new Set(), taken: new Set() })

interface Moment {
  readonly states: readonly string[]
}

/**
 * Transitions that explain a step: of those for its event, whose source was active, the ones of the innermost sources; of those
 * without an event (`always`), and where the step names none, those that lead from what was left to what was entered.
 */
export function takenBy(chart: Chart, step: Moment & { readonly event?: { readonly type: string } | undefined }, before: Moment | undefined): ReadonlySet<string> {
  if (!before) return new Set()
  const wasActive = new Set(['', ...before.states])
  const isActive = new Set(['', ...step.states])
  const leads = ({ source, targets }: ChartTransition): boolean => wasActive.has(source) && targets.every(target => isActive.has(target))
  const entered = new Set(step.states.filter(state => !wasActive.has(state)))
  const byEvent = chart.transitions.filter(transition => transition.event === step.event?.type && leads(transition))
  const innermost = byEvent.filter(({ source }) => !byEvent.some(other => other.source !== source && (source === '' || other.source.startsWith(`${source}.`))))
  const moving = innermost.filter(({ targets }) => targets.some(target => entered.has(target)))
  const direct = moving.length > 0 ? moving : innermost
  if (direct.length > 0) return new Set(direct.map(({ id }) => id))
  const unexplained = chart.transitions.filter(transition => transition.kind !== 'event' && leads(transition) && transition.targets.some(target => entered.has(target)))
  return new Set(unexplained.map(({ id }) => id))
}
