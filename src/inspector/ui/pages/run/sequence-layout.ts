import type { OutputOf } from '../../../protocol.ts'

export type Timeline = OutputOf<'timeline'>
export type Message = Timeline['messages'][number]

export const LANE_WIDTH = 168
export const TIME_WIDTH = 76
export const HEAD_HEIGHT = 40
/** From one message to the next one, whatever the time between them: room for its text. */
const ROW_HEIGHT = 26
/** The most that time adds to it; where it would add more, the time that passed is written instead. */
const PAUSE_HEIGHT_MAX = 120
/** Pixels per second of each step of the zoom: 0 shows the order only. */
export const ZOOM_STEPS = [0, 1, 4, 16, 64, 256, 1_024] as const

export interface Lane {
  /** Null for what is outside of the run. */
  readonly address: string | null
  readonly x: number
}

export interface Arrow {
  readonly message: Message
  readonly y: number
  readonly fromX: number
  readonly toX: number
  /** Time since the message before, where it is longer than it is drawn. */
  readonly pauseMs: number | null
}

export interface SequenceLayout {
  readonly lanes: readonly Lane[]
  /** From above to below. */
  readonly arrows: readonly Arrow[]
  readonly startedAt: number
  readonly width: number
  readonly height: number
}

/**
 * Where lanes and messages stand. Lanes come in the order in which their actors first have part, the outside first. Messages
 * keep their order and never overlap; how far apart they are beyond that is their distance in time, by the zoom.
 */
export function layOutSequence({ actors, messages }: Pick<Timeline, 'actors' | 'messages'>, pixelsPerSecond: number): SequenceLayout {
  const ordered = messages.toSorted((a, b) => a.at - b.at || (a.to === b.to ? a.seq - b.seq : 0))
  const lanes = lanesOf(actors, ordered)
  const xOf = new Map(lanes.map(lane => [lane.address, lane.x]))
  let y = 0
  let before = ordered[0]?.at ?? 0
  const arrows = ordered.map((message): Arrow => {
    const pause = message.at - before
    const asked = (pause / 1_000) * pixelsPerSecond
    const isCut = asked > PAUSE_HEIGHT_MAX
    y += ROW_HEIGHT + (isCut ? ROW_HEIGHT : asked)
    before = message.at
    return { message, y, fromX: xOf.get(message.from) ?? TIME_WIDTH, toX: xOf.get(message.to) ?? TIME_WIDTH, pauseMs: isCut ? pause : null }
  })
  return { lanes, arrows, startedAt: ordered[0]?.at ?? 0, width: TIME_WIDTH + lanes.length * LANE_WIDTH, height: y + ROW_HEIGHT }
}

function lanesOf(actors: Timeline['actors'], messages: readonly Message[]): readonly Lane[] {
  const addresses = new Set<string | null>()
  if (messages.some(({ from }) => from === null)) addresses.add(null)
  for (const { from, to } of messages) addresses.add(from).add(to)
  for (const { address } of actors) addresses.add(address)
  return [...addresses].map((address, index) => ({ address, x: TIME_WIDTH + (index + 0.5) * LANE_WIDTH }))
}

/** The arrows between two heights; a binary search, since runs have thousands. */
export function arrowsBetween({ arrows }: SequenceLayout, top: number, bottom: number): readonly Arrow[] {
  const firstBelow = (y: number): number => {
    let [low, high] = [0, arrows.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((arrows[middle]?.y ?? 0) < y) low = middle + 1
      else high = middle
    }
    return low
  }
  return arrows.slice(firstBelow(top), firstBelow(bottom))
}
