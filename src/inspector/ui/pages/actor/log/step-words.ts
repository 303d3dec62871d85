import type { Chart, ChartState, Step } from '../../../../protocol.ts'
import { durationText } from '../../../parts/duration-text.ts'

/** What people call the children of a machine, by the ids that XState gives them. */
export type InvokedNames = ReadonlyMap<string, string>

export function invokedNames(chart: Chart | null | undefined): InvokedNames {
  const names = new Map<string, string>()
  const visit = ({ invoke, states }: ChartState): void => {
    for (const { id, src } of invoke) names.set(id, /^\d+\./.test(id) ? src : id)
    states.forEach(visit)
  }
  if (chart) visit(chart.root)
  return names
}

/** XState's own events as people say them: `xstate.after.60000.order.paying` → `after 1 min in paying`. */
export function eventWords(type: string): string {
  const [, delay = '', state] = /^xstate\.after\.([^.]+)\.(?:[^.]*\.)?(.*)$/.exec(type) ?? []
  return state === undefined ? type : `after ${/^\d+$/.test(delay) ? durationText(Number(delay)) : delay} in ${state}`
}

/** A step in a few words: the event, or what else has moved the actor. */
export function whatOf({ event, kind, error, path }: Step, invoked: InvokedNames): string {
  const id = path?.split('/').at(-1) ?? ''
  const place = id && (invoked.get(id) ?? id.replace(/^\d+\..*\./, ''))
  const type = event ? eventWords(event.type) : kind
  if (place && type.startsWith('task.')) return `${place} ${type.slice('task.'.length)}`
  const what = place ? `${type} for ${place}` : type
  return error && !event ? `${what}: ${error.message}` : what
}
