import { useMemo } from 'react'
import { AXIS_HEIGHT, LINE_HEIGHT, axis, barShapes, ganttHeight, groupName, scaleOf, tickLines } from './gantt-drawing.ts'
import { layOutGantt } from './gantt-layout.ts'
import type { HrefOf } from './sequence-drawing.ts'
import type { Timeline } from './sequence-layout.ts'
import { Shapes } from './shapes.tsx'
import { useViewport } from './use-viewport.ts'

interface GanttViewProps {
  readonly timeline: Timeline
  readonly now: number
  /** How many times as wide as what is seen. */
  readonly zoom: number
  readonly hrefOf: HrefOf
}

/** How long states and tasks took, actor by actor; only what is seen is drawn. */
export function GanttView({ timeline, now, zoom, hrefOf }: GanttViewProps) {
  const layout = useMemo(() => layOutGantt(timeline.spans, now), [timeline, now])
  const [scroller, { left, top, width, height }] = useViewport<HTMLDivElement>()
  const scale = useMemo(() => scaleOf(layout, Math.max(1, (width - 24) * zoom)), [layout, width, zoom])
  const isSeen = (line: number): boolean => line * LINE_HEIGHT > top - 4 * LINE_HEIGHT && line * LINE_HEIGHT < top + height
  const bars = layout.groups.flatMap(group => group.bars).filter(({ span, line, to }) => isSeen(line) && scale.x(to) > left - 300 && scale.x(span.from) < left + width)
  const names = layout.groups.filter(group => isSeen(group.line)).map(group => groupName(group, hrefOf)).map(name => ({ ...name, attributes: { ...name.attributes, x: left + 6 } }))
  const inView = ({ attributes: { x = 0, x1 = x } }: { readonly attributes: Readonly<Record<string, string | number>> }): boolean => Number(x1) > left - 100 && Number(x1) < left + width
  return (
    <div className="diagram drawing" ref={scroller} tabIndex={0} role="region" aria-label="States and tasks over time">
      <svg className="diagram-head" width={scale.width + 16} height={AXIS_HEIGHT} aria-hidden="true">
        <Shapes shapes={axis(layout, scale).filter(inView)} />
      </svg>
      <svg width={scale.width + 16} height={ganttHeight(layout)} role="group" aria-label="States and tasks">
        <Shapes shapes={[...tickLines(layout, scale).filter(inView), ...names, ...bars.flatMap(bar => barShapes(bar, scale, hrefOf))]} />
      </svg>
    </div>
  )
}
