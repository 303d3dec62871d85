import { useState } from 'react'
import { useCall } from '../../data/use-call.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { useSearch } from '../../routing/location.ts'
import { CreateWebhook } from './create-webhook.tsx'
import { WebhookCard } from './webhook-card.tsx'

const PAGE = 200
const REFRESH_MS = 2_000

/** Who is told of steps over HTTP, and how that goes. */
export function WebhooksPage() {
  const { data, error, reload } = useCall('listWebhooks', { limit: PAGE }, { everyMs: REFRESH_MS })
  const [isCreating, setCreating] = useState(false)
  const [{ id }, setSearch] = useSearch()
  useTitle('Webhooks')
  return (
    <div className="page">
      <header className="page-head">
        <h1>Webhooks</h1>
        <span className="spacer" />
        <button type="button" className="primary" onClick={() => setCreating(true)}>New webhook…</button>
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      {!data && !error && <Skeleton />}
      {data?.webhooks.length === 0 && (
        <EmptyState icon="send" title="No webhooks yet">
          A webhook tells another system of steps as they are committed: signed, in order for each actor, tried again until it is taken. Make one with <em>New webhook</em>.
        </EmptyState>
      )}
      <ul className="stack">
        {data?.webhooks.map(webhook => (
          <li key={webhook.id}>
            <WebhookCard webhook={webhook} isOpen={webhook.id === id} onToggle={isOpen => setSearch({ id: isOpen ? webhook.id : undefined })} onChanged={reload} />
          </li>
        ))}
      </ul>
      {isCreating && <CreateWebhook onClose={() => setCreating(false)} onCreated={reload} />}
    </div>
  )
}
