import type { Step } from '../../../../protocol.ts'

/** Steps that are kept in the page: with more, those go that are farthest from where one reads. */
export const KEPT_MAX = 2_000

/** A stretch of an actor's history without gaps, which may move on with its tail. */
export interface LogWindow {
  readonly steps: readonly Step[]
  /** Whether the history begins with the first of them. */
  readonly isFromStart: boolean
  /** Whether new steps belong to the end of them. */
  readonly isAtTail: boolean
}

export const NO_LOG: LogWindow = { steps: [], isFromStart: false, isAtTail: true }

/** Contexts would fill the memory: who wants one asks for it. */
const withoutContext = ({ context: _context, output: _output, ...step }: Step): Step => step

/** New steps at the tail; those that would leave a gap are not taken, the window has then been left behind. */
export function extend(window: LogWindow, live: readonly Step[]): LogWindow {
  if (!window.isAtTail) return window
  const last = window.steps.at(-1)?.seq ?? 0
  const fresh = live.filter(({ seq }) => seq > last)
  const [first] = fresh
  if (!first) return window
  if (window.steps.length > 0 && first.seq !== last + 1) return { ...window, isAtTail: false }
  const steps = [...window.steps, ...fresh.map(withoutContext)]
  return steps.length > KEPT_MAX ? { ...window, steps: steps.slice(-KEPT_MAX), isFromStart: false } : { ...window, steps }
}

/** Older steps before the first. */
export function prepend(window: LogWindow, older: readonly Step[], isFromStart: boolean): LogWindow {
  const first = window.steps[0]?.seq ?? Infinity
  const steps = [...older.filter(({ seq }) => seq < first).map(withoutContext), ...window.steps]
  if (steps.length <= KEPT_MAX) return { ...window, steps, isFromStart }
  return { steps: steps.slice(0, KEPT_MAX), isFromStart, isAtTail: false }
}

export const holds = ({ steps }: LogWindow, seq: number): boolean => steps.length > 0 && (steps[0]?.seq ?? Infinity) <= seq && seq <= (steps.at(-1)?.seq ?? 0)
