import { useId, useState } from 'react'
import { useCall } from '../../data/use-call.ts'
import { Failure } from '../../parts/failure.tsx'
import type { Json } from '../../../protocol.ts'
import { parseEvent } from './edited-event.ts'
import type { EditedEvent } from './edited-event.ts'

interface EventEditorProps {
  readonly address: string
  readonly event: Json
  readonly isBusy: boolean
  readonly error: Error | undefined
  readonly onSend: (event: NonNullable<EditedEvent['event']>) => void
  readonly onCancel: () => void
}

/** The event as JSON, judged while it is typed; whether it fits the machine's schema the server says. */
export function EventEditor({ address, event, isBusy, error, onSend, onCancel }: EventEditorProps) {
  const [text, setText] = useState(() => JSON.stringify(event, null, 2))
  const edited = parseEvent(text)
  const problemId = useId()
  const known = useCall('listEvents', { address }).data?.events.find(({ type }) => type === edited.event?.type)
  const isUnheard = edited.event !== null && known !== undefined && !known.legal
  return (
    <form
      className="stack"
      onSubmit={submit => {
        submit.preventDefault()
        if (edited.event) onSend(edited.event)
      }}
    >
      <label>
        Event to replay in its place
        <textarea autoFocus rows={Math.min(20, text.split('\n').length + 1)} spellCheck={false} value={text} aria-invalid={edited.problem !== null} aria-describedby={problemId} onChange={change => setText(change.target.value)} />
      </label>
      <p id={problemId} className={edited.problem === null ? 'small muted' : 'small problem'} role="status">
        {edited.problem ?? (isUnheard ? `The actor does not take it now: ${known.reason ?? 'no state handles it'}.` : 'This is a valid event.')}
      </p>
      {known?.jsonSchema && (
        <details>
          <summary>Schema of {known.type}</summary>
          <pre className="code" tabIndex={0} aria-label="Schema">{JSON.stringify(known.jsonSchema, null, 2)}</pre>
        </details>
      )}
      {error && <Failure error={error} />}
      <footer className="actions">
        <button type="button" onClick={onCancel}>Leave it as it was</button>
        <button type="submit" className="primary" disabled={edited.event === null || isBusy}>Replay the edited event</button>
      </footer>
    </form>
  )
}
