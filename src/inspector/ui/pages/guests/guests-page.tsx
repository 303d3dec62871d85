import { Ago } from '../../parts/ago.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { Link } from '../../routing/link.tsx'
import { useFreshGuests } from './use-fresh-guests.ts'

/** Actors of plain XState apps that report here: seen, never steered. */
export function GuestsPage() {
  const { data, error, reload } = useFreshGuests('listGuests', {})
  useTitle('Guests')
  return (
    <div className="page">
      <header className="page-head">
        <h1>Guests</h1>
        <p className="muted small">actors of other apps, to look at only</p>
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      {!data && !error && <Skeleton />}
      {data?.guests.length === 0 && (
        <EmptyState icon="guests" title="No guests">
          Any XState v5 app can show its actors here: <code>createWebSocketInspector({'{'} url: '{location.origin.replace(/^http/, 'ws')}/stately' {'}'})</code> of <code>@statelyai/inspect</code>, and its <code>inspect</code> handed to <code>createActor</code>.
        </EmptyState>
      )}
      {data && data.guests.length > 0 && (
        <div className="card table-card" tabIndex={0} role="region" aria-label="Guests">
          <table>
            <thead>
              <tr><th scope="col">Actor</th><th scope="col">App</th><th scope="col">Status</th><th scope="col">State</th><th scope="col" className="number is-wide-only">Events</th><th scope="col">Changed</th></tr>
            </thead>
            <tbody>
              {data.guests.map(({ id, name, source, status, states, isConnected, events, updatedAt }) => (
                <tr key={id}>
                  <td><Link to={`/guests/${encodeURIComponent(id)}`} className="address">{name}</Link></td>
                  <td className="small">{source}{!isConnected && <> <span className="badge">gone</span></>}</td>
                  <td><StatusBadge status={status} /></td>
                  <td className="address">{states.join(', ')}</td>
                  <td className="number is-wide-only">{events.toLocaleString('en')}</td>
                  <td className="small muted"><Ago at={updatedAt} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
