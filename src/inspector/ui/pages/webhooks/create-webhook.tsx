import { useState } from 'react'
import type { InputOf } from '../../../protocol.ts'
import { useAction } from '../../data/use-action.ts'
import { useCall } from '../../data/use-call.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Failure } from '../../parts/failure.tsx'

interface CreateWebhookProps {
  readonly onClose: () => void
  readonly onCreated: () => void
}

/** Asks what a webhook needs, then shows its secret: this once. */
export function CreateWebhook({ onClose, onCreated }: CreateWebhookProps) {
  const create = useAction('createWebhook', { isQuiet: true })
  const machines = useCall('listMachines', {})
  const [made, setMade] = useState<{ readonly secret: string | null; readonly publicKey: string | null }>()
  const submit = async (form: FormData): Promise<void> => {
    const webhook = await create.run(inputOf(form))
    if (!webhook) return
    setMade(webhook)
    onCreated()
  }
  return (
    <Dialog title={made ? 'The webhook is made' : 'New webhook'} onClose={onClose}>
      {made ? (
        <Secret {...made} onClose={onClose} />
      ) : (
        <form
          className="stack"
          onSubmit={event => {
            event.preventDefault()
            void submit(new FormData(event.currentTarget))
          }}
        >
          <label>
            URL
            <input name="url" type="url" required autoFocus placeholder="https://example.com/hook" maxLength={2_000} />
          </label>
          <label>
            Description
            <input name="description" maxLength={500} />
          </label>
          <label>
            Machine
            <select name="machine">
              <option value="">every machine</option>
              {machines.data?.machines.map(({ name }) => <option key={name}>{name}</option>)}
            </select>
          </label>
          <label>
            Types of events <span className="muted">(with commas; empty for all)</span>
            <input name="events" placeholder="PAY, SHIP" />
          </label>
          <label className="row">
            <input name="ended" type="checkbox" /> Only steps that end or fail an actor
          </label>
          <label>
            Signature
            <select name="signature">
              <option value="hmac">HMAC: a secret that both sides know</option>
              <option value="ed25519">Ed25519: receivers know a public key only</option>
            </select>
          </label>
          {create.error && <Failure error={create.error} />}
          <footer className="actions">
            <button type="button" onClick={onClose}>Leave it</button>
            <button type="submit" className="primary" disabled={create.isBusy}>Make it</button>
          </footer>
        </form>
      )}
    </Dialog>
  )
}

function inputOf(form: FormData): InputOf<'createWebhook'> {
  const text = (name: string): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
  const events = text('events').split(',').map(type => type.trim()).filter(Boolean)
  return {
    url: text('url'), description: text('description'), signature: text('signature') === 'ed25519' ? 'ed25519' : 'hmac',
    filter: { ...(text('machine') && { machine: text('machine') }), ...(events.length > 0 && { events }), ...(form.has('ended') && { ended: true }) },
  }
}

const Secret = ({ secret, publicKey, onClose }: { readonly secret: string | null; readonly publicKey: string | null; readonly onClose: () => void }) => (
  <>
    {secret !== null && (
      <label>
        Secret, shown this once: give it to the receiver now
        <input readOnly value={secret} onFocus={event => event.target.select()} />
      </label>
    )}
    {publicKey !== null && <p>Receivers verify with <code className="address">{publicKey}</code>.</p>}
    <footer className="actions">
      <button type="button" className="primary" onClick={onClose}>I have it</button>
    </footer>
  </>
)
