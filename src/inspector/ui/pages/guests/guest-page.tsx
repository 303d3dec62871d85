import { useEffect, useState } from 'react'
import { createActivity } from '../../chart/activity.ts'
import { ChartView } from '../../chart/chart-view.tsx'
import { Ago } from '../../parts/ago.tsx'
import { Failure } from '../../parts/failure.tsx'
import { JsonTree } from '../../parts/json-tree.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { useTitle } from '../../parts/use-title.ts'
import type { PageProps } from '../../pages.ts'
import type { OutputOf } from '../../../protocol.ts'
import { Link } from '../../routing/link.tsx'
import { useFreshGuests } from './use-fresh-guests.ts'
import './guests.css'

type Guest = OutputOf<'guest'>

const SHOWN_MAX = 200

/** One actor of another app: its statechart with what is active, its context, and what it has told. */
export function GuestPage({ params: { id = '' } }: PageProps) {
  const { data, error, reload } = useFreshGuests('guest', { id })
  useTitle(data?.name ?? 'Guest')
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Skeleton lines={10} />
  return (
    <div className="page">
      <header className="page-head">
        <h1 className="address">{data.name}</h1>
        <StatusBadge status={data.status} />
        {data.states.map(state => <span key={state} className="chip">{state}</span>)}
        <p className="small muted">of {data.source}{!data.isConnected && ', which is gone'}; changed <Ago at={data.updatedAt} /></p>
        {data.parent !== null && <Link to={`/guests/${encodeURIComponent(data.parent)}`} className="small">Its parent</Link>}
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      <div className="guest-body">
        <div className="card guest-chart">{data.chart ? <GuestChart guest={data} chart={data.chart} /> : <p className="muted guest-note">The app has not told what the machine looks like, or the actor is not a machine.</p>}</div>
        <section className="card stack" aria-label="Context">
          <h2>Context</h2>
          <JsonTree value={data.context} />
          {data.output !== null && <><h2>Output</h2><JsonTree value={data.output} /></>}
          {data.error !== null && <><h2>Error</h2><JsonTree value={data.error} /></>}
        </section>
      </div>
      <Log guest={data} />
    </div>
  )
}

function GuestChart({ guest: { id, states }, chart }: { readonly guest: Guest; readonly chart: NonNullable<Guest['chart']> }) {
  const [activity] = useState(createActivity)
  const key = states.join('\n')
  useEffect(() => {
    activity.set({ active: new Set(key.split('\n')), taken: new Set() })
  }, [activity, key])
  // A new answer has a new chart each time; the drawing is that of the guest.
  const [drawn] = useState(chart)
  return <ChartView chart={drawn} hash={`guest ${id}`} activity={activity} />
}

const Log = ({ guest: { entries } }: { readonly guest: Guest }) => (
  <div className="card table-card guest-log" tabIndex={0} role="region" aria-label="What it has told">
    <table>
      <thead>
        <tr><th scope="col">When</th><th scope="col">Event</th><th scope="col">From</th><th scope="col">State after it</th></tr>
      </thead>
      <tbody>
        {entries.toReversed().slice(0, SHOWN_MAX).map(({ seq, at, kind, type, event, from, states }) => (
          <tr key={seq}>
            <td className="small muted"><Ago at={at} /></td>
            <td>{event === null ? <span className="address">{type || kind}</span> : <details><summary className="address">{type}</summary><JsonTree value={event} /></details>}</td>
            <td className="small">{from ?? '–'}</td>
            <td className="address">{states.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
