import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useRef, useState } from 'react'
import type { RefObject } from 'react'
import { Ago } from '../../parts/ago.tsx'
import { Icon } from '../../parts/icon.tsx'
import { leavesOf, shortPath } from '../../parts/state-paths.ts'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { Link, actorPath } from '../../routing/link.tsx'
import { navigate } from '../../routing/location.ts'
import type { ActorRow } from './actor-rows.ts'
import type { ActorList } from './use-actor-rows.ts'

const ROW_PX = 40
const NARROW_ROW_PX = 64
const NARROW = matchMedia('(max-width: 720px)')
/** Rows from the end at which the next page is asked for. */
const AHEAD = 100

interface ActorTableProps {
  readonly list: ActorList
  readonly total: number | undefined
}

/** Only the rows in sight exist. `j` and `k` go down and up, Enter opens. */
export function ActorTable({ list, total }: ActorTableProps) {
  const { rows, isWhole, isLoading, loadMore } = list
  const scroller = useRef<HTMLDivElement>(null)
  const rowPx = useRowPx()
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowPx, overscan: 12, getItemKey: index => rows.at(index)?.info.address ?? index })
  useEffect(() => virtual.measure(), [rowPx, virtual])
  const last = virtual.range?.endIndex ?? 0
  useEffect(() => {
    if (!isWhole && !isLoading && rows.length > 0 && last > rows.length - AHEAD) loadMore()
  }, [last, rows, rows.length, isWhole, isLoading, loadMore])
  const chosen = useRowKeys(scroller, rows.length, index => rows.at(index)?.info.address, index => virtual.scrollToIndex(index))

  return (
    <div className="actor-table">
      <div className="actor-grid" role="table" aria-label="Actors" aria-rowcount={total ?? rows.length}>
      <div role="rowgroup">
        <div className="actor-row actor-heads" role="row">
          <span role="columnheader">Actor</span>
          <span role="columnheader">Status</span>
          <span role="columnheader">States</span>
          <span role="columnheader" className="number">Steps</span>
          <span role="columnheader">Changed</span>
        </div>
      </div>
      <div ref={scroller} className="actor-rows" role="rowgroup" tabIndex={0} aria-label="Actors, newest first: j and k to move, Enter to open">
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(({ index, key, start, size }) => {
            const row = rows.at(index)
            return row && <ActorTableRow key={key} row={row} index={index} top={start} height={size} isChosen={index === chosen} />
          })}
        </div>
      </div>
      </div>
      <p className="actor-foot muted small" role="status">
        {rows.length.toLocaleString('en')} {isWhole ? '' : `of ${total?.toLocaleString('en') ?? 'more'} `}shown{isLoading ? ', loading…' : ''}
      </p>
    </div>
  )
}

interface RowProps {
  readonly row: ActorRow
  readonly index: number
  readonly top: number
  readonly height: number
  readonly isChosen: boolean
}

const ActorTableRow = memo(({ row: { info, passes }, index, top, height, isChosen }: RowProps) => (
  <div className={`actor-row ${isChosen ? 'is-chosen' : ''} ${passes ? '' : 'has-left'}`} role="row" aria-rowindex={index + 1} style={{ transform: `translateY(${top}px)`, height }}>
    <span role="cell" className="actor-address">
      <Link to={actorPath(info.address)} className="address" title={info.address} tabIndex={-1}>
        {info.address}
      </Link>
    </span>
    <span role="cell" className="actor-status">
      <StatusBadge status={info.status} />
    </span>
    <span role="cell" className="actor-states" title={info.states.join(', ')}>
      {leavesOf(info.states).map(state => (
        <span key={state} className="chip">
          {shortPath(state)}
        </span>
      ))}
      {info.openTasks > 0 && (
        <span className="muted small" title={`${info.openTasks} tasks`}>
          <Icon name="task" size={14} /> {info.openTasks}
        </span>
      )}
      {!passes && <span className="muted small">left the filter</span>}
    </span>
    <span role="cell" className="number muted">
      {info.seq}
    </span>
    <span role="cell" className="muted actor-changed">
      <Ago at={info.updatedAt} />
    </span>
  </div>
))

function useRowPx(): number {
  const [isNarrow, setNarrow] = useState(NARROW.matches)
  useEffect(() => {
    const change = (): void => setNarrow(NARROW.matches)
    NARROW.addEventListener('change', change)
    return () => NARROW.removeEventListener('change', change)
  }, [])
  return isNarrow ? NARROW_ROW_PX : ROW_PX
}

const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], dialog') !== null

const isControl = (target: EventTarget | null): boolean => target instanceof HTMLElement && target.closest('a, button, summary') !== null

/** Moves a choice through the rows by key, and opens it. Returns the row chosen, or -1. */
function useRowKeys(scroller: RefObject<HTMLDivElement | null>, count: number, addressAt: (index: number) => string | undefined, show: (index: number) => void): number {
  const [chosen, setChosen] = useState(-1)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return
      const inList = event.target instanceof Node && (scroller.current?.contains(event.target) ?? false)
      const move = { j: 1, k: -1, ...(inList && { ArrowDown: 1, ArrowUp: -1 }) }[event.key]
      if (move !== undefined) {
        event.preventDefault()
        const next = Math.min(Math.max(chosen + move, 0), count - 1)
        setChosen(next)
        if (next >= 0) show(next)
      } else if (event.key === 'Enter' && !isControl(event.target)) {
        const address = addressAt(chosen)
        if (address !== undefined) navigate(actorPath(address))
      }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
  return chosen
}
