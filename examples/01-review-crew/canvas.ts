import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

const BAR_MAX = 32
/** Columns for the figures beside the bar. */
const FIGURES = 40

/** A part of a terminal that is drawn again in place. */
export class Canvas {
  readonly #stream: WriteStream
  readonly #startedAt = performance.now()
  #lines: readonly string[] = []

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  /** Draws these lines over the last ones. */
  draw(lines: readonly string[]): void {
    this.#write([], lines)
  }

  /** Puts a line above that stays. */
  note(line: string): void {
    this.#write([line], this.#lines)
  }

  #write(staying: readonly string[], lines: readonly string[]): void {
    const back = this.#lines.length > 0 ? `\x1b[${this.#lines.length}A\r\x1b[J` : ''
    this.#lines = lines
    this.#stream.write(back + [...staying, ...lines].map(line => `${line}\n`).join(''))
  }

  get rows(): number {
    return this.#stream.rows || 24
  }

  get columns(): number {
    return this.#stream.columns || 80
  }

  /** How far a review is, as a bar with figures. */
  bar({ done, total, takenOver, retries }: { readonly done: number; readonly total: number; readonly takenOver: number; readonly retries: number }): string {
    const width = Math.max(4, Math.min(BAR_MAX, this.columns - FIGURES))
    const filled = total === 0 ? 0 : Math.round((done / total) * width)
    const seconds = (performance.now() - this.#startedAt) / 1000
    const rate = seconds < 1 ? '' : `  ${((done - takenOver) / seconds).toFixed(1)}/s`
    const bar = this.paint('green', '█'.repeat(filled)) + this.paint('gray', '░'.repeat(width - filled))
    return `${bar} ${this.cut(`${done}/${total} files${rate}  ${retries} retries`, width + 1)}`
  }

  /** As much of a text as fits beside `taken` columns; of a path the end says most. */
  cut(text: string, taken: number): string {
    const width = Math.max(10, this.columns - taken - 1)
    return text.length > width ? `…${text.slice(1 - width)}` : text
  }

  /** https://no-color.org */
  paint(color: 'green' | 'gray' | 'cyan' | 'red', text: string): string {
    return process.env['NO_COLOR'] ? text : styleText(color, text, { validateStream: false })
  }
}
