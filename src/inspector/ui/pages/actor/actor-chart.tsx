import type { OutputOf } from '../../../protocol.ts'
import { useEffect, useState } from 'react'
import { createActivity, takenBy } from '../../chart/activity.ts'
import { ChartView } from '../../chart/chart-view.tsx'
import { StateList } from '../../chart/state-list.tsx'
import { useCall } from '../../data/use-call.ts'
import type { Call } from '../../data/use-call.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { childPaths, statesOfValue } from './state-value.ts'
import type { Moment } from './shown-moment.ts'

interface ActorChartProps {
  readonly moment: Moment
  readonly machine: Call<OutputOf<'machine'>>
}

/** The machine of the actor, or of one of its children in process, with what is active now. */
export function ActorChart({ moment: { actor, step, before }, machine: own }: ActorChartProps) {
  const [child, setChild] = useState<string>()
  const children = actor.children.filter(({ kind, address }) => kind === 'machine' && address === null)
  const shown = children.find(({ path }) => path === child)
  const inner = useCall('machine', shown ? { name: actor.machine, child: [...childPaths(actor.children, shown.path)] } : null)
  const machine = shown ? inner : own
  const [activity] = useState(createActivity)
  const chart = machine.data?.chart
  const states = shown ? statesOfValue(shown.value) : actor.states

  useEffect(() => {
    const taken = chart && step && before && !shown ? takenBy(chart, step, before) : new Set<string>()
    activity.set({ active: new Set(states), taken })
  })

  if (machine.error) return <Failure error={machine.error} onRetry={machine.reload} />
  if (!machine.data) return <Skeleton lines={8} />
  return (
    <section className="actor-chart card" aria-label="Statechart">
      <header className="chart-head">
        {children.length > 0 ? (
          <label className="row">
            Chart of
            <select value={shown?.path ?? ''} onChange={event => setChild(event.target.value || undefined)}>
              <option value="">{actor.machine}</option>
              {children.map(({ path, src }) => (
                <option key={path} value={path}>
                  {path.replace(/^\//, '')} ({src})
                </option>
              ))}
            </select>
          </label>
        ) : (
          <h2>Statechart</h2>
        )}
        {machine.data.hash !== actor.hash && !shown && <span className="muted small">drawn as registered now ({machine.data.version}); the actor was stepped by {actor.version}</span>}
      </header>
      {chart ? (
        <>
          <div className="chart-frame">
            <ChartView chart={chart} hash={`${machine.data.hash}${shown ? ` ${shown.src}` : ''}`} activity={activity} />
          </div>
          <details className="chart-words">
            <summary>States as text</summary>
            <StateList chart={chart} active={states} />
          </details>
        </>
      ) : (
        <EmptyState icon="tree" title="Nothing to draw">
          {shown ? `${shown.src} has no states.` : `${actor.machine} is logic without states: its context and log tell what it does.`}
        </EmptyState>
      )}
    </section>
  )
}
