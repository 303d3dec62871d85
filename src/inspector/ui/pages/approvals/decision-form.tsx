import { useEffect, useRef, useState } from 'react'
import { isForField } from '../../parts/is-for-field.ts'

const REMEMBERED = 'troupe.approver'
const REASON_MAX = 10_000

interface DecisionFormProps {
  readonly approvers: readonly string[]
  readonly voted: readonly string[]
  readonly me: string | null
  readonly isBusy: boolean
  readonly onDecide: (by: string | null, approve: boolean, reason: string) => Promise<void>
}

/** Yes or no, and why. Who has no name of its own says as whom it decides; the browser remembers that. */
export function DecisionForm({ approvers, voted, me, isBusy, onDecide }: DecisionFormProps) {
  const [reason, setReason] = useState('')
  const [chosen, setChosen] = useState(() => localStorage.getItem(REMEMBERED) ?? '')
  const reasonField = useRef<HTMLTextAreaElement>(null)
  const left = approvers.filter(name => !voted.includes(name))
  const by = approvers.includes(chosen) ? chosen : left[0] ?? approvers[0] ?? ''
  const decide = (approve: boolean): void => {
    if (!isBusy) void onDecide(me === null ? by : null, approve, reason.trim())
  }
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (isForField(event) || (event.key !== 'a' && event.key !== 'r')) return
      event.preventDefault()
      if (event.key === 'a') decide(true)
      else reasonField.current?.focus()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  })
  return (
    <form className="stack" onSubmit={event => event.preventDefault()}>
      {me === null ? (
        <label className="row">
          <span>Decide as</span>
          <select
            className="approver"
            value={by}
            onChange={event => {
              setChosen(event.target.value)
              localStorage.setItem(REMEMBERED, event.target.value)
            }}
          >
            {approvers.map(name => <option key={name}>{name}</option>)}
          </select>
        </label>
      ) : (
        <p className="muted">You decide as <strong>{me}</strong>.</p>
      )}
      <label className="reason">
        <span>Reason <span className="muted">(kept with the decision)</span></span>
        <textarea ref={reasonField} rows={2} maxLength={REASON_MAX} value={reason} onChange={event => setReason(event.target.value)} />
      </label>
      <footer className="actions">
        <button type="button" className="danger" disabled={isBusy} onClick={() => decide(false)}>Reject</button>
        <button type="button" className="primary" disabled={isBusy} onClick={() => decide(true)}>Approve</button>
      </footer>
    </form>
  )
}
