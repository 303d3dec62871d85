import { useLayoutEffect, useMemo, useRef } from 'react'
import { arrowShapes, arrowTimes, laneHeads, laneLines } from './sequence-drawing.ts'
import type { HrefOf } from './sequence-drawing.ts'
import { HEAD_HEIGHT, LANE_WIDTH, TIME_WIDTH, arrowsBetween, layOutSequence } from './sequence-layout.ts'
import type { Timeline } from './sequence-layout.ts'
import { Shapes } from './shapes.tsx'
import { useViewport } from './use-viewport.ts'

/** Drawn beyond what is seen, so that scrolling shows no blank. */
const MARGIN = 300

interface SequenceViewProps {
  readonly timeline: Timeline
  readonly pixelsPerSecond: number
  readonly hrefOf: HrefOf
}

/** Who told whom what, from above to below; only what is seen is drawn. Who has scrolled to the end stays there as messages come. */
export function SequenceView({ timeline, pixelsPerSecond, hrefOf }: SequenceViewProps) {
  const layout = useMemo(() => layOutSequence(timeline, pixelsPerSecond), [timeline, pixelsPerSecond])
  const [scroller, { left, top, width, height }] = useViewport<HTMLDivElement>()
  const isAtEnd = useRef(false)
  isAtEnd.current = top > 0 && top + height + HEAD_HEIGHT >= (scroller.current?.scrollHeight ?? Infinity) - 2
  useLayoutEffect(() => {
    if (isAtEnd.current) scroller.current?.scrollTo({ top: layout.height + HEAD_HEIGHT })
  }, [layout, scroller])

  const [above, below] = [Math.max(0, top - MARGIN), top + height + MARGIN]
  const arrows = useMemo(() => arrowsBetween(layout, above, below), [layout, above, below])
  const lanes = layout.lanes.filter(lane => Math.abs(lane.x - left - width / 2) < width / 2 + MARGIN + LANE_WIDTH)
  const shown = arrows.filter(({ fromX, toX }) => Math.max(fromX, toX) > left - MARGIN && Math.min(fromX, toX) < left + width + MARGIN)
  return (
    <div className="diagram drawing" ref={scroller} tabIndex={0} role="region" aria-label="Sequence diagram">
      <svg className="diagram-head" width={layout.width} height={HEAD_HEIGHT} role="group" aria-label="Actors">
        <Shapes shapes={laneHeads(lanes, hrefOf)} />
      </svg>
      <div className="diagram-body" style={{ width: layout.width, height: layout.height }}>
        <svg className="diagram-times" width={TIME_WIDTH} height={layout.height} aria-hidden="true">
          <Shapes shapes={arrowTimes(layout, arrows)} />
        </svg>
        <svg width={layout.width} height={layout.height} role="group" aria-label="Messages">
          <Shapes shapes={[...laneLines(lanes, above, Math.min(below, layout.height)), ...arrowShapes(shown, hrefOf)]} />
        </svg>
      </div>
    </div>
  )
}
