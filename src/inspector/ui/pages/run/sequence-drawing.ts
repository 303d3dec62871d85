import { fit, fitAddress, label, line } from './drawing.ts'
import type { Drawing, Shape } from './drawing.ts'
import { durationText } from '../../parts/duration-text.ts'
import { HEAD_HEIGHT, LANE_WIDTH, TIME_WIDTH } from './sequence-layout.ts'
import type { Arrow, Lane, SequenceLayout } from './sequence-layout.ts'

const HEAD = 7
const LOOP_WIDTH = 26
const LOOP_HEIGHT = 12
const GAP = 8

/** Where a message is looked at: the step of the actor that got it. */
export type HrefOf = (address: string, seq?: number) => string

/** Kinds of steps that nobody sends: something that was due, or came back. */
const DASHED = new Set(['timer', 'task', 'child', 'reply', 'restart'])

export const nameOf = (address: string | null): string => address ?? 'outside'

export const laneHeads = (lanes: readonly Lane[], hrefOf: HrefOf): readonly Shape[] =>
  lanes.flatMap(({ address, x }): readonly Shape[] => [
    { key: `box ${address}`, tag: 'rect', className: 'lane-box', attributes: { x: x - LANE_WIDTH / 2 + 4, y: 4, width: LANE_WIDTH - 8, height: HEAD_HEIGHT - 10, rx: 6 } },
    { ...label(`name ${address}`, `lane-name${address === null ? ' quiet' : ''}`, x, HEAD_HEIGHT / 2 + 3, fitAddress(nameOf(address), LANE_WIDTH - 20)), title: nameOf(address), ...(address !== null && { href: hrefOf(address) }) },
  ])

export const laneLines = (lanes: readonly Lane[], top: number, bottom: number): readonly Shape[] => lanes.map(({ address, x }) => line(`lane ${address}`, 'lane-line', x, top, x, bottom))

/** What stands in the left margin: when each message was handled, from the begin of the run on. */
export const arrowTimes = ({ startedAt }: SequenceLayout, arrows: readonly Arrow[]): readonly Shape[] =>
  arrows.map(({ message, y }) => label(`time ${keyOf(message)}`, 'quiet end', TIME_WIDTH - 10, y + 4, `+${durationText(message.at - startedAt)}`))

const keyOf = ({ at, from, to, seq, type }: Arrow['message']): string => `${at} ${from} ${to} ${seq} ${type}`

export const arrowShapes = (arrows: readonly Arrow[], hrefOf: HrefOf): readonly Shape[] => arrows.flatMap(arrow => arrowShape(arrow, hrefOf))

function arrowShape({ message, y, fromX, toX, pauseMs }: Arrow, hrefOf: HrefOf): readonly Shape[] {
  const { type, kind, from, to, seq } = message
  const key = keyOf(message)
  const look = `${kind === 'failed' ? ' is-failed' : ''}${DASHED.has(kind) ? ' is-dashed' : ''}`
  const title = `${type} (${kind}): ${from === to ? to : `${nameOf(from)} → ${to}`}, step ${seq}`
  const isLoop = fromX === toX
  const direction = isLoop || toX < fromX ? -1 : 1
  const tip = toX - direction
  const d = isLoop ? `M${fromX} ${y - LOOP_HEIGHT / 2}h${LOOP_WIDTH}v${LOOP_HEIGHT}H${tip}` : `M${fromX} ${y}H${tip}`
  const tipY = isLoop ? y + LOOP_HEIGHT / 2 : y
  const room = isLoop ? LANE_WIDTH - LOOP_WIDTH - 2 * GAP : Math.abs(toX - fromX) - 3 * GAP
  const at = isLoop ? { x: fromX + LOOP_WIDTH + GAP, y: y + 4 } : { x: (fromX + toX) / 2, y: y - 5 }
  return [
    ...(pauseMs === null ? [] : [label(`pause ${key}`, 'quiet', TIME_WIDTH + 4, y - 28, `⋯ ${durationText(pauseMs)} later`)]),
    { key: `line ${key}`, tag: 'path', className: `stroke${look}`, attributes: { d } },
    { key: `head ${key}`, tag: 'path', className: `head${look}`, attributes: { d: `M${tip} ${tipY}l${-direction * HEAD} ${-HEAD / 2}v${HEAD}z` } },
    { ...label(`type ${key}`, `message${isLoop ? '' : ' center'}${look}`, at.x, at.y, fit(type, room)), title, href: hrefOf(to, seq) },
  ]
}

/** All of it at once, for a file. */
export function sequenceDrawing(layout: SequenceLayout): Drawing {
  const nowhere: HrefOf = () => ''
  const below = [...laneLines(layout.lanes, 0, layout.height), ...arrowTimes(layout, layout.arrows), ...arrowShapes(layout.arrows, nowhere)]
  return { width: layout.width, height: layout.height + HEAD_HEIGHT, shapes: [...laneHeads(layout.lanes, nowhere), ...below.map(shape => lowered(shape, HEAD_HEIGHT))] }
}

const lowered = (shape: Shape, by: number): Shape => ({ ...shape, attributes: { ...shape.attributes, transform: `translate(0 ${by})` } })
