import type { Chart, ChartState, Step } from '../../../../protocol.ts'

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

/** A step in a few words: the event, or what else has moved the actor. */
export function whatOf({ event, kind, error, path }: Step, invoked: InvokedNames): string {
  const id = path?.split('/').at(-1) ?? ''
  const place = id && (invoked.get(id) ?? id.replace(/^\d+\..*\./, ''))
  const type = event?.type ?? kind
  if (place && type.startsWith('task.')) return `${place} ${type.slice('task.'.length)}`
  const what = place ? `${type} for ${place}` : type
  return error && !event ? `${what}: ${error.message}` : what
}
