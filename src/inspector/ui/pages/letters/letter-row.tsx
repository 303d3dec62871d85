import { useState } from 'react'
import type { DeadLetter } from '../../../protocol.ts'
import { useAction } from '../../data/use-action.ts'
import { Ago } from '../../parts/ago.tsx'
import { ErrorView } from '../../parts/error-view.tsx'
import { notify } from '../../parts/notices.tsx'
import { ActorLink } from '../../routing/link.tsx'
import { DiscardDialog } from './discard-dialog.tsx'
import { EventEditor } from './event-editor.tsx'

interface LetterRowProps {
  readonly letter: DeadLetter
  readonly isChosen: boolean
  readonly onChoose: (isChosen: boolean) => void
  readonly onChanged: () => void
}

const subjectOf = ({ event, task, kind }: DeadLetter): string => task ?? (event as { readonly type?: string } | null)?.type ?? kind

/** One letter: what it was, why it failed, and what can be done with it. */
export function LetterRow({ letter, isChosen, onChoose, onChanged }: LetterRowProps) {
  const { id, address, at, state, kind, from, cause, reason, resolvedAt } = letter
  const [open, setOpen] = useState<'edit' | 'discard' | null>(null)
  const replay = useAction('replayDeadLetter')
  const discard = useAction('discardDeadLetter')
  const isPresent = state === 'present'
  const finish = (word: string, result: unknown): void => {
    if (result) notify({ kind: 'done', text: `${subjectOf(letter)} of ${address} was ${word}` })
    setOpen(null)
    onChanged()
  }
  return (
    <li className="card letter">
      <div className="row letter-head">
        {isPresent && <input type="checkbox" checked={isChosen} aria-label={`Choose ${subjectOf(letter)} of ${address}`} onChange={event => onChoose(event.target.checked)} />}
        <strong className="address">{subjectOf(letter)}</strong>
        <span className="badge">{kind}</span>
        <span className="small">for <ActorLink address={address} /></span>
        {from !== null && <span className="small muted">from <ActorLink address={from} /></span>}
        <span className="spacer" />
        <span className="small muted"><Ago at={at} /></span>
      </div>
      <p className="letter-cause">{cause.code !== undefined && <code>{cause.code}</code>} {cause.message}</p>
      {!isPresent && <p className="small muted">{state} {resolvedAt !== null && <Ago at={resolvedAt} />}{reason !== null && `: ${reason}`}</p>}
      <details>
        <summary>Cause and content</summary>
        <ErrorView error={cause} />
        <pre className="code" tabIndex={0} aria-label="Content">{JSON.stringify(letter.event, null, 2)}</pre>
      </details>
      {isPresent && open !== 'edit' && (
        <footer className="actions">
          <button type="button" onClick={() => setOpen('discard')}>Discard…</button>
          {letter.task === null && letter.event !== null && <button type="button" onClick={() => setOpen('edit')}>Edit and replay</button>}
          <button type="button" className="primary" disabled={replay.isBusy} onClick={() => void replay.run({ id }).then(result => finish('replayed', result))}>Replay</button>
        </footer>
      )}
      {open === 'edit' && <EventEditor address={address} event={letter.event} isBusy={replay.isBusy} error={replay.error} onCancel={() => setOpen(null)} onSend={event => void replay.run({ id, event }).then(result => (result ? finish('replayed', result) : undefined))} />}
      {open === 'discard' && <DiscardDialog count={1} onClose={() => setOpen(null)} onDiscard={why => void discard.run({ id, ...(why && { reason: why }) }).then(result => finish('discarded', result))} />}
    </li>
  )
}
