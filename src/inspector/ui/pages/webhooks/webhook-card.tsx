import { useState } from 'react'
import type { OutputOf } from '../../../protocol.ts'
import { useAction } from '../../data/use-action.ts'
import { Ago } from '../../parts/ago.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { durationText } from '../../parts/duration-text.ts'
import { notify } from '../../parts/notices.tsx'
import { Deliveries } from './deliveries.tsx'
import { filterText } from './filter-text.ts'

export type Webhook = OutputOf<'listWebhooks'>['webhooks'][number]

interface WebhookCardProps {
  readonly webhook: Webhook
  readonly isOpen: boolean
  readonly onToggle: (isOpen: boolean) => void
  readonly onChanged: () => void
}

/** One webhook: where it goes, what it hears of, how its deliveries fare. */
export function WebhookCard({ webhook, isOpen, onToggle, onChanged }: WebhookCardProps) {
  const { id, url, description, filter, signature, publicKey, status, disabledReason } = webhook
  const [isRemoving, setRemoving] = useState(false)
  const update = useAction('updateWebhook')
  const test = useAction('testWebhook')
  const remove = useAction('deleteWebhook')
  const isEnabled = status === 'enabled'
  return (
    <section className="card stack" aria-label={url}>
      <header className="row">
        <h2 className="address">{url}</h2>
        <span className={`badge ${isEnabled ? 'status-active' : 'status-failed'}`}>{status}</span>
        <span className="badge">{signature}</span>
      </header>
      {description !== '' && <p>{description}</p>}
      {disabledReason !== null && <p className="problem">{disabledReason}</p>}
      <p className="small muted">Hears of {filterText(filter)}.</p>
      {publicKey !== null && <p className="small">Receivers verify with <code className="address">{publicKey}</code></p>}
      <Statistics statistics={webhook.statistics} />
      <footer className="actions">
        <button type="button" onClick={() => setRemoving(true)}>Remove…</button>
        <button type="button" disabled={update.isBusy} onClick={() => void update.run({ id, enabled: !isEnabled }).then(onChanged)}>{isEnabled ? 'Disable' : 'Enable'}</button>
        <button type="button" disabled={test.isBusy || !isEnabled} onClick={() => void test.run({ id }).then(result => { if (result) notify({ kind: result.outcome === 'delivered' ? 'done' : 'error', text: `Test event: ${result.outcome}${result.status === null ? '' : `, status ${result.status}`}${result.error ? `, ${result.error.message}` : ''}` }); onChanged() })}>
          {test.isBusy ? 'Sending…' : 'Send a test event'}
        </button>
        <button type="button" aria-expanded={isOpen} onClick={() => onToggle(!isOpen)}>{isOpen ? 'Hide deliveries' : 'Deliveries'}</button>
      </footer>
      {isOpen && <Deliveries id={id} />}
      {isRemoving && (
        <Confirmation title="Remove this webhook?" confirm="Remove it" onClose={() => setRemoving(false)} onConfirm={() => void remove.run({ id }).then(onChanged)}>
          Nothing more is delivered to <code className="address">{url}</code>, and its log of deliveries goes. This cannot be undone.
        </Confirmation>
      )}
    </section>
  )
}

const Statistics = ({ statistics: { delivered, failed, retries, failuresInARow, lastAt, lastStatus, meanMs } }: Pick<Webhook, 'statistics'>) => (
  <p className="row small">
    <span className="badge status-done">{delivered.toLocaleString('en')} delivered</span>
    <span className={`badge ${failed > 0 ? 'status-failed' : ''}`}>{failed.toLocaleString('en')} failed{failuresInARow > 0 && `, ${failuresInARow} in a row`}</span>
    <span className="badge">{retries.toLocaleString('en')} retries</span>
    {meanMs !== null && <span className="muted">{durationText(meanMs)} on average</span>}
    {lastAt !== null && <span className="muted">last <Ago at={lastAt} />{lastStatus !== null && `, status ${lastStatus}`}</span>}
  </p>
)
