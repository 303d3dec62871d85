import type { WriteStream } from 'node:tty'
import { Canvas } from './canvas.ts'

/** How far a run is. */
export interface Progress {
  readonly folder: string
  readonly concurrency: number
  readonly done: number
  readonly total: number
  /** Files that were finished before this start. */
  readonly takenOver: number
  readonly retries: number
  /** What is done once all files are reviewed. */
  readonly stage: string | null
  /** Files in the hands of a reviewer, by its id. */
  readonly running: Readonly<Record<string, string>>
}

export interface ReviewerState {
  readonly id: string
  /** Those of its team who are at work. */
  readonly members: readonly string[]
}

/** Where the progress of a run is shown. */
export interface Screen {
  /** Whether it can show what changes from moment to moment. */
  readonly isLive: boolean
  show(progress: Progress): void
  showReviewers(reviewers: readonly ReviewerState[]): void
  /** Takes away what was only for the moment. */
  end(): void
}

export const createScreen = (stream: WriteStream): Screen => (stream.isTTY && process.env['TERM'] !== 'dumb' ? new LiveScreen(stream) : new PlainScreen(stream))

/** A line for every tenth part, for logs and pipes. */
export class PlainScreen implements Screen {
  readonly isLive = false
  readonly #stream: WriteStream
  #tenths = -1

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  show({ folder, concurrency, done, total, takenOver, retries }: Progress, aside = ''): void {
    if (total === 0) return
    const tenths = Math.floor((done / total) * 10)
    if (this.#tenths < 0) this.#stream.write(`Reviewing ${total} files in ${folder}, ${concurrency} at a time${takenOver > 0 ? `; ${takenOver} are done already` : ''}\n`)
    else if (tenths > this.#tenths) this.#stream.write(`  ${done}/${total} files, ${retries} retries${aside}\n`)
    this.#tenths = Math.max(tenths, this.#tenths)
  }

  showReviewers(): void {}

  end(): void {}
}

const REDRAW_MS = 80
/** Columns for who is at work on a file. */
const MEMBERS_WIDTH = 32

/** A bar, and what every reviewer is at, drawn again in place. */
class LiveScreen implements Screen {
  readonly isLive = true
  readonly #canvas: Canvas
  #progress: Progress | undefined
  #states: ReadonlyMap<string, string> = new Map()
  #drawnAt = -Infinity

  constructor(stream: WriteStream) {
    this.#canvas = new Canvas(stream)
  }

  show(progress: Progress): void {
    this.#progress = progress
    if (performance.now() - this.#drawnAt > REDRAW_MS) this.#draw()
  }

  showReviewers(reviewers: readonly ReviewerState[]): void {
    this.#states = new Map(reviewers.map(({ id, members }) => [id, members.join(' ')]))
    this.#draw()
  }

  end(): void {
    this.#canvas.draw([])
  }

  #draw(): void {
    if (!this.#progress) return
    this.#drawnAt = performance.now()
    const canvas = this.#canvas
    const { folder, running, stage } = this.#progress
    const reviewers = Object.entries(running)
    const room = Math.max(1, canvas.rows - 5)
    const shown = reviewers.slice(0, reviewers.length > room ? room - 1 : room)
    const width = Math.min(MEMBERS_WIDTH, canvas.columns >> 1)
    const hidden = reviewers.length - shown.length
    canvas.draw([
      canvas.cut(`Reviewing ${folder}`, 0),
      canvas.bar(this.#progress),
      ...(stage === null ? [] : [`  ${canvas.paint('cyan', stage)}`]),
      ...shown.map(([id, path]) => `  ${canvas.paint('cyan', (this.#states.get(id) || 'starting').slice(0, width).padEnd(width))} ${canvas.cut(path, width + 3)}`),
      ...(hidden > 0 ? [`  … and ${hidden} more`] : []),
    ])
  }
}
