import { useCall } from '../../data/use-call.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { Link } from '../../routing/link.tsx'
import { isSystemMachine } from './system-machine.ts'
import './fleet.css'

const REFRESH_MS = 3_000

/** The machines, each with how many actors it has; a machine leads to its heat map. */
export function FleetsPage() {
  const machines = useCall('listMachines', {})
  const tally = useCall('tallyActors', {}, { everyMs: REFRESH_MS })
  const counted = Map.groupBy(tally.data?.groups ?? [], group => group.machine)
  useTitle('Fleet')
  return (
    <div className="page">
      <header className="page-head">
        <h1>Fleet</h1>
        {tally.data && <p className="muted small">{tally.data.total.toLocaleString('en')} actors</p>}
      </header>
      {machines.error && <Failure error={machines.error} onRetry={machines.reload} />}
      {!machines.data && !machines.error && <Skeleton />}
      {machines.data?.machines.length === 0 && (
        <EmptyState icon="fleet" title="No machines are registered">
          Name them where the runtime is made: <code>createRuntime({'{'} machines: {'{'} order {'}'} {'}'})</code>.
        </EmptyState>
      )}
      <ul className="fleet-grid">
        {machines.data?.machines.filter(({ name }) => !isSystemMachine(name)).map(({ name, version, catalogue }) => {
          const groups = counted.get(name) ?? []
          const total = groups.reduce((sum, { count }) => sum + count, 0)
          return (
            <li key={name}>
              <Link to={`/fleet/${encodeURIComponent(name)}`} className="card fleet-card">
                <strong className="address">{name}</strong>
                <span className="small muted">version {version}{catalogue && ` · ${catalogue.kind}`}</span>
                <span className="fleet-count">{total.toLocaleString('en')} <span className="small muted">{total === 1 ? 'actor' : 'actors'}</span></span>
                <StatusBar groups={groups} total={total} />
              </Link>
            </li>
          )
        })}
      </ul>
    </div>
  )
}

interface StatusBarProps {
  readonly groups: readonly { readonly status: string; readonly count: number }[]
  readonly total: number
}

function StatusBar({ groups, total }: StatusBarProps) {
  const byStatus = [...Map.groupBy(groups, ({ status }) => status)].map(([status, of]) => ({ status, count: of.reduce((sum, { count }) => sum + count, 0) }))
  return (
    <span className="row small">
      {total === 0 && <span className="muted">none yet</span>}
      {byStatus.map(({ status, count }) => <span key={status} className={`badge status-${status}`}>{count.toLocaleString('en')} {status}</span>)}
    </span>
  )
}
