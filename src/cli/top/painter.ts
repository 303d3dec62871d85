import type { Output } from '../output/output.ts'
import { cutStyled } from '../output/text.ts'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
/** A terminal that knows it shows the frame as a whole; others take no notice. */
const BEGIN = '\u001b[?2026h\u001b[H'
const END = '\u001b[J\u001b[?2026l'
const REST_OF_LINE = '\u001b[K'

/** Draws screens over each other on the terminal's second page: nothing is cleared first, so nothing flickers. */
export class Painter {
  readonly #out: Output
  #isOpen = true

  constructor(out: Output) {
    this.#out = out
    out.write(ENTER)
  }

  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    const fitting = lines.slice(0, this.#out.rows - 1).map(line => cutStyled(line, this.#out.columns))
    this.#out.write(`${BEGIN}${fitting.map(line => line + REST_OF_LINE).join('\n')}\n${END}`)
  }

  /** Gives the terminal back as it was. */
  close(): void {
    this.#isOpen = false
    this.#out.write(LEAVE)
  }
}
