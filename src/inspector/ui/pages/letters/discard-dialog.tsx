import { useState } from 'react'
import { Dialog } from '../../parts/dialog.tsx'

interface DiscardDialogProps {
  readonly count: number
  readonly onDiscard: (reason: string) => void
  readonly onClose: () => void
}

export function DiscardDialog({ count, onDiscard, onClose }: DiscardDialogProps) {
  const [reason, setReason] = useState('')
  return (
    <Dialog title={count === 1 ? 'Discard this letter?' : `Discard ${count} letters?`} onClose={onClose}>
      <p>What is discarded is never handled. Cause and reason stay readable among the discarded letters.</p>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          onClose()
          onDiscard(reason.trim())
        }}
      >
        <label>
          Reason
          <input autoFocus value={reason} maxLength={10_000} onChange={event => setReason(event.target.value)} />
        </label>
        <footer className="actions">
          <button type="button" onClick={onClose}>Keep {count === 1 ? 'it' : 'them'}</button>
          <button type="submit" className="danger">Discard {count === 1 ? 'it' : count}</button>
        </footer>
      </form>
    </Dialog>
  )
}
