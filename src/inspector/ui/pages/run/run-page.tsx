import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { useNow } from '../../parts/ago.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import type { PageProps } from '../../pages.ts'
import { ActorLink, Link, actorPath } from '../../routing/link.tsx'
import { useSearch } from '../../routing/location.ts'
import { ExportMenu } from './export-menu.tsx'
import type { View } from './export-menu.tsx'
import { GanttView } from './gantt-view.tsx'
import type { HrefOf } from './sequence-drawing.ts'
import { ZOOM_STEPS } from './sequence-layout.ts'
import type { Timeline } from './sequence-layout.ts'
import { SequenceView } from './sequence-view.tsx'
import { useFreshTimeline } from './use-fresh-timeline.ts'
import './run.css'

const views: Readonly<Record<View, string>> = { sequence: 'Messages', gantt: 'States and tasks' }

/** Of the gantt chart: times as wide as the page. */
const GANTT_ZOOMS = [1, 2, 4, 8, 16, 32, 64] as const

const hrefOf: HrefOf = (address, seq) => `${actorPath(address)}${seq === undefined ? '' : `?at=${seq}`}`

/** A run as a whole: what its actors told each other, and how long states and tasks took. */
export function RunPage({ params: { machine = '', key = '' } }: PageProps) {
  const address = `${machine}/${key}`
  const { data, error, reload } = useFreshTimeline(address)
  const [search, setSearch] = useSearch()
  // An actor by itself tells nobody anything: what it did is in its states and tasks.
  const isAlone = data?.actors.length === 1
  const view: View = (search['view'] ?? (isAlone ? 'gantt' : 'sequence')) === 'gantt' ? 'gantt' : 'sequence'
  const steps = view === 'gantt' ? GANTT_ZOOMS : ZOOM_STEPS
  const zoom = Math.min(Math.max(Math.trunc(Number(search['zoom'])) || 0, 0), steps.length - 1)
  const setZoom = (to: number): void => setSearch({ zoom: to === 0 ? undefined : String(to) })
  useTitle(`Run ${address}`)
  return (
    <div className="page run">
      <header className="page-head">
        <h1>
          Run <ActorLink address={address} />
        </h1>
        {data && <p className="muted small">{summaryOf(data)}</p>}
        <span className="spacer" />
        <div className="row" role="group" aria-label="View">
          {Object.entries(views).map(([name, text]) => (
            <button key={name} type="button" aria-pressed={view === name} onClick={() => setSearch({ view: name, zoom: undefined })}>
              {text}
            </button>
          ))}
        </div>
        <div className="row" role="group" aria-label="Zoom of time">
          <button type="button" className="quiet" aria-label="Zoom out" disabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>
            −
          </button>
          <span className="small muted zoom-text">{view === 'gantt' ? `${GANTT_ZOOMS[zoom]}×` : zoom === 0 ? 'order' : `${ZOOM_STEPS[zoom]} px/s`}</span>
          <button type="button" className="quiet" aria-label="Zoom in" disabled={zoom === steps.length - 1} onClick={() => setZoom(zoom + 1)}>
            <Icon name="plus" size={16} />
          </button>
        </div>
        {data && <ExportMenu address={address} timeline={data} view={view} pixelsPerSecond={ZOOM_STEPS[view === 'sequence' ? zoom : 0] ?? 0} />}
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      {data ? <Diagram timeline={data} view={view} zoom={zoom} /> : !error && <Skeleton lines={10} />}
    </div>
  )
}

function summaryOf({ actors, messages, spans, isWhole }: Timeline): string {
  const count = (number: number, noun: string): string => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
  return [count(actors.length, 'actor'), count(messages.length, 'message'), count(spans.filter(({ kind }) => kind === 'task').length, 'task'), ...(isWhole ? [] : ['only the first steps of a long run'])].join(' · ')
}

function Diagram({ timeline, view, zoom }: { readonly timeline: Timeline; readonly view: View; readonly zoom: number }) {
  const isOpen = timeline.spans.some(span => span.to === null)
  if ((view === 'gantt' ? timeline.spans : timeline.messages).length === 0) {
    return (
      <EmptyState icon="runs" title="Nothing has happened in this run yet">
        It is drawn here as soon as an actor of it has done a step. Look at <Link to="/runs">another run</Link>, or send its root an event.
      </EmptyState>
    )
  }
  if (view === 'sequence') return <SequenceView timeline={timeline} pixelsPerSecond={ZOOM_STEPS[zoom] ?? 0} hrefOf={hrefOf} />
  return isOpen ? <GrowingGantt timeline={timeline} zoom={zoom} /> : <GanttView timeline={timeline} now={0} zoom={GANTT_ZOOMS[zoom] ?? 1} hrefOf={hrefOf} />
}

/** What lasts grows each second. */
function GrowingGantt({ timeline, zoom }: { readonly timeline: Timeline; readonly zoom: number }) {
  return <GanttView timeline={timeline} now={useNow()} zoom={GANTT_ZOOMS[zoom] ?? 1} hrefOf={hrefOf} />
}
