import type { KeyboardEvent } from 'react'
import type { Json } from '../../../protocol.ts'
import { useCall } from '../../data/use-call.ts'
import { EventLog } from './log/event-log.tsx'
import type { InvokedNames } from './log/step-words.ts'
import type { Log } from './log/use-log.ts'
import { Relations } from './relations.tsx'
import { SendPanel } from './send/send-panel.tsx'
import type { Moment } from './shown-moment.ts'
import { ContextView, StepDetails } from './step-details.tsx'

const tabs = { log: 'Log', context: 'Context', send: 'Send', parts: 'Parts' } as const
type Tab = keyof typeof tabs
const isTab = (name: string | undefined): name is Tab => name !== undefined && Object.hasOwn(tabs, name)
const names = Object.keys(tabs) as readonly Tab[]

interface ActorSideProps {
  readonly address: string
  readonly moment: Moment
  readonly log: Log
  readonly invoked: InvokedNames
  readonly progress: ReadonlyMap<string, Json>
  readonly at: number | undefined
  readonly tab: string | undefined
  readonly onTab: (tab: Tab) => void
  readonly onAt: (seq: number | undefined) => void
}

/** What stands beside the chart, one thing at a time. */
export function ActorSide({ address, moment, log, invoked, progress, at, tab, onTab, onAt }: ActorSideProps) {
  const current = isTab(tab) ? tab : 'log'
  const { actor, step, before } = moment
  const onKey = (event: KeyboardEvent<HTMLElement>): void => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (move === undefined) return
    const next = names[(names.indexOf(current) + move + names.length) % names.length] ?? 'log'
    onTab(next)
    event.currentTarget.querySelector<HTMLElement>(`[data-tab=${next}]`)?.focus()
  }
  return (
    <section className="actor-side card">
      <div role="tablist" aria-label="About the actor" className="tabs" onKeyDown={onKey}>
        {names.map(name => (
          <button key={name} type="button" role="tab" id={`tab-${name}`} data-tab={name} aria-selected={name === current} aria-controls="tab-panel" tabIndex={name === current ? 0 : -1} onClick={() => onTab(name)}>
            {tabs[name]}
            {name === 'parts' && actor.tasks.length + actor.timers.length > 0 && <span className="count">{actor.tasks.length + actor.timers.length}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${current}`} className={`tab-panel tab-panel-${current}`} tabIndex={current === 'log' ? -1 : 0}>
        {current === 'log' && (
          <>
            <EventLog log={log} invoked={invoked} shownSeq={actor.seq} isLive={at === undefined} onSeq={onAt} />
            {step && (
              <div className="log-details">
                <StepDetails step={step} />
              </div>
            )}
          </>
        )}
        {current === 'context' && <ContextView actor={actor} before={before} />}
        {current === 'send' && <SendPanel actor={actor} isPast={at !== undefined} />}
        {current === 'parts' && <Parts address={address} moment={moment} progress={progress} isPast={at !== undefined} />}
      </div>
    </section>
  )
}

const SPAWNED_MAX = 200
const SPAWNED_EVERY_MS = 5_000

/** Durable children are actors of the run whose parent this one is. */
function Parts({ address, moment, progress, isPast }: Pick<ActorSideProps, 'address' | 'moment' | 'progress'> & { readonly isPast: boolean }) {
  const run = useCall('listActors', { run: moment.actor.run, limit: SPAWNED_MAX }, { everyMs: SPAWNED_EVERY_MS })
  return <Relations actor={moment.actor} spawned={(run.data?.actors ?? []).filter(({ parent }) => parent === address)} progress={progress} isPast={isPast} />
}
