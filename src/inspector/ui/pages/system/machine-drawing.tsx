import { useCall } from '../../data/use-call.ts'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { Link } from '../../routing/link.tsx'
import { download } from '../run/download.ts'
import { FleetChart } from '../fleet/fleet-chart.tsx'

/** A machine's statechart, and the events it knows. */
export function MachineDrawing({ name }: { readonly name: string }) {
  const { data, error, reload } = useCall('machine', { name })
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Skeleton lines={8} />
  const { mermaid } = data
  return (
    <section className="card stack" aria-label={`Machine ${name}`}>
      <header className="row">
        <h2 className="address">{name}</h2>
        <span className="spacer" />
        <Link to={`/fleet/${encodeURIComponent(name)}`} className="small">Its fleet</Link>
        {mermaid !== null && <button type="button" onClick={() => download(`${name}.mmd`, 'text/plain', mermaid)}>Mermaid</button>}
      </header>
      {data.chart ? <FleetChart chart={data.chart} hash={data.hash} /> : <p className="muted">It is logic without states: there is nothing to draw.</p>}
      {data.events.length > 0 && (
        <>
          <h3>Events</h3>
          <ul className="row">{data.events.map(({ type }) => <li key={type} className="chip">{type}</li>)}</ul>
        </>
      )}
    </section>
  )
}
