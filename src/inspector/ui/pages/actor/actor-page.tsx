import { useCallback, useMemo, useState } from 'react'
import type { Step } from '../../../protocol.ts'
import { useCall } from '../../data/use-call.ts'
import type { PageProps } from '../../pages.ts'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { useSearch } from '../../routing/location.ts'
import { ActorChart } from './actor-chart.tsx'
import { ActorHead } from './actor-head.tsx'
import { ActorSide } from './actor-side.tsx'
import './actor.css'
import { invokedNames } from './log/step-words.ts'
import { useLog } from './log/use-log.ts'
import { useMoment } from './shown-moment.ts'
import { ComparePanel } from './time/compare-panel.tsx'
import { ForkDialog } from './time/fork-dialog.tsx'
import { TimeBar } from './time/time-bar.tsx'
import { useActor } from './use-actor.ts'

const stepOf = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined)

/** One actor: what it is, did and can do, now or after any step of its past. */
export function ActorPage({ params }: PageProps) {
  const address = `${params['machine']}/${params['key']}`
  const [search, setSearch] = useSearch()
  const at = stepOf(search['at'])
  const other = stepOf(search['compare'])
  const [isForking, setForking] = useState(false)
  const log = useLog(address, at)
  const { add } = log
  const live = useActor(address, useCallback((steps: readonly Step[]) => add(steps), [add]))
  const { moment, error } = useMoment(live, address, at)
  const onAt = useCallback((seq: number | undefined) => setSearch({ at: seq === undefined ? undefined : String(seq) }), [setSearch])
  const machine = useCall('machine', { name: params['machine'] ?? '' })
  const chart = machine.data?.chart
  const invoked = useMemo(() => invokedNames(chart), [chart])
  useTitle(address)

  if (!moment || !live.now) {
    return (
      <div className="page">
        <h1 className="address">{address}</h1>
        {live.error ? <Failure error={live.error} onRetry={live.reload} /> : <Skeleton lines={10} />}
      </div>
    )
  }
  const { lastSeq } = live.now
  const seq = moment.actor.seq
  return (
    <div className={`page actor-page ${at === undefined ? '' : 'is-past'}`}>
      <ActorHead actor={moment.actor} isPast={at !== undefined} onDone={live.reload} />
      {(error ?? live.error) && <Failure error={error ?? live.error ?? new Error('unknown')} onRetry={live.reload} />}
      <TimeBar
        firstSeq={log.firstSeq}
        lastSeq={lastSeq}
        isOver={live.now.completedAt !== null}
        at={at}
        onAt={onAt}
        onFork={() => setForking(true)}
        onCompare={() => setSearch({ compare: other === undefined ? String(Math.max(seq - 1, log.firstSeq)) : undefined })}
      />
      {other !== undefined && (
        <ComparePanel
          address={address}
          firstSeq={log.firstSeq}
          lastSeq={lastSeq}
          left={other}
          right={at ?? lastSeq}
          onChange={(left, right) => setSearch({ compare: String(left), at: right >= lastSeq ? undefined : String(right) })}
          onClose={() => setSearch({ compare: undefined })}
        />
      )}
      <div className="actor-body">
        <ActorChart moment={moment} machine={machine} />
        <ActorSide address={address} moment={moment} log={log} invoked={invoked} progress={live.progress} at={at} tab={search['tab']} onTab={tab => setSearch({ tab: tab === 'log' ? undefined : tab })} onAt={onAt} />
      </div>
      {isForking && <ForkDialog address={address} seq={seq} onClose={() => setForking(false)} />}
    </div>
  )
}
