import { useCall } from '../../data/use-call.ts'
import { durationText } from '../../parts/duration-text.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'

const REFRESH_MS = 1_000
const KEYS_SHOWN = 50
/** In the order in which they are taken. */
const PRIORITIES = ['high', 'normal', 'low']

const rank = (priority: string): number => (PRIORITIES.indexOf(priority) + PRIORITIES.length + 1) % (PRIORITIES.length + 1)

/** Tasks that wait and run, queue by queue: by priority, key and worker. */
export function Queues() {
  const { data, error, reload } = useCall('queues', {}, { everyMs: REFRESH_MS })
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Skeleton lines={8} />
  if (data.queues.length === 0) {
    return (
      <EmptyState icon="task" title="No task waits in a queue">
        A task with <code>queue: 'name'</code> waits in that queue until a worker takes it. Other tasks run on the node of their actor.
      </EmptyState>
    )
  }
  return (
    <>
      {error && <Failure error={error} onRetry={reload} />}
      {data.queues.map(({ queue, waiting, active, ended, keys, workers }) => (
        <section key={queue} className="card stack" aria-label={`Queue ${queue}`}>
          <header className="row">
            <h2 className="address">{queue}</h2>
            <span className="badge status-active">{active} running</span>
            {Object.entries(waiting).toSorted(([a], [b]) => rank(a) - rank(b)).map(([priority, count]) => <span key={priority} className="badge">{count.toLocaleString('en')} waiting, {priority}</span>)}
            {ended && <span className="small muted">{ended.completed.toLocaleString('en')} done · {ended.failed.toLocaleString('en')} failed · {ended.deadLetters.toLocaleString('en')} dead letters</span>}
          </header>
          {workers.length === 0 && <p className="muted">No worker has reported for this queue: start one with <code>createWorker({'{'} queues: {'{'} {queue}: {'{ concurrency: 2 }'} {'}'} {'}'})</code>.</p>}
          <div className="queue-tables">
            {workers.length > 0 && <Counts title="Worker" rows={workers.map(({ worker, active: running, silentMs }) => [worker, running, durationText(silentMs)])} columns={['Running', 'Last heard']} />}
            {keys.length > 0 && <Counts title="Key" rows={keys.slice(0, KEYS_SHOWN).map(({ key, waiting: left, active: running }) => [key || '(none)', left, running])} columns={['Waiting', 'Running']} />}
          </div>
          {keys.length > KEYS_SHOWN && <p className="small muted">and {keys.length - KEYS_SHOWN} more keys</p>}
        </section>
      ))}
    </>
  )
}

interface CountsProps {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly [string, ...(string | number)[]])[]
}

const Counts = ({ title, columns, rows }: CountsProps) => (
  <div className="table-scroll" tabIndex={0} role="region" aria-label={`${title}s`}>
    <table>
      <thead>
        <tr><th scope="col">{title}</th>{columns.map(column => <th key={column} scope="col" className="number">{column}</th>)}</tr>
      </thead>
      <tbody>
        {rows.map(([name, ...values]) => (
          <tr key={name}><td className="address">{name}</td>{values.map((value, index) => <td key={columns[index]} className="number">{value}</td>)}</tr>
        ))}
      </tbody>
    </table>
  </div>
)
