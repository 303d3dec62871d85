import { useState } from 'react'
import { useCall } from '../../data/use-call.ts'
import { Ago } from '../../parts/ago.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { Link, actorPath } from '../../routing/link.tsx'
import { useSearch } from '../../routing/location.ts'
import './run.css'

const PAGE = 200
const PAGES_MAX = 5
const REFRESH_MS = 3_000

/** The runs that changed last: actors that nobody has spawned. */
export function RunsPage() {
  const [{ text = '' }, setSearch] = useSearch()
  const [pages, setPages] = useState(1)
  const { data, error, reload } = useCall('listActors', { order: 'newest', limit: pages * PAGE, ...(text !== '' && { text }) }, { everyMs: REFRESH_MS })
  const runs = data?.actors.filter(({ parent }) => parent === null)
  useTitle('Runs')
  return (
    <div className="page">
      <header className="page-head">
        <h1>Runs</h1>
        <span className="spacer" />
        <input type="search" className="filter" aria-label="Part of the key" placeholder="Part of the key" value={text} onChange={event => setSearch({ text: event.target.value })} />
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      {!runs && !error && <Skeleton />}
      {runs?.length === 0 && (
        <EmptyState icon="runs" title={text === '' ? 'No runs yet' : 'No run has a key like that'}>
          {text === '' ? <>Start an actor: a run is that actor and all that it spawns. <code>troupe start MACHINE KEY</code> does it in a shell.</> : 'Try a shorter part of the key.'}
        </EmptyState>
      )}
      {runs && runs.length > 0 && (
        <div className="card table-card">
          <table className="runs-table">
            <thead>
              <tr>
                <th scope="col">Run</th>
                <th scope="col">Status</th>
                <th scope="col">State</th>
                <th scope="col" className="is-wide-only">Steps</th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {runs.map(({ address, status, states, seq, updatedAt }) => (
                <tr key={address}>
                  <td>
                    <Link to={actorPath(address, 'runs')} className="address">{address}</Link>
                  </td>
                  <td><StatusBadge status={status} /></td>
                  <td className="address">{states.join(', ')}</td>
                  <td className="is-wide-only">{seq}</td>
                  <td className="small muted"><Ago at={updatedAt} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data?.cursor !== undefined && pages < PAGES_MAX && <button type="button" onClick={() => setPages(pages + 1)}>Show older runs</button>}
    </div>
  )
}
