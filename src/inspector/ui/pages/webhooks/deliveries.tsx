import { useAction } from '../../data/use-action.ts'
import { useCall } from '../../data/use-call.ts'
import { Ago } from '../../parts/ago.tsx'
import { durationText } from '../../parts/duration-text.ts'
import { Failure } from '../../parts/failure.tsx'
import { notify } from '../../parts/notices.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { ActorLink } from '../../routing/link.tsx'

const SHOWN = 50
const REFRESH_MS = 2_000

/** The latest deliveries of one webhook; each can be made once more. */
export function Deliveries({ id }: { readonly id: string }) {
  const { data, error, reload } = useCall('listDeliveries', { id, limit: SHOWN }, { everyMs: REFRESH_MS })
  const again = useAction('redeliver')
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Skeleton lines={3} />
  if (data.deliveries.length === 0) return <p className="muted">Nothing was delivered yet: send a test event, or wait for a step that passes the filter.</p>
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Deliveries">
      <table>
        <thead>
          <tr><th scope="col">When</th><th scope="col">Told of</th><th scope="col">Outcome</th><th scope="col" className="number">Attempts</th><th scope="col" className="number">Took</th><th scope="col"><span className="visually-hidden">Actions</span></th></tr>
        </thead>
        <tbody>
          {data.deliveries.map(({ id: delivery, at, address, seq, type, outcome, status, attempts, ms, error: cause }) => (
            <tr key={`${delivery} ${at}`}>
              <td className="small muted"><Ago at={at} /></td>
              <td><ActorLink address={address} /> <span className="small">step {seq}, {type}</span></td>
              <td>
                <span className={`badge ${outcome === 'delivered' ? 'status-active' : 'status-failed'}`}>{outcome}{status !== null && ` · ${status}`}</span>
                {cause && <p className="small problem">{cause.message}</p>}
              </td>
              <td className="number">{attempts}</td>
              <td className="number">{durationText(ms)}</td>
              <td><button type="button" disabled={again.isBusy} onClick={() => void again.run({ id, delivery }).then(result => { if (result) notify({ kind: result.outcome === 'delivered' ? 'done' : 'error', text: `Delivered again: ${result.outcome}` }); reload() })}>Again</button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
