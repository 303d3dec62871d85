import type { Snapshot } from '../../../../protocol.ts'
import { useCall } from '../../../data/use-call.ts'
import type { Call } from '../../../data/use-call.ts'
import { DIFFERENCES_MAX, differencesOf, pathText } from '../../../parts/changes.ts'
import { Failure } from '../../../parts/failure.tsx'
import { Icon } from '../../../parts/icon.tsx'
import { JsonTree } from '../../../parts/json-tree.tsx'
import { Skeleton } from '../../../parts/skeleton.tsx'
import { leavesOf } from '../../../parts/state-paths.ts'
import { StatusBadge } from '../../../parts/status-badge.tsx'

interface ComparePanelProps {
  readonly address: string
  readonly firstSeq: number
  readonly lastSeq: number
  readonly left: number
  readonly right: number
  readonly onChange: (left: number, right: number) => void
  readonly onClose: () => void
}

/** Two moments of one actor side by side, and every place where they differ. */
export function ComparePanel({ address, firstSeq, lastSeq, left, right, onChange, onClose }: ComparePanelProps) {
  const before = useCall('snapshot', { address, at: left })
  const after = useCall('snapshot', { address, at: right })
  const error = before.error ?? after.error
  return (
    <section className="card compare" aria-label="Compare two steps">
      <header className="page-head">
        <h2>Compare</h2>
        <StepField label="Step" value={left} min={firstSeq} max={lastSeq} onValue={seq => onChange(seq, right)} />
        <span aria-hidden="true">→</span>
        <StepField label="with step" value={right} min={firstSeq} max={lastSeq} onValue={seq => onChange(left, seq)} />
        <span className="spacer" />
        <button type="button" className="quiet" aria-label="Close the comparison" onClick={onClose}>
          <Icon name="cancel" />
        </button>
      </header>
      {error ? <Failure error={error} /> : <Differences before={before} after={after} />}
    </section>
  )
}

interface StepFieldProps {
  readonly label: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly onValue: (seq: number) => void
}

const StepField = ({ label, value, min, max, onValue }: StepFieldProps) => (
  <label className="step-field">
    {label}{' '}
    <input
      type="number"
      value={value}
      min={min}
      max={max}
      onChange={event => {
        const seq = event.target.valueAsNumber
        if (Number.isInteger(seq) && seq >= min && seq <= max) onValue(seq)
      }}
    />
  </label>
)

function Differences({ before: { data: before }, after: { data: after } }: { readonly before: Call<Snapshot>; readonly after: Call<Snapshot> }) {
  if (!before || !after) return <Skeleton lines={4} />
  const differences = differencesOf(shownOf(before), shownOf(after))
  return (
    <table className="compare-table">
      <thead>
        <tr>
          <th scope="col">Where</th>
          <th scope="col">After step {before.seq}</th>
          <th scope="col">After step {after.seq}</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">status</th>
          <td>
            <StatusBadge status={before.status} />
          </td>
          <td>
            <StatusBadge status={after.status} />
          </td>
        </tr>
        <tr>
          <th scope="row">states</th>
          <td>
            <States own={before} other={after} />
          </td>
          <td>
            <States own={after} other={before} />
          </td>
        </tr>
        {differences.map(({ path, before: left, after: right }) => (
          <tr key={pathText(path)}>
            <th scope="row">
              <code className="wrap">{pathText(path)}</code>
            </th>
            <td className={left === undefined ? 'muted' : 'json-removed'}>{left === undefined ? 'not there' : <JsonTree value={left} />}</td>
            <td className={right === undefined ? 'muted' : 'json-added'}>{right === undefined ? 'not there' : <JsonTree value={right} />}</td>
          </tr>
        ))}
        {differences.length === 0 && (
          <tr>
            <td colSpan={3} className="muted">
              Context and output are the same.
            </td>
          </tr>
        )}
        {differences.length >= DIFFERENCES_MAX && (
          <tr>
            <td colSpan={3} className="muted">
              There are more differences than the {DIFFERENCES_MAX} that are shown.
            </td>
          </tr>
        )}
      </tbody>
    </table>
  )
}

const shownOf = ({ context, output }: Snapshot) => ({ context, ...(output !== undefined && { output }) })

const States = ({ own, other }: { readonly own: Snapshot; readonly other: Snapshot }) => (
  <span className="row">
    {leavesOf(own.states).map(state => (
      <span key={state} className={`chip ${other.states.includes(state) ? '' : 'is-different'}`}>
        {state}
      </span>
    ))}
  </span>
)
