import { memo } from 'react'
import { useSelected } from '../data/store.ts'
import type { Store } from '../data/store.ts'
import type { Activity, Heat } from './activity.ts'
import { roundedPath } from './arrow-path.ts'
import type { Point } from './arrow-path.ts'
import type { Layout, PlacedArrow } from './layout.ts'

const LINE_PX = 16

interface ArrowLayerProps {
  readonly layout: Layout
  readonly activity: Store<Activity>
}

/** All arrows as one picture above the boxes, routed by the layout: they need no handles and are never measured. */
export const ArrowLayer = memo(({ layout, activity }: ArrowLayerProps) => (
  <svg className="arrows" aria-hidden="true">
    <defs>
      <marker id="arrow-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
        <path d="M0 0 8 4 0 8z" />
      </marker>
      <marker id="arrow-head-taken" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="10" markerHeight="10" markerUnits="userSpaceOnUse" orient="auto">
        <path d="M0 0 8 4 0 8z" />
      </marker>
    </defs>
    {layout.arrows.map(arrow => (
      <ArrowPath key={arrow.id} arrow={arrow} activity={activity} />
    ))}
  </svg>
))

const ArrowPath = memo(({ arrow, activity }: { readonly arrow: PlacedArrow; readonly activity: Store<Activity> }) => {
  const isTaken = useSelected(activity, ({ taken }) => arrow.transitions.some(id => taken.has(id)))
  const heat = useSelected(activity, all => hottest(arrow, all))
  const { label, lines, points } = arrow
  const x = label && label.x + shiftOf(arrow, label, heat?.text ?? '')
  return (
    <g className={`arrow ${isTaken ? 'is-taken' : ''} ${heat && heat.level > 0 ? `heat-line-${heat.level}` : ''}`}>
      <path d={roundedPath(points)} markerEnd={`url(#arrow-head${isTaken ? '-taken' : ''})`} />
      {label && (
        <text textAnchor="middle" y={label.y}>
          {lines.map((line, index) => (
            <tspan key={index} x={x} y={label.y + LINE_PX * index + 12}>
              {line}
              {index === lines.length - 1 && heat && ` ${heat.text}`}
            </tspan>
          ))}
        </text>
      )}
    </g>
  )
})

/** Half the width of a character. */
const HALF_CHARACTER_PX = 3.4

/** A number after a label makes it longer to both sides: away from the line beside which it was placed. */
function shiftOf({ points }: PlacedArrow, label: Point, text: string): number {
  const line = points.find((point, index) => {
    const next = points[index + 1]
    return next !== undefined && Math.abs(next.x - point.x) < 1 && Math.min(point.y, next.y) <= label.y + LINE_PX && Math.max(point.y, next.y) >= label.y
  })
  return line && text !== '' ? (text.length + 1) * HALF_CHARACTER_PX * (label.x < line.x ? -1 : 1) : 0
}

/** Of an arrow that stands for several transitions the one that matters most. */
function hottest({ transitions }: PlacedArrow, { heat }: Activity): Heat | undefined {
  const heats = transitions.flatMap(id => heat?.transitions.get(id) ?? [])
  return heats.find(({ level }) => level === Math.max(...heats.map(other => other.level)))
}
