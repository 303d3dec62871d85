import { useCall } from '../../data/use-call.ts'
import { Ago } from '../../parts/ago.tsx'
import { durationText } from '../../parts/duration-text.ts'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'

const REFRESH_MS = 2_000
/** Nodes are told apart by colours as far as they go, and by their numbers always. */
const COLOURS = 8

/** The nodes that live, and which of them owns which partition. */
export function Cluster() {
  const { data, error, reload } = useCall('cluster', {}, { everyMs: REFRESH_MS })
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Skeleton lines={8} />
  const numbers = new Map(data.nodes.map(({ node }, index) => [node, index + 1]))
  const ownerless = data.partitions.filter(({ node }) => node === null).length
  return (
    <>
      {error && <Failure error={error} onRetry={reload} />}
      <div className="card table-card" tabIndex={0} role="region" aria-label="Nodes">
        <table>
          <thead>
            <tr><th scope="col">Node</th><th scope="col">Process</th><th scope="col" className="number">Partitions</th><th scope="col" className="number">Active actors</th><th scope="col" className="number">Running tasks</th><th scope="col" className="number">Lag</th><th scope="col">Started</th></tr>
          </thead>
          <tbody>
            {data.nodes.map(({ node, isSelf, host, pid, partitions, liveActors, runningTasks, lagMs, startedAt }) => (
              <tr key={node}>
                <td><NodeMark number={numbers.get(node)} /> <span className="address">{node}</span>{isSelf && <> <span className="badge">answers you</span></>}</td>
                <td className="small">{host ?? '–'}{pid !== undefined && ` · pid ${pid}`}</td>
                <td className="number">{partitions.length}</td>
                <td className="number">{liveActors?.toLocaleString('en') ?? '–'}</td>
                <td className="number">{runningTasks ?? '–'}</td>
                <td className="number">{lagMs === undefined ? '–' : durationText(lagMs)}</td>
                <td className="small muted">{startedAt === undefined ? '–' : <Ago at={startedAt} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <section className="card stack" aria-label="Partitions">
        <header className="row">
          <h2>Partitions</h2>
          <p className="small muted">{data.partitions.length} in all{ownerless > 0 && `, ${ownerless} without an owner`}; the number in each is its node’s</p>
        </header>
        <ol className="partition-map">
          {data.partitions.map(({ partition, node, epoch }) => {
            const number = node === null ? undefined : numbers.get(node)
            return (
              <li key={partition} className={nodeColour(number)} title={`Partition ${partition}: ${node ?? 'no owner'}, epoch ${epoch}`}>
                <span className="visually-hidden">Partition {partition} </span>
                {number ?? '–'}
              </li>
            )
          })}
        </ol>
      </section>
    </>
  )
}

const nodeColour = (number: number | undefined): string => (number === undefined ? 'node-none' : `node-${((number - 1) % COLOURS) + 1}`)

const NodeMark = ({ number }: { readonly number: number | undefined }) => <span className={`node-mark ${nodeColour(number)}`}>{number}</span>
