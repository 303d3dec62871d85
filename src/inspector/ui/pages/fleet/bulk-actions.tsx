import { useState } from 'react'
import type { InputOf, OutputOf } from '../../../protocol.ts'
import { useAction } from '../../data/use-action.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { notify } from '../../parts/notices.tsx'
import { parseEvent } from '../letters/edited-event.ts'

type Bulk = InputOf<'bulk'>
type Action = Bulk['action']

const actions: readonly { readonly name: Action; readonly verb: string; readonly done: string; readonly consequence: string }[] = [
  { name: 'pause', verb: 'Pause', done: 'paused', consequence: 'Their events wait and their timers stand still until they are resumed.' },
  { name: 'resume', verb: 'Resume', done: 'resumed', consequence: 'Paused ones go on; failed ones try again from their last state.' },
  { name: 'cancel', verb: 'Cancel', done: 'cancelled', consequence: 'They end after time to clean up. This cannot be undone.' },
  { name: 'stop', verb: 'Stop', done: 'stopped', consequence: 'They end at once, with all they have spawned. This cannot be undone.' },
  { name: 'send', verb: 'Send an event to', done: 'sent the event', consequence: 'Each gets this event.' },
]

interface BulkActionsProps {
  readonly filter: Bulk['filter']
  readonly onDone: () => void
}

/** One thing done with all actors of a filter: counted by a dry run first, and only with as many as the user has agreed to. */
export function BulkActions({ filter, onDone }: BulkActionsProps) {
  const [asked, setAsked] = useState<{ readonly action: Action; readonly matched: number }>()
  const bulk = useAction('bulk')
  const ask = async (action: Action): Promise<void> => {
    // A dry run of sending counts the actors; which event it will be is not known yet.
    const count = await bulk.run({ filter, action, dryRun: true, ...(action === 'send' && { event: { type: 'count' } }) })
    if (count) setAsked({ action, matched: count.matched })
  }
  const act = async (input: Bulk, done: string): Promise<void> => {
    const result = await bulk.run(input)
    if (!result) return
    setAsked(undefined)
    tell(result, done)
    onDone()
  }
  return (
    <div className="row" role="group" aria-label="With all of them">
      {actions.map(({ name, verb }) => (
        <button key={name} type="button" disabled={bulk.isBusy} onClick={() => void ask(name)}>
          {name === 'send' ? 'Send…' : `${verb}…`}
        </button>
      ))}
      {asked && <BulkDialog filter={filter} {...asked} isBusy={bulk.isBusy} onAct={(input, done) => void act(input, done)} onClose={() => setAsked(undefined)} />}
    </div>
  )
}

function tell({ done, failed }: OutputOf<'bulk'>, word: string): void {
  if (done > 0 || failed.length === 0) notify({ kind: 'done', text: `${counted(done)} ${word}` })
  const [first] = failed
  if (first) notify({ kind: 'error', text: `${counted(failed.length)} not ${word}; ${first.address}: ${first.error.message}` })
}

const counted = (count: number): string => `${count.toLocaleString('en')} actor${count === 1 ? '' : 's'}`

interface BulkDialogProps {
  readonly filter: Bulk['filter']
  readonly action: Action
  readonly matched: number
  readonly isBusy: boolean
  readonly onAct: (input: Bulk, done: string) => void
  readonly onClose: () => void
}

function BulkDialog({ filter, action, matched, isBusy, onAct, onClose }: BulkDialogProps) {
  const [text, setText] = useState('{\n  "type": ""\n}')
  const { verb, done, consequence } = actions.find(({ name }) => name === action) ?? actions[0] as (typeof actions)[number]
  const edited = parseEvent(text)
  const needsEvent = action === 'send'
  return (
    <Dialog title={`${verb} ${counted(matched)}?`} onClose={onClose}>
      <p>
        {matched === 0 ? 'No actor fits the filter now.' : consequence} {filter.state !== undefined && <>Those of <code>{filter.machine}</code> in <code>{filter.state}</code>.</>}
      </p>
      {needsEvent && (
        <label>
          Event
          <textarea rows={4} spellCheck={false} value={text} aria-invalid={edited.problem !== null} onChange={event => setText(event.target.value)} />
          <span className="small problem" role="status">{edited.problem}</span>
        </label>
      )}
      <footer className="actions">
        <button type="button" onClick={onClose}>Leave them</button>
        <button
          type="button"
          className={action === 'cancel' || action === 'stop' ? 'danger' : 'primary'}
          disabled={isBusy || matched === 0 || (needsEvent && edited.event === null)}
          onClick={() => onAct({ filter, action, expected: matched, ...(needsEvent && edited.event !== null && { event: edited.event }) }, done)}
        >
          {verb} {counted(matched)}
        </button>
      </footer>
    </Dialog>
  )
}
