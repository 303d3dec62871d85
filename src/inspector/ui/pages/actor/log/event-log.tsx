import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useRef } from 'react'
import type { Step } from '../../../../protocol.ts'
import { Failure } from '../../../parts/failure.tsx'
import { Icon } from '../../../parts/icon.tsx'
import { leavesOf, shortPath } from '../../../parts/state-paths.ts'
import { Skeleton } from '../../../parts/skeleton.tsx'
import { whatOf } from './step-words.ts'
import type { InvokedNames } from './step-words.ts'
import type { Log } from './use-log.ts'

const ROW_PX = 34
/** Rows from the top at which older steps are asked for. */
const AHEAD = 20

interface EventLogProps {
  readonly log: Log
  readonly invoked: InvokedNames
  readonly shownSeq: number
  readonly isLive: boolean
  readonly onSeq: (seq: number) => void
}

/** What has happened, oldest first; the end stays in sight as long as one looks at the present. */
export function EventLog({ log, invoked, shownSeq, isLive, onSeq }: EventLogProps) {
  const { steps, isFromStart, loadOlder } = log
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: steps.length, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, overscan: 10, getItemKey: index => steps[index]?.seq ?? index })
  const firstSeq = steps[0]?.seq
  const anchor = useRef(firstSeq)
  const shownIndex = firstSeq === undefined ? -1 : shownSeq - firstSeq

  useEffect(() => {
    // Not by the virtualiser: it measures the page for each, and this is done for each update.
    if (isLive) scroller.current?.scrollTo(0, steps.length * ROW_PX)
  }, [isLive, steps.length, shownSeq])
  useEffect(() => {
    if (!isLive && shownIndex >= 0) virtual.scrollToIndex(shownIndex, { align: 'auto' })
  }, [isLive, shownIndex, virtual])
  // Older steps that come before the first must not move those that one reads.
  useEffect(() => {
    const grown = anchor.current !== undefined && firstSeq !== undefined ? anchor.current - firstSeq : 0
    if (grown > 0 && !isLive) scroller.current?.scrollBy(0, grown * ROW_PX)
    anchor.current = firstSeq
  }, [firstSeq, isLive])

  const top = virtual.range?.startIndex
  useEffect(() => {
    if (top !== undefined && top < AHEAD && !isFromStart) loadOlder()
  }, [top, firstSeq, isFromStart, loadOlder])

  if (log.error) return <Failure error={log.error} onRetry={log.backToTail} />
  if (steps.length === 0) return <Skeleton lines={6} />
  return (
    <div ref={scroller} className="event-log" tabIndex={0} role="group" aria-label="Event log">
      <ol style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const step = steps[index]
          return step && <LogRow key={step.seq} step={step} invoked={invoked} top={start} isShown={step.seq === shownSeq} onSeq={onSeq} />
        })}
      </ol>
    </div>
  )
}

interface LogRowProps {
  readonly step: Step
  readonly invoked: InvokedNames
  readonly top: number
  readonly isShown: boolean
  readonly onSeq: (seq: number) => void
}

const LogRow = memo(({ step, invoked, top, isShown, onSeq }: LogRowProps) => (
  <li style={{ transform: `translateY(${top}px)` }}>
    <button type="button" className={`log-row ${isShown ? 'is-shown' : ''}`} aria-current={isShown ? 'step' : undefined} onClick={() => onSeq(step.seq)}>
      <span className="log-seq">{step.seq}</span>
      <time className="muted" dateTime={new Date(step.at).toISOString()}>
        {clockTime(step.at)}
      </time>
      <span className={`log-what ${step.error ? 'has-error' : ''}`}>
        {step.error && <Icon name="warning" size={14} />}
        {whatOf(step, invoked)}
      </span>
      <span className="log-states muted">{leavesOf(step.states).map(shortPath).join(', ') || step.status}</span>
    </button>
  </li>
))

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 })
const clockTime = (at: number): string => clock.format(at)
