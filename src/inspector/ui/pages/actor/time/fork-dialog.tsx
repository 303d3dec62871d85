import { useState } from 'react'
import { useAction } from '../../../data/use-action.ts'
import { Dialog } from '../../../parts/dialog.tsx'
import { Failure } from '../../../parts/failure.tsx'
import { notify } from '../../../parts/notices.tsx'
import { actorPath } from '../../../routing/link.tsx'
import { navigate } from '../../../routing/location.ts'

interface ForkDialogProps {
  readonly address: string
  readonly seq: number
  readonly onClose: () => void
}

/** Asks for the key of the new actor, makes it, and goes there. */
export function ForkDialog({ address, seq, onClose }: ForkDialogProps) {
  const slash = address.indexOf('/')
  const [key, setKey] = useState(`${address.slice(slash + 1).replaceAll('>', '-')}-fork-${seq}`)
  const fork = useAction('forkActor', { isQuiet: true })
  const submit = async (): Promise<void> => {
    const forked = await fork.run({ address, seq, ...(key.trim() && { key: key.trim() }) })
    if (!forked) return
    onClose()
    notify({ kind: 'done', text: `${forked.address} goes on from step ${seq} of ${address}` })
    navigate(actorPath(forked.address))
  }
  return (
    <Dialog title={`Fork after step ${seq}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        <p className="muted">
          A new actor of <code>{address.slice(0, slash)}</code> begins with the state after step {seq}. Nothing of what has happened runs again, and {address} is left as it is.
        </p>
        <label className="stack-small">
          Key of the new actor
          <input value={key} onChange={event => setKey(event.target.value)} placeholder="random" />
        </label>
        {fork.error && <Failure error={fork.error} />}
        <div className="actions">
          <button type="submit" className="primary" disabled={fork.isBusy}>
            Fork
          </button>
        </div>
      </form>
    </Dialog>
  )
}
