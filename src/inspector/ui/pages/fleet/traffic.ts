import type { Chart, ChartState, ChartTransition, OutputOf } from '../../../protocol.ts'

type Edge = OutputOf<'fleet'>['edges'][number]

/** How often a transition was taken, and how often that failed. */
export interface Traffic {
  readonly id: string
  readonly count: number
  readonly errors: number
}

/**
 * What of the machine's transitions the histories tell. An edge leads from a leaf to each leaf that a step entered; a transition
 * of an outer state counts for all in it, one into a parallel state by the leaf of its first region. Where the event led only
 * half the way, the rest was a transition without an event: both count.
 */
export function trafficOf(chart: Pick<Chart, 'transitions' | 'root'>, edges: readonly Edge[]): readonly Traffic[] {
  const besides = regionsBesides(chart.root)
  const arrives = ({ targets: [target] }: ChartTransition, edge: Edge): boolean =>
    target === undefined ? edge.source === edge.target : holds(target, edge.target) && !besides.some(region => region !== target && holds(target, region) && holds(region, edge.target))
  const takenBy = (edge: Edge): readonly ChartTransition[] => {
    const first = chart.transitions.filter(({ event, source }) => event === edge.event && holds(source, edge.source)).toSorted((a, b) => b.source.length - a.source.length)
    const direct = first.find(transition => arrives(transition, edge))
    if (direct) return [direct]
    for (const half of first) {
      const rest = chart.transitions.find(transition => isEventless(transition) && half.targets[0] !== undefined && holds(transition.source, half.targets[0]) && arrives(transition, edge))
      if (rest) return [half, rest]
    }
    return []
  }
  const traffic = new Map<string, Traffic>()
  for (const edge of edges) {
    for (const { id } of takenBy(edge)) {
      const { count = 0, errors = 0 } = traffic.get(id) ?? {}
      traffic.set(id, { id, count: count + edge.count, errors: errors + edge.errors })
    }
  }
  return [...traffic.values()]
}

const holds = (outer: string, path: string): boolean => outer === '' || path === outer || path.startsWith(`${outer}.`)

const isEventless = ({ kind, event }: ChartTransition): boolean => kind === 'always' || event.startsWith('xstate.done.state.')

/** The regions of parallel states but the first of each. */
const regionsBesides = ({ type, states }: ChartState): readonly string[] => [...(type === 'parallel' ? states.slice(1).map(({ path }) => path) : []), ...states.flatMap(regionsBesides)]
