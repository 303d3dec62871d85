import { useCall } from '../../data/use-call.ts'
import { Ago } from '../../parts/ago.tsx'
import { Failure } from '../../parts/failure.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { ActorLink, Link } from '../../routing/link.tsx'
import { BulkActions } from './bulk-actions.tsx'

interface StatePanelProps {
  readonly machine: string
  readonly state: string | undefined
  readonly onChanged: () => void
}

const SHOWN = 20
const REFRESH_MS = 2_000

/** The actors in the chosen state, or all of the machine, and what can be done with all of them. */
export function StatePanel({ machine, state, onChanged }: StatePanelProps) {
  const filter = { machine, ...(state && { state }) }
  const actors = useCall('listActors', { ...filter, limit: SHOWN, order: 'newest' }, { everyMs: REFRESH_MS })
  const changed = (): void => {
    onChanged()
    actors.reload()
  }
  return (
    <section className="card stack state-panel" aria-label="Actors">
      <header className="row">
        <h2>{state ? <>Actors in <span className="address">{state}</span></> : 'All actors'}</h2>
        <span className="spacer" />
        <Link to={`/actors?${new URLSearchParams(filter)}`} className="small">Open as a list</Link>
      </header>
      {!state && <p className="small muted">Choose a state in the chart or the table to see those in it.</p>}
      {actors.error && <Failure error={actors.error} onRetry={actors.reload} />}
      <ul className="state-actors">
        {actors.data?.actors.map(({ address, status, updatedAt }) => (
          <li key={address} className="row">
            <ActorLink address={address} />
            <span className="spacer" />
            <StatusBadge status={status} />
            <span className="small muted"><Ago at={updatedAt} /></span>
          </li>
        ))}
      </ul>
      {actors.data?.actors.length === 0 && <p className="muted">None now.</p>}
      {actors.data?.cursor !== undefined && <p className="small muted">The {SHOWN} that changed last.</p>}
      <BulkActions filter={filter} onDone={changed} />
    </section>
  )
}
