import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

/** How far a run is. */
export interface Progress {
  readonly folder: string
  readonly concurrency: number
  readonly done: number
  readonly total: number
  /** Files that were finished before this start. */
  readonly takenOver: number
  readonly retries: number
  /** Files in the hands of a reviewer, by its id. */
  readonly running: Readonly<Record<string, string>>
}

export interface ReviewerState {
  readonly id: string
  readonly state: string
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
class PlainScreen implements Screen {
  readonly isLive = false
  readonly #stream: WriteStream
  #tenths = -1

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  show({ folder, concurrency, done, total, takenOver, retries }: Progress): void {
    if (total === 0) return
    const tenths = Math.floor((done / total) * 10)
    if (this.#tenths < 0) this.#stream.write(`Reviewing ${total} files in ${folder}, ${concurrency} at a time${takenOver > 0 ? `; ${takenOver} are done already` : ''}\n`)
    else if (tenths > this.#tenths) this.#stream.write(`  ${done}/${total} files, ${retries} retries\n`)
    this.#tenths = Math.max(tenths, this.#tenths)
  }

  showReviewers(): void {}

  end(): void {}
}

const REDRAW_MS = 80
const BAR_MAX = 32
/** Columns for the figures beside the bar. */
const FIGURES = 40

/** A bar, and what every reviewer is at, drawn again in place. */
class LiveScreen implements Screen {
  readonly isLive = true
  readonly #stream: WriteStream
  readonly #startedAt = performance.now()
  #progress: Progress | undefined
  #states: ReadonlyMap<string, string> = new Map()
  #height = 0
  #drawnAt = -Infinity

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  show(progress: Progress): void {
    this.#progress = progress
    if (performance.now() - this.#drawnAt > REDRAW_MS) this.#draw()
  }

  showReviewers(reviewers: readonly ReviewerState[]): void {
    this.#states = new Map(reviewers.map(({ id, state }) => [id, state]))
    this.#draw()
  }

  end(): void {
    this.#replace([])
  }

  #draw(): void {
    if (!this.#progress) return
    this.#drawnAt = performance.now()
    const { folder, running } = this.#progress
    const reviewers = Object.entries(running)
    const room = Math.max(1, (this.#stream.rows || 24) - 4)
    const shown = reviewers.slice(0, reviewers.length > room ? room - 1 : room)
    const hidden = reviewers.length - shown.length
    this.#replace([
      this.#cut(`Reviewing ${folder}`, 0),
      this.#bar(this.#progress),
      ...shown.map(([id, path]) => `  ${this.#paint('cyan', (this.#states.get(id) ?? 'starting').padEnd(11))} ${this.#cut(path, 14)}`),
      ...(hidden > 0 ? [`  … and ${hidden} more`] : []),
    ])
  }

  #bar({ done, total, takenOver, retries }: Progress): string {
    const width = Math.max(4, Math.min(BAR_MAX, this.#columns - FIGURES))
    const filled = total === 0 ? 0 : Math.round((done / total) * width)
    const seconds = (performance.now() - this.#startedAt) / 1000
    const rate = seconds < 1 ? '' : `  ${((done - takenOver) / seconds).toFixed(1)}/s`
    const bar = this.#paint('green', '█'.repeat(filled)) + this.#paint('gray', '░'.repeat(width - filled))
    return `${bar} ${this.#cut(`${done}/${total} files${rate}  ${retries} retries`, width + 1)}`
  }

  /** Draws these lines over the last ones. */
  #replace(lines: readonly string[]): void {
    const back = this.#height > 0 ? `\x1b[${this.#height}A\r\x1b[J` : ''
    this.#height = lines.length
    this.#stream.write(back + lines.map(line => `${line}\n`).join(''))
  }

  get #columns(): number {
    return this.#stream.columns || 80
  }

  /** As much of a text as fits beside `taken` columns; of a path the end says most. */
  #cut(text: string, taken: number): string {
    const width = Math.max(10, this.#columns - taken - 1)
    return text.length > width ? `…${text.slice(1 - width)}` : text
  }

  /** https://no-color.org */
  #paint(color: 'green' | 'gray' | 'cyan', text: string): string {
    return process.env['NO_COLOR'] ? text : styleText(color, text, { validateStream: false })
  }
}
