import { useEffect, useState } from 'react'
import type { Snapshot } from '../../../../protocol.ts'
import { useAction } from '../../../data/use-action.ts'
import { useCall } from '../../../data/use-call.ts'
import { EmptyState } from '../../../parts/empty-state.tsx'
import { Failure } from '../../../parts/failure.tsx'
import { notify } from '../../../parts/notices.tsx'
import { Skeleton } from '../../../parts/skeleton.tsx'
import { EventForm } from './event-form.tsx'
import type { SentEvent } from './event-form.tsx'

interface SendPanelProps {
  readonly actor: Snapshot
  readonly isPast: boolean
}

/** Which events are legal changes with the state, not with each step. */
const stateOf = ({ status, states }: Snapshot): string => JSON.stringify([status, states])

/** The events that the actor takes now, each as a form; the others with the reason why not. */
export function SendPanel({ actor, isPast }: SendPanelProps) {
  const { data, error, reload } = useCall('listEvents', { address: actor.address })
  const [chosen, setChosen] = useState<string>()
  const send = useAction('sendEvent', { isQuiet: true })
  const state = stateOf(actor)
  useEffect(reload, [state, reload])
  if (isPast)
    return (
      <EmptyState icon="clock" title="The past takes no events">
        Go back to live to send one, or fork the actor at this step.
      </EmptyState>
    )
  if (error && !data) return <Failure error={error} onRetry={reload} />
  if (!data) return <Skeleton lines={4} />

  const legal = data.events.filter(event => event.legal)
  const refused = data.events.filter(event => !event.legal)
  const event = legal.find(({ type }) => type === chosen) ?? legal[0]
  const submit = async (sent: SentEvent): Promise<void> => {
    if (await send.run({ address: actor.address, event: sent })) notify({ kind: 'done', text: `${sent.type} is accepted` })
  }
  return (
    <div className="stack">
      {event ? (
        <>
          <div className="row" role="group" aria-label="Events that are legal now">
            {legal.map(({ type }) => (
              <button key={type} type="button" aria-pressed={type === event.type} onClick={() => setChosen(type)}>
                <code>{type}</code>
              </button>
            ))}
          </div>
          <EventForm key={event.type} event={event} isBusy={send.isBusy} error={send.error} onSend={sent => void submit(sent)} />
        </>
      ) : (
        <p className="muted">No event is legal now.</p>
      )}
      {refused.length > 0 && (
        <details className="refused" open={!event}>
          <summary>{refused.length === 1 ? '1 event is refused now' : `${refused.length} events are refused now`}</summary>
          <dl className="facts">
            {refused.map(({ type, reason }) => (
              <div key={type}>
                <dt>
                  <code className="wrap">{type}</code>
                </dt>
                <dd className="muted">{reason ?? 'not legal in this state'}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  )
}
