import type { CpuPlane, CpuThread } from '../../../protocol.ts'
import { useCall } from '../../data/use-call.ts'
import { durationText } from '../../parts/duration-text.ts'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'

const REFRESH_MS = 1_000

/** The threads for CPU-heavy work, and which CPU each is pinned to. */
export function Workers() {
  const { data, error, reload } = useCall('workers', {}, { everyMs: REFRESH_MS })
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Skeleton lines={8} />
  // The table of operations leaves these open; they are the pool's own description of itself.
  const planes = data.planes as unknown as readonly CpuPlane[]
  const threads = data.threads as unknown as readonly CpuThread[]
  return (
    <>
      {error && <Failure error={error} onRetry={reload} />}
      <section className="card stack" aria-label="CPUs">
        <header className="row">
          <h2>CPUs</h2>
          <span className={`badge ${data.pinning.isOn ? 'status-active' : 'status-paused'}`}>{data.pinning.isOn ? 'threads are pinned' : 'not pinned'}</span>
          {data.pinning.reason !== null && <span className="small">{data.pinning.reason}</span>}
        </header>
        {data.cpusAllowed === null ? <p className="muted">The kernel cannot be asked which CPUs this process may use.</p> : <CpuMap cpus={data.cpusAllowed} control={data.control} planes={planes} threads={threads} />}
      </section>
      {planes.map(plane => <Plane key={plane.plane} plane={plane} />)}
      <section className="card stack" aria-label="Threads">
        <h2>Threads</h2>
        {threads.length === 0 ? <p className="muted">None has been started: threads begin when the first <code>cpuTask</code> runs.</p> : <Threads threads={threads} />}
      </section>
    </>
  )
}

interface CpuMapProps {
  readonly cpus: readonly number[]
  readonly control: readonly number[]
  readonly planes: readonly CpuPlane[]
  readonly threads: readonly CpuThread[]
}

const CpuMap = ({ cpus, control, planes, threads }: CpuMapProps) => (
  <ol className="cpu-map">
    {cpus.map(cpu => {
      const pinned = threads.filter(thread => thread.cpu === cpu)
      const reserved = planes.filter(plane => plane.cpus.includes(cpu)).map(({ plane }) => plane)
      return (
        <li key={cpu} className={pinned.length > 0 ? 'is-pinned' : ''}>
          <strong>CPU {cpu}</strong>
          <span className="small">{control.includes(cpu) ? 'event loop' : pinned.length > 0 ? pinned.map(({ plane, thread }) => `${plane} #${thread}`).join(', ') : reserved.length > 0 ? `kept for ${reserved.join(', ')}` : 'free'}</span>
        </li>
      )
    })}
  </ol>
)

const Plane = ({ plane: { plane, threadsMax, running, waiting, queueMax, utilisation, completed, failed, aborted, crashed, waitMs, runMs } }: { readonly plane: CpuPlane }) => (
  <section className="card stack" aria-label={`Plane ${plane}`}>
    <header className="row">
      <h2>Plane <span className="address">{plane}</span></h2>
      <span className="badge">{running} of {threadsMax} threads busy</span>
      <span className="badge">{waiting.toLocaleString('en')} of {queueMax.toLocaleString('en')} waiting</span>
    </header>
    <label className="row load">
      <span className="small muted">Load since the first call</span>
      <meter min={0} max={1} value={utilisation} />
      <span className="number">{Math.round(utilisation * 100)} %</span>
    </label>
    <p className="small muted">
      {completed.toLocaleString('en')} done · {failed} failed · {aborted} aborted · {crashed} crashed · wait p50 {durationText(waitMs.p50)}, p99 {durationText(waitMs.p99)} · run p50 {durationText(runMs.p50)}, p99 {durationText(runMs.p99)}
    </p>
  </section>
)

const Threads = ({ threads }: { readonly threads: readonly CpuThread[] }) => (
  <div className="table-scroll" tabIndex={0} role="region" aria-label="Threads">
    <table>
      <thead>
        <tr><th scope="col" className="number">Thread</th><th scope="col" className="number">Kernel id</th><th scope="col">Plane</th><th scope="col" className="number">Pinned to CPU</th><th scope="col">May run on</th><th scope="col">Why not pinned</th></tr>
      </thead>
      <tbody>
        {threads.map(({ thread, tid, plane, cpu, cpusAllowed, reason }) => (
          <tr key={thread}><td className="number">{thread}</td><td className="number">{tid ?? '–'}</td><td className="address">{plane}</td><td className="number">{cpu ?? '–'}</td><td>{cpusAllowed?.join(', ') ?? '–'}</td><td>{reason ?? '–'}</td></tr>
        ))}
      </tbody>
    </table>
  </div>
)
