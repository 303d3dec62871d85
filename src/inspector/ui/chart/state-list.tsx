import type { Chart, ChartState } from '../../protocol.ts'
import { labelOf } from './diagram.ts'

interface StateListProps {
  readonly chart: Chart
  readonly active: readonly string[]
}

/** The chart in words: what the drawing shows, for those who do not see it, and for searching in the page. */
export const StateList = ({ chart, active }: StateListProps) => (
  <ul className="state-list">
    {chart.root.states.map(state => (
      <StateItem key={state.path} state={state} chart={chart} active={active} />
    ))}
  </ul>
)

function StateItem({ state, chart, active }: StateListProps & { readonly state: ChartState }) {
  const isActive = active.includes(state.path)
  const transitions = chart.transitions.filter(({ source }) => source === state.path)
  return (
    <li aria-current={isActive ? 'true' : undefined}>
      <span className={isActive ? 'state-name is-active' : 'state-name'}>{state.key}</span>
      {isActive && <span className="visually-hidden"> (active)</span>}
      {state.type !== 'atomic' && <span className="muted small"> {state.type}</span>}
      {transitions.length > 0 && (
        <span className="muted small">
          {' '}
          {transitions.map(transition => `${labelOf(transition)}${transition.targets.length > 0 ? ` → ${transition.targets.join(', ')}` : ''}`).join('; ')}
        </span>
      )}
      {state.states.length > 0 && (
        <ul>
          {state.states.map(child => (
            <StateItem key={child.path} state={child} chart={chart} active={active} />
          ))}
        </ul>
      )}
    </li>
  )
}
