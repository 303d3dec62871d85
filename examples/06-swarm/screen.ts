import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { drawChart } from './chart.ts'

/** A swarm after a round. */
export interface Progress {
  /** Clashes after each round so far. */
  readonly clashes: readonly number[]
  readonly steps: number
  readonly stepsPerSecond: number
}

export interface Screen {
  show(progress: Progress): void
  /** Takes away what was only for the moment. */
  end(): void
}

const HEIGHT = 8
const WIDTH_MAX = 72
/** Columns of the axis and its numbers. */
const AXIS = 8
const REDRAW_MS = 60
/** Rounds from one line to the next, where nothing can be drawn again. */
const ROUNDS = 5

export const createScreen = (stream: WriteStream): Screen => (stream.isTTY && process.env['TERM'] !== 'dumb' ? liveScreen(stream) : plainScreen(stream))

/** From the first round on in which an exam had heard of another one. */
export function chartFor(stream: WriteStream, clashes: readonly number[]): readonly string[] {
  const known = clashes.slice(Math.max(0, clashes.findIndex(count => count > 0)))
  return drawChart(known, Math.min(WIDTH_MAX, (stream.columns || 80) - AXIS), HEIGHT).map(line => styleText('cyan', line, { stream }))
}

const number = (value: number): string => Math.round(value).toLocaleString('en')

export const figuresOf = ({ clashes, steps, stepsPerSecond }: Progress): string =>
  `round ${clashes.length}: ${number(clashes.at(-1) ?? 0)} clashes, ${number(steps)} steps${stepsPerSecond > 0 ? `, ${number(stepsPerSecond)} steps/s` : ''}`

/** A line now and then, for logs and pipes. */
function plainScreen(stream: WriteStream): Screen {
  let told = 0
  return {
    show(progress) {
      const { length } = progress.clashes
      if (length > told && length % ROUNDS === 0) stream.write(`  ${figuresOf(progress)}\n`)
      told = length
    },
    end: () => undefined,
  }
}

/** The chart, drawn again in place. */
function liveScreen(stream: WriteStream): Screen {
  let drawn = 0
  let drawnAt = -Infinity
  const draw = (lines: readonly string[]): void => {
    const back = drawn > 0 ? `\x1b[${drawn}A\r\x1b[J` : ''
    drawn = lines.length
    stream.write(back + lines.map(line => `${line}\n`).join(''))
  }
  return {
    show(progress) {
      if (performance.now() - drawnAt < REDRAW_MS) return
      drawnAt = performance.now()
      draw([...chartFor(stream, progress.clashes), `  ${figuresOf(progress)}`])
    },
    end: () => draw([]),
  }
}
