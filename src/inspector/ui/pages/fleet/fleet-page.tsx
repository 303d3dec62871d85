import { useMemo } from 'react'
import type { OutputOf } from '../../../protocol.ts'
import { useCall } from '../../data/use-call.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import type { PageProps } from '../../pages.ts'
import { Link } from '../../routing/link.tsx'
import { useSearch } from '../../routing/location.ts'
import { FleetChart } from './fleet-chart.tsx'
import { FleetTable } from './fleet-table.tsx'
import { heatOf, metricNames, metrics } from './heat.ts'
import type { HeatMap, Metric } from './heat.ts'
import { StatePanel } from './state-panel.tsx'
import { trafficOf } from './traffic.ts'
import './fleet.css'

const REFRESH_MS = 2_000
const isMetric = (text: string | undefined): text is Metric => metrics.some(metric => metric === text)

/** How the actors of one machine fare: its statechart, coloured by how many are where, how long they stay, or how often they fail. */
export function FleetPage({ params: { machine: name = '' } }: PageProps) {
  const fleet = useCall('fleet', { name }, { everyMs: REFRESH_MS })
  const machine = useCall('machine', { name })
  const [search, setSearch] = useSearch()
  const metric = isMetric(search['by']) ? search['by'] : 'instances'
  const { data: shown } = fleet
  const chart = machine.data?.chart
  const heat = useMemo(() => heatOf(shown?.states ?? [], shown && chart ? trafficOf(chart, shown.edges) : [], metric), [shown, chart, metric])
  const { state } = search
  const choose = (path: string): void => setSearch({ state: path === state ? undefined : path })
  useTitle(`Fleet of ${name}`)
  const error = fleet.error ?? machine.error
  return (
    <div className="page">
      <header className="page-head">
        <h1>
          Fleet of <span className="address">{name}</span>
        </h1>
        {shown && <p className="muted small">{summaryOf(shown)}</p>}
        <span className="spacer" />
        <div className="row" role="group" aria-label="Colour by">
          {metrics.map(by => (
            <button key={by} type="button" aria-pressed={metric === by} onClick={() => setSearch({ by: by === 'instances' ? undefined : by })}>
              {metricNames[by]}
            </button>
          ))}
        </div>
      </header>
      {error && <Failure error={error} onRetry={() => { fleet.reload(); machine.reload() }} />}
      {!shown && !error && <Skeleton lines={10} />}
      {shown?.instances === 0 && (
        <EmptyState icon="fleet" title={`No actor of ${name} yet`}>
          Start one: <code>troupe start {name} KEY</code>, or look at <Link to="/fleet">another machine</Link>.
        </EmptyState>
      )}
      {shown && machine.data && shown.instances > 0 && (
        <>
          <Legend heat={heat} metric={metric} />
          <div className="fleet-body">
            {chart && <FleetChart chart={chart} hash={machine.data.hash} heat={heat} selected={state} onSelect={choose} />}
            <StatePanel machine={name} state={state} onChanged={fleet.reload} />
          </div>
          <FleetTable fleet={shown} chart={machine.data.chart} selected={state} onSelect={choose} />
        </>
      )}
    </div>
  )
}

const summaryOf = ({ instances, sampled }: OutputOf<'fleet'>): string =>
  `${instances.toLocaleString('en')} actor${instances === 1 ? '' : 's'}; times and errors from the histories of ${sampled === instances ? 'all of them' : `the latest ${sampled.toLocaleString('en')}`}`

const Legend = ({ heat: { legend }, metric }: { readonly heat: HeatMap; readonly metric: Metric }) => (
  <ol className="row legend small" aria-label={`Colours: ${metricNames[metric]}`}>
    <li><span className="swatch heat-0" /> {metric === 'errors' ? 'no errors' : 'none'}</li>
    {legend.map(({ level, text }) => (
      <li key={level}>
        <span className={`swatch heat-${level}`} /> {text}
      </li>
    ))}
  </ol>
)
