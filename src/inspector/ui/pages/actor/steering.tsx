import { useState } from 'react'
import type { Snapshot } from '../../../protocol.ts'
import { useAction } from '../../data/use-action.ts'
import { Confirmation } from '../../parts/dialog.tsx'
import { Icon } from '../../parts/icon.tsx'
import { notify } from '../../parts/notices.tsx'

interface SteeringProps {
  readonly actor: Snapshot
  readonly onDone: () => void
}

/** Pause and resume at once; what ends an actor is asked for twice. */
export function Steering({ actor: { address, status }, onDone }: SteeringProps) {
  const pause = useAction('pauseActor')
  const resume = useAction('resumeActor')
  const cancel = useAction('cancelActor')
  const stop = useAction('stopActor')
  const [asked, setAsked] = useState<'cancel' | 'stop'>()
  const isLive = status === 'active' || status === 'paused' || status === 'held'
  const perform = async (action: { run: (input: { address: string }) => Promise<unknown> }, done: string): Promise<void> => {
    if ((await action.run({ address })) === undefined) return
    notify({ kind: 'done', text: `${address} ${done}` })
    onDone()
  }
  return (
    <div className="row" role="group" aria-label="Steer the actor">
      {status === 'active' && (
        <button type="button" disabled={pause.isBusy} onClick={() => void perform(pause, 'is paused: events wait, timers stand still')}>
          <Icon name="pause" size={16} /> Pause
        </button>
      )}
      {(status === 'paused' || status === 'failed' || status === 'held') && (
        <button type="button" disabled={resume.isBusy} onClick={() => void perform(resume, 'goes on')}>
          <Icon name="play" size={16} /> Resume
        </button>
      )}
      {isLive && (
        <button type="button" disabled={cancel.isBusy} onClick={() => setAsked('cancel')}>
          <Icon name="cancel" size={16} /> Cancel
        </button>
      )}
      {(isLive || status === 'failed') && (
        <button type="button" disabled={stop.isBusy} onClick={() => setAsked('stop')}>
          <Icon name="stop" size={16} /> Stop
        </button>
      )}
      {asked === 'cancel' && (
        <Confirmation title={`Cancel ${address}?`} confirm="Cancel the actor" onConfirm={() => void perform(cancel, 'is being cancelled')} onClose={() => setAsked(undefined)}>
          It gets time to clean up, then it and everything it has spawned end. This cannot be undone; a fork from its history can go on.
        </Confirmation>
      )}
      {asked === 'stop' && (
        <Confirmation title={`Stop ${address}?`} confirm="Stop the actor" onConfirm={() => void perform(stop, 'is stopped')} onClose={() => setAsked(undefined)}>
          It ends at once with everything it has spawned, without cleaning up. This cannot be undone; a fork from its history can go on.
        </Confirmation>
      )}
    </div>
  )
}
