import { useCall } from '../../data/use-call.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { Link } from '../../routing/link.tsx'
import { useSearch } from '../../routing/location.ts'
import { isSystemMachine } from '../fleet/system-machine.ts'
import { MachineDrawing } from './machine-drawing.tsx'

/** Machines and patterns: what each says of itself, and its statechart. */
export function Catalogue() {
  const machines = useCall('listMachines', {})
  const patterns = useCall('listPatterns', {})
  const [{ machine: chosen }] = useSearch()
  const error = machines.error ?? patterns.error
  if (!machines.data || !patterns.data) return error ? <Failure error={error} onRetry={machines.reload} /> : <Skeleton lines={8} />
  return (
    <div className="catalogue">
      <div className="stack">
        <section className="card stack" aria-label="Machines">
          <h2>Machines</h2>
          <ul>
            {machines.data.machines.filter(({ name }) => !isSystemMachine(name)).map(({ name, version, catalogue, members }) => (
              <li key={name} className="catalogue-item">
                <Link to={`/system?view=catalogue&machine=${encodeURIComponent(name)}`} className="address" aria-current={name === chosen ? 'true' : undefined}>{name}</Link>
                <span className="small muted"> {catalogue?.kind ?? 'machine'}, version {version}</span>
                {catalogue?.description !== undefined && <p className="small">{catalogue.description}</p>}
                {members.length > 0 && <p className="small muted">members: {members.join(', ')}</p>}
              </li>
            ))}
          </ul>
        </section>
        <section className="card stack" aria-label="Patterns">
          <h2>Patterns that can be built</h2>
          {patterns.data.definitions.length === 0 && <p className="muted">None: name them where the runtime is made, <code>createRuntime({'{'} patterns {'}'})</code>.</p>}
          <ul>
            {patterns.data.definitions.map(({ name, version, description, capabilities, paramsSchema, templates }) => (
              <li key={`${name} ${version}`} className="catalogue-item">
                <span className="address">{name}</span> <span className="small muted">version {version}</span>
                <p className="small">{description}</p>
                {capabilities.length > 0 && <p className="row">{capabilities.map(capability => <span key={capability} className="badge">{capability}</span>)}</p>}
                <details>
                  <summary className="small">What it is built with</summary>
                  <pre className="code" tabIndex={0} aria-label={`Params of ${name}`}>{JSON.stringify({ params: paramsSchema, templates }, null, 2)}</pre>
                </details>
              </li>
            ))}
          </ul>
        </section>
      </div>
      {chosen ? <MachineDrawing name={chosen} /> : <div className="card"><EmptyState icon="tree" title="Choose a machine">Its statechart and its events are shown here.</EmptyState></div>}
    </div>
  )
}
