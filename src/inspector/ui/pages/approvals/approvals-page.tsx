import { useEffect } from 'react'
import { useCall } from '../../data/use-call.ts'
import { Countdown } from '../../parts/ago.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { isForField } from '../../parts/is-for-field.ts'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { Link } from '../../routing/link.tsx'
import { useSearch } from '../../routing/location.ts'
import { ApprovalDetail } from './approval-detail.tsx'
import { titleOf } from './title-of.ts'
import { useApprovals } from './use-approvals.ts'
import type { Approval } from './use-approvals.ts'
import './approvals.css'

/** What waits for people, and the one that is being decided. */
export function ApprovalsPage() {
  const { data, error, reload } = useApprovals()
  const me = useCall('whoAmI', {})
  const [{ id }, setSearch] = useSearch()
  const approvals = data?.approvals
  const selected = approvals?.find(approval => approval.id === id) ?? (id === undefined ? approvals?.[0] : undefined)
  useTitle('Approvals', approvals?.length)
  useNeighbourKeys(approvals, selected, next => setSearch({ id: next }))
  return (
    <div className="page">
      <header className="page-head">
        <h1>Approvals</h1>
        {approvals && approvals.length > 0 && (
          <p className="muted small is-wide-only">
            <kbd>j</kbd> <kbd>k</kbd> next and previous, <kbd>a</kbd> approve, <kbd>r</kbd> give a reason and reject
          </p>
        )}
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      {!approvals && !error && <Skeleton />}
      {approvals?.length === 0 && (
        <EmptyState icon="approvals" title="Nothing waits for a decision">
          Whatever asks people stands here: an <code>approval</code> machine, or a tool of an agent that needs a yes. <Link to="/actors?tag=approval">Actors with the tag approval</Link> are those that ask.
        </EmptyState>
      )}
      {approvals && approvals.length > 0 && (
        <div className="inbox">
          <ul className="inbox-list card" aria-label="Open approvals">
            {approvals.map(approval => (
              <li key={approval.id}>
                <ApprovalLink approval={approval} isCurrent={approval === selected} />
              </li>
            ))}
          </ul>
          {selected ? <ApprovalDetail key={selected.id} current={selected} me={me.data?.name ?? null} onDecided={reload} /> : <Gone />}
        </div>
      )}
    </div>
  )
}

const ApprovalLink = ({ approval, isCurrent }: { readonly approval: Approval; readonly isCurrent: boolean }) => (
  <Link to={`/approvals?id=${encodeURIComponent(approval.id)}`} className="inbox-item" aria-current={isCurrent ? 'true' : undefined}>
    <strong>{titleOf(approval)}</strong>
    <span className="small muted address">{approval.address}</span>
    {approval.dueAt !== null && (
      <span className="small">
        <Countdown to={approval.dueAt} />
      </span>
    )}
  </Link>
)

const Gone = () => (
  <div className="card">
    <EmptyState icon="approvals" title="This approval is no longer open">
      It was decided, has expired, or its actor has moved on. Choose <Link to="/approvals">another one</Link>.
    </EmptyState>
  </div>
)

function useNeighbourKeys(approvals: readonly Approval[] | undefined, selected: Approval | undefined, choose: (id: string) => void): void {
  useEffect(() => {
    const step = (event: KeyboardEvent): void => {
      const by = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0
      if (by === 0 || isForField(event)) return
      const next = approvals?.[(selected ? approvals.indexOf(selected) : -1) + by]
      if (next) choose(next.id)
    }
    addEventListener('keydown', step)
    return () => removeEventListener('keydown', step)
  })
}
