import { fit, label, line } from './drawing.ts'
import type { Drawing, Shape } from './drawing.ts'
import { durationText } from '../../parts/duration-text.ts'
import { ticks } from './gantt-layout.ts'
import type { Bar, GanttLayout, Group } from './gantt-layout.ts'
import type { HrefOf } from './sequence-drawing.ts'

export const LINE_HEIGHT = 22
export const AXIS_HEIGHT = 24
const BAR_HEIGHT = 16
/** What lasts shorter is still seen. */
const BAR_WIDTH_MIN = 3
/** Room for a text in a bar; narrower ones have it beside them. */
const TEXT_WIDTH_MIN = 40

export interface Scale {
  readonly width: number
  readonly x: (at: number) => number
}

export const scaleOf = ({ from, to }: GanttLayout, width: number): Scale => ({ width, x: at => ((at - from) / (to - from)) * width })

export const ganttHeight = ({ lines }: GanttLayout): number => lines * LINE_HEIGHT + 8

export const axis = (layout: GanttLayout, { width, x }: Scale): readonly Shape[] =>
  ticks(layout, width).map(offset => label(`tick ${offset}`, 'quiet', x(layout.from + offset) + 3, AXIS_HEIGHT - 8, `+${durationText(offset)}`))

export const tickLines = (layout: GanttLayout, { width, x }: Scale): readonly Shape[] =>
  ticks(layout, width).map((offset) => line(`line ${offset}`, 'tick-line', x(layout.from + offset), 0, x(layout.from + offset), ganttHeight(layout)))

export const groupName = ({ address, line }: Group, hrefOf: HrefOf): Shape => ({ ...label(`group ${address}`, 'group-name', 6, line * LINE_HEIGHT + 16, address), href: hrefOf(address), title: address })

export function barShapes({ span, line, to }: Bar, { x, width }: Scale, hrefOf: HrefOf): readonly Shape[] {
  const { address, kind, name, outcome, attempts, from, seq } = span
  const [left, right] = [x(from), Math.max(x(to), x(from) + BAR_WIDTH_MIN)]
  const tries = attempts > 1 ? ` · ${attempts} attempts` : ''
  const text = `${name || '(root)'}${tries}`
  const isInside = right - left >= TEXT_WIDTH_MIN
  const room = isInside ? right - left - 8 : width - right - 8
  const look = `${kind === 'task' ? ' is-task' : ''}${outcome === 'done' ? '' : ` is-${outcome}`}`
  const key = `${address} ${kind} ${name} ${from} ${line}`
  const y = line * LINE_HEIGHT + (LINE_HEIGHT - BAR_HEIGHT) / 2
  return [
    { key: `bar ${key}`, tag: 'rect', className: `bar${look}`, attributes: { x: left, y, width: right - left, height: BAR_HEIGHT, rx: 3 }, title: `${kind} ${text}: ${outcome === 'open' ? 'for ' : `${outcome}, `}${durationText(to - from)}`, href: hrefOf(address, seq) },
    ...(room < 24 ? [] : [label(`text ${key}`, `bar-text${isInside ? '' : ' is-beside'}`, isInside ? left + 4 : right + 4, y + 12, fit(outcome === 'failed' ? `✕ ${text}` : text, room))]),
  ]
}

/** All of it at once, for a file. */
export function ganttDrawing(layout: GanttLayout, width: number): Drawing {
  const nowhere: HrefOf = () => ''
  const scale = scaleOf(layout, width)
  const below = [...tickLines(layout, scale), ...layout.groups.flatMap(group => [groupName(group, nowhere), ...group.bars.flatMap(bar => barShapes(bar, scale, nowhere))])]
  return {
    width: width + 16, height: AXIS_HEIGHT + ganttHeight(layout),
    shapes: [...axis(layout, scale), ...below.map(shape => ({ ...shape, attributes: { ...shape.attributes, transform: `translate(0 ${AXIS_HEIGHT})` } }))],
  }
}
