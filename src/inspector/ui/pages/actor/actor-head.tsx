import type { Snapshot } from '../../../protocol.ts'
import { Ago, fullTime } from '../../parts/ago.tsx'
import { ErrorView } from '../../parts/error-view.tsx'
import { leavesOf } from '../../parts/state-paths.ts'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { ActorLink, Link, actorPath } from '../../routing/link.tsx'
import { Steering } from './steering.tsx'

interface ActorHeadProps {
  readonly actor: Snapshot
  readonly isPast: boolean
  readonly onDone: () => void
}

/** Who it is, how it is, and the buttons that steer it. */
export function ActorHead({ actor, isPast, onDone }: ActorHeadProps) {
  const { address, machine, status, states, tags, parent, run, version, createdAt, updatedAt, waiting, failure } = actor
  return (
    <>
      <header className="page-head actor-head">
        <h1 className="address">{address}</h1>
        <StatusBadge status={status} />
        <span className="row" aria-label="Active states">
          {leavesOf(states).map(state => (
            <span key={state} className="chip">
              {state}
            </span>
          ))}
          {tags.map(tag => (
            <span key={tag} className="badge" title="Tag">
              #{tag}
            </span>
          ))}
        </span>
        <span className="spacer" />
        {isPast ? <span className="badge status-paused">in the past</span> : <Steering actor={actor} onDone={onDone} />}
      </header>
      <p className="actor-facts muted small">
        <span>
          <Link to={`/fleet/${encodeURIComponent(machine)}`}>{machine}</Link> {version}
        </span>
        <span>
          {isPast ? (
            'as it was'
          ) : (
            <>
              changed <Ago at={updatedAt} />
            </>
          )}
        </span>
        <span>started {fullTime(createdAt)}</span>
        {parent !== null && (
          <span>
            parent <ActorLink address={parent} />
          </span>
        )}
        <span>
          <Link to={actorPath(run, 'runs')}>its run</Link>
        </span>
        {waiting > 0 && <span>{waiting} events wait</span>}
      </p>
      {failure && (
        <div className="failure" role="status">
          <ErrorView error={failure} />
        </div>
      )}
    </>
  )
}
