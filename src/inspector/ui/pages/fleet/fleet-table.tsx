import type { Chart, ChartState, OutputOf } from '../../../protocol.ts'
import { durationText } from '../../parts/duration-text.ts'
import { heatOf, metrics } from './heat.ts'

type Fleet = OutputOf<'fleet'>

interface FleetTableProps {
  readonly fleet: Fleet
  readonly chart: Chart | null
  readonly selected: string | undefined
  readonly onSelect: (path: string) => void
}

/** In the order in which the machine has them. */
const pathsOf = (state: ChartState): readonly string[] => [state.path, ...state.states.flatMap(pathsOf)]

const time = (ms: number | null): string => (ms === null ? '–' : durationText(ms))

/** All numbers of the chart, to be read; states first, then the transitions between them. */
export function FleetTable({ fleet, chart, selected, onSelect }: FleetTableProps) {
  const order = chart ? pathsOf(chart.root) : []
  const states = fleet.states.filter(({ path }) => path !== '').toSorted((a, b) => order.indexOf(a.path) - order.indexOf(b.path))
  const labelOf = (event: string): string => chart?.transitions.find(transition => transition.event === event)?.label ?? event
  const [instances, dwell, errors] = metrics.map(metric => heatOf(fleet.states, [], metric))
  const level = (heat: typeof instances, path: string): string => `number heat-${heat?.states.get(path)?.level ?? 0}`
  return (
    <div className="fleet-tables">
      <div className="card table-card" tabIndex={0} role="region" aria-label="States">
        <table>
          <thead>
            <tr><th scope="col">State</th><th scope="col" className="number">Actors now</th><th scope="col" className="number">Visits</th><th scope="col" className="number">Stay (p50)</th><th scope="col" className="number">Stay (p95)</th><th scope="col" className="number">Errors</th></tr>
          </thead>
          <tbody>
            {states.map(state => (
              <tr key={state.path} aria-current={state.path === selected ? 'true' : undefined}>
                <td><button type="button" className="quiet address" aria-pressed={state.path === selected} onClick={() => onSelect(state.path)}>{state.path}</button></td>
                <td className={level(instances, state.path)}>{state.instances.toLocaleString('en')}</td>
                <td className="number">{state.visits.toLocaleString('en')}</td>
                <td className="number">{time(state.dwellP50Ms)}</td>
                <td className={level(dwell, state.path)}>{time(state.dwellP95Ms)}</td>
                <td className={level(errors, state.path)}>{state.errors === 0 ? '0' : `${state.errors.toLocaleString('en')} (${errors?.states.get(state.path)?.text})`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {fleet.edges.length > 0 && (
        <div className="card table-card" tabIndex={0} role="region" aria-label="Transitions">
          <table>
            <thead>
              <tr><th scope="col">Transition</th><th scope="col">Event</th><th scope="col" className="number">Times</th><th scope="col" className="number">Errors</th></tr>
            </thead>
            <tbody>
              {fleet.edges.map(({ source, target, event, count, errors: failed }) => (
                <tr key={`${source} ${target} ${event}`}>
                  <td className="address">{source || '(start)'} → {target || '(end)'}</td>
                  <td className="address" title={event}>{labelOf(event)}</td>
                  <td className="number">{count.toLocaleString('en')}</td>
                  <td className="number">{failed.toLocaleString('en')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
