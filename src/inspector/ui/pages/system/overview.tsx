import { useMemo } from 'react'
import type { OutputOf } from '../../../protocol.ts'
import { bytesText } from '../../parts/bytes-text.ts'
import { durationText } from '../../parts/duration-text.ts'
import { Failure } from '../../parts/failure.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { Gauge } from './gauge.tsx'
import { LineChart } from './line-chart.tsx'
import type { Line } from './line-chart.tsx'
import { gaugesOf, ratesOf } from './samples.ts'
import { useSamples } from './use-samples.ts'

type Health = OutputOf<'health'>

const charts: readonly { readonly title: string; readonly lines: readonly (Line & { readonly counter: string })[] }[] = [
  { title: 'Steps and commits per second', lines: [{ name: 'steps', counter: 'steps', colour: '--accent' }, { name: 'commits', counter: 'commits', colour: '--violet' }] },
  { title: 'Trouble per second', lines: [{ name: 'dead letters', counter: 'deadLetters', colour: '--red' }, { name: 'retries of tasks', counter: 'taskRetries', colour: '--amber' }, { name: 'restarts', counter: 'restarts', colour: '--violet' }] },
  { title: 'Timers and housekeeping per second', lines: [{ name: 'timers fired', counter: 'timersFired', colour: '--green' }, { name: 'evictions', counter: 'evictions', colour: '--amber' }, { name: 'compacted', counter: 'compacted', colour: '--violet' }] },
  { title: 'Ownership per second', lines: [{ name: 'takeovers', counter: 'takeovers', colour: '--amber' }, { name: 'handovers', counter: 'handovers', colour: '--green' }, { name: 'fenced commits', counter: 'fenced', colour: '--red' }] },
]

const perSecond = (value: number): string => (value >= 1_000 ? `${(value / 1_000).toFixed(1)}k` : value >= 10 ? value.toFixed(0) : value.toFixed(value === 0 ? 0 : 1))

/** Whether this node is ready, what it holds, and what it does each second. */
export function Overview() {
  const { data, error, reload, samples } = useSamples()
  const rates = useMemo(() => charts.map(({ lines }) => ratesOf(samples, lines.map(({ counter }) => counter))), [samples])
  const lag = useMemo(() => gaugesOf(samples, ['lagMs']), [samples])
  const memory = useMemo(() => gaugesOf(samples, ['memory', 'store']), [samples])
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Skeleton lines={10} />
  return (
    <>
      {error && <Failure error={error} onRetry={reload} />}
      <Readiness health={data} />
      <Figures health={data} />
      <div className="charts">
        {charts.map(({ title, lines }, index) => <LineChart key={title} title={title} lines={lines} columns={rates[index] ?? [[]]} text={perSecond} />)}
        <LineChart title="Lag of the oldest due work" lines={[{ name: 'lag', colour: '--amber' }]} columns={lag} text={durationText} />
        <LineChart title="Memory and store" lines={[{ name: 'memory', colour: '--accent' }, { name: 'store', colour: '--green' }]} columns={memory} text={bytesText} />
      </div>
    </>
  )
}

const Readiness = ({ health: { ready, reasons, node, version } }: { readonly health: Health }) => (
  <section className={`card row readiness ${ready ? 'is-ready' : ''}`} aria-label="Readiness">
    <Icon name={ready ? 'approvals' : 'warning'} size={22} />
    <strong>{ready ? 'Ready' : 'Not ready'}</strong>
    {reasons.map(reason => <span key={reason}>{reason}</span>)}
    <span className="spacer" />
    <span className="small muted">node <code>{node}</code> · Troupe {version}</span>
  </section>
)

const Figures = ({ health: { memory, store, partitions, liveActors, actorsInMemory, runningTasks, lagMs, compaction } }: { readonly health: Health }) => (
  <ul className="figures">
    <Gauge name="Memory" value={memory.bytes} max={memory.bytesMax} text={bytesText} />
    {store && <Gauge name="Store" value={store.bytes} max={store.bytesMax} text={bytesText} />}
    <Figure name="Partitions owned" text={`${partitions.owned.length} of ${partitions.total}`} />
    <Figure name="Active actors" text={liveActors.toLocaleString('en')} detail={`${actorsInMemory.toLocaleString('en')} in memory`} />
    <Figure name="Running tasks" text={runningTasks.toLocaleString('en')} />
    <Figure name="Lag" text={durationText(lagMs)} />
    <Figure name="Compacted" text={(compaction.surplus + compaction.reclaimed).toLocaleString('en')} detail={compaction.last ? compaction.last.reason : 'no run had to go'} />
  </ul>
)

const Figure = ({ name, text, detail }: { readonly name: string; readonly text: string; readonly detail?: string }) => (
  <li className="card figure">
    <span className="small muted">{name}</span>
    <strong>{text}</strong>
    {detail !== undefined && <span className="small muted">{detail}</span>}
  </li>
)
